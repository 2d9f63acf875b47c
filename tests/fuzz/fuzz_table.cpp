// Tables of sentence pairs.
#include "models/corpus/raw_pairs.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::table {

void read(std::string_view bytes) {
  put(scratch("a.tsv"), bytes);
  bool one = false;
  for (const models::TableOptions& options : {models::TableOptions{}, models::TableOptions{.columns = "2,1"},
                                              models::TableOptions{.columns = "en,fr"}}) {
    also([&] {
      models::PairInput input;
      input.source = scratch("a.tsv");
      const auto reader = models::open_pairs(input, options, "en", "fr");
      models::RawPair pair;
      for (;;) {
        const auto found = reader->next(pair);
        if (found == models::PairReader::Found::end) break;
        one = one || found == models::PairReader::Found::pair;
      }
    });
  }
  if (!one) throw FormatError("no pair");
}

std::vector<std::string> seeds() {
  return {
      "Go.\tVa !\tCC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 (Wittydev)\n"
      "Hi.\tSalut !\tCC-BY 2.0 (France) Attribution: tatoeba.org #538123 (CM) & #509819 (Aiji)\n",
      "1\tGo.\t2\tVa !\n3\tHi.\t4\tSalut !\n", "en\tfr\n\"a\"\tb\nc\td\r\n\xEF\xBB\xBFx\ty\n",
      "a\tb\nc\td\n"};
}

}  // namespace heed::fuzz::table
HEED_FUZZ_TARGET(table, "\t", "\n", "\r\n", "CC-BY", "en\tfr\n", "\xEF\xBB\xBF")
