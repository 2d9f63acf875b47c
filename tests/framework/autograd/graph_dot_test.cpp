// The graph as DOT text.
#include "framework/autograd/graph_dot.h"

#include <gtest/gtest.h>

#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

TEST(GraphDot, NamesOpsLeavesAndShapes) {
  const Tensor w = ones({3, 2}).set_requires_grad(true), x = ones({4, 2}),
               b = ones({3}).set_requires_grad(true);
  const Tensor y = sum(tanh(linear(x, w)) * b);
  const NamedTensors names{{"layer.weight", w}};
  EXPECT_EQ(graph_dot(y, names), R"(digraph graph_of_backward {
  node [shape=box, fontname="sans-serif"];
  n0 [label="reshape"];
  n1 [label="sum"];
  n2 [label="mul\nkeeps f32[4, 3], f32[3]"];
  n3 [label="tanh\nkeeps f32[4, 3]"];
  n4 [label="linear\nkeeps f32[4, 2]"];
  n5 [label="leaf\nf32[3]", shape=ellipse];
  n6 [label="layer.weight\nf32[3, 2]", shape=ellipse];
  n1 -> n0;
  n2 -> n1;
  n3 -> n2;
  n5 -> n2;
  n4 -> n3;
  n6 -> n4;
  y [label="f32[]", shape=plaintext];
  n0 -> y;
}
)");
}

TEST(GraphDot, SaysWhichOutputAnEdgeTakesAndQuotesNames) {
  const Tensor w = randn({8, 3}).set_requires_grad(true);
  const LSTMResult r = lstm(randn({1, 2, 3}), {}, {}, {}, w, randn({8, 2}), zeros({8}));
  const std::string text = graph_dot(sum(r.cell), NamedTensors{{R"(a "b" \)", w}});
  EXPECT_NE(text.find("[label=\"output 2\"]"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(label="a \"b\" \\\nf32[8, 3]")"), std::string::npos) << text;
}

TEST(GraphDot, ALeafThatDiedAndALeafAlone) {
  const Tensor x = ones({2}).set_requires_grad(true);
  Tensor y;
  {
    const Tensor gone = ones({2}).set_requires_grad(true);
    y = x + gone;
  }
  EXPECT_NE(graph_dot(y).find("label=\"gone\""), std::string::npos);
  EXPECT_NE(graph_dot(x).find("n0 [label=\"leaf\\nf32[2]\""), std::string::npos);
  EXPECT_ERROR(GradError, "graph_dot: nothing that the tensor was made from wants a gradient",
               graph_dot(ones({2})));
}

TEST(GraphDot, ADeepChainDoesNotRecurse) {
  const Tensor x = ones({1}).set_requires_grad(true);
  Tensor y = x;
  for (int i = 0; i < 200'000; ++i) y = y + 1.0;
  const std::string text = graph_dot(y);
  EXPECT_NE(text.find("n200000 [label=\"leaf"), std::string::npos);
}

}  // namespace
}  // namespace heed
