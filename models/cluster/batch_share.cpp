#include "models/cluster/batch_share.h"

#include <set>
#include <vector>

#include "framework/ops/ops.h"
#include "models/cluster/ranks.h"

namespace heed::models {
namespace {

// The links of rows [begin, end), and how many target tokens they have.
void take_links(Batch& batch, const Batch& whole, int64_t begin, int64_t end) {
  if (!whole.linked.defined()) return;
  const int64_t S = whole.source.size(1), of_row = whole.target_out.size(1) * S;
  std::vector<int64_t> positions;
  std::vector<float> shares;
  std::set<int64_t> tokens;
  for (int64_t i = 0; i < whole.linked.numel(); ++i) {
    const int64_t at = whole.linked.data<int64_t>()[i];
    if (at < begin * of_row || at >= end * of_row) continue;
    positions.push_back(at - begin * of_row);
    shares.push_back(whole.link_shares.data<float>()[i]);
    tokens.insert(at / S);
  }
  batch.linked_tokens = static_cast<int64_t>(tokens.size());
  if (positions.empty()) return;
  const auto N = static_cast<int64_t>(positions.size());
  batch.linked = from_vector(positions, {N});
  batch.link_shares = from_vector(shares, {N});
}

}  // namespace

BatchShare::BatchShare(const Batch& whole, int rank, int size)
    : target_tokens(whole.target_tokens), linked_tokens(whole.linked_tokens) {
  RankShare rows(whole.source.size(0), rank, size);
  counts = rows.begin < rows.end;
  if (!counts) rows.begin = 0, rows.end = 1;
  const auto part = [&](const Tensor& x) {
    return x.defined() ? slice(x, 0, rows.begin, rows.end).contiguous() : x;
  };
  batch.source = part(whole.source);
  batch.source_lengths = part(whole.source_lengths);
  batch.source_seen = part(whole.source_seen);
  batch.target_in = part(whole.target_in);
  batch.target_out = part(whole.target_out);
  batch.target_lengths = part(whole.target_lengths);
  const int64_t* const lengths = whole.target_lengths.data<int64_t>();
  for (int64_t b = 0; b < rows.begin; ++b) first_token += lengths[b];
  for (int64_t b = rows.begin; b < rows.end; ++b) batch.target_tokens += lengths[b];
  first_row = rows.begin;
  take_links(batch, whole, rows.begin, rows.end);
}

}  // namespace heed::models
