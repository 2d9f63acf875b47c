// Hooks on what layers return: which layers are seen, by what names, in what order.
#include "nn/output_hook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nn/nn.h"
#include "nn/positional.h"
#include "nn/transformer.h"

namespace heed::nn {
namespace {

using testing::ElementsAre;

struct Seen {
  std::vector<std::string> lines;
  OutputHook hook() {
    return [this](const std::string& path, const Tensor& output) {
      lines.push_back(path + " " + output.describe());
    };
  }
};

TEST(OutputHook, SeesEveryLayerOfARowInItsOrder) {
  Sequential net;
  net.emplace<Linear>(2, 8).emplace<LayerNorm>(8).emplace<Dropout>(0.5).emplace<RMSNorm>(8);
  Seen seen;
  net.on_output(seen.hook());
  Tensor last;
  const Tensor y = net(randn({3, 2}));
  EXPECT_THAT(seen.lines,
              ElementsAre("0 f32[3, 8]", "1 f32[3, 8]", "2 f32[3, 8]", "3 f32[3, 8]", " f32[3, 8]"));
  net.on_output([&](const std::string& path, const Tensor& output) {
    if (path.empty()) last = output;
  });
  const Tensor z = net(randn({3, 2}));
  EXPECT_EQ(last.body(), z.body());  // the very tensor that the caller gets
  EXPECT_EQ(seen.lines.size(), 5U);  // its place was taken
  net.on_output({});
  last = Tensor{};
  net(randn({3, 2}));
  EXPECT_FALSE(last.defined());
}

TEST(OutputHook, NamesAreThoseOfTheParameters) {
  class Model : public Module {
   public:
    explicit Model(const Scope& scope = {})
        : Module(scope), words(10, 4), encoder(4, 3, {.layers = 2, .bidirectional = true}), reader(6, 6, 5) {
      child("words", words);
      child("encoder", encoder);
      child("reader", reader);
    }
    Embedding words;
    LSTM encoder;
    AdditiveAttention reader;
  };
  Model model;
  Seen seen;
  model.on_output(seen.hook());
  const Tensor lengths = from_vector<int64_t>({2, 1}, {2});
  const Tensor states = model.encoder(model.words(zeros({2, 2}, DType::i64)), lengths).output;
  model.reader.attend(randn({2, 1, 6}), model.reader.prepare(states, lengths));
  EXPECT_THAT(seen.lines, ElementsAre("words f32[2, 2, 4]", "encoder.layer0 f32[2, 2, 3]",
                                      "encoder.layer0_reverse f32[2, 2, 3]", "encoder.dropout f32[2, 2, 6]",
                                      "encoder.layer1 f32[2, 2, 3]", "encoder.layer1_reverse f32[2, 2, 3]",
                                      "encoder f32[2, 2, 6]", "reader.key_proj f32[2, 2, 5]",
                                      "reader.query_proj f32[2, 1, 5]", "reader f32[2, 1, 6]"));
  seen.lines.clear();
  model.encoder.on_output(seen.hook());  // from here on down, with names from here
  model.encoder(randn({2, 2, 4}), lengths);
  EXPECT_EQ(seen.lines.front(), "layer0 f32[2, 2, 3]");
  EXPECT_EQ(seen.lines.back(), " f32[2, 2, 6]");
}

TEST(OutputHook, SeesGruTransformerAndPositions) {
  Seen seen;
  GRU gru(3, 4);
  gru.on_output(seen.hook());
  gru(randn({2, 5, 3}), {});
  EXPECT_THAT(seen.lines, ElementsAre("layer0 f32[2, 5, 4]", " f32[2, 5, 4]"));
  seen.lines.clear();
  LearnedPositions learned(5, 4);
  SinusoidalPositions fixed(4);
  learned.on_output(seen.hook());
  fixed.on_output(seen.hook());
  fixed(learned(zeros({1, 5, 4})));
  EXPECT_THAT(seen.lines, ElementsAre(" f32[1, 5, 4]", " f32[1, 5, 4]"));
  seen.lines.clear();
  TransformerDecoderLayer layer({.size = 4, .feed_forward = 6, .heads = 2});
  layer.on_output(seen.hook());
  layer(randn({1, 3, 4}), layer.prepare(randn({1, 2, 4})), {});
  EXPECT_THAT(seen.lines,
              testing::IsSupersetOf({"first f32[1, 3, 4]", "self_attention f32[1, 3, 4]",
                                     "cross_attention f32[1, 3, 4]", "feed_forward.first f32[1, 3, 6]",
                                     "feed_forward f32[1, 3, 4]", "third f32[1, 3, 4]"}));
  EXPECT_EQ(seen.lines.back(), " f32[1, 3, 4]");
}

TEST(OutputHook, SeesConvolutionsNormsActivationsAndCells) {
  Seen seen;
  Sequential net;
  net.emplace<Conv2d>(1, 2, Extent2d{3, 3})
      .emplace<BatchNorm>(2)
      .emplace<ReLU>()
      .emplace<MaxPool2d>(Extent2d{2, 2})
      .emplace<GELU>();
  net.on_output(seen.hook());
  const Tensor image = randn({2, 1, 6, 6});
  net(image);
  const auto layers = ElementsAre("0 f32[2, 2, 4, 4]", "1 f32[2, 2, 4, 4]", "2 f32[2, 2, 4, 4]",
                                  "3 f32[2, 2, 2, 2]", "4 f32[2, 2, 2, 2]", " f32[2, 2, 2, 2]");
  EXPECT_THAT(seen.lines, layers);
  seen.lines.clear();
  net.train(false);  // batch norm has another way through
  net(image);
  EXPECT_THAT(seen.lines, layers);
  seen.lines.clear();
  LSTMCell lstm_cell(3, 4);
  GRUCell gru_cell(3, 5);
  lstm_cell.on_output(seen.hook());
  gru_cell.on_output(seen.hook());
  lstm_cell(randn({2, 3}));
  gru_cell(randn({2, 3}));
  EXPECT_THAT(seen.lines, ElementsAre(" f32[2, 4]", " f32[2, 5]"));
}

TEST(OutputHook, MayEndTheCallAndLeavesGradientsAlone) {
  manual_seed(1);
  Sequential net;
  net.emplace<Linear>(2, 3).emplace<Linear>(3, 1);
  const Tensor x = randn({4, 2});
  sum(net(x)).backward();
  std::vector<std::vector<float>> before;
  for (const Tensor& p : net.parameters()) {
    before.push_back(p.grad().to_vector<float>());
    p.zero_grad();
  }
  std::vector<Tensor> outputs;
  net.on_output([&](const std::string&, const Tensor& output) { outputs.push_back(output); });
  sum(net(x)).backward();
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(net.parameters()[i].grad().to_vector<float>(), before[i]);
  net.on_output([](const std::string& path, const Tensor& output) {  // find where a NaN is born
    for (const float v : output.to_vector<float>()) {
      if (std::isnan(v)) throw std::runtime_error("NaN in layer " + path);
    }
  });
  EXPECT_THAT([&] { net(full({4, 2}, NAN)); }, testing::ThrowsMessage<std::runtime_error>("NaN in layer 0"));
}

}  // namespace
}  // namespace heed::nn
