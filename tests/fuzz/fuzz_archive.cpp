// Archives and their members: zip and tar, packed or not, with what translators find in them.
#include "models/corpus/archive.h"
#include "models/corpus/raw_pairs.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/packed.h"

namespace heed::fuzz::archive {

void read(std::string_view bytes) {
  const std::filesystem::path path = scratch("archive");
  put(path, bytes);
  bool one = false;
  also([&] {
    models::Unpacker unpacker(path, {.free_bytes = 1 << 20});
    while (unpacker.next()) {
      while (!unpacker.read().empty()) {
      }
    }
  });
  also([&] { models::archive_members(path); });
  models::PairInput input;
  input.source = path;
  also([&] { models::notes_of(input); });
  also([&] {
    const auto reader = models::open_pairs(input, {}, "en", "fr");
    models::RawPair pair;
    while (reader->next(pair) != models::PairReader::Found::end) one = true;
  });
  if (!one) throw FormatError("it has no pairs");
}

std::vector<std::string> seeds() {
  const std::string english = "a sentence\nand another\nthird\n",
                    french = "une phrase\net une autre\ntrois\n";
  const PackedMembers two{{"x.en-fr.en", english},
                          {"x.en-fr.fr", french},
                          {"x.en-fr.ids", "a.xml\tb.xml\t1\t1\na.xml\tb.xml\t2\t2\nc.xml\td.xml\t1\t1\n"},
                          {"README", "what it is\n"},
                          {"folder/", ""}};
  std::vector<std::string> all;
  for (const char* kind : {"zip", "tar", "tar.gz", "tar.xz"}) all.push_back(packed_as(kind, two));
  all.push_back(packed_as(
      "tar", {{"x.en.gz", packed_as("gz", {{"", english}})}, {"x.fr.gz", packed_as("gz", {{"", french}})}}));
  all.push_back(packed_as("zip", {{"fra.txt", "Go.\tVa !\nHi.\tSalut !\n"}, {"_about.txt", "about\n"}}));
  all.push_back(
      packed_as("tar", {{"news-src.en.sgm", "<doc docid=\"1\">\n<seg id=\"1\">a</seg>\n</doc>\n"},
                        {"news-ref.fr.sgm", "<doc docid=\"1\">\n<seg id=\"1\">b</seg>\n</doc>\n"}}));
  return all;
}

}  // namespace heed::fuzz::archive
HEED_FUZZ_TARGET(archive, "PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "ustar", "x.en", "x.fr", ".ids", "../",
                 "README", "\x1F\x8B\x08")
