#include "models/metrics/metric.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/metrics/bleu.h"
#include "models/metrics/chrf.h"
#include "models/metrics/rates.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

using Value = std::optional<Score>;

Value score_of(const BleuResult& result) { return Score{result.score, result.signature}; }
Value score_of(const ChrfResult& result) { return Score{result.score, result.signature}; }
Value number(double value) { return std::isnan(value) ? Value() : Score{value, {}}; }

Value bleu(const Scored& s) {
  BleuResult result = corpus_bleu(s.outputs, s.references, {.tokenize = BleuTokenizer::none});
  result.signature = bleu_of({}, {.tokenize = s.token_tokenizer}).signature;
  return score_of(result);
}
Value bleu_of_text(const Scored& s) {
  return score_of(corpus_bleu(s.output_text, s.reference_text, {.tokenize = s.text_tokenizer}));
}

// Of a model that writes lower case where references have capitals.
Value bleu_no_case(const Scored& s) {
  const auto has_capitals = [](const std::string& text) { return to_lower(text) != text; };
  if (!s.writes_lower_case || std::ranges::none_of(s.reference_text, has_capitals)) return std::nullopt;
  return score_of(
      corpus_bleu(s.output_text, s.reference_text, {.tokenize = s.text_tokenizer, .lowercase = true}));
}

// BLEU-4 is 0 whatever the output where no reference has four tokens.
bool any_has_four_tokens(std::span<const std::string> references) {
  return std::ranges::any_of(references,
                             [](const std::string& tokens) { return std::ranges::count(tokens, ' ') >= 3; });
}

// Words of the output for each of the references': above 1 it is too long.
Value length_ratio(const Scored& s) {
  const auto words = [](const std::vector<std::string>& lines) {
    size_t count = 0;
    for (const std::string& line : lines) count += split_whitespace(line).size();
    return static_cast<double>(count);
  };
  const double wanted = words(s.references);
  return wanted > 0 ? number(words(s.outputs) / wanted) : Value();
}

Value of_attention(const Scored& s, double value) {
  return s.attention.target_words > 0 ? number(value) : Value();
}

template <class Compute>
Value of_counts(const std::optional<AlignmentCounts>& counts, const Compute& compute) {
  return counts ? number(compute(*counts)) : Value();
}

std::vector<Metric> make_rows() {
  const auto error_rate = [](const AlignmentCounts& c) { return 100 * c.error_rate(); };
  const auto precision = [](const AlignmentCounts& c) { return c.precision(); };
  const auto recall = [](const AlignmentCounts& c) { return c.recall(); };
  return {
      {.key = "bleu",
       .name = "BLEU",
       .compute = bleu,
       .in_report = true,
       .keep = "bleu",
       .in_training = true,
       .can_tell = any_has_four_tokens},
      {.key = "bleu_13a", .name = "BLEU of the text", .compute = bleu_of_text, .in_training = true},
      {.key = "bleu_13a_no_case",
       .name = "BLEU of the text, case ignored",
       .compute = bleu_no_case,
       .in_report = true},
      {.key = "chrf2",
       .name = "chrF2",
       .compute = [](const Scored& s) { return score_of(corpus_chrf(s.output_text, s.reference_text)); },
       .in_report = true,
       .keep = "chrf",
       .in_training = true},
      {.key = "chrf_pp",
       .name = "chrF++",
       .compute =
           [](const Scored& s) {
             return score_of(corpus_chrf(s.output_text, s.reference_text, {.word_order = 2}));
           },
       .in_training = true},
      {.key = "exact_match",
       .name = "exact matches",
       .unit = "share",
       .compute = [](const Scored& s) { return number(exact_match_rate(s.outputs, s.references)); },
       .in_training = true},
      {.key = "length_ratio",
       .name = "length of the output to the references'",
       .better = Better::neither,
       .compute = length_ratio,
       .digits = 3,
       .in_report = true},
      {.key = "loss",
       .name = "loss",
       .unit = "nats a token",
       .better = Better::lower,
       .compute = [](const Scored& s) { return number(s.loss); },
       .digits = 3,
       .keep = "loss",
       .in_training = true},
      {.key = "perplexity",
       .name = "perplexity",
       .better = Better::lower,
       .compute = [](const Scored& s) { return number(std::exp(s.loss)); },
       .digits = 3,
       .in_report = true,
       .in_training = true},
      {.key = "source_unknown",
       .name = "unknown words of the source",
       .unit = "share",
       .better = Better::neither,
       .compute = [](const Scored& s) { return number(s.source_unknown); },
       .in_report = true},
      {.key = "target_unknown",
       .name = "unknown words of the references",
       .unit = "share",
       .better = Better::neither,
       .compute = [](const Scored& s) { return number(s.target_unknown); },
       .in_report = true},
      {.key = "attention_entropy",
       .name = "attention",
       .unit = "nats a word",
       .better = Better::neither,
       .compute = [](const Scored& s) { return of_attention(s, s.attention.mean_entropy()); },
       .digits = 3},
      {.key = "uncovered_share",
       .name = "source words hardly looked at",
       .unit = "share",
       .better = Better::lower,
       .compute = [](const Scored& s) { return of_attention(s, s.attention.uncovered_share()); }},
      {.key = "aer",
       .name = "alignment error rate",
       .unit = "%",
       .better = Better::lower,
       .compute = [=](const Scored& s) { return of_counts(s.alignment, error_rate); },
       .in_report = true},
      {.key = "aer_perfect",
       .name = "alignment error rate of a perfect attention",
       .unit = "%",
       .better = Better::lower,
       .compute = [=](const Scored& s) { return of_counts(s.perfect_alignment, error_rate); }},
      {.key = "alignment_precision",
       .name = "precision of the links",
       .compute = [=](const Scored& s) { return of_counts(s.alignment, precision); },
       .digits = 3},
      {.key = "alignment_recall",
       .name = "recall of the links",
       .compute = [=](const Scored& s) { return of_counts(s.alignment, recall); },
       .digits = 3},
      {.key = "decode_seconds",
       .name = "decoding time",
       .unit = "s",
       .better = Better::lower,
       .compute = [](const Scored& s) { return number(s.seconds); }},
      {.key = "sentences_per_second",
       .name = "decoding speed",
       .unit = "sentences/s",
       .compute =
           [](const Scored& s) {
             return number(static_cast<double>(s.outputs.size()) / std::max(s.seconds, 1e-9));
           },
       .digits = 1,
       .in_report = true},
  };
}

}  // namespace

bool Metric::beats(double one, double other) const {
  if (std::isnan(one) || std::isnan(other)) return !std::isnan(one) && std::isnan(other);
  return better == Better::lower ? one < other : one > other;
}

double Metric::worst() const { return better == Better::lower ? INFINITY : -INFINITY; }

std::string Metric::text(double value) const {
  if (unit == "share") return fmt::format("{:.{}f} %", 100 * value, digits);
  return fmt::format("{:.{}f}{}{}", value, digits, unit.empty() ? "" : " ", unit);
}

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> rows = make_rows();
  return rows;
}

namespace {

template <class Is>
std::vector<const Metric*> rows_that(const Is& is) {
  std::vector<const Metric*> rows;
  for (const Metric& metric : metrics()) {
    if (is(metric)) rows.push_back(&metric);
  }
  return rows;
}

}  // namespace

const std::vector<const Metric*>& kept_metrics() {
  static const auto rows = rows_that([](const Metric& metric) { return !metric.keep.empty(); });
  return rows;
}

const std::vector<const Metric*>& stopping_metrics() {
  static const auto rows = rows_that([](const Metric& metric) { return metric.in_training; });
  return rows;
}

const std::string& stopping_name(const Metric& metric) {
  return metric.keep.empty() ? metric.key : metric.keep;
}

const Metric& find_stopping_metric(const std::string& name) {
  for (const Metric* metric : stopping_metrics()) {
    if (stopping_name(*metric) == name) return *metric;
  }
  throw ValueError(fmt::format("there is no metric '{}' that ends a training", name));
}

const Metric& find_metric(const std::string& key) {
  const auto found = std::ranges::find(metrics(), key, &Metric::key);
  if (found == metrics().end()) throw ValueError(fmt::format("there is no metric '{}'", key));
  return *found;
}

const Metric& find_kept_metric(const std::string& keep) {
  const auto found = std::ranges::find(kept_metrics(), keep, &Metric::keep);
  if (found == kept_metrics().end())
    throw ValueError(fmt::format("there is no metric '{}' that weights are kept by", keep));
  return **found;
}

}  // namespace heed::models
