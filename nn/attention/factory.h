// Creates every kind of attention by its name, so that a model or a command line needs only one option.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/attention/attention.h"

namespace heed::nn {

/// The sizes and options of all kinds of attention; each kind uses those that it needs.
struct AttentionSizes {
  int64_t query = 0;       // Q: size of the decoder's state
  int64_t key = 0;         // E: size of the encoder's states and of the context
  int64_t attention = 0;   // A: inner size of additive, concat, scaled_dot, multi_head, local_p
  int64_t heads = 4;       // number of heads of multi_head; divides attention
  int64_t max_source = 0;  // M of location: number of source positions that it can attend to
  int64_t window = 10;     // D of local_p and local_m; 10 in Luong, Pham & Manning 2015
  /// Whether to use coverage, for the kinds of coverage_kinds() (See, Liu & Manning 2017).
  bool coverage = false;
};

/// The kinds that make_attention knows.
/// @return "additive", "dot", "general", "concat", "scaled_dot", "multi_head", "location", "local_p",
/// "local_m"
std::vector<std::string> attention_kinds();

/// The kinds that read a size.
/// @param size pointer to a member of AttentionSizes, beside query and key, which all kinds read
/// @return of &AttentionSizes::window: "local_p", "local_m"
std::vector<std::string> attention_kinds_with(int64_t AttentionSizes::*size);

/// The kinds that support coverage. The others do not: local and location attention choose positions from the
/// query alone, and the heads of multi_head have separate weights instead of one row that could be summed.
/// @return "additive", "concat", "dot", "general", "scaled_dot"
std::vector<std::string> coverage_kinds();

/// Creates an attention layer.
/// @param kind a name of attention_kinds()
/// @param sizes sizes and options; the kind uses those that it needs
/// @return the layer
/// @throws ValueError for an unknown kind (the message lists the known ones), for a size below 1 that the
///   kind uses, and for coverage with a kind that does not support it
std::unique_ptr<Attention> make_attention(const std::string& kind, const AttentionSizes& sizes);

}  // namespace heed::nn
