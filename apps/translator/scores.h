// Evaluations as lines, as JSON and as tables: what they say of a metric is the metric's own row.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/evaluation/evaluation.h"

namespace heed::apps {

/// A line for each metric that has a value: "chrF2 45.67  chrF2|nrefs:1|...". BLEU has its interval.
std::string score_lines(const models::Evaluation& evaluation);

/// Each metric by its key, null where it has no value, with "<key>_signature" where it has one; "bleu_low"
/// and "bleu_high", an interval of 95 %; "bleu_by_length":
/// [{"words":"1-9","min":1,"max":9,"sentences":n,"bleu":x}...], max null where there is none, bleu null where
/// there is no sentence.
nlohmann::ordered_json scores_json(const models::Evaluation& evaluation);

/// Lines "source words   sentences   BLEU ..." with a column for each evaluation (of the same sentences).
std::string by_length_table(const std::vector<std::string>& names,
                            const std::vector<const models::Evaluation*>& evaluations);

/// What a reader of the scores should know: many unknown words, capitals that the model cannot write, lines
/// left out.
std::vector<std::string> evaluation_warnings(const models::Evaluation& result);

/// The same for a file of hypotheses: empty lines, subwords that were not put together, references that are
/// empty or the same.
std::vector<std::string> hypothesis_warnings(const std::vector<std::string>& hypotheses,
                                             const std::vector<std::string>& references);

}  // namespace heed::apps
