// How good a translator is on a test set: BLEU whole and by source length, perplexity, alignment error of its attention.
#pragma once

#include <optional>

#include "models/metrics/alignment_error.h"
#include "models/metrics/attention_statistics.h"
#include "models/metrics/bleu.h"
#include "models/metrics/bootstrap.h"
#include "models/metrics/chrf.h"
#include "models/translator.h"

namespace heed::models {

struct Evaluation {
  BleuResult bleu;                    // tok:none, on the words as the model has them
  BleuResult bleu_detokenised;        // tok:13a, on text as people read it
  std::vector<BleuStats> sentences;   // of bleu, one a sentence
  BootstrapResult bleu_interval;      // of bleu, 95 %
  ChrfResult chrf2, chrf_pp;          // on text as people read it
  double exact_match = 0;             // share of sentences, in [0, 1]
  AttentionStatistics attention;      // of the translations, maps averaged; empty without attention
  std::vector<BucketBleu> by_length;  // tok:none, by source words
  double perplexity = 0;              // exp of the cross-entropy a target token
  std::vector<Translation> translations;
  std::vector<std::string> reference_text;  // the references as people read them
  double seconds = 0;                       // of decoding
};

/// Translates and scores. Throws ValueError when the counts differ. `clock` gives steady seconds.
Evaluation evaluate(const Translator& translator, std::span<const std::string> sources, std::span<const std::string> references,
                    const std::function<double()>& clock, const TranslateOptions& options = {});

/// One link for each target word of a forced translation: the source word with the largest weight (the mean of all maps), ends of sentence
/// left out on both sides.
std::vector<AlignmentLink> attention_links(const Translation& forced);

struct AlignmentEvaluation {
  AlignmentCounts attention;  // of the model, by forced decoding of the references
  AlignmentCounts perfect;    // of the best possible under one link a target word
};
/// Nothing for a model without attention.
std::optional<AlignmentEvaluation> evaluate_alignment(const Translator& translator, std::span<const AlignedPair> pairs);

}  // namespace heed::models
