// Packed files that were changed or cut off: refused, or read as what was packed; never as something else.
#include "tests/testing/packed.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "framework/core/error.h"
#include "models/corpus/archive.h"
#include "models/corpus/raw_pairs.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using PackedLines = std::vector<std::string>;

std::filesystem::path put_packed(const TempDir& dir, const std::string& name, const std::string& bytes) {
  std::filesystem::remove(dir /
                          name);  // some file systems wait for the disk where a file is cut and written again
  std::ofstream(dir / name, std::ios::binary) << bytes;
  return dir / name;
}

PackedLines lines_in(const std::filesystem::path& path) {
  PackedLines lines;
  LineSource source = open_lines(path);
  for (std::string_view line; source.next(line);) lines.emplace_back(line);
  return lines;
}

// What prepare reads: source, target, source, ...
PackedLines pairs_in(const std::filesystem::path& path) {
  const auto reader = open_pairs({path, {}, ""}, {}, "en", "fr");
  PackedLines lines;
  RawPair pair;
  while (reader->next(pair) != PairReader::Found::end) {
    lines.emplace_back(pair.source);
    lines.emplace_back(pair.target);
  }
  return lines;
}

class DamagedFile : public testing::TestWithParam<const char*> {
 protected:
  DamagedFile() {
    for (int i = 0; i < 20; ++i) {
      expected_.push_back(fmt::format("I am sentence {}.", i * 7919 % 101));
      expected_.push_back(fmt::format("Je suis la phrase {}.", i * 7919 % 101));
      table_ += expected_[expected_.size() - 2] + "\t" + expected_.back() + "\n";
      source_ += expected_[expected_.size() - 2] + "\n";
      target_ += expected_.back() + "\n";
    }
  }
  bool is_archive() const { return kind_.starts_with("tar") || kind_ == "zip"; }
  std::string pack() const {
    return is_archive() ? packed_as(kind_, {{"a.en", source_}, {"a.fr", target_}})
                        : packed_as(kind_, {{"a", table_}});
  }
  // The file is read as what was packed, or refused in one line.
  void expect_sound(const std::string& bytes, const std::string& what) {
    const auto path = put_packed(dir_, "a." + kind_, bytes);
    try {
      EXPECT_EQ(pairs_in(path), expected_) << what;
    } catch (const Error& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    }
  }
  TempDir dir_;
  std::string kind_ = GetParam(), table_, source_, target_;
  PackedLines expected_;
};

TEST_P(DamagedFile, CutOffAnywhereIsRefused) {
  const std::string whole = pack();
  ASSERT_EQ(pairs_in(put_packed(dir_, "a." + kind_, whole)), expected_);
  for (size_t size = 0; size < whole.size(); ++size)
    expect_sound(whole.substr(0, size), fmt::format("the first {} of {} bytes", size, whole.size()));
}

TEST_P(DamagedFile, WithAFlippedBitIsRefused) {
  // What is not protected by a check sum: the content of a tar, lzma, and zstd as libarchive writes it.
  if (kind_ == "tar" || kind_ == "lzma" || kind_.ends_with("zst")) GTEST_SKIP() << "no check sum";
  const std::string whole = pack();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    expect_sound(bytes, fmt::format("bit {} of byte {} of {}", at % 8, at, whole.size()));
  }
}

TEST_P(DamagedFile, TwoOneAfterTheOtherAreBothReadOrRefused) {
  if (is_archive()) GTEST_SKIP() << "an archive ends where it says";
  const std::string whole = pack(), both = whole + whole;
  PackedLines twice = expected_;
  twice.insert(twice.end(), expected_.begin(), expected_.end());
  expected_ = twice;
  for (size_t size = whole.size() + 1; size < both.size(); ++size)
    expect_sound(both.substr(0, size), fmt::format("the first {} of {} bytes", size, both.size()));
  const bool has_sums = kind_ != "lzma" && kind_ != "zst";
  for (size_t at = whole.size(); has_sums && at < both.size(); ++at) {
    std::string bytes = both;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    expect_sound(bytes, fmt::format("bit {} of byte {} of {}", at % 8, at, both.size()));
  }
  EXPECT_THROW(pairs_in(put_packed(dir_, "b." + kind_, whole + "rubbish")), FormatError);
}

INSTANTIATE_TEST_SUITE_P(Packed, DamagedFile,
                         testing::Values("gz", "bz2", "xz", "zst", "lz4", "lzma", "zip", "tar", "tar.gz",
                                         "tar.bz2", "tar.xz", "tar.zst"),
                         [](const auto& kind) {
                           std::string name = kind.param;
                           std::erase(name, '.');
                           return name;
                         });

// Members, their bytes and notes of archives in which a byte has another value: read, or refused as broken. A
// size that is not that of the data is one of them, of which libarchive only warns.
TEST(Archive, WithAnyByteChangedIsReadOrRefused) {
  const TempDir dir;
  for (const std::string kind : {"zip", "tar"}) {
    const std::string whole = packed_as(kind, {{"README", "Licence: CC BY\n"}, {"a.en", "I am.\n"}});
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int value : {0x00, 0x01, 0x7F, 0xFF, static_cast<unsigned char>(whole[at]) ^ 0x10}) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(value);
        const auto path = put_packed(dir, "a." + kind, bytes);
        try {
          Unpacker archive(path);
          while (archive.next()) {
            for (std::string_view piece = archive.read(); !piece.empty(); piece = archive.read())
              ASSERT_LE(piece.size(), size_t{1} << 20) << kind << " " << at << " " << value;
          }
          notes_of({path, {}, ""});
        } catch (const Error& error) {
          EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
        }
      }
    }
  }
}

TEST(Gzip, MembersFollowEachOther) {
  const TempDir dir;
  const std::string one = packed_as("gz", {{"", "one\n"}}), two = packed_as("gz", {{"", "two\nthree\n"}}),
                    none = packed_as("gz", {{"", ""}});
  const PackedLines expected = {"one", "two", "three"};
  EXPECT_EQ(lines_in(put_packed(dir, "a.gz", one + two)), expected);
  EXPECT_EQ(lines_in(put_packed(dir, "b.gz", none + one + none + two + none)), expected);
  EXPECT_EQ(lines_in(put_packed(dir, "c.gz", one + two + std::string(512, '\0'))), expected);
  EXPECT_EQ(lines_in(put_packed(dir, "d.gz", packed_as("gz", {{"", one + two}}))), expected);
  EXPECT_EQ(lines_in(put_packed(dir, "e.gz.bz2", packed_as("bz2", {{"", one + two}}))), expected);
}

TEST(Gzip, MessagesSayWhatIsWrong) {
  const TempDir dir;
  const std::string whole = packed_as("gz", {{"", "one\ntwo\n"}});
  const auto refused = [&](const std::string& bytes, const std::string& why) {
    const auto path = put_packed(dir, "a.gz", bytes);
    EXPECT_THAT([&] { lines_in(path); },
                ThrowsMessage<FormatError>(fmt::format("'{}' {}", path.string(), why)));
  };
  std::string sum = whole, length = whole;
  sum[whole.size() - 8] = static_cast<char>(sum[whole.size() - 8] ^ 1);
  length[whole.size() - 4] = static_cast<char>(length[whole.size() - 4] ^ 1);
  refused(sum, "is broken: incorrect data check");
  refused(length, "is broken: incorrect length check");
  refused(whole.substr(0, whole.size() - 1), "is broken: it ends too early");
  refused(whole + "x", "is broken: what follows its end is no gzip");
  refused(whole + "\x1F", "is broken: it ends too early");
  refused("one\ntwo\n", "is not packed, as its name says: it is damaged, or named wrongly");
  refused("", "is not packed, as its name says: it is damaged, or named wrongly");
  EXPECT_THAT([&] { pairs_in(put_packed(dir, "a.tar", "Hi.\tSalut !\n")); },
              ThrowsMessage<FormatError>(HasSubstr("a.tar' is no archive, as its name says")));
}

TEST(Packed, CheckSumsAtTheEndOfAnArchiveAreChecked) {
  const TempDir dir;
  // libarchive stops at the end that the archive itself has, before that of its packing.
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 300'000; ++i) noise += static_cast<char>(x = x * 1664525 + 1013904223);
  std::string bytes = packed_as("tar.gz", {{"a.tsv", "Hi.\tSalut !\n"}, {"z.bin", noise}});
  ASSERT_EQ(pairs_in(put_packed(dir, "a.tar.gz", bytes)), (PackedLines{"Hi.", "Salut !"}));
  bytes[bytes.size() - 8] = static_cast<char>(bytes[bytes.size() - 8] ^ 1);
  EXPECT_THAT([&] { archive_members(put_packed(dir, "a.tar.gz", bytes)); },
              ThrowsMessage<FormatError>(HasSubstr("incorrect data check")));
  EXPECT_THAT(
      [&] {
        LineSource lines = open_lines(dir / "a.tar.gz", "a.tsv");
        for (std::string_view line; lines.next(line);) {
        }
      },
      ThrowsMessage<FormatError>(HasSubstr("incorrect data check")));
}

TEST(Packed, ZstandardWithACheckSum) {
  const TempDir dir;
  // zstd's own program writes one.
  constexpr unsigned char kBytes[] = {0x28, 0xB5, 0x2F, 0xFD, 0x24, 0x4B, 0x05, 0x01, 0x00, 0xC8, 0x48, 0x69,
                                      0x2E, 0x09, 0x53, 0x61, 0x6C, 0x75, 0x74, 0x20, 0x21, 0x0A, 0x52, 0x75,
                                      0x6E, 0x21, 0x09, 0x43, 0x6F, 0x75, 0x72, 0x73, 0x20, 0x21, 0x0A, 0x01,
                                      0x00, 0xCD, 0xD1, 0x1C, 0x03, 0x45, 0xC5, 0xE7, 0x7F};
  const std::string whole(std::begin(kBytes), std::end(kBytes));
  PackedLines expected;
  for (int i = 0; i < 3; ++i) expected.insert(expected.end(), {"Hi.", "Salut !", "Run!", "Cours !"});
  ASSERT_EQ(pairs_in(put_packed(dir, "a.zst", whole)), expected);
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    try {
      EXPECT_EQ(pairs_in(put_packed(dir, "a.zst", bytes)), expected) << bit;
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace heed::models
