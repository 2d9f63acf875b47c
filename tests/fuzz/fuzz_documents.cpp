// PART.documents of a corpus folder, and ids of OPUS.
#include "models/corpus/documents.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::documents {

constexpr uint64_t kPairs = 10;

void read(std::string_view bytes) {
  bool one = false;
  const auto lines = [&] { return models::LineSource(in_pieces(bytes, 50), "file"); };
  also([&] {
    uint64_t pairs = 0;
    for (const models::CorpusDocument& document : models::parse_documents(lines(), kPairs))
      pairs += document.pairs;
    require(pairs == kPairs, "documents have the pairs of the part");
    one = true;
  });
  also([&] {
    models::OpusIds ids(lines());
    for (std::string_view document; ids.next(document);)
      require(models::group_of(document).size() <= document.size(), "a group is a part of the name");
    one = one || ids.count() > 0;
  });
  if (!one) throw FormatError("it is none of them");
}

std::vector<std::string> seeds() {
  return {"3\tone\n6\ttwo words\n1\t\n",
          "en/2001/1/1.xml.gz\tfr/2001/1/2.xml.gz\t1\t1 2\nen/2001/2/1.xml.gz\tfr/2001/2/2.xml.gz\t1\t1\n"};
}

}  // namespace heed::fuzz::documents
HEED_FUZZ_TARGET(documents, "\t", "\n", "18446744073709551615", ".xml.gz", "/", "\r\n")
