#include "models/cluster/gradient_sums.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_set>

namespace heed::models {
namespace {

constexpr int64_t kBucket = int64_t{1} << 18;  // floats: 1 MB

}  // namespace

GradientSums::GradientSums(std::vector<Tensor> parameters, Ranks& ranks) : ranks_(ranks) {
  for (Tensor& parameter : parameters) {
    Slot& slot = slots_.emplace_back();
    slot.node = gradient_edge(parameter).node.get();
    slot.parameter = std::move(parameter);
  }
  for (size_t i = 0; i < slots_.size(); ++i) slot_of_[slots_[i].node] = i;
  std::vector<size_t> order(slots_.size());  // what was made last is used last, and complete first
  std::iota(order.rbegin(), order.rend(), size_t{0});
  place(order);
}

GradientSums::~GradientSums() {
  if (running_) new decltype(buckets_)(std::move(buckets_));  // NOLINT: never freed
}

void GradientSums::place(const std::vector<size_t>& order) {
  buckets_.clear();
  int64_t size = 0;
  const auto close = [&] {
    if (!buckets_.empty()) buckets_.back().values.resize(static_cast<size_t>(size));
  };
  for (const size_t i : order) {
    Slot& slot = slots_[i];
    const int64_t n = slot.parameter.numel();
    if (buckets_.empty() || size + n > kBucket) {
      close();
      buckets_.emplace_back();
      size = 0;
    }
    slot.bucket = buckets_.size() - 1;
    slot.at = size;
    ++buckets_.back().slots;
    size += n;
  }
  close();
}

void GradientSums::begin(const Tensor& loss) {
  for (Slot& slot : slots_) slot.pending = 0, slot.ready = false;
  for (Bucket& bucket : buckets_) bucket.ready = 0;
  completed_.clear();
  sent_ = 0;
  running_ = true;
  std::vector<Node*> left{gradient_edge(loss).node.get()};
  std::unordered_set<const Node*> seen{left.front()};
  while (!left.empty()) {
    Node& node = *left.back();
    left.pop_back();
    std::unordered_set<const Node*> counted;  // a node may read a parameter twice
    for (int i = 0; i < node.edge_count(); ++i) {
      Node* const to = node.edge(i).node.get();
      if (!to) continue;
      if (const auto slot = slot_of_.find(to); slot != slot_of_.end()) {
        if (counted.insert(to).second) ++slots_[slot->second].pending;
      } else if (seen.insert(to).second) {
        left.push_back(to);
      }
    }
  }
}

void GradientSums::after(Node& node) {
  if (!running_) return;
  std::array<const Node*, 16> done{};  // of this node's parameters
  size_t count = 0;
  for (int i = 0; i < node.edge_count(); ++i) {
    const Edge& edge = node.edge(i);
    const auto found = slot_of_.find(edge.node.get());
    if (!edge.node || found == slot_of_.end()) continue;
    if (std::find(done.begin(), done.begin() + count, edge.node.get()) != done.begin() + count) continue;
    if (count < done.size()) done[count++] = edge.node.get();
    Slot& slot = slots_[found->second];
    if (--slot.pending > 0) continue;
    if (slot.pending < 0) throw std::logic_error("a gradient changed after it was complete");
    fill(slot, edge.node->cotangents[0]);
  }
  if (count > 0) send_ready();
}

// What earlier backwards of the update left in the gradient, and what this one brought.
void GradientSums::fill(Slot& slot, const Tensor& arrived) {
  Bucket& bucket = buckets_[slot.bucket];
  float* const to = bucket.values.data() + slot.at;
  const int64_t n = slot.parameter.numel();
  const Tensor before = slot.parameter.grad();
  if (before.defined()) {
    const Tensor dense = before.contiguous();
    std::memcpy(to, dense.data<float>(), static_cast<size_t>(n) * sizeof(float));
  } else {
    std::fill_n(to, n, 0.0F);
  }
  if (arrived.defined()) {
    const Tensor dense = arrived.contiguous();
    const float* const from = dense.data<float>();
    for (int64_t i = 0; i < n; ++i) to[i] += from[i];
  }
  slot.ready = true;
  ++bucket.ready;
  completed_.push_back(static_cast<size_t>(&slot - slots_.data()));
}

// In the order of buckets, which is the same on all ranks.
void GradientSums::send_ready() {
  for (; sent_ < buckets_.size() && buckets_[sent_].ready == buckets_[sent_].slots; ++sent_)
    ranks_.start_sum(buckets_[sent_].values);
}

void GradientSums::finish() {
  running_ = false;
  for (Slot& slot : slots_) {
    if (!slot.ready) fill(slot, {});  // no node of this backward has it
  }
  send_ready();
  ranks_.finish_sums();
  for (const Slot& slot : slots_) {
    Tensor sum = slot.parameter.grad();
    if (!sum.defined() || !sum.is_contiguous() || !sum.shares_nothing()) sum = empty(slot.parameter.shape());
    std::memcpy(sum.data<float>(), buckets_[slot.bucket].values.data() + slot.at,
                static_cast<size_t>(slot.parameter.numel()) * sizeof(float));
    slot.parameter.set_grad(sum);
  }
  if (ordered_) return;
  ordered_ = true;  // the first rank's order, for all
  std::string order;
  for (const size_t i : completed_) order += std::to_string(i) + ' ';
  order = ranks_.from_first(order);
  std::vector<size_t> places;
  for (size_t at = 0; at < order.size(); at = order.find(' ', at) + 1)
    places.push_back(std::stoul(order.substr(at)));
  place(places);
}

}  // namespace heed::models
