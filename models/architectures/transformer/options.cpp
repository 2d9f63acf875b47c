#include "models/architectures/transformer/options.h"

#include <fmt/format.h>

#include <limits>

#include "models/architectures/transformer/transformer.h"

namespace heed::models {
namespace {

using T = TransformerOptions;

std::vector<OptionOf<T>> options() {
  return {
      {"encoder_layers", &T::encoder_layers, "layers of the encoder", layer_count()},
      {"decoder_layers", &T::decoder_layers, "layers of the decoder", layer_count()},
      {"model_size", &T::model_size, "width of the layers", between(1)},
      {"feed_forward", &T::feed_forward, "width inside the feed-forward layers", between(1)},
      {"heads", &T::heads, "attention heads", between(1)},
      {"norm", &T::norm, "layer normalisation in front of each sublayer (pre) or behind it (post)"},
      {"positions", &T::positions, "sinusoidal, learned or rotary"},
      only_with<T>("--positions", "without --positions learned",
                   [](const T& o) { return o.positions == Positions::learned; },
                   {"max_positions", &T::max_positions,
                    "rows of learned positions: the longest source and target", between(1)}),
      {"tie", &T::tie, kTieHelp},
      only_in_training(OptionOf<T>{"dropout", &T::dropout, "probability of dropout", fraction()}),
      {"activation", &T::activation, "inside the feed-forward layers: relu, swish or gelu"},
      only_with<T>("--positions", "without --positions sinusoidal",
                   [](const T& o) { return o.positions == Positions::sinusoidal; },
                   {"sinusoids", &T::sinusoids,
                    "sinusoidal positions: interleaved, or halves (sines, then cosines), as imported weights "
                    "need it"}),
      {"first_position", &T::first_position, "number of the first position, as imported weights need it",
       between(0, 1000)},
      {"scale_embedding", &T::scale_embedding, "multiply word vectors by the root of model-size"},
      only_with<T>("--tie", "without --tie output or all", [](const T& o) { return o.tie != Tie::none; },
                   {"tied_bias", &T::tied_bias, "a bias for a projection that is tied"}),
      {"decoder_start", &T::decoder_start,
       "what the decoder reads first: the mark <s>, or zero, a vector of zeros"},
      {"norm_eps", &T::norm_eps, "added to the variance by layer normalisation", between(1e-12, 1)},
      {"decoder_heads", &T::decoder_heads, "attention heads of the decoder, 0 for as many as the encoder has",
       between(0)},
      {"decoder_feed_forward", &T::decoder_feed_forward,
       "width inside the decoder's feed-forward layers, 0 for the encoder's", between(0)},
  };
}

int64_t decoder_heads(const T& o) { return o.decoder_heads > 0 ? o.decoder_heads : o.heads; }

void check(const T& o) {
  if (o.sinusoids == nn::Sinusoids::halves_inclusive && o.model_size % 2 != 0) {
    throw ValueError("sinusoids",
                     fmt::format("halves_inclusive needs an even model-size, got {}", o.model_size));
  }
  if (o.model_size % o.heads != 0)
    throw ValueError("heads", fmt::format("{} do not divide a model-size of {}", o.heads, o.model_size));
  if (o.model_size % decoder_heads(o) != 0) {
    throw ValueError("decoder-heads",
                     fmt::format("{} do not divide a model-size of {}", o.decoder_heads, o.model_size));
  }
  if (o.first_position != 0 && o.positions != Positions::sinusoidal)
    throw ValueError("first-position", "is of sinusoidal positions");
  for (const int64_t heads : {o.heads, decoder_heads(o)}) {
    if (o.positions == Positions::rotary && o.model_size / heads % 2 != 0) {
      throw ValueError("positions", fmt::format("rotary needs an even size a head, got {} in {} heads",
                                                o.model_size, heads));
    }
  }
}

std::vector<LeastSize> least_sizes(const T& o) {
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  std::vector<LeastSize> sizes{{"encoder_layers", real(o.encoder_layers), /*in_tensors=*/true},
                               {"decoder_layers", real(o.decoder_layers), /*in_tensors=*/true},
                               {"model_size", real(o.model_size) * real(o.model_size)},
                               {"feed_forward", real(o.model_size) * real(o.feed_forward)},
                               {"decoder_feed_forward", real(o.model_size) * real(o.decoder_feed_forward)}};
  if (o.positions == Positions::learned)
    sizes.push_back({"max_positions", real(o.model_size) * real(o.max_positions)});
  return sizes;
}

}  // namespace

const Architecture& architecture_of(const TransformerOptions&) {
  static const Architecture row = ArchitectureOf<T>{
      .name = "transformer",
      .what = "self-attention on both sides, attention to the source in every decoder layer",
      .options = options(),
      .source_table = "source_embedding.weight",
      .target_table = "target_embedding.weight",
      .check = check,
      .one_vocabulary = [](const T& o) { return o.tie == Tie::all; },
      .longest_source =
          [](const T& o) {
            return o.positions == Positions::learned ? o.max_positions : std::numeric_limits<int64_t>::max();
          },
      .least_sizes = least_sizes,
      .dimensions = {{"encoder_layers", 2, 3, 6},
                     {"decoder_layers", 2, 3, 6},
                     {"model_size", 64, 128, 256},
                     {"feed_forward", 128, 256, 1024}},
      .make = [](const T& o, int64_t source, int64_t target) -> std::unique_ptr<TranslationModel> {
        return std::make_unique<Transformer>(o, source, target);
      }}.row();
  return row;
}

}  // namespace heed::models
