// Word alignments read off attention: which map, and at which step.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "models/corpus/alignment.h"
#include "models/run/attention_choice.h"
#include "models/run/translation.h"

namespace heed::models {

/// The choices that a record allows: the mean of all maps, the mean of each layer's heads, each head; each of
/// the step that writes a word and of the one that reads it.
/// @param record with attention
/// @return the choices, the default one first
std::vector<AttentionChoice> attention_choices(const Translation& record);

/// The weights of a choice. With `after`, a row has the weights of the step after, which reads what the row's
/// step wrote; of pieces first, where the record has them, and then the mean over those of a word.
/// @param record with attention
/// @param choice one of attention_choices(record)
/// @return [T][S], words, end marks included
/// @throws ValueError for a map that the record does not have
std::vector<std::vector<float>> chosen_weights(const Translation& record, const AttentionChoice& choice);

/// A link for each target word, to the source word with the largest weight; none from or to an end mark.
/// @param record with attention; without, there are no links
/// @param choice which map
/// @return the links, in the order of the target words
std::vector<AlignmentLink> attention_links(const Translation& record, const AttentionChoice& choice = {});

/// The links of both directions from their weights, and not from the links of each: of every word of either
/// side the partner for which the product of the two directions' weights is largest. Where one direction
/// hesitates between two words, the other decides.
/// @param forward record of a pair
/// @param backward record of the same pair, source and target exchanged
/// @param mine,theirs which maps
/// @return the links, sorted; none where a record has no attention
/// @throws ValueError when the two cut a sentence into different numbers of words
std::vector<AlignmentLink> joint_links(const Translation& forward, const Translation& backward,
                                       const AttentionChoice& mine = {}, const AttentionChoice& theirs = {});

/// How far two directions agree.
/// @param forward links of each pair
/// @param backward links of the same pairs, source and target exchanged
/// @return 2 |A and B| / (|A| + |B|) over all pairs, in [0, 1]; 0 without links
double agreement(std::span<const std::vector<AlignmentLink>> forward,
                 std::span<const std::vector<AlignmentLink>> backward);

/// The choices of two directions that agree best.
struct AgreedChoice {
  AttentionChoice forward, backward;  // of each direction
  double agreement = 0;               // see agreement()
  double usual = 0;                   // that of the means of all maps
};

/// Chooses for two translators of opposite directions the maps whose links agree most, on sentences without
/// gold alignments (Chen et al. 2020).
/// @param forward records of pairs
/// @param backward records of the same pairs, source and target exchanged
/// @return the choices; of equal ones the first in attention_choices()
/// @throws ValueError when the numbers of records differ, or none has attention
AgreedChoice choose_attention(std::span<const Translation> forward, std::span<const Translation> backward);

}  // namespace heed::models
