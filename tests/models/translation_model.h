// Small translators of every kind, for tests that all of them must pass.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"

namespace heed::models {

inline ModelConfig tiny_model(const std::string& attention = "additive") {
  return {.encoder_layers = 2,
          .dropout = 0.0,
          .attention = attention,
          .attention_window = 2,
          .attention_max_source = 6,
          .embedding = 6,
          .encoder_hidden = 5,
          .decoder_hidden = 8,
          .attention_size = 8,
          .readout = 9,
          .decoder_layers = 2,
          .model_size = 8,
          .feed_forward = 12,
          .heads = 2};
}

struct NamedConfig {
  std::string name;
  ModelConfig config;
};

inline std::vector<NamedConfig> all_models() {
  std::vector<NamedConfig> all{{"none", tiny_model("none")}, {"none_state", tiny_model("none_state")}};
  for (const std::string& kind : nn::attention_kinds()) {
    all.push_back({kind, tiny_model(kind)});
    all.push_back({kind + "_without_feeding", tiny_model(kind)});
    all.back().config.input_feeding = false;
    if (const auto with = nn::coverage_kinds(); std::ranges::find(with, kind) != with.end()) {
      all.push_back({kind + "_coverage", tiny_model(kind)});
      all.back().config.coverage = true;
    }
  }
  all.push_back({"additive_one_direction", tiny_model()});
  all.back().config.bidirectional = false;
  for (const char* attention : {"none", "none_state", "additive", "dot"}) {
    all.push_back({std::string("gru_") + attention, tiny_model(attention)});
    all.back().config.cell = "gru";
  }
  for (const char* cell : {"lstm", "gru"}) {
    all.push_back({std::string(cell) + "_residual", tiny_model()});
    all.back().config.cell = cell;
    all.back().config.residual = true;
  }
  for (const char* tie : {"output", "all"}) {
    all.push_back({std::string("additive_tie_") + tie, tiny_model()});
    ModelConfig& c = all.back().config;
    c.tie = tie;
    c.readout = c.embedding;
  }
  for (const char* norm : {"pre", "post"}) {
    for (const char* tie : {"none", "output", "all"}) {
      all.push_back({std::string("transformer_") + norm + "_tie_" + tie, tiny_model()});
      ModelConfig& c = all.back().config;
      c.architecture = "transformer";
      c.norm = norm;
      c.tie = tie;
    }
  }
  for (const char* positions : {"learned", "rotary"}) {
    all.push_back({std::string("transformer_") + positions, tiny_model()});
    all.back().config.architecture = "transformer";
    all.back().config.positions = positions;
  }
  return all;
}

}  // namespace heed::models
