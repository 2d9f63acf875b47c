#include "apps/translator/corpus_report.h"

#include <fmt/format.h>

#include "apps/common/print.h"
#include "models/corpus/clean.h"

namespace heed::apps {

std::string corpus_report(const models::CorpusInfo& info) {
  std::string text;
  uint64_t total = 0;
  for (const models::CorpusInput& input : info.inputs) {
    text += fmt::format("{:>9} {} read from {}\n", input.pairs, input.pairs == 1 ? "pair" : "pairs",
                        printable(input.name));
    total += input.pairs;
  }
  for (size_t i = 0; i < models::kDrops; ++i) {
    const auto why = static_cast<models::Drop>(i);
    for (const auto& [key, pairs] : info.dropped) {
      if (key == models::key_of(why))
        text += fmt::format("{:>9} dropped: {} ({}, {:.2f} %)\n", pairs, models::words_of(why), key,
                            100.0 * static_cast<double>(pairs) / static_cast<double>(total));
    }
  }
  text += fmt::format("{:>9} train\n{:>9} valid\n", info.train, info.valid);
  text += fmt::format("{:>9} test, {} of them of {} words and more, with {}\n", info.test, info.test_long,
                      info.long_words,
                      info.references == 1 ? std::string("one translation each")
                                           : fmt::format("up to {} translations each", info.references));
  for (const auto& [part, documents] : info.documents)
    text += fmt::format("{:>9} {} of {}\n", documents, documents == 1 ? "document" : "documents", part);
  if (info.test_seen > 0)
    text += fmt::format("{:>9} of the test, whose source is in training too, in another document\n",
                        info.test_seen);
  for (const models::CorpusTest& test : info.tests)
    text += fmt::format("{:>9} {}\n", test.pairs, printable(test.name));
  return text;
}

}  // namespace heed::apps
