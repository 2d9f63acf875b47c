#include "apps/common/sentence.h"

#include <vector>

#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::apps {

void require_text(const std::string& sentence) {
  if (models::first_invalid_utf8(sentence)) throw ValueError("the sentence is not UTF-8");
}

models::Translation translate_sentence(const models::Translator& translator, const std::string& sentence,
                                       const std::string& translation,
                                       const models::TranslateOptions& options) {
  require_text(sentence);
  require_text(translation);
  const std::vector<std::string> source{sentence}, target{translation};
  models::Translation record = (translation.empty() ? translator.translate(source, options)
                                                    : translator.force(source, target, options))
                                   .front();
  if (!record.skipped.empty()) throw ValueError("the sentence is too long: " + record.skipped);
  if (record.source.tokens.empty()) throw ValueError("the sentence has no words");
  return record;
}

}  // namespace heed::apps
