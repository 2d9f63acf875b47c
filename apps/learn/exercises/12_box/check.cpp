#include <algorithm>
#include <string>

#include "12_box/exercise.h"

namespace {

const std::vector<std::string> kSentences = {
    "I have not seen him today.",        "She bought a new car yesterday.",
    "My brother works in a big city.",   "We would like to eat something.",
    "Do you know where the station is?", "The children are playing in the garden.",
    "He has lived here for ten years.",  "Tom forgot to close the window."};

void check_numbers(Check& c, const Answer& a) {
  const Tensor logits = randn({3, 5}), ids = from_vector<int64_t>({4, 0, 2}, {3});
  double want = 0;
  for (int64_t t = 0; t < 3; ++t)
    want +=
        select(select(log_softmax(logits), 0, t), 0, ids.to_vector<int64_t>()[static_cast<size_t>(t)]).item();
  c.equal("score of 3 pieces from a vocabulary of 5", a.score(logits, ids), want);
  const Tensor W = randn({6, 6});
  for (int64_t head = 0; head < 3; ++head) {
    const Tensor heard = reshape(ne(arange(6), full({}, -1, DType::i64)).to(DType::f32), {1, 6});
    for (int64_t i = 0; i < 2; ++i) heard.data<float>()[head * 2 + i] = 0;
    c.equal(fmt::format("W of 3 heads of size 2 without head {}", head), a.without_head(W, 3, head),
            W * heard);
  }
  // entropies 0.69 0.5 0.8; the largest single weight is in the last head
  const Tensor weights = from_vector<float>(
      {0.5, 0.5, 0, 0.5, 0.5, 0, 0.8, 0.2, 0, 0.8, 0.2, 0, 1, 0, 0, 0.4, 0.3, 0.3}, {3, 2, 3});
  c.equal("sharpest head of ((.5 .5 0) (.5 .5 0)), ((.8 .2 0) (.8 .2 0)), ((1 0 0) (.4 .3 .3))",
          static_cast<double>(a.sharpest_head(weights)), 1);
  const Head guess = a.my_prediction();
  c.that(guess.layer >= 0 && guess.layer < 3 && guess.head >= 0 && guess.head < 4,
         fmt::format(
             "my_prediction() says layer {} head {}; the decoder has the layers 0 to 2 and the heads 0 to 3",
             guess.layer, guess.head));
}

}  // namespace

void check(Check& c, const Answer& a) {
  check_numbers(c, a);
  const BoxTranslator box("en-fr");
  std::vector<std::string> translations;
  double whole = 0;
  c.note("the score of heed's translator and yours:");
  for (const std::string& sentence : kSentences) {
    translations.push_back(box.translate(sentence));
    const BoxTranslator::Forced forced = box.force(sentence, translations.back());
    const double yours = a.score(forced.logits, forced.ids);
    c.note("  {:.4f}  {:.4f}  {}  ->  {}", forced.score, yours, sentence, translations.back());
    c.equal("score of '" + translations.back() + "'", yours, forced.score, 1e-4);
    whole += forced.score;
  }
  struct Measured {
    Head head;
    double cost;
  };
  std::vector<Measured> all;
  const int64_t heads = box.heads();
  c.note("knocked out: how much the score of all eight falls");
  for (int64_t layer = 0; layer < box.layers(); ++layer) {
    std::string row;
    Tensor mean_entropy;
    for (int64_t head = 0; head < heads; ++head) {
      const Tensor W = box.output_matrix(layer);
      box.set_output_matrix(layer, a.without_head(W, heads, head));
      double score = 0;
      for (size_t i = 0; i < kSentences.size(); ++i) score += box.force(kSentences[i], translations[i]).score;
      box.set_output_matrix(layer, W);
      all.push_back({{layer, head}, whole - score});
      row += fmt::format("   head {} {:>5.2f}", head, whole - score);
    }
    std::vector<int64_t> votes(static_cast<size_t>(heads));  // of the sentences, for their sharpest head
    for (size_t i = 0; i < kSentences.size(); ++i) {
      const Tensor weights = box.force(kSentences[i], translations[i]).weights;
      ++votes.at(static_cast<size_t>(a.sharpest_head(slice(weights, 0, layer * heads, (layer + 1) * heads))));
    }
    c.note("  layer {}{}   sharpest: head {}", layer, row, std::ranges::max_element(votes) - votes.begin());
  }
  std::ranges::stable_sort(all, [](const Measured& x, const Measured& y) { return x.cost > y.cost; });
  const Head guess = a.my_prediction();
  const auto place =
      std::ranges::find_if(
          all, [&](const Measured& m) { return m.head.layer == guess.layer && m.head.head == guess.head; }) -
      all.begin();
  c.note("you predicted layer {} head {}: number {} of {}; the costliest is layer {} head {}", guess.layer,
         guess.head, place + 1, all.size(), all.front().head.layer, all.front().head.head);
}
