#include "10_reverse/exercise.h"

namespace {

// The share of rows whose letters and end mark are all right, and of the letters that looked most at their
// own letter.
struct Result {
  double right = 0, diagonal = 0;
};

Result measure(const Letters& letters, const Reverser::Written& written) {
  const std::vector<int64_t> ids = written.ids.to_vector<int64_t>(),
                             target = letters.target.to_vector<int64_t>(),
                             lengths = letters.lengths.to_vector<int64_t>(),
                             looked = argmax(written.weights).to_vector<int64_t>();
  const int64_t B = letters.target.size(0), T = letters.target.size(1);
  double right = 0, diagonal = 0, count = 0;
  for (int64_t b = 0; b < B; ++b) {
    bool all = true;
    const int64_t n = lengths[static_cast<size_t>(b)];
    for (int64_t t = 0; t <= n; ++t) {
      const auto at = static_cast<size_t>(b * T + t);
      all = all && ids[at] == target[at];
      if (t < n) diagonal += looked[at] == n - 1 - t, ++count;
    }
    right += all;
  }
  return {100 * right / static_cast<double>(B), 100 * diagonal / count};
}

}  // namespace

void check(Check& c, const Answer& a) {
  const Tensor target = from_vector<int64_t>({5, 4, 3, 2, 7, 2, 0, 0}, {2, 4});
  c.equal("decoder inputs of (5 4 3 2) and (7 2 0 0)", a.decoder_inputs(target),
          from_vector<int64_t>({1, 5, 4, 3, 1, 7, 2, 0}, {2, 4}));
  const Tensor lengths = from_vector<int64_t>({2, 4}, {2}), q = randn({2, 4, 4}), m = randn({2, 4, 4});
  const Tensor weights = masked_softmax(bmm(q, transpose(m)), lengths);
  const Attended seen = a.attend(q, m, lengths);
  c.equal("weights, lengths 2 and 4", seen.weights, weights);
  c.equal("contexts", seen.context, bmm(weights, m));
  c.equal("contexts of one query a sentence", a.attend(slice(q, 1, 0, 1), m, lengths).context,
          bmm(slice(weights, 1, 0, 1), m));

  constexpr int64_t kUpdates = 500;
  c.note("trains {} updates on sequences of 3 to 10 letters:", kUpdates);
  Reverser model(64, a.attend, a.decoder_inputs);
  train(model, kUpdates, 3, 10,
        [&](int64_t update, double loss) { c.note("update {:>4}  loss {:.3f}", update, loss); });
  const Letters unseen = draw_letters(200, 3, 10);
  const Result result = measure(unseen, model.write(unseen));
  c.note(
      "new sequences: {:.0f} % right from the first letter to the end mark; {:.0f} % of the letters look at "
      "their own letter",
      result.right, result.diagonal);
  const Letters few = draw_letters(6, 6, 10);
  if (c.shows())
    c.note("open {} in a browser: the diagonal", write_page(few, model.write(few), "10_reverse"));
  c.that(result.right >= 90,
         fmt::format("{:.0f} % of new sequences are right, should be 90 or more", result.right));
  c.that(
      result.diagonal >= 80,
      fmt::format("{:.0f} % of the letters look at their own letter, should be 80 or more", result.diagonal));
}
