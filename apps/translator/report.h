// Evaluations as JSON and as tables.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/metrics/evaluation.h"

namespace heed::apps {

/// [{"min":1,"max":9,"sentences":n,"bleu":x}...]; max is null where there is none, bleu null where there is no sentence.
nlohmann::ordered_json by_length_json(const models::Evaluation& evaluation);
/// Lines "source words   sentences   BLEU ..." with a column for each evaluation (of the same sentences).
std::string by_length_table(const std::vector<std::string>& names, const std::vector<const models::Evaluation*>& evaluations);

/// What a reader of the scores should know: many unknown words, capitals that the model cannot write, lines left out.
std::vector<std::string> evaluation_warnings(const models::Evaluation& result);

}  // namespace heed::apps
