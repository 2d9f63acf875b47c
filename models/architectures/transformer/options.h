// The options of the Transformer, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"

namespace heed::models {

/// Where layer normalisation is applied: before each sublayer (pre) or after it (post).
enum class NormPlace : uint8_t { pre, post };
/// The names of NormPlace.
template <>
inline constexpr std::array<std::string_view, 2> kNames<NormPlace>{"pre", "post"};

/// Position encodings: sinusoidal and learned ones are added to the word vectors, rotary ones are applied in
/// self-attention.
enum class Positions : uint8_t { sinusoidal, learned, rotary };
/// The names of Positions.
template <>
inline constexpr std::array<std::string_view, 3> kNames<Positions>{"sinusoidal", "learned", "rotary"};

/// Options of the Transformer.
struct TransformerOptions {
  int64_t encoder_layers = 1;                   // at least 1
  int64_t decoder_layers = 4;                   // at least 1
  int64_t model_size = 128;                     // D
  int64_t feed_forward = 256;                   // inner size of the feed-forward sublayers
  int64_t heads = 4;                            // number of attention heads per layer; must divide D
  NormPlace norm = NormPlace::pre;              // place of layer normalisation
  Positions positions = Positions::sinusoidal;  // see Positions
  int64_t max_positions = 512;  // number of learned positions, which limits source and target length
  Tie tie = Tie::none;          // see Tie
  double dropout = 0.3;         // in [0, 1)
};

/// @return the row of the Transformer
const Architecture& architecture_of(const TransformerOptions&);

}  // namespace heed::models
