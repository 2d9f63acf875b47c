#include "models/corpus/batches.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "framework/core/random.h"
#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

int64_t extent(const std::vector<int>& ids) { return static_cast<int64_t>(ids.size()); }

// Fisher and Yates; std::shuffle differs between libraries
void shuffle(std::vector<int64_t>& items, Generator& generator) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[generator.next_below(i)]);
}

std::vector<std::vector<int64_t>> cut(const std::vector<int64_t>& order, int64_t size) {
  std::vector<std::vector<int64_t>> batches;
  for (size_t i = 0; i < order.size(); i += static_cast<size_t>(size)) {
    batches.emplace_back(
        order.begin() + static_cast<std::ptrdiff_t>(i),
        order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), i + static_cast<size_t>(size))));
  }
  return batches;
}

std::vector<std::vector<int64_t>> cut_by_tokens(std::span<const EncodedPair> pairs,
                                                const std::vector<int64_t>& order, int64_t tokens) {
  std::vector<std::vector<int64_t>> batches;
  int64_t longest = 0;
  for (const int64_t i : order) {
    const EncodedPair& pair = pairs[static_cast<size_t>(i)];
    const int64_t length = std::max(extent(pair.source), extent(pair.target) + 1),
                  after = std::max(longest, length);
    if (batches.empty() || after * (static_cast<int64_t>(batches.back().size()) + 1) > tokens) {
      batches.emplace_back();
      longest = length;
    } else {
      longest = after;
    }
    batches.back().push_back(i);
  }
  return batches;
}

// rows(i) gives the ids of row i.
template <class Rows>
void fill_source(Batch& batch, size_t count, const Rows& rows) {
  int64_t longest = 1;
  for (size_t i = 0; i < count; ++i) longest = std::max(longest, extent(rows(i)));
  const auto B = static_cast<int64_t>(count);
  batch.source = full({B, longest}, Vocabulary::kPad, DType::i64);
  batch.source_lengths = zeros({B}, DType::i64);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<int>& ids = rows(i);
    std::copy(ids.begin(), ids.end(), batch.source.data<int64_t>() + static_cast<int64_t>(i) * longest);
    batch.source_lengths.data<int64_t>()[i] = extent(ids);
  }
}

// The links of the pairs as positions in [B, T, S].
void fill_links(Batch& batch, std::span<const EncodedPair> pairs, std::span<const int64_t> indices) {
  const int64_t S = batch.source.size(1), T = batch.target_out.size(1);
  std::vector<int64_t> positions;
  std::vector<float> shares;
  for (size_t b = 0; b < indices.size(); ++b) {
    const std::vector<AlignmentLink>& links = pairs[static_cast<size_t>(indices[b])].links;
    std::map<int, int64_t> counts;
    for (const AlignmentLink& link : links) ++counts[link.target];
    for (const AlignmentLink& link : links) {
      positions.push_back((static_cast<int64_t>(b) * T + link.target) * S + link.source);
      shares.push_back(1.0F / static_cast<float>(counts[link.target]));
    }
    batch.linked_tokens += static_cast<int64_t>(counts.size());
  }
  if (positions.empty()) return;
  const auto N = static_cast<int64_t>(positions.size());
  batch.linked = from_vector(positions, {N});
  batch.link_shares = from_vector(shares, {N});
}

}  // namespace

Batch make_source_batch(std::span<const std::vector<int>> sources, std::span<const int64_t> indices,
                        std::span<const std::vector<int>> hidden) {
  Batch batch;
  fill_source(
      batch,
      indices.size(), [&](size_t i) -> const auto& { return sources[static_cast<size_t>(indices[i])]; });
  if (hidden.empty()) return batch;
  batch.source_seen = full(batch.source.shape(), 1, DType::boolean);
  for (size_t i = 0; i < indices.size(); ++i) {
    bool* const row = batch.source_seen.data<bool>() + static_cast<int64_t>(i) * batch.source.size(1);
    for (const int unit : hidden[static_cast<size_t>(indices[i])]) row[unit] = false;
  }
  return batch;
}

Batch make_batch(std::span<const EncodedPair> pairs, std::span<const int64_t> indices) {
  Batch batch;
  const auto pair = [&](size_t i) -> const EncodedPair& { return pairs[static_cast<size_t>(indices[i])]; };
  fill_source(
      batch, indices.size(), [&](size_t i) -> const auto& { return pair(i).source; });
  int64_t T = 1;
  for (size_t i = 0; i < indices.size(); ++i) T = std::max(T, extent(pair(i).target) + 1);
  const auto B = static_cast<int64_t>(indices.size());
  batch.target_in = full({B, T}, Vocabulary::kPad, DType::i64);
  batch.target_out = full({B, T}, Vocabulary::kPad, DType::i64);
  batch.target_lengths = zeros({B}, DType::i64);
  for (size_t i = 0; i < indices.size(); ++i) {
    const std::vector<int>& ids = pair(i).target;
    int64_t* in = batch.target_in.data<int64_t>() + static_cast<int64_t>(i) * T;
    int64_t* out = batch.target_out.data<int64_t>() + static_cast<int64_t>(i) * T;
    in[0] = Vocabulary::kBos;
    std::copy(ids.begin(), ids.end(), in + 1);
    std::copy(ids.begin(), ids.end(), out);
    out[ids.size()] = Vocabulary::kEos;
    batch.target_lengths.data<int64_t>()[i] = extent(ids) + 1;
    batch.target_tokens += extent(ids) + 1;
  }
  fill_links(batch, pairs, indices);
  return batch;
}

std::vector<std::vector<int64_t>> epoch_batches(std::span<const EncodedPair> pairs, int64_t batch_size,
                                                uint64_t seed, int64_t epoch, int64_t batch_tokens) {
  Generator generator(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(epoch) + 1);
  std::vector<int64_t> order(pairs.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  shuffle(order, generator);
  const auto lengths = [&](int64_t i) {
    const EncodedPair& pair = pairs[static_cast<size_t>(i)];
    return std::pair(pair.target.size(), pair.source.size());
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths(a) < lengths(b); });
  std::vector<std::vector<int64_t>> batches =
      batch_tokens > 0 ? cut_by_tokens(pairs, order, batch_tokens) : cut(order, batch_size);
  std::vector<int64_t> turn(batches.size());
  std::iota(turn.begin(), turn.end(), int64_t{0});
  shuffle(turn, generator);
  std::vector<std::vector<int64_t>> shuffled;
  for (const int64_t i : turn) shuffled.push_back(std::move(batches[static_cast<size_t>(i)]));
  return shuffled;
}

std::vector<std::vector<int64_t>> batches_by_length(std::span<const std::vector<int>> sources,
                                                    int64_t batch_size) {
  std::vector<int64_t> order(sources.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return sources[static_cast<size_t>(a)].size() > sources[static_cast<size_t>(b)].size();
  });
  return cut(order, batch_size);
}

}  // namespace heed::models
