// Every kind of attention by its name: the one option that a model or a command line needs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/attention/attention.h"

namespace heed::nn {

/// All that any kind may ask for; each reads what it needs.
struct AttentionSizes {
  int64_t query = 0;       // Q: the decoder's state
  int64_t key = 0;         // E: the encoder's states, and the context
  int64_t attention = 0;   // A: inner size of additive, concat, scaled_dot, multi_head, local_p
  int64_t heads = 4;       // of multi_head; divides attention
  int64_t max_source = 0;  // M of location: the longest source it can look at
  int64_t window = 10;     // D of local_p and local_m; 10 in Luong, Pham & Manning 2015
  bool coverage = false;   // additive, concat, dot, general and scaled_dot (See, Liu & Manning 2017)
};

/// The kinds that make_attention knows.
/// @return "additive", "dot", "general", "concat", "scaled_dot", "multi_head", "location", "local_p", "local_m"
std::vector<std::string> attention_kinds();

/// The kinds that coverage is an option of. A window's or a location's place comes from the query alone, and multi_head's heads share
/// no row of weights that could be summed, so they have none.
/// @return "additive", "concat", "dot", "general", "scaled_dot"
std::vector<std::string> coverage_kinds();

/// A new layer of that kind.
/// @param kind a name of attention_kinds()
/// @param sizes each kind reads those it needs
/// @return the layer
/// @throws ValueError for an unknown kind (the text lists the known ones), for a size below 1 that the kind reads and for coverage with a
///   kind that has none
std::unique_ptr<Attention> make_attention(const std::string& kind, const AttentionSizes& sizes);

}  // namespace heed::nn
