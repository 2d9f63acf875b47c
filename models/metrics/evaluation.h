// How good a translator is on a test set: BLEU whole and by source length, perplexity, alignment error of its attention.
#pragma once

#include <cmath>
#include <optional>

#include "models/metrics/alignment_error.h"
#include "models/metrics/attention_statistics.h"
#include "models/metrics/bleu.h"
#include "models/metrics/bootstrap.h"
#include "models/metrics/chrf.h"
#include "models/run/translator.h"

namespace heed::models {

/// All scores of a test set.
struct Evaluation {
  BleuResult bleu;                          // tok:none, on the words as the model has them
  BleuResult bleu_detokenised;              // tok:13a, on text as people read it
  std::vector<BleuStats> sentences;         // of bleu, one a sentence
  BootstrapResult bleu_interval;            // of bleu, 95 %
  ChrfResult chrf2, chrf_pp;                // on text as people read it
  double exact_match = 0;                   // share of sentences, in [0, 1]
  AttentionStatistics attention;            // of the translations, maps averaged; empty without attention
  std::vector<BucketBleu> by_length;        // tok:none, by source words
  double perplexity = NAN;                  // exp of the cross-entropy a target token; NaN without a sentence that has words
  double source_unknown = 0;                // share of source words with a part outside the vocabulary, in [0, 1]
  double target_unknown = 0;                // of the references' words: perplexity counts each as one of the model's words
  std::optional<BleuResult> bleu_no_case;   // bleu_detokenised with case ignored: a lower-cased model, references with capitals
  std::vector<Translation> translations;    // in the order of the sources
  std::vector<std::string> reference_text;  // the references as people read them
  double seconds = 0;                       // of decoding
};

/// Translates and scores.
/// @param translator one model or an ensemble
/// @param sources,references lines that belong together
/// @param clock gives steady seconds
/// @param options of the translations
/// @return the scores
/// @throws ValueError when the counts differ
Evaluation evaluate(const Translator& translator, std::span<const std::string> sources, std::span<const std::string> references,
                    const std::function<double()>& clock, const TranslateOptions& options = {});

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
