// scores.json in a run folder: what it scored on a test, where someone kept it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/metrics/bleu.h"

namespace heed::models {

/// Of all that translations come from: a score is not that of the same weights with other pieces.
/// @param folder folder of a run with its weights
/// @return a fingerprint of its config, weights, vocabularies and pieces
/// @throws IoError
std::string fingerprint_of_run(const std::filesystem::path& folder);

/// BLEU of the sentences of some lengths.
struct LengthScore {
  int min = 1, max = kNoMaximum;  // words of the source
  int64_t sentences = 0;          // number of sentences
  double bleu = 0;                // of these sentences; NaN without any
};

/// Scores of a run on a test set.
struct RunScores {
  std::string test;                      // name of the test: "test.fr"
  int64_t sentences = 0;                 // in the test
  std::string search;                    // "beam 5"
  double bleu = 0;                       // of the text
  std::string bleu_signature;            // as in sacreBLEU
  double chrf = 0;                       // chrF2 of the text
  std::string chrf_signature;            // as in sacreBLEU
  std::vector<LengthScore> by_length{};  // BLEU by length of the source
};

/// Writes scores.json.
/// @param folder folder of a run with its weights
/// @param scores of this run
/// @throws IoError
void write_scores(const std::filesystem::path& folder, const RunScores& scores);

/// Reads scores.json.
/// @param folder folder of a run
/// @return the scores; nullopt for a run without them, and when weights, vocabularies, pieces or the
///   config are others by now
/// @throws FormatError for a file that heed did not write, IoError
std::optional<RunScores> read_scores(const std::filesystem::path& folder);

}  // namespace heed::models
