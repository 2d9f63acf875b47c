// The LSTM's layers and directions, against one layer at a time and sentence by sentence.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <typeinfo>

#include "nn/nn.h"
#include "tests/testing/close.h"
#include "tests/testing/parameters.h"
#include "tests/testing/throws.h"

namespace heed::nn {
namespace {

std::map<std::string, Tensor> named(const Module& module) {
  const NamedTensors all = module.named_parameters();
  return {all.begin(), all.end()};
}

TEST(LSTM, PaddingDoesNotReachTheResult) {
  const LSTM lstm(3, 4, {.layers = 2, .bidirectional = true});
  const Tensor x = randn({2, 5, 3}), lengths = from_vector<int64_t>({5, 2}, {2});
  const LSTMResult batch = lstm(x, lengths);
  const Tensor alone = slice(slice(x, 0, 1, 2), 1, 0, 2).contiguous();
  const LSTMResult single = lstm(alone, {});
  EXPECT_TRUE(
      all_close(slice(slice(batch.output, 0, 1, 2), 1, 0, 2).contiguous(), single.output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(slice(batch.hidden, 0, 1, 2).contiguous(), single.hidden, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(slice(batch.cell, 0, 1, 2).contiguous(), single.cell, 1e-5, 1e-6));
  EXPECT_EQ(sum(square(slice(slice(batch.output, 0, 1, 2), 1, 2, 5))).item(), 0);
}

// A sequence of no steps keeps its first state and gives zeros; the others of its batch are as without it.
TEST(LSTM, TakesALengthOfNothingAsTheGruDoes) {
  manual_seed(7);
  const LSTMLayer lstm(3, 4);
  const GRULayer gru(3, 4);
  const Tensor x = randn({3, 5, 3}), lengths = from_vector<int64_t>({0, 5, 0}, {3}),
               none = zeros({3}, DType::i64);
  for (const bool reverse : {false, true}) {
    const Tensor h0 = randn({3, 4}).set_requires_grad(true), c0 = randn({3, 4}).set_requires_grad(true);
    const LSTMResult of_lstm = lstm(x, lengths, h0, c0, reverse);
    const GRUResult of_gru = gru(x, lengths, h0, reverse);
    for (const int64_t b : {0, 2}) {
      EXPECT_EQ(
          sum(square(select(of_lstm.output, 0, b))).item() + sum(square(select(of_gru.output, 0, b))).item(),
          0);
      EXPECT_EQ(select(of_lstm.hidden, 0, b).to_vector<float>(), select(h0, 0, b).to_vector<float>());
      EXPECT_EQ(select(of_lstm.cell, 0, b).to_vector<float>(), select(c0, 0, b).to_vector<float>());
      EXPECT_EQ(select(of_gru.hidden, 0, b).to_vector<float>(), select(h0, 0, b).to_vector<float>());
    }
    const auto row = [](const Tensor& t) { return slice(t, 0, 1, 2).contiguous(); };
    EXPECT_TRUE(
        all_close(row(of_lstm.output), lstm(row(x), {}, row(h0), row(c0), reverse).output, 1e-6, 1e-7));
    const LSTMResult nothing = lstm(x, none, h0, c0, reverse);
    EXPECT_EQ(nothing.hidden.to_vector<float>(), h0.to_vector<float>());
    (sum(nothing.hidden * 2.0) + sum(nothing.cell * 3.0) + sum(nothing.output)).backward();
    EXPECT_EQ(h0.grad().to_vector<float>(), std::vector<float>(12, 2));
    EXPECT_EQ(c0.grad().to_vector<float>(), std::vector<float>(12, 3));
    EXPECT_EQ(amax(abs(lstm.weight_ih.grad())).item(), 0);
    lstm.weight_ih.zero_grad();
  }
  const LSTM stack(3, 4, {.layers = 2, .bidirectional = true});
  EXPECT_EQ(amax(abs(stack(x, none).hidden)).item(), 0);
}

TEST(LSTM, BackwardDirectionIsTheForwardOneOnTheReversedSequence) {
  const LSTM lstm(2, 3, {.bidirectional = true});
  auto weights = named(lstm);
  const Tensor x = randn({1, 4, 2});
  std::vector<Tensor> steps;
  for (int64_t t = 3; t >= 0; --t) steps.push_back(slice(x, 1, t, t + 1));
  const LSTMResult reversed =
      heed::lstm(concat(steps, 1), {}, {}, {}, weights.at("layer0_reverse.weight_ih"),
                 weights.at("layer0_reverse.weight_hh"), weights.at("layer0_reverse.bias"));
  const LSTMResult both = lstm(x, {});
  for (int64_t t = 0; t < 4; ++t) {
    const Tensor got = slice(slice(both.output, 1, t, t + 1), 2, 3, 6).contiguous();
    EXPECT_TRUE(all_close(got, slice(reversed.output, 1, 3 - t, 4 - t).contiguous(), 1e-5, 1e-6));
  }
  EXPECT_TRUE(all_close(slice(both.hidden, 1, 3, 6).contiguous(), reversed.hidden, 1e-5, 1e-6));
}

// Two layers of the same size: with residuals the output is the second layer's plus the first's; the states
// are the second layer's own.
template <class Recurrent, class Options>
void expect_residual_adds_the_input() {
  manual_seed(1);
  const Recurrent plain(3, 4, Options{.layers = 2, .bidirectional = true});
  Recurrent residual(3, 4, Options{.layers = 2, .bidirectional = true, .residual = true}),
      first(3, 4, Options{.bidirectional = true});
  const auto weights = named(plain);
  residual.load(weights, "plain");
  std::map<std::string, Tensor> of_first;
  for (const auto& [name, value] : weights) {
    if (name.starts_with("layer0")) of_first.emplace(name, value);
  }
  first.load(of_first, "plain");
  const Tensor x = randn({2, 5, 3}), lengths = from_vector<int64_t>({5, 2}, {2});
  EXPECT_TRUE(all_close(residual(x, lengths).output, plain(x, lengths).output + first(x, lengths).output,
                        1e-5, 1e-6));
  EXPECT_TRUE(all_close(residual(x, lengths).hidden, plain(x, lengths).hidden, 1e-6, 1e-7));
}
TEST(LSTM, ResidualAddsALayersInput) { expect_residual_adds_the_input<LSTM, LSTMOptions>(); }
TEST(GRU, ResidualAddsALayersInput) { expect_residual_adds_the_input<GRU, GRUOptions>(); }

// While training, what the second layer reads is the first one's output after dropout; the last output has
// none.
template <class Recurrent, class Options>
void expect_dropout_between_layers() {
  manual_seed(2);
  constexpr double kRate = 0.4;
  Recurrent both(3, 4, Options{.layers = 2, .dropout = kRate}), first(3, 4), second(4, 4);
  std::map<std::string, Tensor> of_first, of_second;
  for (const auto& [name, value] : named(both)) {
    if (name.starts_with("layer0")) of_first.emplace(name, value);
    if (name.starts_with("layer1")) of_second.emplace("layer0" + name.substr(6), value);
  }
  first.load(of_first, "first");
  second.load(of_second, "second");
  const Tensor x = randn({2, 5, 3});
  manual_seed(3);
  const Tensor training = both(x, {}).output;
  manual_seed(3);
  EXPECT_TRUE(all_close(training, second(dropout(first(x, {}).output, kRate), {}).output, 1e-5, 1e-6));
  both.train(false);
  const Tensor decoding = both(x, {}).output;
  EXPECT_TRUE(all_close(decoding, second(first(x, {}).output, {}).output, 1e-5, 1e-6));
  EXPECT_FALSE(all_close(decoding, training, 1e-2, 1e-3));
}
TEST(LSTM, DropsOutBetweenLayersWhileTraining) { expect_dropout_between_layers<LSTM, LSTMOptions>(); }
TEST(GRU, DropsOutBetweenLayersWhileTraining) { expect_dropout_between_layers<GRU, GRUOptions>(); }

TEST(LSTM, OneStepByHand) {  // all weights 0.5, x = 1, h = c = 0, forget bias 1
  const Tensor w = full({4, 1}, 0.5), bias = init::lstm_bias(1);
  const LSTMResult r = heed::lstm(ones({1, 1, 1}), {}, {}, {}, w, w, bias);
  const double gate = 1 / (1 + std::exp(-0.5)), cell = gate * std::tanh(0.5);
  EXPECT_NEAR(r.cell.item(), cell, 1e-6);
  EXPECT_NEAR(r.hidden.item(), gate * std::tanh(cell), 1e-6);
}

TEST(LSTM, RefusesSizesThatMakeNoSense) {
  EXPECT_THROW(LSTM(0, 3), ValueError);
  EXPECT_THROW(LSTM(2, 3, {.layers = 0}), ValueError);
}

// torch.nn.LSTM and torch.nn.GRU (2, 2, num_layers=2, bidirectional=True, batch_first=True), libtorch 1.13.1
// in f64 on a packed batch of lengths 3 and 2, from given states. Element i of the k-th parameter is cos(1.3
// i + 0.4 k) (of the LSTM, whose bias_hh is 0, without it), of x cos(1.3 i + 0.9), of h0 cos(1.3 i + 0.2), of
// c0 cos(1.3 i + 0.6).
Tensor cosines(const Shape& shape, double phase) {
  const Tensor x = empty(shape, DType::f64);
  for (int64_t i = 0; i < x.numel(); ++i)
    x.data<double>()[i] = std::cos(1.3 * static_cast<double>(i) + phase);
  return x;
}
void fill_parameters(const Module& module) {
  std::vector<Tensor> values;
  for (const auto& [name, p] : module.named_parameters())
    values.push_back(cosines(p.shape(), 0.4 * static_cast<double>(values.size())));
  substitute_parameters(module, values);
}
void expect_values(const Tensor& got, const std::vector<double>& expected, const Shape& shape) {
  EXPECT_TRUE(all_close(got, from_vector(expected, shape), 1e-12, 1e-12));
}

TEST(LSTM, FromGivenStatesEqualsPyTorch) {
  const LSTM lstm(2, 2, {.layers = 2, .bidirectional = true});
  fill_parameters(lstm);
  const Tensor lengths = from_vector<int64_t>({3, 2}, {2}), h0 = cosines({4, 2, 2}, 0.2),
               c0 = cosines({4, 2, 2}, 0.6);
  const LSTMResult got = lstm(cosines({2, 3, 2}, 0.9), lengths, {h0, c0});
  expect_values(got.output,
                {-0.086228622718814249,
                 0.24653777871737811,
                 -0.50553679963346365,
                 0.13492018934187977,
                 -0.11082239576319981,
                 -0.028225116698881673,
                 -0.46676925693230992,
                 0.12346136219097317,
                 -0.11321787467697693,
                 -0.16078215051370495,
                 -0.48110491912126851,
                 0.13585091902009425,
                 0.23437424573340171,
                 -0.50020820207835948,
                 -0.14891744389554232,
                 0.15222554329990792,
                 0.12638015605207759,
                 -0.55173321336789893,
                 0.048027535316611455,
                 0.14616517082261918,
                 0,
                 0,
                 0,
                 0},
                {2, 3, 4});
  expect_values(got.hidden,
                {0.07167513504262385, 0.031763135301889546, 0.12445949952065631, -0.013577036483192575,
                 0.068951371288858879, -0.13880344469369654, -0.068561756781487418, -0.20985294014722611,
                 -0.11321787467697693, -0.16078215051370495, 0.12638015605207759, -0.55173321336789893,
                 -0.50553679963346365, 0.13492018934187977, -0.14891744389554232, 0.15222554329990792},
                {4, 2, 2});
  expect_values(got.cell,
                {0.74987035321595541, 0.051588538792622915, 0.74843713211541085, -0.024679190764232695,
                 0.50949510755345329, -0.19498901342860619, -0.41836483332060087, -0.46290392133308911,
                 -0.25633626693990086, -0.2384184168907503, 0.36054996334739414, -0.88105611990134181,
                 -1.1502492192950193, 0.19232340361291075, -0.22995071216665325, 0.27319475969853846},
                {4, 2, 2});
}

TEST(GRU, FromGivenStatesEqualsPyTorch) {
  const GRU gru(2, 2, {.layers = 2, .bidirectional = true});
  fill_parameters(gru);
  const Tensor lengths = from_vector<int64_t>({3, 2}, {2});
  const GRUResult got = gru(cosines({2, 3, 2}, 0.9), lengths, cosines({4, 2, 2}, 0.2));
  expect_values(got.output,
                {-0.4092838855466453,
                 0.53096330250944113,
                 0.055895461565160898,
                 0.99107294796409251,
                 -0.45155173031358165,
                 0.18066321720310174,
                 0.018658658049481178,
                 0.97555510788041688,
                 -0.44977196773696287,
                 0.11764186192353762,
                 0.34777840054510895,
                 0.9041203144894655,
                 0.6734267472165929,
                 -0.52668420103755964,
                 0.61840823567401348,
                 0.98610666420655835,
                 0.63005804992310188,
                 -0.62146669345936068,
                 -0.0051925757811191534,
                 0.95678750001392765,
                 0,
                 0,
                 0,
                 0},
                {2, 3, 4});
  expect_values(got.hidden,
                {0.91955206981486115, 0.50768564365262092, 0.87323959115566518, 0.11964398794228598,
                 0.2727271337074173, -0.11790459234650291, -0.18826476121226832, -0.91212218572065284,
                 -0.44977196773696287, 0.11764186192353762, 0.63005804992310188, -0.62146669345936068,
                 0.055895461565160898, 0.99107294796409251, 0.61840823567401348, 0.98610666420655835},
                {4, 2, 2});
}

// A text in two pieces gives what it gives in one; undefined states are zeros.
TEST(LSTM, GoesOnFromTheStateOfThePieceBefore) {
  const LSTM lstm(3, 4, {.layers = 2});
  const Tensor x = randn({2, 5, 3});
  const LSTMResult whole = lstm(x, {}, {}), first = lstm(slice(x, 1, 0, 2), {}, {}),
                   second = lstm(slice(x, 1, 2, 5), {}, {first.hidden, first.cell});
  EXPECT_TRUE(all_close(concat({first.output, second.output}, 1), whole.output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(second.hidden, whole.hidden, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(second.cell, whole.cell, 1e-5, 1e-6));
  const LSTMResult plain = lstm(x, {});
  EXPECT_TRUE(all_close(plain.output, whole.output, 0, 0));
  EXPECT_TRUE(all_close(plain.hidden, select(whole.hidden, 0, 1).contiguous(), 0, 0));
}
TEST(GRU, GoesOnFromTheStateOfThePieceBefore) {
  const GRU gru(3, 4, {.layers = 2});
  const Tensor x = randn({2, 5, 3});
  const GRUResult whole = gru(x, {}, {}), first = gru(slice(x, 1, 0, 2), {}, {}),
                  second = gru(slice(x, 1, 2, 5), {}, first.hidden);
  EXPECT_TRUE(all_close(concat({first.output, second.output}, 1), whole.output, 1e-5, 1e-6));
  EXPECT_TRUE(all_close(second.hidden, whole.hidden, 1e-5, 1e-6));
}

TEST(LSTM, GradientsOfStatesMatchFiniteDifferences) {
  const LSTM lstm(2, 3, {.layers = 2, .bidirectional = true});
  std::vector<Tensor> inputs = {randn({2, 3, 2}, DType::f64), randn({4, 2, 3}, DType::f64),
                                randn({4, 2, 3}, DType::f64)};
  for (const Tensor& p : randomise_parameters(lstm, 0.8)) inputs.push_back(p);
  const auto f = [&](const std::vector<Tensor>& x) {
    substitute_parameters(lstm, {x.begin() + 3, x.end()});
    const LSTMResult piece = lstm(x[0], from_vector<int64_t>({3, 2}, {2}), {x[1], x[2]});
    return std::vector{piece.output, piece.hidden, piece.cell};
  };
  const GradcheckResult result = gradcheck(f, inputs, {.order = 1});
  EXPECT_TRUE(result) << result.message;
}
TEST(GRU, GradientsOfStatesMatchFiniteDifferences) {
  const GRU gru(2, 3, {.layers = 2, .bidirectional = true});
  std::vector<Tensor> inputs = {randn({2, 3, 2}, DType::f64), randn({4, 2, 3}, DType::f64)};
  for (const Tensor& p : randomise_parameters(gru, 0.8)) inputs.push_back(p);
  const auto f = [&](const std::vector<Tensor>& x) {
    substitute_parameters(gru, {x.begin() + 2, x.end()});
    const GRUResult piece = gru(x[0], from_vector<int64_t>({3, 2}, {2}), x[1]);
    return std::vector{piece.output, piece.hidden};
  };
  const GradcheckResult result = gradcheck(f, inputs, {.order = 1});
  EXPECT_TRUE(result) << result.message;
}

TEST(LSTM, RefusesStatesThatDoNotFit) {
  const LSTM lstm(2, 3, {.layers = 2});
  const GRU gru(2, 3, {.bidirectional = true});
  const Tensor x = randn({4, 5, 2});
  EXPECT_ERROR(ShapeError,
               "LSTM: initial state [1, 4, 3] for input [4, 5, 2], 2 layers and directions and hidden size 3",
               lstm(x, {}, {zeros({1, 4, 3}), {}}));
  EXPECT_ERROR(ShapeError,
               "LSTM: initial state [2, 4, 2] for input [4, 5, 2], 2 layers and directions and hidden size 3",
               lstm(x, {}, {{}, zeros({2, 4, 2})}));
  EXPECT_ERROR(ShapeError,
               "GRU: initial state [2, 3, 3] for input [4, 5, 2], 2 layers and directions and hidden size 3",
               gru(x, {}, zeros({2, 3, 3})));
}

// The composed LSTM is the fused one, with lengths, both directions and given states, and has gradients of
// second order.
TEST(LSTM, ComposedGivesWhatFusedGives) {
  const LSTM fused(3, 4, {.layers = 2, .bidirectional = true}),
      composed(3, 4, {.layers = 2, .bidirectional = true, .composed = true});
  for (const LSTM* lstm : {&fused, &composed}) fill_parameters(*lstm);
  const Tensor x = cosines({3, 5, 3}, 0.2), lengths = from_vector<int64_t>({5, 0, 2}, {3});
  const Tensor h0 = cosines({4, 3, 4}, 0.5), c0 = cosines({4, 3, 4}, 0.7);
  const LSTMResult a = fused(x, lengths, {h0, c0}), b = composed(x, lengths, {h0, c0});
  EXPECT_TRUE(all_close(a.output, b.output, 1e-12, 1e-12));
  EXPECT_TRUE(all_close(a.hidden, b.hidden, 1e-12, 1e-12));
  EXPECT_TRUE(all_close(a.cell, b.cell, 1e-12, 1e-12));
}

TEST(LSTM, ComposedHasGradientsOfSecondOrder) {
  const LSTM lstm(2, 2, {.bidirectional = true, .composed = true});
  std::vector<Tensor> inputs = {randn({2, 3, 2}, DType::f64), randn({2, 2, 2}, DType::f64),
                                randn({2, 2, 2}, DType::f64)};
  for (const Tensor& p : randomise_parameters(lstm, 0.8)) inputs.push_back(p);
  const auto f = [&](const std::vector<Tensor>& x) {
    substitute_parameters(lstm, {x.begin() + 3, x.end()});
    const LSTMResult r = lstm(x[0], from_vector<int64_t>({3, 1}, {2}), {x[1], x[2]});
    return std::vector{r.output, r.hidden, r.cell};
  };
  const GradcheckResult result = gradcheck(f, inputs, {.order = 2});
  EXPECT_TRUE(result) << result.message;
}

// One contract: the same lengths are refused with the same words.
TEST(Lengths, OneContractOfLstmAndGru) {
  const LSTM lstm(2, 3), composed(2, 3, {.composed = true});
  const GRU gru(2, 3);
  const Tensor x = zeros({2, 4, 2});
  const auto both = [&](const Tensor& lengths) {
    std::vector<std::string> details;
    for (const auto& call : std::vector<std::function<void()>>{
             [&] { lstm(x, lengths); }, [&] { composed(x, lengths); }, [&] { gru(x, lengths); },
             [&] { gru(x, lengths, {}); }, [&] { lstm(x, lengths, {}); }}) {
      try {
        call();
        details.emplace_back("nothing");
      } catch (const Error& error) {
        details.push_back(std::string(typeid(error).name()) + " " + std::string(error.detail()));
      }
    }
    for (const std::string& detail : details) EXPECT_EQ(detail, details[0]);
    return details[0];
  };
  EXPECT_EQ(both(from_vector<int64_t>({4, 5}, {2})),
            std::string(typeid(IndexError).name()) + " length 5 is outside 0..4");
  EXPECT_EQ(both(from_vector<int64_t>({-1, 0}, {2})),
            std::string(typeid(IndexError).name()) + " length -1 is outside 0..4");
  EXPECT_EQ(both(from_vector<int64_t>({4}, {1})),
            std::string(typeid(ShapeError).name()) + " lengths [1] for a batch of 2");
  EXPECT_EQ(both(zeros({2})), std::string(typeid(DTypeError).name()) + " lengths must be i64, got f32[2]");
  EXPECT_EQ(both(from_vector<int64_t>({4, 0}, {2})), "nothing");
}

}  // namespace
}  // namespace heed::nn
