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
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), &std::free);
  const std::string text = status == 0 ? name.get() : info.dli_sname;
  return text.substr(0, text.find('('));
}

// The index, in row-major order, of the first NaN; -1 when there is none.
int64_t first_nan(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  return dispatch_floating("anomaly mode", x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T *const begin = dense.data<T>(), *const end = begin + dense.numel();
    const T* const found = std::find_if(begin, end, [](T v) { return std::isnan(v); });
    return found == end ? int64_t{-1} : static_cast<int64_t>(found - begin);
  });
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
  recorded_by_[node.sequence] = {calls.begin() + std::min(n, 3), calls.begin() + n};  // without backtrace, this and the node's constructor
}

void AnomalyMode::after(Node& node) {
  for (int i = 0; i < node.edge_count(); ++i) {
    const Edge& edge = node.edge(i);
    if (!edge.node) continue;
    const Tensor& g = edge.node->cotangents[static_cast<size_t>(edge.output)];
    if (!g.defined()) continue;
    const int64_t bad = first_nan(g);
    if (bad < 0) continue;
    std::string calls;
    const auto known = recorded_by_.find(node.sequence);
    if (known != recorded_by_.end()) {
      for (void* call : known->second) calls += (calls.empty() ? "; recorded by " : " < ") + call_name(call);
    }
    throw GradError(fmt::format("backward: {} gave NaN as the gradient of its input {}, {}, first at {}{}", node.name(), i, g.describe(),
                                coordinates(bad, g.shape()), calls));
  }
}

}  // namespace heed
