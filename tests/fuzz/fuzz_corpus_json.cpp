// corpus.json of a corpus folder.
#include "models/corpus/corpus_folder.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::corpus_json {

void read(std::string_view bytes) {
  const models::CorpusInfo info = models::parse_corpus_json(bytes, "corpus.json");
  for (const models::CorpusFile& file : info.files)
    require(file.name.find('/') == std::string::npos, "a file lies in the folder");
  require(models::parse_corpus_json(models::corpus_json(info), "again").files.size() == info.files.size(),
          "written and read again");
}

std::vector<std::string> seeds() {
  models::CorpusInfo info;
  info.writer = "translator prepare";
  info.source_language = "en";
  info.target_language = "fr";
  info.inputs = {{"a.tsv", 12}, {"b.zip", 3}, {"c.sgm", 2}};
  info.settings = {{"max_words", "150"}};
  info.dropped = {{"empty", 3}, {"markup", 1}};
  info.train = 11;
  info.documents = {{"train", 3}};
  info.tests = {{"more", 2}};
  for (const auto& [name, lines] :
       {std::pair("train.en", 11), {"train.fr", 11}, {"train.documents", 3}, {"more.en", 2}, {"more.fr", 2}})
    info.files.push_back({name, static_cast<uint64_t>(lines), "0123456789abcdef"});
  return {models::corpus_json(info)};
}

}  // namespace heed::fuzz::corpus_json
HEED_FUZZ_TARGET(corpus_json, "null", "[]", "{}", "-1", "18446744073709551615", "../", "\\u0000",
                 "\"valid\":", "\"references\":", "\"test_seen\":")
