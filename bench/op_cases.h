// The table of ops that compare_torch and op_bench measure: what the rows of op_cases.def are called and
// read. Includes neither heed nor PyTorch.
#pragma once

#include <string>
#include <vector>

#include "bench/workload.h"

namespace workload {

/// What an op reads. Values have a gradient, positive ones too; targets, which are positive, whole numbers
/// below `bound` and masks have none.
struct OpInput {
  enum class Kind { values, positive, target, whole, mask };
  Kind kind;
  std::vector<int64_t> shape;
  int64_t bound = 0;

  int64_t numel() const {
    int64_t n = 1;
    for (const int64_t extent : shape) n *= extent;
    return n;
  }
  bool has_gradient() const { return kind == Kind::values || kind == Kind::positive; }
  bool is_whole() const { return kind == Kind::whole || kind == Kind::mask; }
  /// In [-2, 2); where they are positive in [0.1, 2.1).
  std::vector<float> floats(uint64_t seed) const {
    if (kind == Kind::values) return workload::values(numel(), seed, 2);
    std::vector<float> v = workload::values(numel(), seed, 1);
    for (float& x : v) x += 1.1F;
    return v;
  }
  /// In [0, bound); a mask's are 0 or 1.
  std::vector<int64_t> integers(uint64_t seed) const {
    return workload::ids(numel(), seed, kind == Kind::mask ? 2 : bound);
  }
};

/// What is timed: the op, the op and its backward, or, of an op with chance in it, the op without a look at
/// its values.
enum class Passes { forward, both, random };

struct OpCase {
  const char *name, *shape;
  Passes passes;
  std::vector<OpInput> inputs;
};

inline const std::vector<OpCase>& op_cases() {
  const auto values = [](std::vector<int64_t> shape) {
    return OpInput{OpInput::Kind::values, std::move(shape)};
  };
  const auto positive = [](std::vector<int64_t> shape) {
    return OpInput{OpInput::Kind::positive, std::move(shape)};
  };
  const auto target = [](std::vector<int64_t> shape) {
    return OpInput{OpInput::Kind::target, std::move(shape)};
  };
  const auto whole = [](std::vector<int64_t> shape, int64_t bound) {
    return OpInput{OpInput::Kind::whole, std::move(shape), bound};
  };
  const auto mask = [](std::vector<int64_t> shape) { return OpInput{OpInput::Kind::mask, std::move(shape)}; };
  constexpr Passes forward = Passes::forward, both = Passes::both, random = Passes::random;
#define INPUTS(...) \
  { __VA_ARGS__ }
#define OP_CASE(name, shape, passes, inputs, ours, theirs) {#name, shape, passes, inputs},
  static const std::vector<OpCase> all = {
#include "bench/op_cases.def"
  };
#undef OP_CASE
#undef INPUTS
  return all;
}

constexpr const char *kOps = "ops/", *kForward = "_fwd", *kBoth = "_fwd_bwd";

/// ops/NAME_fwd and ops/NAME_fwd_bwd of every row.
inline std::vector<CaseName> op_case_names() {
  std::vector<CaseName> names;
  for (const OpCase& c : op_cases()) {
    const std::string name = std::string(kOps) + c.name;
    names.push_back({name + kForward, c.shape, c.passes == Passes::random});
    if (c.passes == Passes::both) names.push_back({name + kBoth, c.shape});
  }
  return names;
}

/// The row that a case is of, and whether it has a backward; null for a case of another kind.
inline const OpCase* find_op_case(const std::string& name, bool& backward) {
  for (const OpCase& c : op_cases()) {
    const std::string whole = std::string(kOps) + c.name;
    backward = name == whole + kBoth;
    if (backward || name == whole + kForward) return &c;
  }
  return nullptr;
}

}  // namespace workload
