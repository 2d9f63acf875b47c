// What makes a translator: all of it is written to the run folder's config.toml.
#pragma once

#include <cstdint>
#include <string>

namespace heed::models {

struct ModelConfig {
  std::string attention = "additive";  // or "none"; everything else stays equal
  int64_t embedding = 256;
  int64_t encoder_hidden = 256;  // a direction
  int64_t encoder_layers = 1;
  int64_t decoder_hidden = 512;
  int64_t attention_size = 256;
  int64_t readout = 512;
  double dropout = 0.3;
  bool operator==(const ModelConfig&) const = default;
};

/// Throws ValueError naming the field for an unknown attention, sizes below 1 and a dropout outside [0, 1).
void check(const ModelConfig& config);

}  // namespace heed::models
