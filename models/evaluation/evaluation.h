// How good a translator is on a test set: every metric, BLEU by source length, the links of its attention.
#pragma once

#include <cmath>
#include <optional>

#include "models/metrics/bleu.h"
#include "models/metrics/bootstrap.h"
#include "models/metrics/metric.h"
#include "models/run/translator.h"

namespace heed::models {

/// A translator's translations of a test set, and how good they are.
struct Evaluation {
  Scored scored;                             // the texts, and what else metrics look at
  std::vector<std::optional<Score>> scores;  // of metrics(), in its order; nothing where a metric has no value
  std::vector<BleuStats> sentences;          // of BLEU on tokens, one a sentence
  BootstrapResult bleu_interval;             // of the same, 95 %
  std::vector<BucketBleu> by_length;         // the same by source words
  std::vector<Translation> translations;     // in the order of the sources

  /// A metric's score.
  /// @param key of a metric
  /// @return nothing where it has none
  /// @throws ValueError for a key that is none
  const std::optional<Score>& score(const std::string& key) const;
  /// A metric's value.
  /// @param key of a metric
  /// @return NaN where it has none
  /// @throws ValueError for a key that is none
  double value(const std::string& key) const;
};

/// Translates and scores.
/// @param translator one model or an ensemble
/// @param sources,references lines that belong together
/// @param clock gives steady seconds
/// @param options of the translations
/// @param gold the same sentences with their links, for the metrics of alignment; empty: those have no value
/// @return the scores
/// @throws ValueError when the counts differ
Evaluation evaluate(const Translator& translator, std::span<const std::string> sources, std::span<const std::string> references,
                    const std::function<double()>& clock, const TranslateOptions& options = {}, std::span<const AlignedPair> gold = {});

/// One link for each target word of a forced translation: the source word with the largest weight (the mean of all maps), ends of sentence
/// left out on both sides.
/// @param forced with attention
/// @return the links, by target word
std::vector<AlignmentLink> attention_links(const Translation& forced);

/// How far attention is from the gold alignment.
struct AlignmentEvaluation {
  AlignmentCounts attention;  // of the model, by forced decoding of the references
  AlignmentCounts perfect;    // of the best possible under one link a target word
};
/// Compares the attention of forced decoding with the gold links.
/// @param translator whose first model is asked
/// @param pairs with their gold links
/// @return nothing for a model without attention
std::optional<AlignmentEvaluation> evaluate_alignment(const Translator& translator, std::span<const AlignedPair> pairs);

}  // namespace heed::models
