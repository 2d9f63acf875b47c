// The rows of a search beside the sentences that they read, against rows that have a copy of their sentence.
#include "models/architectures/source_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "framework/framework.h"
#include "models/architectures/architecture.h"

namespace heed::models {
namespace {

TEST(SourceRows, StartOneToOne) {
  const SourceRows rows(3);
  const Tensor x = randn({3, 4});
  EXPECT_EQ(rows.side_by_side(x).shape(), (Shape{3, 1, 4}));
  EXPECT_EQ(rows.apart(rows.side_by_side(x)).to_vector<float>(), x.to_vector<float>());
}

TEST(SourceRows, RowsOfASentenceLieSideBySide) {
  SourceRows rows(3);
  EXPECT_FALSE(rows.select({2, 0, 2, 1, 2}));
  const Tensor x = from_vector(std::vector<float>{10, 20, 30, 40, 50}, {5, 1});
  const Tensor together = rows.side_by_side(x);
  ASSERT_EQ(together.shape(), (Shape{3, 3, 1}));
  const std::vector<float> values = together.to_vector<float>();
  EXPECT_EQ(values[0], 20);
  EXPECT_EQ(values[3], 40);
  EXPECT_EQ(std::vector(values.begin() + 6, values.end()), (std::vector<float>{10, 30, 50}));
  EXPECT_EQ(rows.apart(together).to_vector<float>(), x.to_vector<float>());
}

TEST(SourceRows, SentencesThatNoRowReadsAreGivenUp) {
  SourceRows rows(4);
  EXPECT_FALSE(rows.select({0, 0, 1, 3}));  // one of four is not worth a copy
  const auto kept = rows.select({3, 0});    // rows of sentences 3 and 0
  ASSERT_TRUE(kept);
  EXPECT_EQ(*kept, (std::vector<int64_t>{3, 0}));
  EXPECT_EQ(rows.side_by_side(randn({2, 5})).shape(), (Shape{2, 1, 5}));
  EXPECT_FALSE(rows.select({0, 1}));  // they are in place
  EXPECT_EQ(*rows.select({}), std::vector<int64_t>{});
  EXPECT_EQ(rows.side_by_side(zeros({0, 5})).shape(), (Shape{0, 1, 5}));
}

// Whatever is selected, a row finds its sentence: attention stands for all that reads a memory.
TEST(SourceRows, RandomChoicesReadWhatCopiesWouldRead) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 50; ++trial) {
    const int64_t sentences = 1 + static_cast<int64_t>(random() % 5);
    Tensor keys = randn({sentences, 3}), copies = keys;  // of each sentence; of each row
    SourceRows rows(sentences);
    int64_t R = sentences;
    for (int step = 0; step < 6 && R > 0; ++step) {
      std::vector<int64_t> chosen(random() % 7);
      std::ranges::generate(chosen,
                            [&] { return static_cast<int64_t>(random() % static_cast<uint64_t>(R)); });
      copies = take_rows(copies, chosen);
      if (const auto keep = rows.select(chosen)) keys = take_rows(keys, *keep);
      R = static_cast<int64_t>(chosen.size());
      const Tensor queries = randn({R, 3});
      const Tensor scores =
          rows.apart(sum(rows.side_by_side(queries) * unsqueeze(keys, 1), {2}, KeepDim::yes));
      EXPECT_EQ(scores.to_vector<float>(), sum(queries * copies, {1}).to_vector<float>());
    }
  }
}

}  // namespace
}  // namespace heed::models
