// Hooks around every vjp, anomaly mode, and mutants of every vjp.
#include "framework/autograd/hooks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "framework/framework.h"
#include "framework/ops/registry.h"
#include "tests/testing/close.h"

namespace heed {
namespace {

struct Recorder : BackwardHook {
  void made(const Node&) override { ++recorded; }
  void before(Node& node) override { calls.push_back(std::string("before ") + node.name()); }
  void after(Node& node) override { calls.push_back(std::string("after ") + node.name()); }
  int recorded = 0;
  std::vector<std::string> calls;
};

TEST(BackwardHook, IsCalledAroundEveryNodeWhileItLives) {
  const Tensor x = ones({2}).set_requires_grad(true);
  Recorder outer;
  {
    Recorder inner;
    sum(exp(x)).backward();
    EXPECT_THAT(inner.calls, testing::IsSupersetOf({"before sum", "after sum", "before exp", "after exp"}));
    EXPECT_GE(inner.recorded, 2);
    EXPECT_EQ(inner.calls, outer.calls);
  }
  const size_t before = outer.calls.size();
  sum(x).backward();
  EXPECT_GT(outer.calls.size(), before);
}

TEST(AnomalyMode, NamesTheOpItsInputAndTheFirstBadIndex) {
  const Tensor x = from_vector<double>({1, 2, 4, 0, 9, 0}, {2, 3}).set_requires_grad(true);
  const auto run = [&] { sum(sqrt(x) * zeros({2, 3}, DType::f64)).backward(); };  // 0 times the root's infinite slope at 0
  run();
  EXPECT_TRUE(std::isnan(x.grad().to_vector<double>()[3]));
  const AnomalyMode anomaly;
  try {
    run();
    FAIL() << "no error";
  } catch (const GradError& error) {
    EXPECT_THAT(error.what(),
                testing::StartsWith("backward: sqrt gave NaN as the gradient of its input 0, f64[2, 3], first at [1, 0]; recorded by "));
    EXPECT_THAT(error.what(), testing::ContainsRegex(
                                  "recorded by .*framework_tests[+]0x[0-9a-f]* < .*framework_tests"));  // the calls, with -rdynamic by name
  }
}

// The message of the GradError that f throws.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const GradError& error) {
    return error.what();
  }
  return "no error";
}

TEST(AnomalyMode, NamesTheOpWhoseForwardMadeTheNaN) {
  const Tensor x = from_vector<double>({1, 2, -4, 0}, {2, 2}).set_requires_grad(true), nan = full({2}, NAN, DType::f64);
  EXPECT_TRUE(std::isnan(sum(log(x)).item()));
  const AnomalyMode anomaly;
  EXPECT_THAT(error_of([&] { sum(log(x)); }),
              testing::StartsWith("forward: log gave NaN as its output 0, f64[2, 2], first at [1, 0], from f64[2, 2]; recorded by "));
  EXPECT_THAT(error_of([&] { mul(x, nan); }),
              testing::StartsWith("forward: mul got NaN as its input 1, f64[2], first at [0]; recorded by "));
  EXPECT_THAT(error_of([&] {
                concat(std::vector{select(x, 0, 0), nan}, 0);
              }),
              testing::StartsWith("forward: concat got NaN as its input 1, f64[2], first at [0]"));
  EXPECT_TRUE(std::isnan(sum(nan).item()));  // not recorded: not looked at
  sum(exp(x)).backward();
}

TEST(AnomalyMode, CountsInfinitiesWhenAsked) {
  const Tensor x = from_vector<double>({1, 0}, {2}).set_requires_grad(true);
  {
    const AnomalyMode anomaly;
    EXPECT_TRUE(std::isinf(sum(log(x)).item()));
  }
  const AnomalyMode anomaly(AnomalyMode::Report::infinity);
  EXPECT_THAT(error_of([&] { log(x); }),
              testing::StartsWith("forward: log gave NaN or infinity as its output 0, f64[2], first at [1], from f64[2]; recorded by "));
  const Tensor y = sqrt(x);  // its slope at 0 is infinite
  EXPECT_THAT(
      error_of([&] { sum(y).backward(); }),
      testing::StartsWith("backward: sqrt gave NaN or infinity as the gradient of its input 0, f64[2], first at [1]; recorded by "));
}

TEST(AnomalyMode, LetsASoundBackwardPass) {
  const AnomalyMode anomaly;
  const Tensor x = ones({2}).set_requires_grad(true);
  sum(log(x)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1}));
}

// What the vjp of one op hands to one of its inputs, multiplied by a factor.
class Mutant : public BackwardHook {
 public:
  Mutant(std::string op, int input, double factor) : op_(std::move(op)), input_(input), factor_(factor) {}
  void made(const Node& node) override {
    if (inside) own_.insert(node.sequence);
  }
  void before(Node& node) override {
    if (Tensor* slot = slot_of(node)) before_ = slot->defined() ? slot->clone() : Tensor{};
  }
  void after(Node& node) override {
    Tensor* const slot = slot_of(node);
    if (!slot || !slot->defined()) return;
    const Tensor added = before_.defined() ? *slot - before_ : *slot;
    for (const double v : added.detach().to(DType::f64).to_vector<double>()) changed |= v != 0;
    *slot = before_.defined() ? before_ + added * factor_ : added * factor_;
  }
  bool inside = false;   // the sample runs: gradcheck's loss has nodes of its own
  bool changed = false;  // it had something to change
  bool present = false;  // the op has a node with this input

 private:
  Tensor* slot_of(Node& node) {
    if (!own_.contains(node.sequence) || node.name() != op_ || input_ >= node.edge_count()) return nullptr;
    present = true;
    const Edge& edge = node.edge(input_);
    return edge.node ? &edge.node->cotangents[static_cast<size_t>(edge.output)] : nullptr;
  }
  std::string op_;
  int input_;
  double factor_;
  std::set<uint64_t> own_;
  Tensor before_;
};

// Each vjp of each op, for each input, with its sign turned and 3 % too large: gradcheck on the op's own samples must notice.
TEST(Mutation, EveryMutantThatChangesAGradientIsCaught) {
  int made = 0, caught = 0, still = 0;
  for (const OpInfo& op : op_registry()) {
    bool present = true;  // a composition has no node of its own
    for (int input = 0; present; ++input) {
      present = false;
      for (const double factor : {-1.0, 1.03}) {
        bool changed = false, noticed = false;
        for (const OpSample& sample : op.make_samples()) {
          if (sample.max_order == 0 || noticed) continue;
          Mutant mutant(op.name, input, factor);
          const auto run = [&](const std::vector<Tensor>& x) {
            mutant.inside = true;
            std::vector<Tensor> y = sample.run(x);
            mutant.inside = false;
            return y;
          };
          noticed = !gradcheck(run, sample.make_inputs(DType::f64), {.order = 1, .max_elements = 40});
          changed |= mutant.changed;
          present |= mutant.present;
        }
        if (!changed) {
          still += noticed ? 1 : 0;
          continue;
        }
        ++made;
        caught += noticed ? 1 : 0;
        EXPECT_TRUE(noticed) << op.name << ", input " << input << ", times " << factor;
      }
    }
  }
  EXPECT_EQ(still, 0);  // what changed nothing was not noticed either
  EXPECT_GT(made, 150);
  RecordProperty("mutants", fmt::format("{} of {}", caught, made));
  std::printf("mutants of a vjp: %d caught of %d\n", caught, made);
}

}  // namespace
}  // namespace heed
