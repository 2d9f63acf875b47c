// The options of the convolutional translator, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"

namespace heed::models {

/// What makes a convolutional translator.
struct ConvolutionalOptions {
  int64_t encoder_layers = 4;    // at least 1
  int64_t decoder_layers = 3;    // at least 1; each has an attention of its own
  int64_t embedding = 256;       // E: word vectors, positions and what the vocabulary is scored from
  int64_t hidden = 256;          // H: width of the convolutions
  int64_t kernel_width = 3;      // K: positions that a convolution reads
  int64_t max_positions = 1024;  // rows of the learned positions: the longest source and target
  Tie tie = Tie::none;           // see there
  double dropout = 0.2;          // in [0, 1)
};

/// @return the row of the convolutional translator
const Architecture& architecture_of(const ConvolutionalOptions&);

}  // namespace heed::models
