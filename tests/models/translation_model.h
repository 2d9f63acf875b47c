// Small translators of every kind, for tests that all of them must pass.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "models/architectures/convolutional/options.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "nn/nn.h"

namespace heed::models {

inline RecurrentOptions tiny_model(const std::string& attention = "additive") {
  return {.encoder_layers = 2,
          .embedding = 6,
          .encoder_hidden = 5,
          .decoder_hidden = 8,
          .readout = 9,
          .attention = attention,
          .attention_size = 8,
          .attention_window = 2,
          .attention_max_source = 6,
          .heads = 2,
          .dropout = 0.0};
}

inline TransformerOptions tiny_transformer() {
  return {.encoder_layers = 2,
          .decoder_layers = 2,
          .model_size = 8,
          .feed_forward = 12,
          .heads = 2,
          .dropout = 0.0};
}

inline ConvolutionalOptions tiny_convolutional() {
  return {.encoder_layers = 2,
          .decoder_layers = 2,
          .embedding = 6,
          .hidden = 5,
          .kernel_width = 3,
          .max_positions = 64,
          .dropout = 0.0};
}

struct NamedConfig {
  std::string name;
  ModelConfig config;
};

inline std::vector<NamedConfig> all_models() {
  std::vector<NamedConfig> all{{"none", tiny_model("none")}, {"none_state", tiny_model("none_state")}};
  const auto recurrent = [&](const std::string& name,
                             const std::string& attention = "additive") -> RecurrentOptions& {
    return all.emplace_back(NamedConfig{name, tiny_model(attention)}).config.as<RecurrentOptions>();
  };
  const auto transformer = [&](const std::string& name) -> TransformerOptions& {
    return all.emplace_back(NamedConfig{"transformer_" + name, tiny_transformer()})
        .config.as<TransformerOptions>();
  };
  const auto convolutional = [&](const std::string& name) -> ConvolutionalOptions& {
    return all.emplace_back(NamedConfig{"convolutional_" + name, tiny_convolutional()})
        .config.as<ConvolutionalOptions>();
  };
  for (const std::string& kind : nn::attention_kinds()) {
    recurrent(kind, kind);
    recurrent(kind + "_without_feeding", kind).input_feeding = false;
    if (const auto with = nn::coverage_kinds(); std::ranges::find(with, kind) != with.end()) {
      recurrent(kind + "_coverage", kind).coverage = true;
    }
  }
  recurrent("additive_one_direction").bidirectional = false;
  for (const char* attention : {"none", "none_state", "additive", "dot"}) {
    recurrent(std::string("gru_") + attention, attention).cell = Cell::gru;
  }
  for (const Cell cell : {Cell::lstm, Cell::gru}) {
    RecurrentOptions& options = recurrent(name_of_choice(cell) + "_residual");
    options.cell = cell;
    options.residual = true;
  }
  for (const Tie tie : {Tie::output, Tie::all}) {
    RecurrentOptions& options = recurrent("additive_tie_" + name_of_choice(tie));
    options.tie = tie;
    options.readout = options.embedding;
  }
  for (const NormPlace norm : {NormPlace::pre, NormPlace::post}) {
    for (const Tie tie : {Tie::none, Tie::output, Tie::all}) {
      TransformerOptions& options = transformer(name_of_choice(norm) + "_tie_" + name_of_choice(tie));
      options.norm = norm;
      options.tie = tie;
    }
  }
  for (const Positions positions : {Positions::learned, Positions::rotary}) {
    transformer(name_of_choice(positions)).positions = positions;
  }
  for (const nn::Sinusoids sinusoids : {nn::Sinusoids::halves, nn::Sinusoids::halves_inclusive}) {
    TransformerOptions& options = transformer("as_imported_" + name_of_choice(sinusoids));
    options.norm = NormPlace::post;
    options.sinusoids = sinusoids;
    options.activation = sinusoids == nn::Sinusoids::halves ? nn::FeedForwardActivation::swish
                                                            : nn::FeedForwardActivation::gelu;
    options.first_position = 1;
    options.scale_embedding = false;
    options.decoder_heads = 4;
    options.decoder_feed_forward = 10;
    options.tie = Tie::all;
    options.tied_bias = true;
    options.decoder_start = DecoderStart::zero;
  }
  for (const Tie tie : {Tie::none, Tie::output, Tie::all})
    convolutional("tie_" + name_of_choice(tie)).tie = tie;
  for (const int64_t width : {1, 2, 4}) convolutional(fmt::format("kernel_{}", width)).kernel_width = width;
  return all;
}

}  // namespace heed::models
