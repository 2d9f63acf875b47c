// Vocabularies and subword models learned from training pairs.
#pragma once

#include <cstdint>
#include <string>

#include "models/corpus/pair_text.h"
#include "models/run/options.h"
#include "models/text/vocabulary.h"

namespace heed::models {

/// Whose text is learned from.
enum class Sides : uint8_t { source, target, both };

/// What is learned from text.
struct LearnedText {
  Vocabulary vocabulary;  // of words, or of the pieces
  std::string model;      // the SentencePiece model; empty: the vocabulary has whole words
};

/// Learns the vocabulary of one side or of both together, and the pieces of its words. What is too long to be
/// trained on teaches nothing. With pieces, memory holds `subword_sentences` sentences a side; without, all
/// different words.
/// @param config of the run
/// @param train the training pairs
/// @param sides whose text
/// @return what was learned
/// @throws ValueError when the corpus is too small for the requested number of pieces
LearnedText learn_side(const RunConfig& config, const PairText& train, Sides sides);

}  // namespace heed::models
