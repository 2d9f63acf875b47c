// SentencePiece models: read, and used to split words and lines.
#include "models/text/subwords.h"
#include "tests/fuzz/fuzz.h"
#include "tests/models/marian_fixture.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::subwords {

void read(std::string_view bytes) {
  const models::Subwords model(std::string(bytes), "pieces");
  const std::vector<std::string> table = model.table();
  if (!table.empty()) model.has(table.front());
  models::Subwords::join(model.pieces());
  const std::vector<std::string> words{"word1",
                                       "and",
                                       "ade",
                                       "\xC3\xA9"
                                       "t\xC3\xA9",
                                       "\xEF\xBC\xA1\xEF\xAC\x81",
                                       "\xE6\x97\xA5\xE6\x9C\xAC",
                                       "\xE2\x96\x81",
                                       "x\xFFy",
                                       "<0x41>"};
  for (const std::string& word : words) models::Subwords::join(model.split(word));
  for (const int word : model.split_line(words).word_of)
    require(word >= 0 && static_cast<size_t>(word) < words.size(), "a piece is of a word");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all{models::fixture_pieces()};
  const auto lines = models::small_corpus().source;
  using models::Normalisation;
  for (const models::SubwordKind kind : {models::SubwordKind::bpe, models::SubwordKind::unigram}) {
    all.push_back(models::Subwords::train(lines, {.kind = kind, .size = 25}));
    all.push_back(models::Subwords::train(lines, {.kind = kind, .size = 300, .bytes = true}));
  }
  for (const Normalisation normalisation : {Normalisation::nmt_nfkc, Normalisation::nmt_nfkc_cf}) {
    all.push_back(models::Subwords::train(
        lines, {.kind = models::SubwordKind::bpe, .size = 25, .normalisation = normalisation}));
  }
  return all;
}

}  // namespace heed::fuzz::subwords
HEED_FUZZ_TARGET(subwords, "<unk>", "<s>", "</s>", "<0x41>", "\xE2\x96\x81", "nmt_nfkc", "identity")
