#include "apps/translator/corpus_option.h"

#include <fmt/format.h>

#include <tuple>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::apps {

namespace fs = std::filesystem;

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

std::optional<Corpus> Corpus::of_files(const models::PairFiles& files) {
  const fs::path folder = fs::path(files.source).parent_path();
  if (!file_exists(folder / models::kCorpusFile)) return std::nullopt;
  Corpus corpus(folder.string());
  const auto is_part = [&](const std::string& path, const std::string& part, const std::string& language) {
    std::error_code ignored;
    return fs::equivalent(path, folder / (part + "." + language), ignored);
  };
  const models::CorpusInfo& info = corpus.info_;
  if (!is_part(files.source, "train", info.source_language) ||
      !is_part(files.target, "train", info.target_language) ||
      !is_part(files.valid_source, "valid", info.source_language) ||
      !is_part(files.valid_target, "valid", info.target_language))
    return std::nullopt;
  return corpus;
}

models::DataMarks Corpus::marks() const {
  const auto mark = [&](const std::string& part, const std::string& language) {
    const models::CorpusFile* const file = info_.find(part + "." + language);
    return file ? models::LinesMark{file->lines, file->fingerprint} : models::LinesMark{};
  };
  return {mark("train", info_.source_language), mark("train", info_.target_language),
          mark("valid", info_.source_language), mark("valid", info_.target_language)};
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
