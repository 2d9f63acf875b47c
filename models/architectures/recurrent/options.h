// The options of the recurrent translator, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"

namespace heed::models {

/// Of encoder and decoder.
enum class Cell : uint8_t { lstm, gru };
/// The names of Cell.
template <>
inline constexpr std::array<std::string_view, 2> kNames<Cell>{"lstm", "gru"};

/// What makes a recurrent translator.
struct RecurrentOptions {
  Cell cell = Cell::lstm;        // of both sides
  int64_t encoder_layers = 1;    // at least 1
  bool residual = false;         // encoder layers from the second on add their input to their output
  bool bidirectional = true;     // the encoder
  int64_t embedding = 256;       // word vectors of both sides
  int64_t encoder_hidden = 256;  // a direction
  int64_t decoder_hidden = 512;  // H
  int64_t readout = 512;         // what the vocabulary is scored from
  /// One of nn::attention_kinds(), or without attention "none" (the encoder's summary at every step, Cho et al. 2014, sec. 3.1) or
  /// "none_state" (the summary starts the decoder and is not seen again, Sutskever et al. 2014); everything else stays equal.
  std::string attention = "additive";
  int64_t attention_size = 256;        // A of the kinds that have one
  int64_t attention_window = 10;       // D of local_p and local_m
  int64_t attention_max_source = 128;  // longest source of location
  int64_t heads = 4;                   // of multi_head
  bool coverage = false;               // of the kinds in nn::coverage_kinds()
  bool input_feeding = true;           // the context is part of the decoder's next input
  Tie tie = Tie::none;                 // output and all: the readout has the embedding's size
  double dropout = 0.3;                // in [0, 1)
};

/// @return the row of the recurrent translator
const Architecture& architecture_of(const RecurrentOptions&);

}  // namespace heed::models
