#include "framework/autograd/hooks.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "framework/autograd/grad_mode.h"
#include "framework/core/error.h"

namespace heed {

BackwardHook::BackwardHook() : outer_(innermost_) { innermost_ = this; }
BackwardHook::~BackwardHook() { innermost_ = outer_; }

namespace {

constexpr int kMostCalls = 16;

// The function's name without its arguments, or file+offset for addr2line.
std::string call_name(void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || !info.dli_fname) return fmt::format("{}", address);
  if (!info.dli_sname) {
    const auto offset = static_cast<const char*>(address) - static_cast<const char*>(info.dli_fbase);
    const std::string file = info.dli_fname;
    return fmt::format("{}+{:#x}", file.substr(file.find_last_of('/') + 1), offset);
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), &std::free);
  const std::string text = status == 0 ? name.get() : info.dli_sname;
  return text.substr(0, text.find('('));
}

std::string coordinates(int64_t index, const Shape& shape) {
  Shape at = shape;
  for (int d = shape.ndim() - 1; d >= 0; --d) {
    at[d] = index % shape[d];
    index /= shape[d];
  }
  return at.str();
}

}  // namespace

void AnomalyMode::made(const Node& node) {
  std::array<void*, kMostCalls> calls{};
  const int n = backtrace(calls.data(), kMostCalls);
  // without this and the node's constructor
  recorded_by_[node.sequence].assign(calls.begin() + std::min(n, 3), calls.begin() + n);
}

// The index, in row-major order, of the first bad element; -1 when there is none.
int64_t AnomalyMode::first_bad(const Tensor& x) const {
  if (!x.defined() || !is_floating(x.dtype())) return -1;
  const NoGradGuard no_grad;
  const Tensor dense = x.detach().contiguous();
  return dispatch_floating("anomaly mode", x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T *const begin = dense.data<T>(), *const end = begin + dense.numel();
    const T* const found =
        std::find_if(begin, end, [this](T v) { return std::isnan(v) || (infinity_ && std::isinf(v)); });
    return found == end ? int64_t{-1} : static_cast<int64_t>(found - begin);
  });
}

void AnomalyMode::report(const Node& node, const std::string& what, const Tensor& bad, int64_t index,
                         const std::string& from) const {
  std::string calls;
  const auto known = recorded_by_.find(node.sequence);
  if (known != recorded_by_.end()) {
    for (void* call : known->second) calls += (calls.empty() ? "; recorded by " : " < ") + call_name(call);
  }
  throw GradError(fmt::format("{}, {}, first at {}{}{}", what, bad.describe(),
                              coordinates(index, bad.shape()), from, calls));
}

void AnomalyMode::computed(const Node& node, std::span<const Tensor> inputs,
                           std::span<const Tensor> outputs) {
  const char* const bad = infinity_ ? "NaN or infinity" : "NaN";
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (const int64_t at = first_bad(inputs[i]); at >= 0) {
      report(node, fmt::format("forward: {} got {} as its input {}", node.name(), bad, i), inputs[i], at, "");
    }
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int64_t at = first_bad(outputs[i]);
    if (at < 0) continue;
    std::string from;
    for (const Tensor& x : inputs) from += (from.empty() ? ", from " : " and ") + x.describe();
    report(node, fmt::format("forward: {} gave {} as its output {}", node.name(), bad, i), outputs[i], at,
           from);
  }
}

void AnomalyMode::after(Node& node) {
  for (int i = 0; i < node.edge_count(); ++i) {
    const Edge& edge = node.edge(i);
    if (!edge.node) continue;
    const Tensor& g = edge.node->cotangents[static_cast<size_t>(edge.output)];
    if (const int64_t at = first_bad(g); at >= 0) {
      report(node,
             fmt::format("backward: {} gave {} as the gradient of its input {}", node.name(),
                         infinity_ ? "NaN or infinity" : "NaN", i),
             g, at, "");
    }
  }
}

}  // namespace heed
