#include "apps/translator/report.h"

#include <fmt/format.h>

namespace heed::apps {

nlohmann::ordered_json by_length_json(const models::Evaluation& evaluation) {
  auto list = nlohmann::ordered_json::array();
  for (const models::BucketBleu& bucket : evaluation.by_length) {
    nlohmann::ordered_json entry{
        {"min", bucket.bucket.min}, {"max", bucket.bucket.max}, {"sentences", bucket.sentences}, {"bleu", bucket.bleu.score}};
    if (bucket.bucket.max == models::kNoMaximum) entry["max"] = nullptr;
    if (bucket.sentences == 0) entry["bleu"] = nullptr;
    list.push_back(std::move(entry));
  }
  return list;
}

std::string by_length_table(const std::vector<std::string>& names, const std::vector<const models::Evaluation*>& evaluations) {
  std::string text = fmt::format("{:>12}  {:>9}", "source words", "sentences");
  for (const std::string& name : names) text += fmt::format("  {:>18}", name);
  text += "\n";
  const auto& rows = evaluations.front()->by_length;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("{:>12}  {:>9}", rows[i].bucket.name(), rows[i].sentences);
    for (const models::Evaluation* e : evaluations) {
      text += rows[i].sentences == 0 ? fmt::format("  {:>18}", "-") : fmt::format("  {:>18.2f}", e->by_length[i].bleu.score);
    }
    text += "\n";
  }
  text += fmt::format("{:>12}  {:>9}", "all", evaluations.front()->translations.size());
  for (const models::Evaluation* e : evaluations) text += fmt::format("  {:>18.2f}", e->bleu.score);
  return text + "\n";
}

std::vector<std::string> evaluation_warnings(const models::Evaluation& result) {
  constexpr double kMany = 0.15;
  std::vector<std::string> warnings;
  if (result.source_unknown > kMany || result.target_unknown > kMany) {
    warnings.push_back(fmt::format(
        "{:.1f} % of the source's and {:.1f} % of the references' words are unknown to the model, and perplexity counts an unknown "
        "word as known: are these the right files, in the right order?",
        100 * result.source_unknown, 100 * result.target_unknown));
  }
  if (result.bleu_no_case) {
    warnings.push_back(
        fmt::format("the model writes lower case and the references have capitals: 13a BLEU {:.2f}, with case ignored {:.2f}",
                    result.bleu_detokenised.score, result.bleu_no_case->score));
  }
  for (const models::Translation& translation : result.translations) {
    if (!translation.skipped.empty()) {
      warnings.push_back(fmt::format("line {} counts as an empty translation: {}", translation.id, translation.skipped));
    }
  }
  return warnings;
}

}  // namespace heed::apps
