#include "bench/compare_torch/torch_search.h"

#include "bench/workload.h"

namespace torch_side {

using torch::Tensor;
using workload::kBos;
using workload::kEos;

Search::Search(int64_t B, int64_t beam) : B_(B), beam_(beam), ids_(torch::full({B}, kBos, torch::kLong)) {}

Tensor Search::advance(const Tensor& logits) {
  const Tensor words = logits.slice(1, kEos + 1);
  if (beam_ == 1) {
    ids_ = words.argmax(1) + (kEos + 1);
    words_.push_back(ids_);
    return {};
  }
  const int64_t rows = ids_.size(0), each = rows / B_;
  const auto [values, places] = words.topk(beam_, 1);
  Tensor total = values - torch::logsumexp(words, 1, true);
  if (scores_.defined()) total = total + scores_.reshape({rows, 1});
  const auto [best, at] = total.reshape({B_, each * beam_}).topk(beam_, 1);
  scores_ = best;
  const Tensor from = torch::div(at, beam_, "floor");
  ids_ = places.reshape({B_, each * beam_}).gather(1, at).reshape({-1}) + (kEos + 1);
  words_.push_back(ids_);
  parents_.push_back((from + torch::arange(B_).unsqueeze(1) * each).reshape({-1}));
  return parents_.back();
}

Tensor Search::words() const {
  if (beam_ == 1) return torch::stack(words_, 1);
  Tensor row = torch::arange(B_) * beam_;  // the best hypothesis comes first
  std::vector<Tensor> backwards;
  for (size_t t = words_.size(); t-- > 0;) {
    backwards.push_back(words_[t].index_select(0, row));
    row = parents_[t].index_select(0, row);
  }
  return torch::stack(backwards, 1).flip(1);
}

}  // namespace torch_side
