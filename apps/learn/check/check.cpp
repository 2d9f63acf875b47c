#include "apps/learn/check/check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "framework/io/file.h"

namespace heed::learn {
namespace {

std::vector<double> values(const Tensor& x) {
  const NoGradGuard no_grad;
  return x.detach().to(DType::f64).to_vector<double>();
}

bool near(double got, double want, double tolerance) {
  if (std::isnan(want) || std::isinf(want)) return (std::isnan(got) && std::isnan(want)) || got == want;
  return std::abs(got - want) <= tolerance * (1 + std::abs(want));  // false for NaN
}

std::string number(double x) { return std::isnan(x) ? "NaN" : fmt::format("{:.6g}", x); }

// ", element [1][3]," of the element at a row-major place.
std::string index_of(const Shape& shape, int64_t place) {
  std::string text;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    text = fmt::format("[{}]", place % shape[i]) + text;
    place /= shape[i];
  }
  return text.empty() ? text : ", element " + text + ",";
}

// Where rows should sum to 1 and do not, that says more than a number.
std::string of_rows(const Tensor& got, const Tensor& want) {
  if (got.ndim() < 1 || got.size(-1) < 2) return "";
  const std::vector<double> sums = values(sum(got.to(DType::f64), {-1})),
                            right = values(sum(want.to(DType::f64), {-1}));
  if (!std::ranges::all_of(right, [](double s) { return near(s, 1, 1e-4) || near(s, 0, 1e-9); })) return "";
  for (size_t i = 0; i < sums.size(); ++i) {
    if (!near(sums[i], right[i], 1e-4))
      return fmt::format("; row {} sums to {}, should be {}", i, number(sums[i]), number(right[i]));
  }
  return "";
}

bool same(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.shape() != b.shape()) return false;
  const std::vector<double> x = values(a), y = values(b);
  for (size_t i = 0; i < x.size(); ++i) {
    if (!near(x[i], y[i], 1e-5)) return false;
  }
  return true;
}

// A check's first failure; none when it passes.
std::optional<Wrong> failure(const CheckOf& check, bool shows, int* steps = nullptr) {
  Check c(shows);
  manual_seed(1);
  try {
    check(c);
    if (steps) *steps = c.steps();
    return std::nullopt;
  } catch (const Wrong& wrong) {
    return wrong;
  } catch (const Gap& gap) {
    return Wrong{c.steps(), fmt::format("the gap in {}() is still empty", gap.function), {}};
  } catch (const std::exception& e) {
    return Wrong{c.steps(), fmt::format("it threw an error: {}", e.what()), {}};
  } catch (...) {
    return Wrong{c.steps(), "it threw something that is no std::exception", {}};
  }
}

// The slip that fails at the same place with the same numbers; where there are none, the only one that fails
// with the same words: what stops several of them has another cause.
const Slip* recognise(const Wrong& wrong, const std::vector<Slip>& slips) {
  std::vector<const Slip*> found;
  for (const Slip& slip : slips) {
    const std::optional<Wrong> its = failure(slip.check, false);
    if (its && its->step == wrong.step && same(its->got, wrong.got) &&
        (wrong.got.defined() || its->text == wrong.text))
      found.push_back(&slip);
  }
  const bool certain = found.size() == 1 || (!found.empty() && wrong.got.defined());
  return certain ? found.front() : nullptr;
}

int try_slips(const std::vector<Slip>& slips) {
  int bad = 0;
  for (const Slip& slip : slips) {
    const std::optional<Wrong> wrong = failure(slip.check, false);
    const Slip* const found = wrong ? recognise(*wrong, slips) : nullptr;
    if (!wrong) {
      std::printf("%s: passes the check\n", slip.name.c_str());
    } else if (found != &slip) {
      std::printf("%s: taken for %s (%s)\n", slip.name.c_str(), found ? found->name.c_str() : "nothing known",
                  wrong->text.c_str());
    } else {
      std::printf("%s: recognised (%s)\n", slip.name.c_str(), wrong->text.c_str());
      continue;
    }
    bad = 1;
  }
  return bad;
}

}  // namespace

void Check::show(const std::string& text) {
  std::printf("  %s\n", text.c_str());
  std::fflush(stdout);
}

void Check::that(bool holds, const std::string& text) {
  if (!holds) throw Wrong{steps_, text, {}};
  ++steps_;
}

void Check::equal(const std::string& what, double got, double want, double tolerance) {
  equal(what, full({}, got, DType::f64), full({}, want, DType::f64), tolerance);
}

void Check::equal(const std::string& what, const Tensor& got, const Tensor& want, double tolerance) {
  if (!got.defined()) throw Wrong{steps_, what + " is an undefined tensor, Tensor{}", {}};
  if (got.shape() != want.shape())
    throw Wrong{
        steps_,
        fmt::format("{} has the shape {}, should have {}", what, got.shape().str(), want.shape().str()), got};
  const std::vector<double> x = values(got), y = values(want);
  for (size_t i = 0; i < x.size(); ++i) {
    if (near(x[i], y[i], tolerance)) continue;
    throw Wrong{
        steps_,
        fmt::format("{}{} is {}, should be {}{}", what, index_of(got.shape(), static_cast<int64_t>(i)),
                    number(x[i]), number(y[i]), of_rows(got, want)),
        got};
  }
  ++steps_;
}

std::string output_folder() {
  const char* const folder = std::getenv("HEED_LEARN_OUTPUT");
  return folder ? folder : ".";
}

int run_check(int argc, char** argv, const CheckOf& learner, const std::vector<Slip>& slips) {
  set_num_threads(1);
  if (argc > 1 && std::string_view(argv[1]) == "--slips") return try_slips(slips);
  std::setvbuf(stdout, nullptr, _IONBF, 0);  // what the learner prints is there if the code then crashes
  int steps = 0;
  const std::optional<Wrong> wrong = failure(learner, true, &steps);
  std::string verdict = fmt::format("  {} comparisons, all equal\n", steps);
  if (wrong) {
    verdict = fmt::format("  first wrong: {}\n", wrong->text);
    if (const Slip* const slip = recognise(*wrong, slips))
      verdict += fmt::format("  likely slip: {}\n", slip->says);
  }
  if (argc > 2 && std::string_view(argv[1]) == "--verdict")
    write_file_atomically(argv[2], verdict);
  else
    std::fputs(verdict.c_str(), stdout);
  return wrong ? 1 : 0;
}

}  // namespace heed::learn
