// Packed streams: gzip, bzip2, xz, lzma, zstd, lz4, one within another too.
#include "models/corpus/archive.h"
#include "models/corpus/packed_stream.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/packed.h"

namespace heed::fuzz::packed {

void read(std::string_view bytes) {
  bool one = false;
  for (const size_t piece : {size_t{7}, size_t{1} << 16}) {  // headers in several pieces, and in one
    also([&] {
      models::Unpacker unpacker(in_pieces(bytes, piece), "stream", {.free_bytes = 1 << 20});
      while (unpacker.next()) {
        while (!unpacker.read().empty()) {
        }
      }
      one = true;
    });
  }
  also([&] {
    models::LineSource lines(models::unpack_stream(in_pieces(bytes, 1000), "stream").more, "stream");
    size_t count = 0;
    for (std::string_view line; lines.next(line) && count < 100000;) ++count;
  });
  if (!one) throw FormatError("it is broken");
}

std::vector<std::string> seeds() {
  const std::string text = "a sentence\nand another sentence, and another\n";
  std::vector<std::string> all;
  for (const char* kind : {"gz", "bz2", "xz", "zst", "lz4", "lzma"}) {
    all.push_back(packed_as(kind, {{"", text}}));
    all.push_back(all.back() + all.back());  // one stream behind another
  }
  std::erase_if(all, [](const std::string& bytes) {
    try {
      read(bytes);
      return false;
    } catch (const Error&) {  // lzma may not be followed
      return true;
    }
  });
  all.push_back(packed_as("gz", {{"", packed_as("xz", {{"", text}})}}));
  all.push_back(text);
  return all;
}

}  // namespace heed::fuzz::packed
HEED_FUZZ_TARGET(packed, "\x1F\x8B\x08", "BZh9",
                 "\xFD"
                 "7zXZ",
                 "\x28\xB5\x2F\xFD", "\x04\x22\x4D\x18", "\x50\x2A\x4D\x18")
