// What a training is about, in numbers known before its first update: data, vocabularies, model, length.
#pragma once

#include <cstdint>

#include "framework/io/safetensors.h"
#include "models/training/encoded.h"

namespace heed::models {

/// One side of the sentence pairs.
struct SideFacts {
  int64_t vocabulary = 0;         // entries, special ones included
  int64_t tokens = 0;             // of the training pairs: words, pieces or characters, without end marks
  double unknown = 0;             // share of them that the vocabulary does not have, in [0, 1]
  double validation_unknown = 0;  // the same of the validation pairs
};

/// A training before its first update.
struct TrainingFacts {
  int64_t train_pairs = 0, skipped_pairs = 0;  // pairs used, and left out because of their length
  int64_t validation_pairs = 0;                // used in validations
  bool pieces = false;                         // whether tokens are parts of words: subwords, characters
  SideFacts source, target;                    // of each side
  int64_t parameters = 0;                      // of the model
  int64_t weight_bytes = 0;                    // of the weights in model.safetensors
  int64_t state_bytes = 0;                     // of the tensors in state.safetensors: weights and optimiser
  int64_t available_memory = INT64_MAX;        // bytes that the machine has for this training
  int64_t updates = 0;                         // of the whole training
  int64_t updates_per_epoch = 0;               // batches of one pass over the pairs
  IdFile ids = {};                             // where the training pairs are

  /// @return passes over the pairs
  double epochs() const { return static_cast<double>(updates) / static_cast<double>(updates_per_epoch); }
};

/// Counts what is known of the pairs; fields of model and length stay 0.
/// @param data encoded pairs
/// @return the facts
TrainingFacts facts_of(const EncodedData& data);

/// @param tensors by name
/// @return bytes of their elements
int64_t bytes_of(const NamedTensors& tensors);

}  // namespace heed::models
