#include "models/architectures/recurrent/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "models/architectures/recurrent/recurrent.h"
#include "models/text/vocabulary.h"
#include "nn/nn.h"

namespace heed::models {
namespace {

using R = RecurrentOptions;

std::vector<std::string> attention_kinds() {
  std::vector<std::string> kinds = nn::attention_kinds();
  kinds.insert(kinds.begin(), {"none", "none_state"});
  return kinds;
}

using S = nn::AttentionSizes;

// Whether the kind of attention reads a size.
template <int64_t S::*size>
bool reads(const R& o) {
  const std::vector<std::string> kinds = nn::attention_kinds_with(size);
  return std::ranges::find(kinds, o.attention) != kinds.end();
}

// An option that is a size of some kinds of attention.
template <int64_t S::*size>
OptionOf<R> of_kinds(OptionOf<R> option) {
  return only_with<R>(
      "--attention",
      fmt::format("with this --attention, only with {}", fmt::join(nn::attention_kinds_with(size), ", ")),
      reads<size>, std::move(option));
}

std::vector<OptionOf<R>> options() {
  const std::vector<std::string> kinds = attention_kinds();
  return {
      {"cell", &R::cell, "of encoder and decoder: lstm or gru"},
      {"encoder_layers", &R::encoder_layers, "layers of the encoder", layer_count()},
      only_with<R>(
          "--encoder-layers", "without --encoder-layers 2 or more",
          [](const R& o) { return o.encoder_layers > 1; },
          {"residual", &R::residual, "encoder layers from the second on add their input to their output"}),
      {"bidirectional", &R::bidirectional, "an encoder that reads in both directions"},
      {"embedding", &R::embedding, "size of the word vectors", between(1)},
      {"encoder_hidden", &R::encoder_hidden, "size of the encoder, a direction", between(1)},
      {"decoder_hidden", &R::decoder_hidden, "size of the decoder", between(1)},
      {"readout", &R::readout, "size of the layer in front of the vocabulary", between(1)},
      {"attention", &R::attention, fmt::format("kind of attention: {}", fmt::join(kinds, ", ")),
       one_of(kinds, {{"bahdanau", "additive"},
                      {"mlp", "additive"},
                      {"luong", "general"},
                      {"bilinear", "general"},
                      {"multiplicative", "general"},
                      {"dot_product", "dot"},
                      {"dot-product", "dot"},
                      {"scaled-dot", "scaled_dot"},
                      {"multi-head", "multi_head"},
                      {"multihead", "multi_head"},
                      {"local-p", "local_p"},
                      {"local-m", "local_m"},
                      {"no", "none"}})},
      {"attention_size", &R::attention_size,
       fmt::format("size of the attention's hidden layer ({})",
                   fmt::join(nn::attention_kinds_with(&S::attention), ", ")),
       between(1)},
      of_kinds<&S::window>(
          {"attention_window", &R::attention_window, "half window of local_p and local_m", between(1)}),
      of_kinds<&S::max_source>({"attention_max_source", &R::attention_max_source,
                                "longest source that location looks at", between(1)}),
      of_kinds<&S::heads>({"heads", &R::heads, "attention heads", between(1)}),
      {"coverage", &R::coverage,
       "past weights enter the energy (additive, concat, dot, general, scaled_dot)"},
      {"input_feeding", &R::input_feeding, "the context is part of the decoder's next input"},
      {"tie", &R::tie, kTieHelp},
      only_in_training(OptionOf<R>{"dropout", &R::dropout, "probability of dropout", fraction()}),
  };
}

void check(const R& o) {
  if (const auto with = nn::coverage_kinds();
      o.coverage && std::ranges::find(with, o.attention) == with.end()) {
    throw ValueError("coverage", fmt::format("{} attention has none (these have: {})", o.attention,
                                             fmt::join(with, ", ")));
  }
  if (o.attention == "multi_head" && o.attention_size % o.heads != 0) {
    throw ValueError("heads",
                     fmt::format("{} do not divide an attention-size of {}", o.heads, o.attention_size));
  }
  if (o.tie != Tie::none && o.readout != o.embedding) {
    throw ValueError("tie", fmt::format("'{}' needs a readout of the embedding's size, got {} and {}",
                                        name_of_choice(o.tie), o.readout, o.embedding));
  }
}

std::vector<LeastSize> least_sizes(const R& o) {
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  std::vector<LeastSize> sizes{{"encoder_layers", real(o.encoder_layers), /*in_tensors=*/true},
                               {"embedding", real(o.embedding) * Vocabulary::kSpecials},
                               {"encoder_hidden", real(o.encoder_hidden) * real(o.encoder_hidden)},
                               {"decoder_hidden", real(o.decoder_hidden) * real(o.decoder_hidden)},
                               {"readout", real(o.readout) * Vocabulary::kSpecials}};
  if (reads<&S::attention>(o))
    sizes.push_back({"attention_size", real(o.attention_size) * real(o.decoder_hidden)});
  if (reads<&S::max_source>(o))
    sizes.push_back({"attention_max_source", real(o.attention_max_source) * real(o.decoder_hidden)});
  return sizes;
}

}  // namespace

const Architecture& architecture_of(const RecurrentOptions&) {
  static const Architecture row = ArchitectureOf<R>{
      .name = "recurrent",
      .what = "LSTM or GRU encoder and decoder, with any attention or none",
      .options = options(),
      .source_table = "encoder.embedding.weight",
      .target_table = "decoder.embedding.weight",
      .check = check,
      .one_vocabulary = [](const R& o) { return o.tie == Tie::all; },
      .longest_source = [](const R&) { return std::numeric_limits<int64_t>::max(); },
      .least_sizes = least_sizes,
      .dimensions = {{"embedding", 64, 128, 256},
                     {"encoder_hidden", 64, 128, 256},
                     {"decoder_hidden", 128, 256, 512},
                     {"readout", 64, 128, 512},
                     {"attention_size", 64, 128, 256}},
      .make = [](const R& o, int64_t source, int64_t target) -> std::unique_ptr<TranslationModel> {
        return std::make_unique<Seq2Seq>(o, source, target);
      }}.row();
  return row;
}

}  // namespace heed::models
