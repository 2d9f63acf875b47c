// The options of the Transformer, and its row in the table of architectures.
#pragma once

#include "models/architectures/registry.h"
#include "nn/positional.h"
#include "nn/transformer.h"

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

/// The names of nn::Sinusoids.
template <>
inline constexpr std::array<std::string_view, 3> kNames<nn::Sinusoids>{"interleaved", "halves",
                                                                       "halves_inclusive"};
/// The names of nn::FeedForwardActivation.
template <>
inline constexpr std::array<std::string_view, 3> kNames<nn::FeedForwardActivation>{"relu", "swish", "gelu"};

/// What the decoder reads first: the word vector of the begin mark, or a zero vector (Marian).
enum class DecoderStart : uint8_t { mark, zero };
/// The names of DecoderStart.
template <>
inline constexpr std::array<std::string_view, 2> kNames<DecoderStart>{"mark", "zero"};

/// Options of the Transformer. The second block is for weights that other programs trained: each program has
/// one way of doing these, and its weights need it.
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

  nn::FeedForwardActivation activation = nn::FeedForwardActivation::relu;  // of the feed-forward sublayers
  nn::Sinusoids sinusoids = nn::Sinusoids::interleaved;                    // with sinusoidal positions
  int64_t first_position = 0;                                              // number of the first position
  bool scale_embedding = true;                      // whether word vectors are multiplied by sqrt(D)
  bool tied_bias = false;                           // whether a projection that is tied has a bias
  DecoderStart decoder_start = DecoderStart::mark;  // see DecoderStart
  double norm_eps = 1e-5;                           // added to the variance by layer normalisation
  int64_t decoder_heads = 0;                        // heads of the decoder's layers; 0: as the encoder
  int64_t decoder_feed_forward = 0;                 // inner size in the decoder; 0: as in the encoder
};

/// @return the row of the Transformer
const Architecture& architecture_of(const TransformerOptions&);

}  // namespace heed::models
