// summary(): every layer's parameters, bytes, output and operations, counted by hand.
#include "nn/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/nn.h"

namespace heed::nn {
namespace {

TEST(Summary, CountsAConvolutionalNetwork) {
  Sequential net;
  net.emplace<Conv2d>(1, 4, Extent2d(3), Conv2dOptions{.padding = 1})
      .emplace<BatchNorm2d>(4)
      .emplace<ReLU>()
      .emplace<MaxPool2d>(Extent2d(2));
  net.emplace<Flatten>().emplace<Linear>(4 * 4 * 4, 10);
  const Tensor x = randn({2, 1, 8, 8});
  const std::string text = summary(net, [&] { net(x); });
  EXPECT_EQ(text,
            "layer         kind        output        parameters  bytes  operations\n"
            "(whole)       Sequential  [2, 10]              698   2824       0.0 k\n"
            "0             Conv2d      [2, 4, 8, 8]          40    160       9.2 k\n"  // 2 * 9 * 4 * 64 * 2
            "1             BatchNorm   [2, 4, 8, 8]           8     64       0.0 k\n"  // with its running
                                                                                       // mean and variance
            "2             relu        [2, 4, 8, 8]           0      0       0.0 k\n"
            "3             MaxPool2d   [2, 4, 4, 4]           0      0       0.0 k\n"
            "4             Flatten     [2, 64]                0      0       0.0 k\n"
            "5             Linear      [2, 10]              650   2600       2.6 k\n"  // 2 * 64 * 10 * 2
            "all together                                   698   2824      11.8 k\n");
}

TEST(Summary, WithoutARunKnowsTheParametersAlone) {
  Linear layer(3, 2);
  EXPECT_EQ(summary(layer),
            "layer         kind    output  parameters  bytes  operations\n"
            "(whole)       Linear                   8     32\n"
            "all together                           8     32\n");
}

TEST(Summary, AnAttentionsEnergiesCountForTheAttention) {
  TransformerEncoderLayer layer({.size = 16, .feed_forward = 32, .heads = 2});
  const Tensor x = randn({2, 5, 16});
  const FlopCounter counter;
  const std::string text = summary(layer, [&] { layer(x, {}); });
  // projections 4 * 16 * 16 and feed-forward 2 * 16 * 32 of 10 rows, energies and context 2 * 5 * 5 * 16 of 2
  // sentences
  EXPECT_EQ(counter.count(), 2 * (10 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 2 * 5 * 5 * 16));
  // 2 * 2 * 2 * 5 * 5 * 16 of its own
  EXPECT_THAT(text, testing::ContainsRegex("SelfAttention .* 3\\.2 k\n"));
  EXPECT_THAT(text, testing::ContainsRegex("all together .* 44\\.2 k\n"));
}

namespace {
struct Own : Module {
  explicit Own(const Scope& scope = {}) : Module(scope), table(30, 8), out(8, 2) {
    child("table", table);
    child("out", out);
  }
  Tensor operator()(const Tensor& ids) const {
    return announce(out(table(ids) + matmul(ones({4, 6}), ones({6, 8}))));
  }
  Embedding table;
  Linear out;
};
}  // namespace

TEST(Summary, AnEmbeddingHasNoOperationsAndAnOwnClassItsName) {
  Own own;
  const std::string text = summary(own, [&] { own(from_vector<int64_t>({1, 2, 3, 4}, {4})); });
  // its own product
  EXPECT_THAT(text, testing::ContainsRegex("whole\\) *Own *\\[4, 2\\] *258 *1032 *0\\.4 k"));
  EXPECT_THAT(text, testing::ContainsRegex("table *Embedding *\\[4, 8\\] *240 *960 *0\\.0 k"));
  EXPECT_THAT(text, testing::ContainsRegex("out *Linear *\\[4, 2\\] *18 *72 *0\\.1 k"));
}

TEST(FlopCounter, SeesForwardBackwardAndConvolutions) {
  const Tensor x = randn({4, 3}).set_requires_grad(true), w = randn({5, 3}).set_requires_grad(true);
  const FlopCounter counter;
  const Tensor y = linear(x, w);
  EXPECT_EQ(counter.count(), 2 * 4 * 3 * 5);
  sum(square(y)).backward();
  EXPECT_EQ(counter.count(), 3 * 2 * 4 * 3 * 5);
}

}  // namespace
}  // namespace heed::nn
