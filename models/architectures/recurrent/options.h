// The options of the recurrent translator, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"

namespace heed::models {

/// Type of the recurrent layers of encoder and decoder.
enum class Cell : uint8_t { lstm, gru };
/// The names of Cell.
template <>
inline constexpr std::array<std::string_view, 2> kNames<Cell>{"lstm", "gru"};

/// Options of the recurrent translator.
struct RecurrentOptions {
  Cell cell = Cell::lstm;        // type of the recurrent layers of both sides
  int64_t encoder_layers = 1;    // at least 1
  bool residual = false;         // whether encoder layers from the second on add their input to their output
  bool bidirectional = true;     // whether the encoder reads in both directions
  int64_t embedding = 256;       // size of the word vectors of both sides
  int64_t encoder_hidden = 256;  // state size of the encoder in each direction
  int64_t decoder_hidden = 512;  // H: state size of the decoder
  int64_t readout = 512;         // size of the readout layer, the input of the projection to the vocabulary
  /// One of nn::attention_kinds(), or a baseline without attention: "none" gives the decoder the encoder's
  /// final state at every step (Cho et al. 2014, sec. 3.1); "none_state" only uses it as the decoder's
  /// initial state (Sutskever et al. 2014). Everything else stays equal.
  std::string attention = "additive";
  int64_t attention_size = 256;        // A, for kinds that have it
  int64_t attention_window = 10;       // D, window of local_p and local_m
  int64_t attention_max_source = 128;  // M, longest source of location attention
  int64_t heads = 4;                   // number of heads of multi_head
  bool coverage = false;               // whether to use coverage, for the kinds in nn::coverage_kinds()
  bool input_feeding = true;           // whether the context is part of the decoder's next input
  Tie tie = Tie::none;                 // with output or all, the readout must have the size of the embedding
  double dropout = 0.3;                // in [0, 1)
};

/// @return the row of the recurrent translator
const Architecture& architecture_of(const RecurrentOptions&);

}  // namespace heed::models
