// The options of the convolutional translator, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"

namespace heed::models {

/// Options of the convolutional translator.
struct ConvolutionalOptions {
  int64_t encoder_layers = 4;  // at least 1
  int64_t decoder_layers = 3;  // at least 1; each has its own attention
  /// E: size of word vectors, of positions and of the input of the projection to the vocabulary.
  int64_t embedding = 256;
  int64_t hidden = 256;          // H: number of channels of the convolutions
  int64_t kernel_width = 3;      // K: number of positions that a convolution covers
  int64_t max_positions = 1024;  // number of learned positions, which limits source and target length
  Tie tie = Tie::none;           // see Tie
  double dropout = 0.2;          // in [0, 1)
};

/// @return the row of the convolutional translator
const Architecture& architecture_of(const ConvolutionalOptions&);

}  // namespace heed::models
