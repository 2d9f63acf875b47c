// Training and validation pairs as ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/corpus/tokenised.h"
#include "models/run/options.h"
#include "models/text/codec.h"

namespace heed::models {

/// The pairs that a training uses, and which were left out.
struct EncodedData {
  std::vector<EncodedPair> train, validation;   // ids, the source with its end mark
  std::vector<std::string> references;          // validation targets, tokens joined by spaces
  std::vector<std::string> validation_sources;  // validation sources, tokens joined by spaces
  std::vector<int64_t> skipped_validation;      // indices from 0 of validation pairs that are too long
  int64_t skipped = 0;                          // number of training pairs that are empty or too long
};

/// Encodes pairs, leaving out those that are empty or too long.
/// @param config of the run: the longest training pair
/// @param source,target vocabularies and subword models of both sides
/// @param train,validation tokenised pairs
/// @return the pairs
/// @throws ValueError if no training pair or no validation pair is left
EncodedData encode(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                   const TokenisedCorpus& train, const TokenisedCorpus& validation);

/// Checks that a model can read and write all validation pairs.
/// @param model its learned positions may end
/// @param validation pairs as ids
/// @throws ValueError naming the first pair that is too long
void check_positions(const TranslationModel& model, const std::vector<EncodedPair>& validation);

}  // namespace heed::models
