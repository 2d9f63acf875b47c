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

// What lies before a layer's call, or is passed through one that does nothing, is not its.
TEST(Profile, ALayerTakesItsOwnOpsAlone) {
  Sequential net;
  net.emplace<Linear>(4, 4).emplace<Dropout>(0.5);
  net.train(false);
  Profiler profiler;
  name_layers(profiler, net);
  for (int i = 0; i < 2; ++i) softmax(net(randn({3, 4})));
  for (const ProfileRow& row : profiler.take().rows) {
    if (row.op == "softmax") {
      EXPECT_EQ(row.layer, "");
    }
    if (row.op == "linear") {
      EXPECT_EQ(row.layer, "0");
    }
    EXPECT_NE(row.layer, "1") << row.op;
  }
}

}  // namespace
}  // namespace heed::nn
