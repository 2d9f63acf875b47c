// The GRU against a step by hand, plain scalar loops, PyTorch's values and finite differences; its layers and
// directions.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/parameters.h"

namespace heed::nn {
namespace {

Tensor ids(const std::vector<int64_t>& values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}
double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// The equations of gru.h for one sentence at a time, one number at a time.
struct PlainGRU {
  int64_t in, hidden;
  std::vector<double> w, u, b, d;  // weight_ih, weight_hh, bias_ih, bias_hh

  struct Result {
    std::vector<double> output, hidden;
  };
  Result operator()(const Tensor& x, const std::vector<int64_t>& lengths, std::vector<double> h0,
                    bool reverse) const {
    const int64_t B = x.size(0), T = x.size(1);
    const std::vector<double> values = x.to_vector<double>();
    Result result{std::vector<double>(at(B * T * hidden), 0.0), std::move(h0)};
    for (int64_t s = 0; s < B; ++s) {
      std::vector<double> h(result.hidden.begin() + s * hidden, result.hidden.begin() + (s + 1) * hidden);
      for (int64_t i = 0; i < lengths[at(s)]; ++i) {
        const int64_t t = reverse ? lengths[at(s)] - 1 - i : i;
        std::vector<double> next(h.size());
        for (int64_t j = 0; j < hidden; ++j) {
          const auto input = [&](int64_t gate) {
            double total = b[at(gate * hidden + j)];
            for (int64_t k = 0; k < in; ++k)
              total += w[at((gate * hidden + j) * in + k)] * values[at((s * T + t) * in + k)];
            return total;
          };
          const auto recurrent = [&](int64_t gate) {
            double total = d[at(gate * hidden + j)];
            for (int64_t k = 0; k < hidden; ++k) total += u[at((gate * hidden + j) * hidden + k)] * h[at(k)];
            return total;
          };
          const double r = sigmoid_of(input(0) + recurrent(0)), z = sigmoid_of(input(1) + recurrent(1));
          next[at(j)] = (1 - z) * std::tanh(input(2) + r * recurrent(2)) + z * h[at(j)];
        }
        h = next;
        for (int64_t j = 0; j < hidden; ++j) result.output[at((s * T + t) * hidden + j)] = h[at(j)];
      }
      std::copy(h.begin(), h.end(), result.hidden.begin() + s * hidden);
    }
    return result;
  }
  static size_t at(int64_t i) { return static_cast<size_t>(i); }
};

TEST(GRULayer, TwoStepsByHand) {
  // One unit, all weights 0.5, b = 0, d = (0, 0, 1), x = 1 then 0. First h = 0: r = z = sigmoid(0.5), n =
  // tanh(0.5 + r 1), h = (1 - z) n.
  const GRULayer layer(1, 1);
  const NoGradGuard no_grad;
  layer.weight_ih.fill_(0.5);
  layer.weight_hh.fill_(0.5);
  layer.bias_hh.copy_(from_vector<float>({0, 0, 1}, {3}));
  const GRUResult result = layer(from_vector<float>({1, 0}, {1, 2, 1}), {});
  const double z1 = sigmoid_of(0.5), h1 = (1 - z1) * std::tanh(0.5 + z1);
  // Then r = z = sigmoid(0.5 h1), n = tanh(0 + r (0.5 h1 + 1)), h = (1 - z) n + z h1.
  const double z2 = sigmoid_of(0.5 * h1), h2 = (1 - z2) * std::tanh(z2 * (0.5 * h1 + 1)) + z2 * h1;
  EXPECT_NEAR(result.output.to_vector<float>()[0], h1, 1e-6);
  EXPECT_NEAR(result.output.to_vector<float>()[1], h2, 1e-6);
  EXPECT_NEAR(result.hidden.item(), h2, 1e-6);
}

TEST(GRULayer, EqualsThePlainLoops) {
  manual_seed(5);
  const GRULayer layer(3, 4);
  randomise_parameters(layer, 0.8);
  const PlainGRU plain{3,
                       4,
                       layer.weight_ih.detach().to_vector<double>(),
                       layer.weight_hh.detach().to_vector<double>(),
                       layer.bias_ih.detach().to_vector<double>(),
                       layer.bias_hh.detach().to_vector<double>()};
  const Tensor x = randn({4, 5, 3}, DType::f64), h0 = randn({4, 4}, DType::f64);
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{5, 5, 5, 5}, {5, 3, 1, 0}}) {
    for (const bool reverse : {false, true}) {
      const GRUResult result = layer(x, ids(lengths), h0, reverse);
      const PlainGRU::Result expected = plain(x, lengths, h0.to_vector<double>(), reverse);
      EXPECT_TRUE(all_close(result.output, from_vector(expected.output, {4, 5, 4}), 1e-12, 1e-12));
      EXPECT_TRUE(all_close(result.hidden, from_vector(expected.hidden, {4, 4}), 1e-12, 1e-12));
    }
  }
}

TEST(GRULayer, GradientsMatchFiniteDifferences) {
  manual_seed(6);
  const GRULayer layer(2, 3);
  std::vector<Tensor> inputs = {randn({3, 3, 2}, DType::f64), randn({3, 3}, DType::f64)};
  for (const Tensor& p : randomise_parameters(layer, 0.8)) inputs.push_back(p);
  for (const bool reverse : {false, true}) {
    const auto f = [&](const std::vector<Tensor>& x) {
      substitute_parameters(layer, {x.begin() + 2, x.end()});
      const GRUResult result = layer(x[0], ids({3, 2, 0}), x[1], reverse);
      return std::vector{result.output, result.hidden};
    };
    const GradcheckResult result = gradcheck(f, inputs, {.order = 2});
    EXPECT_TRUE(result) << result.message;
  }
}

TEST(GRU, EqualsPyTorch) {
  // torch.nn.GRU(2, 2, bidirectional=True, batch_first=True) in f64 on a packed batch of lengths 3 and 2.
  // Element i of its k-th parameter is cos(1.3 i + 0.4 k), of x cos(1.3 i + 0.9).
  const auto fill = [](const Shape& shape, double phase) {
    const Tensor x = empty(shape, DType::f64);
    for (int64_t i = 0; i < x.numel(); ++i)
      x.data<double>()[i] = std::cos(1.3 * static_cast<double>(i) + phase);
    return x;
  };
  const GRU gru(2, 2, {.bidirectional = true});
  std::vector<Tensor> values;
  for (const auto& [name, p] : gru.named_parameters())
    values.push_back(fill(p.shape(), 0.4 * static_cast<double>(values.size())));
  substitute_parameters(gru, values);
  const GRUResult result = gru(fill({2, 3, 2}, 0.9), ids({3, 2}));
  const std::vector<double> output = {0.6904849238281807,
                                      0.23264993624640518,
                                      -0.06005542404444408,
                                      -0.35848929273736274,
                                      0.9210814063053281,
                                      -0.02648675554228483,
                                      -0.10857093252380695,
                                      -0.31720507028702455,
                                      0.9068431414648986,
                                      0.4901570271864389,
                                      0.14038636149341188,
                                      -0.29580008888395104,
                                      0.8307081925214748,
                                      0.014079321285900087,
                                      -0.08515800076661162,
                                      -0.1822101627736238,
                                      0.9029991568871394,
                                      0.4134919491602242,
                                      0.23800894460045874,
                                      -0.20584589108141638,
                                      0.0,
                                      0.0,
                                      0.0,
                                      0.0};
  const std::vector<double> hidden = {0.9068431414648986,   0.4901570271864389, -0.06005542404444408,
                                      -0.35848929273736274, 0.9029991568871394, 0.4134919491602242,
                                      -0.08515800076661162, -0.1822101627736238};
  EXPECT_TRUE(all_close(result.output, from_vector(output, {2, 3, 4}), 1e-12, 1e-12));
  EXPECT_TRUE(all_close(result.hidden, from_vector(hidden, {2, 4}), 1e-12, 1e-12));
}

TEST(GRU, PaddingDoesNotReachTheResult) {
  const GRU gru(3, 4, {.layers = 2, .bidirectional = true});
  const Tensor x = randn({2, 5, 3});
  const GRUResult batch = gru(x, ids({5, 2}));
  const GRUResult single = gru(slice(slice(x, 0, 1, 2), 1, 0, 2).contiguous(), {});
  EXPECT_TRUE(
      all_close(slice(slice(batch.output, 0, 1, 2), 1, 0, 2).contiguous(), single.output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(slice(batch.hidden, 0, 1, 2).contiguous(), single.hidden, 1e-5, 1e-6));
  EXPECT_EQ(sum(square(slice(slice(batch.output, 0, 1, 2), 1, 2, 5))).item(), 0);
}

TEST(GRU, StacksItsLayers) {
  const GRU gru(2, 3, {.layers = 2});
  const NamedTensors named = gru.named_parameters();
  ASSERT_EQ(named.size(), 8U);
  EXPECT_EQ(named[0].first, "layer0.weight_ih");
  EXPECT_EQ(named[7].first, "layer1.bias_hh");
  const GRULayer first(2, 3), second(3, 3);
  {
    const NoGradGuard no_grad;
    for (size_t i = 0; i < 4; ++i) {
      first.parameters()[i].copy_(named[i].second);
      second.parameters()[i].copy_(named[4 + i].second);
    }
  }
  const Tensor x = randn({2, 4, 2}), lengths = ids({4, 3});
  const GRUResult stacked = gru(x, lengths), one_by_one = second(first(x, lengths).output, lengths);
  EXPECT_TRUE(all_close(stacked.output, one_by_one.output, 1e-6, 1e-7));
  EXPECT_TRUE(all_close(stacked.hidden, one_by_one.hidden, 1e-6, 1e-7));
}

TEST(GRU, RefusesWhatDoesNotFit) {
  EXPECT_THROW(GRU(0, 3), ValueError);
  EXPECT_THROW(GRU(2, 3, {.layers = 0}), ValueError);
  const GRULayer layer(2, 3);
  EXPECT_THROW(layer(randn({2, 4, 3}), {}), ShapeError);
  EXPECT_THROW(layer(randn({2, 4, 2}), ids({4})), ShapeError);
  EXPECT_THROW(layer(randn({2, 4, 2}), ids({4, 5})), IndexError);
  EXPECT_THROW(layer(randn({2, 4, 2}), {}, randn({2, 4})), ShapeError);
}

// What stands past the end of a sequence reaches neither the output nor a gradient.
TEST(GRU, PaddingNeedNotBeFinite) {
  for (const bool lstm : {false, true}) {
    const auto gradients = [&](double padding) {
      manual_seed(4);
      const GRU gru(2, 3, {.layers = 2, .bidirectional = true});
      const LSTM composed(2, 3, {.layers = 2, .bidirectional = true, .composed = true});
      const Tensor x = randn({2, 3, 2});
      x.index_put_({0, Range{1, 3}}, padding);
      const Tensor lengths = ids({1, 3}), leaf = x.set_requires_grad(true);
      const Tensor output = lstm ? composed(leaf, lengths).output : gru(leaf, lengths).output;
      std::vector<Tensor> inputs = lstm ? composed.parameters() : gru.parameters();
      inputs.push_back(leaf);
      std::vector<Tensor> result = grad({sum(output * output)}, std::span<const Tensor>(inputs));
      result.push_back(output.detach());
      return result;
    };
    const std::vector<Tensor> well = gradients(0), sick = gradients(std::nan(""));
    for (size_t i = 0; i < well.size(); ++i) EXPECT_TRUE(all_close(sick[i], well[i], 0, 0)) << lstm << i;
  }
}

}  // namespace
}  // namespace heed::nn
