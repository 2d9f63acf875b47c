// Evaluates a translator, or the output of any system, on a test set: all metrics, BLEU by source length, and
// the word alignment of its attention.
#pragma once

#include <optional>

#include "models/cluster/ranks.h"
#include "models/evaluation/alignment.h"
#include "models/metrics/bleu.h"
#include "models/metrics/bootstrap.h"
#include "models/metrics/metric.h"
#include "models/run/translator.h"

namespace heed::models {

/// The translations of a test set and their scores.
struct Evaluation {
  Scored scored;  // the texts and other inputs of the metrics
  /// One for each metric, in the order of metrics(); nullopt where a metric has no value.
  std::vector<std::optional<Score>> scores;
  std::vector<BleuStats> sentences;       // statistics of BLEU on tokens, one for each sentence
  BootstrapResult bleu_interval;          // 95 % confidence interval of BLEU on tokens
  std::vector<BucketBleu> by_length;      // BLEU on tokens by number of source words
  std::vector<Translation> translations;  // in the order of the sources; none of hypotheses of a file

  /// A metric's score.
  /// @param key key of a metric
  /// @return the score; nullopt if the metric has no value
  /// @throws ValueError for an unknown key
  const std::optional<Score>& score(const std::string& key) const;
  /// A metric's value.
  /// @param key key of a metric
  /// @return the value; NaN if the metric has none
  /// @throws ValueError for an unknown key
  double value(const std::string& key) const;
};

/// Translates the sources and computes all scores.
/// @param translator one model or an ensemble
/// @param sources,references lines; reference i is a translation of source i
/// @param clock returns the time in seconds; must be monotonic
/// @param options options of the translations
/// @param gold the same sentences with gold alignments, for the alignment metrics; if empty, those have no
///   value
/// @param buckets of by_length; empty: default_length_buckets()
/// @param documents numbers of lines of the documents, for a run that reads lines before a sentence; empty:
///   blank lines alone end one
/// @param ranks those that share the work, of which each has all lines; only the first gets scores, whose
///   attention is rounded to 6 digits. Null: none
/// @return the scores
/// @throws ValueError when the numbers of lines differ
Evaluation evaluate(const Translator& translator, std::span<const std::string> sources,
                    std::span<const std::string> references, const std::function<double()>& clock,
                    const TranslateOptions& options = {}, std::span<const AlignedPair> gold = {},
                    std::span<const LengthBucket> buckets = {}, const std::vector<uint64_t>& documents = {},
                    Ranks* ranks = nullptr);

/// Scores translations that any system made.
/// @param hypotheses,references lines; reference i is a translation of the sentence that hypothesis i
/// translates
/// @param language of both, for the words that BLEU counts (bleu_tokenizer_of); empty: 13a's
/// @param source_lengths words of each source sentence, for by_length; empty: it stays empty
/// @param buckets of by_length; empty: default_length_buckets()
/// @return the scores that texts alone have, BLEU on tokens being that on BLEU's words; no translations
/// @throws ValueError when the numbers of lines differ
Evaluation evaluate_hypotheses(std::span<const std::string> hypotheses,
                               std::span<const std::string> references, const std::string& language = "",
                               std::span<const int> source_lengths = {},
                               std::span<const LengthBucket> buckets = {});

/// Comparison of attention with the gold alignment.
struct AlignmentEvaluation {
  AlignmentCounts attention;  // counts of the model's attention, from forced decoding of the references
  AlignmentCounts perfect;    // counts of the best alignment that has one link per target word
};
/// Compares the attention of forced decoding with the gold links.
/// @param translator its first model is evaluated
/// @param pairs sentence pairs with gold links
/// @return the comparison; nullopt for a model without attention
std::optional<AlignmentEvaluation> evaluate_alignment(const Translator& translator,
                                                      std::span<const AlignedPair> pairs);

}  // namespace heed::models
