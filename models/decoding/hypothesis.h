// The result of decoding a sentence.
#pragma once

#include <cstdint>
#include <vector>

#include "models/options/choice.h"

namespace heed::models {

/// What became of a hypothesis of a beam: longer ones stem from it, or it could no longer win, or the search
/// was over; it was not among the best of its step; it was ended, with </s> or by the limit of length.
enum class BeamFate : uint8_t { kept, pruned, ended };
/// The names of BeamFate.
template <>
inline constexpr std::array<std::string_view, 3> kNames<BeamFate>{"kept", "pruned", "ended"};

/// A hypothesis that a beam looked at: one more unit after another one.
struct BeamNode {
  int64_t parent = -1;             // index of the node it stems from, which is smaller; -1 at the start
  int id = 0;                      // the unit
  double score = 0;                // sum of the natural log probabilities up to here
  BeamFate fate = BeamFate::kept;  // what became of it
};

/// One output: its units (words or pieces), its score, and the attention of each unit and of the end mark.
struct Hypothesis {
  std::vector<int> ids;      // ids of the units, without </s>
  bool ended = false;        // whether </s> was output before the length limit
  double score = 0;          // sum of the natural log probabilities of the ids, and of </s> if it was output
  double ranking_score = 0;  // score that beam search ranks by: score / length penalty + coverage penalty
  /// [maps][ids + ended][source length]; no maps without attention.
  std::vector<std::vector<std::vector<float>>> attention;
  /// All that the beam looked at, with the best output of a sentence alone; only if wanted.
  std::vector<BeamNode> tree;
};

}  // namespace heed::models
