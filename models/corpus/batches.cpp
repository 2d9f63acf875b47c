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
void shuffle(std::vector<uint32_t>& items, Generator& generator) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[generator.next_below(i)]);
}

std::vector<uint32_t> numbers_below(size_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), uint32_t{0});
  return numbers;
}

// Sorts by a length, equal ones in the order that they have: one pass to count and one to place.
void sort_by(std::vector<uint32_t>& order, std::span<const PairLengths> lengths,
             uint32_t PairLengths::*side) {
  uint32_t most = 0;
  for (const PairLengths& pair : lengths) most = std::max(most, pair.*side);
  std::vector<uint32_t> place(size_t{most} + 2);
  for (const PairLengths& pair : lengths) ++place[size_t{pair.*side} + 1];
  std::partial_sum(place.begin(), place.end(), place.begin());
  std::vector<uint32_t> sorted(order.size());
  for (const uint32_t i : order) sorted[place[lengths[i].*side]++] = i;
  order = std::move(sorted);
}

// The end of each batch.
std::vector<uint32_t> cut(size_t pairs, int64_t size) {
  std::vector<uint32_t> ends;
  for (size_t end = 0; end < pairs;) {
    end = std::min(pairs, end + static_cast<size_t>(size));
    ends.push_back(static_cast<uint32_t>(end));
  }
  return ends;
}

std::vector<uint32_t> cut_by_tokens(std::span<const PairLengths> lengths, const std::vector<uint32_t>& order,
                                    int64_t tokens) {
  std::vector<uint32_t> ends;
  int64_t longest = 0, count = 0;  // of the batch that is open
  for (size_t at = 0; at < order.size(); ++at) {
    const PairLengths& pair = lengths[order[at]];
    const int64_t length = std::max<int64_t>(pair.source, int64_t{pair.target} + 1),
                  after = std::max(longest, length);
    if (count > 0 && after * (count + 1) > tokens) {
      ends.push_back(static_cast<uint32_t>(at));
      longest = length;
      count = 0;
    } else {
      longest = after;
    }
    ++count;
  }
  if (count > 0) ends.push_back(static_cast<uint32_t>(order.size()));
  return ends;
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

Batch make_batch(std::span<const EncodedPair> pairs) {
  std::vector<int64_t> all(pairs.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  return make_batch(pairs, all);
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

EpochBatches::EpochBatches(std::span<const PairLengths> lengths, BatchSizes sizes, uint64_t seed,
                           int64_t epoch) {
  Generator generator(seed * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(epoch) + 1);
  order_ = numbers_below(lengths.size());
  shuffle(order_, generator);
  sort_by(order_, lengths, &PairLengths::source);
  sort_by(order_, lengths, &PairLengths::target);
  ends_ = sizes.tokens > 0 ? cut_by_tokens(lengths, order_, sizes.tokens) : cut(lengths.size(), sizes.pairs);
  turn_ = numbers_below(ends_.size());
  shuffle(turn_, generator);
}

std::span<const uint32_t> EpochBatches::operator[](int64_t i) const {
  const size_t batch = turn_[static_cast<size_t>(i)], begin = batch == 0 ? 0 : ends_[batch - 1];
  return std::span(order_).subspan(begin, ends_[batch] - begin);
}

std::vector<std::vector<int64_t>> epoch_batches(std::span<const EncodedPair> pairs, int64_t batch_size,
                                                uint64_t seed, int64_t epoch, int64_t batch_tokens) {
  std::vector<PairLengths> lengths;
  for (const EncodedPair& pair : pairs) {
    lengths.push_back({static_cast<uint32_t>(pair.source.size()), static_cast<uint32_t>(pair.target.size())});
  }
  const EpochBatches batches(lengths, {batch_size, batch_tokens}, seed, epoch);
  std::vector<std::vector<int64_t>> result;
  for (int64_t i = 0; i < batches.size(); ++i) result.emplace_back(batches[i].begin(), batches[i].end());
  return result;
}

std::vector<std::vector<int64_t>> batches_by_length(std::span<const std::vector<int>> sources,
                                                    int64_t batch_size, int64_t most_units) {
  std::vector<int64_t> order(sources.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return sources[static_cast<size_t>(a)].size() > sources[static_cast<size_t>(b)].size();
  });
  std::vector<std::vector<int64_t>> batches;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
    begin = end;
  };
  while (begin < order.size()) {  // the first of a batch is its longest
    const auto length = static_cast<int64_t>(sources[static_cast<size_t>(order[begin])].size());
    const int64_t rows = std::max<int64_t>(most_units / std::max<int64_t>(length, 1), 1);
    if (rows >= batch_size) break;
    add(std::min(order.size(), begin + static_cast<size_t>(rows)));
  }
  const size_t long_ones = begin;
  for (const size_t end : cut(order.size() - long_ones, batch_size)) add(long_ones + end);
  return batches;
}

}  // namespace heed::models
