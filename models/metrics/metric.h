// Metrics as rows of one table: `translator evaluate`, the tables and the JSON of reports and --keep-best-by walk it.
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

namespace heed::models {

/// What a test set gave, as metrics look at it. A metric that needs more than is there has no value.
struct Scored {
  std::vector<std::string> outputs, references;          // words as the model has them, joined by spaces; equally many
  std::vector<std::string> output_text, reference_text;  // as people read them; equally many
  double loss = NAN;                                     // cross-entropy without smoothing, nats a target token
  double source_unknown = NAN, target_unknown = NAN;     // share of words with a part outside the vocabulary, in [0, 1]
  bool writes_lower_case = false;                        // the model knows no capitals
  AttentionStatistics attention;                         // of the translations, maps averaged
  std::optional<AlignmentCounts> alignment;              // of the model's attention, against gold links
  std::optional<AlignmentCounts> perfect_alignment;      // of the best possible under one link a target word
  double seconds = NAN;                                  // of decoding
};

/// A metric's value.
struct Score {
  double value = 0;       // in the metric's unit
  std::string signature;  // how it was computed, where there are several ways
};

/// Which of two values is the better one.
enum class Better : uint8_t {
  higher,
  lower,
  neither,  // it describes
};

/// A row of the table.
struct Metric {
  std::string key = {};            // in JSON, "chrf2"
  std::string name = {};           // "chrF2"
  std::string unit = {};           // "nats a word"; "share": in [0, 1], shown in %; empty: points or a bare number
  Better better = Better::higher;  // which of two values is
  std::function<std::optional<Score>(const Scored&)> compute = {};  // nothing where there is nothing to compute it from
  int digits = 2;                                                   // shown behind the point
  bool in_report = false;                                           // a column of a comparison's table
  std::string keep = {};  // what --keep-best-by calls it, "chrf"; empty: it chooses no weights. Such a metric needs texts and loss alone
  std::function<bool(std::span<const std::string> references)> can_tell = {};  // whether it tells translations apart; empty: it does

  /// Whether a value is better than another; NaN is worse than any.
  /// @param one,other values of this metric
  /// @return whether `one` is
  bool beats(double one, double other) const;
  /// @return the value that every other one beats
  double worst() const;
  /// A value as people read it.
  /// @param value of this metric
  /// @return "24.57", "3.10 %", "1.234 nats a word"
  std::string text(double value) const;
};

/// All metrics.
/// @return in the order in which they are shown
const std::vector<Metric>& metrics();
/// One of them.
/// @param key of a metric
/// @return its row
/// @throws ValueError where there is none
const Metric& find_metric(const std::string& key);
/// Those that weights can be kept by.
/// @return in the order of metrics()
const std::vector<const Metric*>& kept_metrics();
/// One of those.
/// @param keep what --keep-best-by calls it
/// @return its row
/// @throws ValueError where there is none
const Metric& find_kept_metric(const std::string& keep);

}  // namespace heed::models
