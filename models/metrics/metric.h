// The table of metrics: `translator evaluate`, the tables and the JSON of reports, and --keep-best-by use its
// rows.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/metrics/alignment_error.h"
#include "models/metrics/attention_statistics.h"
#include "models/metrics/bleu.h"

namespace heed::models {

/// The evaluation data of a test set that metrics are computed from. A metric that needs data which are
/// missing has no value.
struct Scored {
  std::vector<std::string> outputs, references;  // tokens joined by spaces; both have one entry per sentence
  std::vector<std::string> output_text, reference_text;  // detokenised text; both have one entry per sentence
  BleuTokenizer text_tokenizer = BleuTokenizer::v13a;    // how BLEU finds words in these texts
  BleuTokenizer token_tokenizer = BleuTokenizer::none;  // how the tokens above were found; none: by the run's
  double loss = NAN;  // cross-entropy without label smoothing, nats per target token
  double source_unknown = NAN, target_unknown = NAN;  // share of words not in the vocabulary, [0, 1]
  bool writes_lower_case = false;                     // whether the model's text is lower-cased
  AttentionStatistics attention;                      // attention of the translations, averaged over maps
  std::optional<AlignmentCounts> alignment;           // comparison of the model's attention with gold links
  /// The same for the best alignment that has one link per target word.
  std::optional<AlignmentCounts> perfect_alignment;
  double seconds = NAN;  // time spent in decoding
};

/// A metric's value.
struct Score {
  double value = 0;       // value in the metric's unit
  std::string signature;  // variant of the metric, for metrics that have several
};

/// Whether higher or lower values of a metric are better.
enum class Better : uint8_t {
  higher,
  lower,
  neither,  // the metric only describes
};

/// One metric: a row of the table.
struct Metric {
  std::string key = {};   // name in JSON: "chrf2"
  std::string name = {};  // name in tables: "chrF2"
  std::string unit = {};  // "nats a word"; "share": value in [0, 1], shown in %; empty: a plain number
  Better better = Better::higher;  // which values are better
  /// Computes the score; nullopt if data are missing.
  std::function<std::optional<Score>(const Scored&)> compute = {};
  int digits = 2;          // number of decimals shown
  bool in_report = false;  // whether it is a column of comparison tables
  /// Name for --keep-best-by: "chrf"; empty: not available there. Such a metric may use only texts and loss.
  std::string keep = {};
  bool in_training = false;  // whether --stop-by offers it; such a metric may use only texts and loss
  /// Whether it can distinguish translations; empty: always.
  std::function<bool(std::span<const std::string> references)> can_tell = {};

  /// Compares two values of this metric; NaN is worse than any other value.
  /// @param one,other the values
  /// @return whether `one` is better than `other`
  bool beats(double one, double other) const;
  /// @return the worst possible value, which every other value beats
  double worst() const;
  /// Formats a value with its unit.
  /// @param value a value of this metric
  /// @return "24.57", "3.10 %", "1.234 nats a word"
  std::string text(double value) const;
};

/// All metrics.
/// @return the metrics in the order in which they are shown
const std::vector<Metric>& metrics();
/// Finds a metric by its key.
/// @param key key of a metric
/// @return its row
/// @throws ValueError if there is none
const Metric& find_metric(const std::string& key);
/// The metrics that can select the best weights of a run (--keep-best-by).
/// @return the metrics in the order of metrics()
const std::vector<const Metric*>& kept_metrics();
/// The metrics that can end a training (--stop-by).
/// @return the metrics in the order of metrics()
const std::vector<const Metric*>& stopping_metrics();
/// @param metric one of stopping_metrics()
/// @return its name for --stop-by: that for --keep-best-by where it has one, else its key
const std::string& stopping_name(const Metric& metric);
/// Finds one of these metrics by its name.
/// @param name its name for --stop-by
/// @return its row
/// @throws ValueError if there is none
const Metric& find_stopping_metric(const std::string& name);
/// Finds one of the metrics of kept_metrics() by its name.
/// @param keep its name for --keep-best-by
/// @return its row
/// @throws ValueError if there is none
const Metric& find_kept_metric(const std::string& keep);

}  // namespace heed::models
