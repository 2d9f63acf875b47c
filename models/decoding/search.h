// Search: greedy, beam search and sampling, all with the attention of every output token.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"

namespace heed::models {

/// How outputs are searched for.
struct SearchOptions {
  int64_t batch_size = 64;     // sentences decoded together
  double length_factor = 2.0;  // at most length_factor * source length + length_extra units
  int64_t length_extra = 10;   // see length_factor
  int64_t max_length = 0;      // at most so many units, 0: by the two above
  int64_t min_length = 0;      // </s> is not chosen before so many units

  int64_t beam = 1;    // hypotheses kept; 1 with a temperature of 0: greedy
  int64_t n_best = 1;  // outputs a sentence, at most beam (or samples when sampling)
  /// How scores of different lengths compare: "none", "average" (score / n) or "wu" (score / ((5 + n) / 6)^alpha, Wu et al. 2016, eq. 14).
  std::string length_penalty = "average";
  double alpha = 1.0;     // exponent of n (average) or of Wu's term
  double coverage = 0.0;  // beta of Wu's coverage penalty: beta * sum_s log(min(sum_t a_ts, 1)), maps averaged

  double temperature = 0;  // above 0: sampling; logits are divided by it
  int64_t top_k = 0;       // sampling from the k most probable, 0: all
  double top_p = 1.0;      // sampling from the fewest that together have p (Holtzman et al. 2020, sec. 3.1)
  uint64_t seed = 1;       // a sentence's samples depend on it, its index and nothing else
  uint64_t first = 0;      // index of the first sentence, when a text is translated in parts

  bool keep_attention = true;  // false: hypotheses carry none, which saves their memory; scores and choices are the same
};

/// Refuses options that make no sense.
/// @param options as a user gave them
/// @throws ValueError naming the option
void check(const SearchOptions& options);

/// n_best outputs of each sentence. They do not depend on how sentences are batched (scores to rounding). Of the special tokens only `</s>`
/// and `<unk>` are chosen. Several models form an ensemble: their probabilities are averaged, the attention is the first one's. Beam search
/// goes on until no running hypothesis can still enter the n best.
/// @param models at least one; they share vocabularies
/// @param sources ids, with the end mark
/// @param options beam, sampling, lengths
/// @param keep_going is asked between batches; when it says no, the rest stays empty
/// @return for each source, in order, its outputs, the best first
/// @throws ValueError for models of different vocabularies and for options that make no sense
std::vector<std::vector<Hypothesis>> search(std::span<const TranslationModel* const> models, std::span<const std::vector<int>> sources,
                                            const SearchOptions& options = {}, const std::function<bool()>& keep_going = {});

/// The best output of each sentence.
/// @param model a single one
/// @param sources ids, with the end mark
/// @param options beam, sampling, lengths
/// @param keep_going is asked between batches; when it says no, the rest stays empty
/// @return one output for each source, in order
std::vector<Hypothesis> search_best(const TranslationModel& model, std::span<const std::vector<int>> sources,
                                    const SearchOptions& options = {}, const std::function<bool()>& keep_going = {});

}  // namespace heed::models
