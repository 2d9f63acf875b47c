#include "models/architectures/convolutional/options.h"

#include "models/architectures/convolutional/convolutional.h"

namespace heed::models {
namespace {

using C = ConvolutionalOptions;

std::vector<OptionOf<C>> options() {
  return {
      {"encoder_layers", &C::encoder_layers, "layers of the encoder", layer_count()},
      {"decoder_layers", &C::decoder_layers, "layers of the decoder", layer_count()},
      {"embedding", &C::embedding, "size of the word vectors", between(1)},
      {"hidden", &C::hidden, "width of the convolutions", between(1)},
      {"kernel_width", &C::kernel_width, "positions that a convolution reads", between(1)},
      {"max_positions", &C::max_positions, "rows of learned positions: the longest source and target",
       between(1)},
      {"tie", &C::tie, kTieHelp},
      only_in_training(OptionOf<C>{"dropout", &C::dropout, "probability of dropout", fraction()}),
  };
}

std::vector<LeastSize> least_sizes(const C& o) {
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  return {{"encoder_layers", real(o.encoder_layers), /*in_tensors=*/true},
          {"decoder_layers", real(o.decoder_layers), /*in_tensors=*/true},
          {"embedding", real(o.embedding) * real(o.hidden)},
          {"hidden", 2 * real(o.hidden) * real(o.hidden)},
          {"kernel_width", 2 * real(o.hidden) * real(o.hidden) * real(o.kernel_width)},
          {"max_positions", real(o.embedding) * real(o.max_positions)}};
}

}  // namespace

const Architecture& architecture_of(const ConvolutionalOptions&) {
  static const Architecture row = ArchitectureOf<C>{
      .name = "convolutional",
      .what = "gated convolutions on both sides, attention in every decoder layer",
      .options = options(),
      .source_table = "source_embedding.weight",
      .target_table = "target_embedding.weight",
      .check = [](const C&) {},
      .one_vocabulary = [](const C& o) { return o.tie == Tie::all; },
      .longest_source = [](const C& o) { return o.max_positions; },
      .least_sizes = least_sizes,
      .dimensions = {{"encoder_layers", 2, 3, 4},
                     {"decoder_layers", 2, 3, 3},
                     {"embedding", 96, 160, 256},
                     {"hidden", 96, 160, 256}},
      .make = [](const C& o, int64_t source, int64_t target) -> std::unique_ptr<TranslationModel> {
        return std::make_unique<ConvolutionalTranslator>(o, source, target);
      }}.row();
  return row;
}

}  // namespace heed::models
