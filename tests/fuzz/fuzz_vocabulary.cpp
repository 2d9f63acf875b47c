// Vocabularies.
#include "models/text/codec.h"
#include "models/text/vocabulary.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::vocabulary {

using models::Vocabulary;

void read(std::string_view bytes) {
  const models::TextCodec codec{.vocabulary = Vocabulary::parse(bytes, "vocabulary")};
  const Vocabulary& vocabulary = codec.vocabulary;
  require(Vocabulary::parse(vocabulary.save(), "again") == vocabulary, "written and read again");
  std::vector<int> ids;
  for (int id = 0; id < vocabulary.size(); ++id) {
    require(vocabulary.id(vocabulary.token(id)) == id, "a token has its id");
    ids.push_back(id);
  }
  codec.encode(codec.decode(ids).words);
}

std::vector<std::string> seeds() {
  const std::vector<std::vector<std::string>> lines{
      {"a", "dog", "runs"}, {"\xC3\xA9t\xC3\xA9", "\xE6\x97\xA5"}, {"a", ">>fra<<", "\xE2\x96\x81x"}};
  return {Vocabulary::build(lines).save(), Vocabulary::build(std::vector<std::vector<std::string>>{}).save()};
}

}  // namespace heed::fuzz::vocabulary
HEED_FUZZ_TARGET(vocabulary, "<pad>\n", "<s>\n", "</s>\n", "<unk>\n", "\r\n", "\xE2\x96\x81", "\xEF\xBB\xBF",
                 "\xC2\xA0")
