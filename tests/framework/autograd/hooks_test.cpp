// Hooks around every vjp, anomaly mode, and mutants of every vjp.
#include "framework/autograd/hooks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
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
  // 0 times the root's infinite slope at 0
  const auto run = [&] { sum(sqrt(x) * zeros({2, 3}, DType::f64)).backward(); };
  run();
  EXPECT_TRUE(std::isnan(x.grad().to_vector<double>()[3]));
  const AnomalyMode anomaly;
  try {
    run();
    FAIL() << "no error";
  } catch (const GradError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("backward: sqrt gave NaN as the gradient of its input 0, "
                                                  "f64[2, 3], first at [1, 0]; recorded by "));
    EXPECT_THAT(error.what(), testing::ContainsRegex(
                                  // the calls, with -rdynamic by name
                                  "recorded by .*framework_tests[+]0x[0-9a-f]* < .*framework_tests"));
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
  const Tensor x = from_vector<double>({1, 2, -4, 0}, {2, 2}).set_requires_grad(true),
               nan = full({2}, NAN, DType::f64);
  EXPECT_TRUE(std::isnan(sum(log(x)).item()));
  const AnomalyMode anomaly;
  EXPECT_THAT(
      error_of([&] { sum(log(x)); }),
      testing::StartsWith(
          "forward: log gave NaN as its output 0, f64[2, 2], first at [1, 0], from f64[2, 2]; recorded by "));
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
              testing::StartsWith("forward: log gave NaN or infinity as its output 0, f64[2], first at [1], "
                                  "from f64[2]; recorded by "));
  const Tensor y = sqrt(x);  // its slope at 0 is infinite
  EXPECT_THAT(error_of([&] { sum(y).backward(); }),
              testing::StartsWith("backward: sqrt gave NaN or infinity as the gradient of its input 0, "
                                  "f64[2], first at [1]; recorded by "));
}

TEST(AnomalyMode, LetsASoundBackwardPass) {
  const AnomalyMode anomaly;
  const Tensor x = ones({2}).set_requires_grad(true);
  sum(log(x)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1}));
}

// Which nodes of a sample's graphs a mutant looks at: those that its forward recorded, or those that their
// vjps recorded (create_graph).
enum class Recorded : uint8_t { in_forward, in_backward };

// Tells a sample's nodes from those of gradcheck's loss.
class SampleNodes : public BackwardHook {
 public:
  void made(const Node& node) override {
    if (inside_) forward_.insert(node.sequence);
    if (vjp_runs_) backward_.insert(node.sequence);
  }
  void before(Node& node) override {
    vjp_runs_ = forward_.contains(node.sequence);
    enter(node);
  }
  void after(Node& node) override {
    vjp_runs_ = false;
    leave(node);
  }
  // The sample's call, with its nodes noticed.
  OpSample::Function watched(const OpSample& sample) {
    return [this, &sample](const std::vector<Tensor>& x) {
      inside_ = true;
      std::vector<Tensor> y = sample.run(x);
      inside_ = false;
      return y;
    };
  }

 protected:
  bool is(const Node& node, Recorded when) const {
    return (when == Recorded::in_forward ? forward_ : backward_).contains(node.sequence);
  }

 private:
  virtual void enter(Node& node) = 0;
  virtual void leave(Node& node) = 0;
  bool inside_ = false, vjp_runs_ = false;
  std::set<uint64_t> forward_, backward_;
};

// The names of a sample's nodes.
class Names : public SampleNodes {
 public:
  std::set<std::string> in_forward, in_backward;

 private:
  void enter(Node& node) override {
    if (is(node, Recorded::in_forward)) in_forward.insert(node.name());
    if (is(node, Recorded::in_backward)) in_backward.insert(node.name());
  }
  void leave(Node&) override {}
};

// What the vjp of nodes of one name hands to one of their inputs, multiplied by a factor.
class Mutant : public SampleNodes {
 public:
  Mutant(std::string name, Recorded when, int input, double factor)
      : name_(std::move(name)), when_(when), input_(input), factor_(factor) {}
  bool present = false;  // there is such a node with this input

 private:
  void enter(Node& node) override {
    if (Tensor* slot = slot_of(node)) before_ = slot->defined() ? slot->clone() : Tensor{};
  }
  void leave(Node& node) override {
    Tensor* const slot = slot_of(node);
    if (!slot || !slot->defined()) return;
    const Tensor added = before_.defined() ? *slot - before_ : *slot;
    *slot = before_.defined() ? before_ + added * factor_ : added * factor_;
  }
  Tensor* slot_of(Node& node) {
    if (!is(node, when_) || node.name() != name_ || input_ >= node.edge_count()) return nullptr;
    present = true;
    const Edge& edge = node.edge(input_);
    return edge.node ? &edge.node->cotangents[static_cast<size_t>(edge.output)] : nullptr;
  }
  std::string name_;
  Recorded when_;
  int input_;
  double factor_;
  Tensor before_;
};

struct MutantTally {
  int made = 0, caught = 0, still = 0;  // still: changed nothing and was noticed all the same
};

// The sum of all elements under weights of which no two neighbours and no two tensors' are alike.
Tensor weighed(const std::vector<Tensor>& x) {
  Tensor total = zeros({}, DType::f64);
  double phase = 0.3;
  for (const Tensor& v : x) {
    if (!v.defined() || !is_floating(v.dtype())) continue;
    total = total + sum(v.to(DType::f64) *
                        reshape(cos(arange(v.numel(), DType::f64) * 1.7 + phase) + 0.5, v.shape()));
    phase += 0.9;
  }
  return total;
}

// The gradients of weighed results and squares of them; at order 2 those of weighed gradients.
std::vector<Tensor> derivatives(const OpSample::Function& run, const OpSample& sample, int order) {
  std::vector<Tensor> inputs = sample.make_inputs(DType::f64), wanted;
  for (const Tensor& x : inputs) {
    if (is_floating(x.dtype())) wanted.push_back(x.set_requires_grad(true));
  }
  std::vector<Tensor> results = run(inputs), found;
  for (Tensor& y : results) y = is_floating(y.dtype()) ? y + square(y) * 0.3 : y;
  Tensor loss = weighed(results);
  for (int i = 1; i <= order; ++i) {
    if (!loss.requires_grad()) return {};
    found = grad(std::vector{loss}, wanted, {}, {.create_graph = i < order, .allow_unused = true});
    loss = weighed(found);
  }
  return found;
}

// Whether they differ by more than gradcheck forgives: two changed signs on one path are none.
bool differ(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() && a[i].numel() > 0 &&
        !(amax(abs(a[i] - b[i])).item() <= 1e-9 * (1 + amax(abs(b[i])).item())))
      return true;
  }
  return false;
}

// The vjp of the nodes of one name, for each input, with its sign turned and 3 % too large: gradcheck on the
// samples must notice.
void mutate(const std::string& name, Recorded when, const std::vector<OpSample>& samples,
            MutantTally& tally) {
  const int order = when == Recorded::in_forward ? 1 : 2;
  bool present = true;
  for (int input = 0; present; ++input) {
    present = false;
    for (const double factor : {-1.0, 1.03}) {
      bool changed = false, noticed = false;
      for (const OpSample& sample : samples) {
        if (sample.max_order < order || noticed) continue;
        std::vector<Tensor> right, mutated;
        {
          Names plain;
          right = derivatives(plain.watched(sample), sample, order);
        }
        Mutant mutant(name, when, input, factor);
        mutated = derivatives(mutant.watched(sample), sample, order);
        present |= mutant.present;
        if (!mutant.present) continue;
        changed |= differ(mutated, right);
        noticed = !gradcheck(mutant.watched(sample), sample.make_inputs(DType::f64),
                             {.order = order, .max_elements = 40});
      }
      if (!changed) {
        tally.still += noticed ? 1 : 0;
        continue;
      }
      ++tally.made;
      tally.caught += noticed ? 1 : 0;
      EXPECT_TRUE(noticed) << name << ", input " << input << ", times " << factor << ", order " << order;
    }
  }
}

// Each node that an op's forward records (its own, or the helpers of a composition), and each that its vjp
// records under create_graph, which second order alone goes through.
TEST(Mutation, EveryMutantThatChangesAGradientIsCaught) {
  MutantTally first, second;
  std::set<std::string> names;
  for (const OpInfo& op : op_registry()) {
    Names of_op;
    const std::vector<OpSample> samples = op.make_samples();
    for (const OpSample& sample : samples) {
      if (sample.max_order > 0) {
        gradcheck(of_op.watched(sample), sample.make_inputs(DType::f64),
                  {.order = sample.max_order, .max_elements = 1});
      }
    }
    for (const std::string& name : of_op.in_forward) mutate(name, Recorded::in_forward, samples, first);
    for (const std::string& name : of_op.in_backward) mutate(name, Recorded::in_backward, samples, second);
    names.merge(of_op.in_forward);
    names.merge(of_op.in_backward);
  }
  EXPECT_EQ(first.still + second.still, 0);
  EXPECT_GT(first.made, 200);
  EXPECT_GT(second.made, 200);
  const int made = first.made + second.made, caught = first.caught + second.caught;
  RecordProperty("mutants", fmt::format("{} of {}", caught, made));
  std::printf(
      "mutants of a vjp: %d caught of %d (%d of first order, %d of what a recorded backward does; nodes of "
      "%zu names)\n",
      caught, made, first.made, second.made, names.size());
}

}  // namespace
}  // namespace heed
