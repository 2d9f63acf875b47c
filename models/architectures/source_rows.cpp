#include "models/architectures/source_rows.h"

#include <algorithm>
#include <numeric>

#include "framework/ops/ops.h"

namespace heed::models {
namespace {

// [a * b, *] of [a, b, *].
Tensor joined(const Tensor& x) {
  Shape shape = x.shape().without(0);
  shape[0] = x.size(0) * x.size(1);
  return reshape(x, shape);
}

}  // namespace

SourceRows::SourceRows(int64_t sentences) : sentence_(static_cast<size_t>(sentences)), sentences_(sentences) {
  std::iota(sentence_.begin(), sentence_.end(), int64_t{0});
}

std::optional<std::vector<int64_t>> SourceRows::select(const std::vector<int64_t>& rows) {
  std::vector<int64_t> chosen;
  for (const int64_t row : rows) chosen.push_back(sentence_[static_cast<size_t>(row)]);
  sentence_ = std::move(chosen);
  // in the order in which rows name them
  std::vector<int64_t> read, place(static_cast<size_t>(sentences_), -1);
  for (const int64_t sentence : sentence_) {
    int64_t& at = place[static_cast<size_t>(sentence)];
    if (at < 0) {
      at = static_cast<int64_t>(read.size());
      read.push_back(sentence);
    }
  }
  const auto alive = static_cast<int64_t>(read.size());
  const bool same_number = read.size() == sentence_.size();
  const bool in_place =
      std::ranges::equal(sentence_, read) && alive == sentences_ && std::ranges::is_sorted(read);
  std::optional<std::vector<int64_t>> keep;
  if (!in_place && (same_number || 3 * alive <= 2 * sentences_)) {
    for (int64_t& sentence : sentence_) sentence = place[static_cast<size_t>(sentence)];
    sentences_ = alive;
    keep = std::move(read);
  }
  arrange();
  return keep;
}

void SourceRows::arrange() {
  const auto R = static_cast<int64_t>(sentence_.size());
  one_to_one_ = R == sentences_;
  std::vector<int64_t> count(static_cast<size_t>(sentences_));
  std::vector<int64_t> rank;  // of each row among those of its sentence
  for (int64_t row = 0; row < R; ++row) {
    const int64_t sentence = sentence_[static_cast<size_t>(row)];
    one_to_one_ = one_to_one_ && sentence == row;
    rank.push_back(count[static_cast<size_t>(sentence)]++);
  }
  row_of_place_ = place_of_row_ = Tensor();
  widest_ = count.empty() ? 1 : std::max<int64_t>(1, *std::ranges::max_element(count));
  if (one_to_one_) return;
  std::vector<int64_t> row_of_place(static_cast<size_t>(sentences_ * widest_)), place_of_row;
  for (int64_t row = 0; row < R; ++row) {
    const int64_t place = sentence_[static_cast<size_t>(row)] * widest_ + rank[static_cast<size_t>(row)];
    row_of_place[static_cast<size_t>(place)] = row;
    place_of_row.push_back(place);
  }
  row_of_place_ = from_vector(row_of_place, {sentences_ * widest_});
  place_of_row_ = from_vector(place_of_row, {R});
}

Tensor SourceRows::side_by_side(const Tensor& x) const {
  if (one_to_one_) return unsqueeze(x, 1);
  const Tensor placed = index_select(x, 0, row_of_place_);
  std::vector<int64_t> dims(x.shape().begin(), x.shape().end());
  dims.insert(dims.begin() + 1, widest_);
  dims[0] = sentences_;
  return reshape(placed, Shape(std::span<const int64_t>(dims)));
}

Tensor SourceRows::apart(const Tensor& x) const {
  return one_to_one_ ? squeeze(x, 1) : index_select(joined(x), 0, place_of_row_);
}

}  // namespace heed::models
