#include "apps/translator/corpus_option.h"

#include <fmt/format.h>

#include <tuple>

#include "framework/core/error.h"

namespace heed::apps {

Corpus::Corpus(const std::string& folder) : folder_(folder), info_(models::read_corpus(folder)) {}

std::string Corpus::path_of(const std::string& part, const std::string& language) const {
  return models::corpus_file(folder_, info_, part + "." + language).string();
}

models::PairFiles Corpus::training_files() const {
  if (info_.valid == 0)
    throw ValueError(
        "corpus",
        fmt::format("'{}' has no validation sentences, which a training needs (--valid)", folder_.string()));
  return {path_of("train", info_.source_language),
          path_of("train", info_.target_language),
          path_of("valid", info_.source_language),
          path_of("valid", info_.target_language),
          info_.licence,
          info_.attribution};
}

std::pair<std::string, std::string> Corpus::test_files() const {
  return {path_of("test", info_.source_language), path_of("test", info_.target_language)};
}

std::string Corpus::test_gold() const {
  return info_.find("test.gold") ? models::corpus_file(folder_, info_, "test.gold").string() : "";
}

void Corpus::set_languages(models::RunConfig& config) const {
  config.source_text.language = info_.source_language;
  config.target_text.language = info_.target_language;
}

void Corpus::require_languages(const models::RunConfig& config, const std::string& what) const {
  for (const auto& [side, has, wanted] :
       {std::tuple("source", &config.source_text.language, &info_.source_language),
        std::tuple("target", &config.target_text.language, &info_.target_language)}) {
    if (!has->empty() && !wanted->empty() && *has != *wanted)
      throw ValueError("corpus",
                       fmt::format("'{}' is {} to {}, and {} has {} as its {} language", folder_.string(),
                                   info_.source_language, info_.target_language, what, *has, side));
  }
}

}  // namespace heed::apps
