#include <gtest/gtest.h>

#include "models/cluster/batch_share.h"
#include "models/cluster/ranks.h"

namespace heed::models {
namespace {

std::vector<EncodedPair> pairs(int64_t count) {
  std::vector<EncodedPair> result;
  for (int i = 0; i < count; ++i) {
    EncodedPair pair;
    for (int k = 0; k <= i % 3; ++k) pair.source.push_back(10 + i), pair.target.push_back(20 + i);
    pair.source.push_back(2);
    if (i != 1) pair.links = {{0, 0}};
    result.push_back(pair);
  }
  return result;
}

TEST(RankShare, SharesCoverAllInOrder) {
  for (const int size : {1, 2, 3, 7}) {
    for (const int64_t count : {0, 1, 5, 7, 100}) {
      int64_t at = 0;
      for (int rank = 0; rank < size; ++rank) {
        const RankShare share(count, rank, size);
        EXPECT_EQ(share.begin, at);
        EXPECT_LE(share.end - share.begin, count / size + 1);
        at = share.end;
      }
      EXPECT_EQ(at, count);
    }
  }
}

TEST(BatchShare, RowsKeepPaddingPlacesAndLinks) {
  const Batch whole = make_batch(pairs(5));
  int64_t tokens = 0, linked = 0;
  for (int rank = 0; rank < 2; ++rank) {
    const BatchShare share(whole, rank, 2);
    EXPECT_TRUE(share.counts);
    EXPECT_EQ(share.first_token, tokens);
    EXPECT_EQ(share.batch.source.size(1), whole.source.size(1));
    EXPECT_EQ(share.batch.target_out.size(1), whole.target_out.size(1));
    EXPECT_EQ(share.target_tokens, whole.target_tokens);
    const Tensor& lengths = share.batch.target_lengths;
    for (int64_t b = 0; b < lengths.numel(); ++b)
      EXPECT_EQ(lengths.data<int64_t>()[b], whole.target_lengths.data<int64_t>()[share.first_row + b]);
    EXPECT_EQ(share.batch.linked.data<int64_t>()[0], 0) << "the first row of each part has a link";
    tokens += share.own_tokens();
    linked += share.own_linked_tokens();
  }
  EXPECT_EQ(tokens, whole.target_tokens);
  EXPECT_EQ(linked, whole.linked_tokens);
}

TEST(BatchShare, ARankWithoutRowsCountsForNothing) {
  const Batch whole = make_batch(pairs(2));
  int64_t tokens = 0, without = 0;
  for (int rank = 0; rank < 3; ++rank) {
    const BatchShare share(whole, rank, 3);
    EXPECT_EQ(share.batch.source.size(0), 1) << "it draws random numbers all the same";
    tokens += share.own_tokens();
    without += share.counts ? 0 : 1;
  }
  EXPECT_EQ(tokens, whole.target_tokens);
  EXPECT_EQ(without, 1);
}

}  // namespace
}  // namespace heed::models
