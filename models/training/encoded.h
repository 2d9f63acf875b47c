// Training and validation pairs as ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/corpus/encoded_pairs.h"
#include "models/corpus/id_files.h"
#include "models/run/options.h"
#include "models/text/codec.h"
#include "models/training/training_data.h"

namespace heed::models {

/// The pairs that a training uses, and which were left out.
struct EncodedData {
  EncodedPairs train;                           // ids, the source with its end mark
  std::vector<EncodedPair> validation;          // the same
  std::vector<std::string> references;          // validation targets, the words that BLEU counts
  std::vector<std::string> reference_texts;     // validation targets, the text that chrF compares
  std::vector<std::string> validation_sources;  // validation sources, to be shown
  std::vector<int64_t> skipped_validation;      // indices from 0 of validation pairs that are too long
  IdFile file;                                  // where the training pairs are
};

/// A sentence as the validation of a training scores it.
struct ValidationText {
  std::string words, text;  // what BLEU counts and what chrF compares: the tokens, or, of raw text, its own
};
/// @param tokens tokens of a target sentence, behind those that are its context
/// @param settings how they were made
/// @return the sentence as it is scored
ValidationText validation_text(std::span<const std::string> tokens, const TextSettings& settings);

/// Word alignments of the training pairs, one list a pair.
using WordLinks = std::vector<std::vector<AlignmentLink>>;

/// Encodes pairs, leaving out those that are empty or too long. The training pairs are mapped from a file
/// where the data say so, and are encoded only where it is not there yet.
/// @param config of the run: the longest training pair
/// @param source,target vocabularies and subword models of both sides
/// @param data the pairs
/// @param links if not null, of the words of the training pairs: each becomes links between all pieces of its
/// two words
/// @return the pairs
/// @throws ValueError if no training pair or no validation pair is left, and for links that do not belong to
///   the pairs; IoError, FormatError for files that cannot be read
EncodedData encode(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                   const TrainingData& data, const WordLinks* links = nullptr);

/// Leaves a part of the validation pairs, drawn by the seed, in their order.
/// @param data encoded pairs
/// @param most how many are left; 0: all
/// @param seed of the run
void sample_validation(EncodedData& data, int64_t most, uint64_t seed);

/// A number that tells pairs apart from others: of their ids, in their order.
/// @param data encoded pairs
/// @return 63 bits, at least 1
int64_t fingerprint_of(const EncodedData& data);

/// Checks that a model can read and write all validation pairs.
/// @param model its learned positions may end
/// @param validation pairs as ids
/// @throws ValueError naming the first pair that is too long
void check_positions(const TranslationModel& model, const std::vector<EncodedPair>& validation);

}  // namespace heed::models
