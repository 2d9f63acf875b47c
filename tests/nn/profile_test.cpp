// Layers in a profile: by their parameters, and by what returns next.
#include "nn/profile.h"

#include <gtest/gtest.h>

#include <set>

#include "nn/nn.h"

namespace heed::nn {
namespace {

TEST(Profile, OpsBelongToLayers) {
  const TransformerEncoderLayer layer({.size = 16, .feed_forward = 32, .heads = 2});
  Profiler profiler;
  name_layers(profiler, layer, "one:");
  sum(square(layer(randn({2, 5, 16}), {}))).backward();
  const Profile profile = profiler.take();
  std::set<std::string> forward, backward;
  for (const ProfileRow& row : profile.rows)
    (row.direction == Direction::forward ? forward : backward).insert(row.op + " " + row.layer);
  for (const char* name : {"linear one:feed_forward.first", "layer_norm one:first.norm",
                           "scaled_dot_attention one:attention", "linear one:attention.output"}) {
    EXPECT_TRUE(forward.contains(name)) << name;
    EXPECT_TRUE(backward.contains(name)) << name;
  }
  EXPECT_TRUE(forward.contains("sum "));  // behind every layer
}

}  // namespace
}  // namespace heed::nn
