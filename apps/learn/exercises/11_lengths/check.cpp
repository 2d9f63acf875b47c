#include "11_lengths/exercise.h"

namespace {

double right_of_longest(const std::vector<double>& shares) { return 100 * shares.back(); }

}  // namespace

void check(Check& c, const Answer& a) {
  const Tensor lengths = from_vector<int64_t>({4, 2, 1}, {3}), memory = randn({3, 4, 2});
  c.equal("last states, lengths 4 2 1", a.last_states(memory, lengths),
          stack({select(select(memory, 0, 0), 0, 3), select(select(memory, 0, 1), 0, 1),
                 select(select(memory, 0, 2), 0, 0)},
                0));
  // lengths 1 2 3 4 4, end mark 2: right; wrong end mark; right with something after it; last letter wrong;
  // right
  const Tensor target = from_vector<int64_t>(
      {9, 2, 0, 0, 0, 8, 7, 2, 0, 0, 5, 6, 7, 2, 0, 3, 4, 5, 6, 2, 6, 5, 4, 3, 2}, {5, 5});
  const Tensor written = from_vector<int64_t>(
      {9, 2, 0, 0, 0, 8, 7, 5, 2, 0, 5, 6, 7, 2, 9, 3, 4, 5, 7, 2, 6, 5, 4, 3, 2}, {5, 5});
  const std::vector<double> shares =
      a.accuracy_by_length(written, target, from_vector<int64_t>({1, 2, 3, 4, 4}, {5}), 2, 3);
  c.equal("shares of the lengths 1-2, 3-4, 5-6", from_vector(shares, {static_cast<int64_t>(shares.size())}),
          from_vector<double>({0.5, 2.0 / 3, 0}, {3}));

  constexpr int64_t kUpdates = 500, kLongest = 16, kWidth = 4;
  const auto inputs = [](const Tensor& t) {
    return concat({full({t.size(0), 1}, kBeginMark, DType::i64), slice(t, 1, 0, t.size(1) - 1)}, 1);
  };
  const auto attention = [](const Tensor& queries, const Tensor& states, const Tensor& n) {
    const Tensor weights = masked_softmax(bmm(queries, transpose(states)), n);
    return Attended{bmm(weights, states), weights};
  };
  const auto none = [&](const Tensor& queries, const Tensor& states, const Tensor& n) {
    const Tensor last = a.last_states(states, n);
    return Attended{
        expand(reshape(last, {last.size(0), 1, last.size(1)}), {last.size(0), queries.size(1), last.size(1)}),
        {}};
  };
  const auto trained = [&](const std::string& name, const AttentionStep& step) {
    c.note("trains {}, {} updates on 1 to {} letters:", name, kUpdates, kLongest);
    manual_seed(1);
    Reverser model(64, step, inputs);
    train(model, kUpdates, 1, kLongest, [&](int64_t update, double loss) {
      if (update % (kUpdates / 5) == 0) c.note("update {:>4}  loss {:.3f}", update, loss);
    });
    const Letters unseen = draw_letters(800, 1, kLongest);
    return a.accuracy_by_length(model.write(unseen).ids, unseen.target, unseen.lengths, kWidth,
                                kLongest / kWidth);
  };
  const std::vector<double> without = trained("without attention", none),
                            with = trained("with attention", attention);
  c.note("new sequences that are all right, by their length:");
  c.note("letters    without    with attention");
  for (size_t g = 0; g < with.size(); ++g)
    c.note("{:>2} - {:>2}    {:>4.0f} %     {:>4.0f} %", g * kWidth + 1, (g + 1) * kWidth, 100 * without[g],
           100 * with[g]);
  c.that(right_of_longest(with) >= 80,
         fmt::format("with attention {:.0f} % of the longest are right, should be 80 or more",
                     right_of_longest(with)));
  c.that(right_of_longest(without) <= 40,
         fmt::format("without attention {:.0f} % of the longest are right, should be 40 or fewer",
                     right_of_longest(without)));
}
