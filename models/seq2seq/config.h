// What makes a translator: all of it is written to the run folder's config.toml.
#pragma once

#include <cstdint>
#include <string>

namespace heed::models {

struct ModelConfig {
  std::string architecture = "recurrent";  // or "transformer"
  int64_t encoder_layers = 1;
  double dropout = 0.3;

  // recurrent
  std::string attention = "additive";  // or "none"; everything else stays equal
  int64_t embedding = 256;
  int64_t encoder_hidden = 256;  // a direction
  int64_t decoder_hidden = 512;
  int64_t attention_size = 256;
  int64_t readout = 512;

  // transformer
  int64_t decoder_layers = 4;
  int64_t model_size = 128;
  int64_t feed_forward = 256;
  int64_t heads = 4;
  std::string norm = "pre";  // or "post"
  std::string tie = "none";  // "output": target embedding = projection; "all": source embedding too (needs joint subwords)
  bool operator==(const ModelConfig&) const = default;
};

/// Throws ValueError naming the field for an unknown name, sizes below 1, heads that do not divide and a dropout outside [0, 1).
void check(const ModelConfig& config);

}  // namespace heed::models
