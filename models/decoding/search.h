// Decoding: greedy search, beam search and sampling, all with the attention of every output token.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"
#include "models/options/choice.h"

namespace heed::models {

/// How the scores of outputs of different lengths n are normalised: not at all, score / n^alpha, or
/// score / ((5 + n) / 6)^alpha (Wu et al. 2016, eq. 14).
enum class LengthPenalty : uint8_t { none, average, wu };
/// The names of LengthPenalty.
template <>
inline constexpr std::array<std::string_view, 3> kNames<LengthPenalty>{"none", "average", "wu"};

/// How the products of a search are computed: as the model's own weights ask for
/// (TranslationModel::products), in f32, with weights rounded to bf16, or with weights and inputs rounded to
/// 8 bits.
enum class Products : uint8_t { stored, f32, bf16, int8 };
/// The names of Products.
template <>
inline constexpr std::array<std::string_view, 4> kNames<Products>{"stored", "f32", "bf16", "int8"};

/// Options of decoding.
struct SearchOptions {
  int64_t batch_size = 64;               // number of sentences decoded together, at most (see search)
  Products products = Products::stored;  // of all models of the search; not while another uses one of them
  int64_t workers = 0;  // batches decoded at a time, each on one of the num_threads(); 0: on every; 1: on all
  double length_factor = 2.0;  // output limit: length_factor * source length + length_extra units
  int64_t length_extra = 10;   // see length_factor
  int64_t max_length = 0;      // largest number of output units; 0: computed from the two above
  int64_t min_length = 0;      // smallest number of output units before </s> is allowed

  int64_t beam = 1;    // hypotheses kept by beam search; 1 with temperature 0: greedy
  int64_t n_best = 1;  // number of outputs per sentence: at most beam; when sampling, the number of samples
  LengthPenalty length_penalty = LengthPenalty::average;  // how scores are normalised
  double alpha = 1.0;                                     // exponent of n (average) or of Wu's term
  /// Beta of Wu's coverage penalty: beta * sum_s log(min(sum_t a_ts, 1)), maps averaged.
  double coverage = 0.0;
  /// A beam stops once patience * beam hypotheses have ended (Kasai et al. 2022), which is 1 in many
  /// programs; 0: once no running hypothesis can become one of the n best.
  double patience = 0.0;

  double temperature = 0;  // above 0: sample, with logits divided by this
  int64_t top_k = 0;       // sample only from the k most probable words; 0: all
  /// Sample from the smallest set of words with total probability p (Holtzman et al. 2020, sec. 3.1).
  double top_p = 1.0;
  uint64_t seed = 1;   // random seed; a sentence's samples depend only on it and on the sentence's index
  uint64_t first = 0;  // index of the first sentence, when a text is translated in parts

  /// False: hypotheses have no attention, which saves memory; the outputs are the same.
  bool keep_attention = true;
  bool keep_tree = false;  // whether the best output of a beam has the beam's tree
};

/// Throws if options are invalid.
/// @param options the options given by the user
/// @throws ValueError naming the option
void check(const SearchOptions& options);

/// Translates sentences, with n_best outputs for each. The outputs do not depend on how sentences are batched
/// but for rounding: scores may differ, and of two that are as good the other may come out, in 8 bits (which
/// round inputs as well) in some lines of a hundred. Of the special tokens, only `</s>` and `<unk>` can be
/// output. Several models form an ensemble: their probabilities are averaged, and the attention is that of
/// the first model. Workers share the models; each takes the next batch, so that none waits for another. Many
/// workers take smaller batches: at most 2 * batch_size sentences are under way, or 8 a worker; and sources
/// of more than 14 units come in batches of as many units as batch_size of 14 have, so that memory does not
/// grow with their length. Beam search ends when no running hypothesis can still become one of the n best, or
/// as `patience` says.
/// @param models at least one model; all have the same vocabularies
/// @param sources ids of the sentences, each with the end mark
/// @param options beam, sampling, lengths
/// @param hidden for each source the indices of its units that attention may not look at; empty: all are seen
/// @return the outputs of each source, in order, the best first
/// @throws ValueError for models with different vocabularies and for invalid options
std::vector<std::vector<Hypothesis>> search(std::span<const TranslationModel* const> models,
                                            std::span<const std::vector<int>> sources,
                                            const SearchOptions& options = {},
                                            std::span<const std::vector<int>> hidden = {});

/// Translates sentences with one model, returning only the best output of each.
/// @param model the model
/// @param sources ids of the sentences, each with the end mark
/// @param options beam, sampling, lengths
/// @return one output for each source, in order
std::vector<Hypothesis> search_best(const TranslationModel& model, std::span<const std::vector<int>> sources,
                                    const SearchOptions& options = {});

}  // namespace heed::models
