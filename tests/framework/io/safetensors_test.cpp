// safetensors: round trips, the bytes Python writes, every way a file can be wrong, and writes that fail.
#include "framework/io/safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

std::string file_of(const std::string& header, size_t data_bytes, uint64_t length_field) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length_field, 8);
  return bytes + header + std::string(data_bytes, '\0');
}
std::string file_of(const std::string& header, size_t data_bytes) {
  return file_of(header, data_bytes, header.size());
}

TEST(Safetensors, RoundTripOfEveryDtypeAndShape) {
  manual_seed(2);
  const NamedTensors tensors = {{"b.weight", randn({3, 4})},
                                {"a", randn({2, 1, 5}, DType::f64)},
                                {"ids", from_vector(std::vector<int64_t>{-1, INT64_MAX, INT64_MIN}, {3})},
                                {"scalar", full({}, 2.5)},
                                {"none", zeros({0, 7})},
                                {"odd", from_vector(std::vector<float>{NAN, INFINITY, -0.0F, 1e-45F}, {4})},
                                {"strided", transpose(randn({3, 2}))}};
  const TempDir dir;
  save_safetensors(dir / "x.st", tensors, {{"kind", "test"}, {"text", "zwei\n\"Zeilen\" \u00e4"}});
  const SafetensorsFile file = load_safetensors(dir / "x.st");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, x] : tensors) EXPECT_TRUE(all_close(file.tensors.at(name), x, 0, 0)) << name;
  EXPECT_TRUE(std::signbit(file.tensors.at("odd").to_vector<float>()[2]));
  EXPECT_EQ(file.metadata.at("text"), "zwei\n\"Zeilen\" \u00e4");
  EXPECT_EQ(to_safetensors(tensors), to_safetensors(tensors));
}

TEST(Safetensors, WritesTheLayoutOfTheReference) {
  const std::string bytes =
      to_safetensors({{"z", ones({1})}, {"b", ones({2}, DType::f64)}, {"a", ones({1}, DType::i64)}});
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0U);
  std::string header = bytes.substr(8, length);
  header.erase(header.find_last_not_of(' ') + 1);
  EXPECT_EQ(
      header,
      R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},)"
      R"("z":{"dtype":"F32","shape":[1],"data_offsets":[24,28]}})");
  EXPECT_EQ(bytes.size(), 8 + length + 28);
  EXPECT_ERROR(ValueError, "save: the name 'w' is used twice",
               to_safetensors({{"w", ones({1})}, {"w", ones({2})}}));
}

TEST(Safetensors, ReadsWhatPythonWrites) {
  // safetensors.numpy.save({"w": [[1, 2], [3, 4]] f32, "n": [7] i64}, {"format": "np"}): header padded to a
  // multiple of 8 only.
  std::string header =
      R"({"__metadata__":{"format":"np"},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string bytes = file_of(header, 24);
  const int64_t seven = 7;
  const float values[] = {1, 2, 3, 4};
  std::memcpy(bytes.data() + 8 + header.size(), &seven, 8);
  std::memcpy(bytes.data() + 16 + header.size(), values, 16);
  const SafetensorsFile file = parse_safetensors(bytes, "py.st");
  EXPECT_EQ(file.tensors.at("w").to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(file.tensors.at("n").to_vector<int64_t>(), (std::vector<int64_t>{7}));
  EXPECT_EQ(file.metadata.at("format"), "np");
  EXPECT_TRUE(parse_safetensors(file_of("{}", 0), "empty.st").tensors.empty());
}

TEST(Safetensors, WhatAnEntryHasBesideItsFieldsIsPassedOver) {
  const std::string entry = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  for (const std::string& more :
       {std::string("1"), std::string("null"), std::string(R"({"shape":[{"dtype":[]}]})"),
        std::string(1'000'000, '[') + std::string(1'000'000, ']')}) {
    for (const std::string& header :
         {"{\"w\":{\"more\":" + more + "," + entry + "}}", "{\"w\":{" + entry + ",\"more\":" + more + "}}"}) {
      EXPECT_EQ(parse_safetensors(file_of(header, 4), "more.st").tensors.at("w").shape(), (Shape{1}));
    }
  }
}

// Quadratic work would take a minute here.
TEST(Safetensors, ManyTensors) {
  NamedTensors tensors;
  for (int i = 0; i < 50'000; ++i) tensors.emplace_back("tensor" + std::to_string(i), zeros({0}));
  EXPECT_EQ(parse_safetensors(to_safetensors(tensors), "many.st").tensors.size(), tensors.size());
}

struct Malformed {
  const char* what;
  std::string bytes, message;  // after "load 'm.st': "
};

std::vector<Malformed> malformed() {
  const auto entry = [](const std::string& body, size_t data = 8) {
    return file_of("{\"w\":" + body + "}", data);
  };
  const std::string plausible = "the header length is not plausible; not a safetensors file?";
  return {
      {"no bytes", "", "the file is too short for safetensors"},
      {"seven bytes", "1234567", "the file is too short for safetensors"},
      {"another kind of file", "\x89PNG\r\n\x1a\n and more", plausible},
      {"a header of 100 MB and a byte", file_of("{}", 0, 100'000'001), plausible},
      {"a length that wraps", file_of("{}", 0, UINT64_MAX - 4), plausible},
      {"cut off inside the header", file_of("{}", 0, 3), "the file ends inside its header"},
      {"an empty header", file_of("", 0), "the header does not start with '{'"},
      {"a leading space", file_of(" {}", 0), "the header does not start with '{'"},
      {"a list", file_of("[]", 0), "the header does not start with '{'"},
      {"half a JSON object", file_of("{\"w\":", 0), "the header is not JSON"},
      {"text after the object", file_of("{} x", 0), "the header is not JSON"},
      {"bytes that are not UTF-8", file_of("{\"\xff\":1}", 0), "the header is not JSON"},
      {"brackets for a tensor", file_of("{\"w\":" + std::string(1'000'000, '['), 0),
       "'w' has no dtype, shape and data_offsets"},
      {"brackets for a shape", entry(R"({"dtype":"F32","shape":)" + std::string(1'000'000, '[')),
       "a size or offset is not a whole number"},
      {"brackets without an end", entry(R"({"more":)" + std::string(1'000'000, '[')),
       "the header is not JSON"},
      {"metadata in metadata", file_of(R"({"__metadata__":{"a":{}}})", 0),
       "__metadata__ holds something that is not text"},
      {"a name twice",
       file_of(
           R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
           8),
       "the name 'w' stands twice"},
      {"a field twice", entry(R"({"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,8]})"),
       "the name 'dtype' stands twice"},
      {"metadata of a number", file_of(R"({"__metadata__":{"a":1}})", 0),
       "__metadata__ holds something that is not text"},
      {"metadata that is text", file_of(R"({"__metadata__":"a"})", 0), "__metadata__ is not an object"},
      {"a tensor that is a number", entry("1"), "'w' has no dtype, shape and data_offsets"},
      {"no dtype", entry(R"({"shape":[2],"data_offsets":[0,8]})"),
       "'w' has no dtype, shape and data_offsets"},
      {"three offsets", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"),
       "'w' has no dtype, shape and data_offsets"},
      {"an unknown dtype", entry(R"({"dtype":"F8","shape":[8],"data_offsets":[0,8]})"),
       "'w' has dtype F8, which heed does not read (F32, F64, I64, BOOL)"},
      {"a negative extent", entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"a fraction", entry(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"an exponent", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8e0]})"),
       "a size or offset is not a whole number"},
      {"text for a number", entry(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"seven dimensions", entry(R"({"dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
       "'w' has too many dimensions"},
      {"a product that overflows",
       entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
       "'w' has a shape that is too large"},
      {"one that overflows before its zero",
       entry(R"({"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]})", 0),
       "'w' has a shape that is too large"},
      {"one that overflows after its zero",
       entry(R"({"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]})", 0),
       "'w' has a shape that is too large"},
      {"an extent beyond 64 bits",
       entry(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"offsets that do not fit the shape", entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       "'w' has offsets that do not fit its shape"},
      {"offsets the wrong way round", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
       "'w' has offsets that do not fit its shape"},
      {"a hole", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", 12),
       "tensors overlap or leave a hole"},
      {"an overlap",
       file_of(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
           12),
       "tensors overlap or leave a hole"},
      {"missing data", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7),
       "the file is cut off: tensor data are missing"},
      {"bytes too many", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 9),
       "there are bytes after the last tensor"},
      {"a name with a line break", file_of(R"({"w\nx":1})", 0), "'w?x' has no dtype, shape and data_offsets"},
  };
}

TEST(Safetensors, EveryMalformationIsOneClearLine) {
  for (const Malformed& m : malformed()) {
    EXPECT_ERROR(FormatError, "load 'm.st': " + m.message, parse_safetensors(m.bytes, "m.st")) << m.what;
  }
}

TEST(Safetensors, EveryTruncationAndEveryFlippedHeaderByteIsRefusedOrHarmless) {
  manual_seed(1);
  const std::string good = to_safetensors({{"a", randn({3, 2})}, {"b", arange(4)}}, {{"k", "v"}});
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_THROW(parse_safetensors(good.substr(0, n), "cut"), FormatError) << n;
  uint64_t length = 0;
  std::memcpy(&length, good.data(), 8);
  int refused = 0;
  for (size_t i = 0; i < 8 + length; ++i) {
    for (const char bit : {1, 4, 32}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ bit);
      try {
        parse_safetensors(bad, "flipped");  // a changed name is a file like any other
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 400);
}

TEST(File, ReadsAndReplaces) {
  const TempDir dir;
  const std::string all_bytes = std::string("\0\n\r\xff", 4) + std::string(200000, 'x');
  write_file_atomically(dir / "f", "old");
  write_file_atomically(dir / "f", all_bytes);
  EXPECT_EQ(read_file(dir / "f"), all_bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_ERROR(IoError, "cannot open '" + (dir / "none").string() + "': No such file or directory",
               read_file(dir / "none"));
  EXPECT_ERROR(IoError, "cannot read '" + dir.path().string() + "': Is a directory", read_file(dir.path()));
}

// Writes beyond `bytes` fail while one lives, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(File, AWriteThatFailsLeavesTheOldFileAndNothingElse) {
  const TempDir dir;
  const auto target = dir / "f";
  write_file_atomically(target, "old");
  {
    const FileSizeLimit full(1000);
    EXPECT_ERROR(IoError, "cannot write '" + target.string() + "': File too large",
                 write_file_atomically(target, std::string(5000, 'x')));
  }
  EXPECT_EQ(read_file(target), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_ERROR(IoError, "cannot write '" + (dir / "no/such").string() + "': No such file or directory",
               write_file_atomically(dir / "no/such", "x"));
  std::filesystem::create_directory(dir / "folder");
  EXPECT_ERROR(IoError, "cannot write '" + (dir / "folder").string() + "': Is a directory",
               write_file_atomically(dir / "folder", "x"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2);
}

// Root may write anywhere, so root becomes nobody while one lives.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("seteuid");
  }
  ~OrdinaryUser() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool was_root_ = ::geteuid() == 0;
};

TEST(File, AReadOnlyFolderIsRefused) {
  const TempDir dir;
  write_file_atomically(dir / "f", "old");
  using std::filesystem::perms;
  std::filesystem::permissions(
      dir.path(), perms::owner_read | perms::owner_exec | perms::others_read | perms::others_exec);
  {
    const OrdinaryUser user;
    EXPECT_ERROR(IoError, "cannot write '" + (dir / "f").string() + "': Permission denied",
                 write_file_atomically(dir / "f", "new"));
  }
  std::filesystem::permissions(dir.path(), perms::owner_all);
  EXPECT_EQ(read_file(dir / "f"), "old");
}

// What could not be read again is not written, and what the file held stays.
TEST(Safetensors, WhatCouldNotBeReadAgainIsRefused) {
  const TempDir dir;
  const auto file = dir.path() / "kept.safetensors";
  save_safetensors(file, {{"a", ones({2})}});
  const std::string before = read_file(file);
  EXPECT_ERROR(ValueError, "save: '__metadata__' names the format's own entry and no tensor",
               save_safetensors(file, {{"__metadata__", ones({2})}, {"a", ones({2})}}));
  EXPECT_ERROR(ValueError, "save: 'b' is undefined", save_safetensors(file, {{"b", Tensor{}}}));
  EXPECT_ERROR(ValueError, "save: a name or a text of the metadata is not UTF-8",
               save_safetensors(file, {{"\xff", ones({2})}}));
  EXPECT_ERROR(ValueError, "save: a name or a text of the metadata is not UTF-8",
               save_safetensors(file, {{"a", ones({2})}}, {{"k", "\xc3"}}));
  EXPECT_EQ(read_file(file), before);
}

}  // namespace
}  // namespace heed
