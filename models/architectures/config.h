// What makes a translator: all of it is written to the run folder's config.toml.
#pragma once

#include <cstdint>
#include <string>

namespace heed::models {

/// [model] of config.toml.
struct ModelConfig {
  std::string architecture = "recurrent";  // or "transformer"
  int64_t encoder_layers = 1;              // at least 1
  double dropout = 0.3;                    // in [0, 1)
  /// "output": the target's word vectors are the projection to the vocabulary; "all": the source's too (needs joint subwords).
  std::string tie = "none";

  // recurrent
  std::string cell = "lstm";  // or "gru"
  bool residual = false;      // encoder layers from the second on add their input to their output
  /// One of nn::attention_kinds(), or without attention "none" (the encoder's summary at every step, Cho et al. 2014, sec. 3.1) or
  /// "none_state" (the summary starts the decoder and is not seen again, Sutskever et al. 2014); everything else stays equal.
  std::string attention = "additive";
  bool coverage = false;               // of the kinds in nn::coverage_kinds()
  bool input_feeding = true;           // the context is part of the decoder's next input
  bool bidirectional = true;           // the encoder
  int64_t attention_window = 10;       // D of local_p and local_m
  int64_t attention_max_source = 128;  // longest source of location
  int64_t embedding = 256;             // word vectors of both sides
  int64_t encoder_hidden = 256;        // a direction
  int64_t decoder_hidden = 512;        // H
  int64_t attention_size = 256;        // A of the kinds that have one
  int64_t readout = 512;               // what the vocabulary is scored from

  // transformer
  int64_t decoder_layers = 4;  // at least 1
  int64_t model_size = 128;    // D
  int64_t feed_forward = 256;  // inner size
  int64_t heads = 4;           // of multi_head attention too
  std::string norm = "pre";    // or "post"
  /// "sinusoidal" or "learned", added to the word vectors, or "rotary", in self-attention.
  std::string positions = "sinusoidal";
  int64_t max_positions = 512;  // rows of learned positions: the longest source and target
  bool operator==(const ModelConfig&) const = default;
};

/// Refuses a config that makes no sense.
/// @param config as a user gave it
/// @throws ValueError naming the field for an unknown name, sizes below 1, heads that do not divide and a dropout outside [0, 1)
void check(const ModelConfig& config);
/// The same, and tie = all with two vocabularies.
/// @param config as a user gave it
/// @param source_vocabulary,target_vocabulary entries, words or pieces
/// @throws ValueError as above
void check(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

}  // namespace heed::models
