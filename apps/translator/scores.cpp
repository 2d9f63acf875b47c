#include "apps/translator/scores.h"

#include <fmt/format.h>

#include "models/decoding/repetition.h"
#include "models/metrics/rates.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"

namespace heed::apps {

namespace {

nlohmann::ordered_json by_length_json(const models::Evaluation& evaluation) {
  auto list = nlohmann::ordered_json::array();
  for (const models::BucketBleu& bucket : evaluation.by_length) {
    nlohmann::ordered_json entry{{"words", bucket.bucket.name()},
                                 {"min", bucket.bucket.min},
                                 {"max", bucket.bucket.max},
                                 {"sentences", bucket.sentences},
                                 {"bleu", bucket.bleu.score}};
    if (bucket.bucket.max == models::kNoMaximum) entry["max"] = nullptr;
    if (bucket.sentences == 0) entry["bleu"] = nullptr;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::string score_lines(const models::Evaluation& evaluation) {
  std::string text;
  for (const models::Metric& metric : models::metrics()) {
    const std::optional<models::Score>& score = evaluation.score(metric.key);
    if (!score) continue;
    text += fmt::format("{} {}", metric.name, metric.text(score->value));
    if (!score->signature.empty()) text += "  " + score->signature;
    if (metric.key == "bleu") {
      const models::Interval& interval = evaluation.bleu_interval.interval;
      text += fmt::format("  (95 % interval {:.2f} to {:.2f})", interval.low, interval.high);
    }
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json scores_json(const models::Evaluation& evaluation) {
  nlohmann::ordered_json scores = nlohmann::ordered_json::object();
  for (const models::Metric& metric : models::metrics()) {
    const std::optional<models::Score>& score = evaluation.score(metric.key);
    scores[metric.key] = score ? nlohmann::ordered_json(score->value) : nlohmann::ordered_json();
    if (score && !score->signature.empty()) scores[metric.key + "_signature"] = score->signature;
  }
  scores["bleu_low"] = evaluation.bleu_interval.interval.low;
  scores["bleu_high"] = evaluation.bleu_interval.interval.high;
  scores["bleu_by_length"] = by_length_json(evaluation);
  return scores;
}

std::string by_length_table(const std::vector<std::string>& names,
                            const std::vector<const models::Evaluation*>& evaluations) {
  std::string text = fmt::format("{:>12}  {:>9}", "source words", "sentences");
  for (const std::string& name : names) text += fmt::format("  {:>18}", name);
  text += "\n";
  const auto& rows = evaluations.front()->by_length;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("{:>12}  {:>9}", rows[i].bucket.name(), rows[i].sentences);
    for (const models::Evaluation* e : evaluations) {
      text += rows[i].sentences == 0 ? fmt::format("  {:>18}", "-")
                                     : fmt::format("  {:>18.2f}", e->by_length[i].bleu.score);
    }
    text += "\n";
  }
  text += fmt::format("{:>12}  {:>9}", "all", evaluations.front()->sentences.size());
  for (const models::Evaluation* e : evaluations) text += fmt::format("  {:>18.2f}", e->value("bleu"));
  return text + "\n";
}

std::vector<std::string> evaluation_warnings(const models::Evaluation& result) {
  constexpr double kMany = models::kManyUnknown;
  std::vector<std::string> warnings;
  const double source = result.value("source_unknown"), target = result.value("target_unknown");
  if (source > kMany || target > kMany) {
    warnings.push_back(
        fmt::format("{:.1f} % of the source's and {:.1f} % of the references' words are unknown to the "
                    "model, and perplexity counts an unknown "
                    "word as known: are these the right files, in the right order?",
                    100 * source, 100 * target));
  }
  if (const auto& no_case = result.score("bleu_13a_no_case")) {
    warnings.push_back(
        fmt::format("the model writes lower case and the references have capitals: 13a BLEU {:.2f}, with "
                    "case ignored {:.2f}",
                    result.value("bleu_13a"), no_case->value));
  }
  std::vector<std::vector<std::string>> outputs;
  for (const models::Translation& translation : result.translations) {
    if (translation.skipped.empty()) outputs.push_back(models::Translator::target_words(translation));
  }
  if (models::repeat_one_word(std::span<const std::vector<std::string>>(outputs))) {
    warnings.emplace_back(
        "the model says one word again and again for every sentence: it is not trained, or it is broken, as "
        "some "
        "published conversions are");
  }
  for (const models::Translation& translation : result.translations) {
    if (!translation.skipped.empty()) {
      warnings.push_back(
          fmt::format("line {} counts as an empty translation: {}", translation.id, translation.skipped));
    }
  }
  return warnings;
}

std::vector<std::string> hypothesis_warnings(const std::vector<std::string>& hypotheses,
                                             const std::vector<std::string>& references) {
  size_t empty = 0, pieces = 0;
  for (const std::string& line : hypotheses) {
    empty += models::split_whitespace(line).empty() ? 1 : 0;
    const bool bpe = line.find("@@ ") != std::string::npos || line.ends_with("@@");
    pieces += bpe || line.find(models::kSpaceToken) != std::string::npos ? 1 : 0;
  }
  std::vector<std::string> warnings;
  const bool same = hypotheses == references;
  if (same) warnings.emplace_back("hypotheses and references are the same lines");
  const auto empty_references = std::ranges::count_if(
      references, [](const std::string& line) { return models::split_whitespace(line).empty(); });
  if (empty_references > 0)
    warnings.push_back(fmt::format("{} of {} references are empty", empty_references, references.size()));
  if (empty > 0) warnings.push_back(fmt::format("{} of {} hypotheses are empty", empty, hypotheses.size()));
  if (pieces * 10 > hypotheses.size()) {
    warnings.push_back(
        fmt::format("{} of {} hypotheses hold pieces of words (@@ or \u2581): put them "
                    "together before they are scored",
                    pieces, hypotheses.size()));
  }
  return warnings;
}

}  // namespace heed::apps
