#include "models/evaluation/failure_counter.h"

#include <algorithm>
#include <cmath>

namespace heed::models {
namespace {

Interval wilson(int64_t failures, int64_t cases) {
  constexpr double z = 1.959964;  // of 95 %
  const auto n = static_cast<double>(cases);
  const double p = static_cast<double>(failures) / n;
  const double middle = p + z * z / (2 * n), half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
               scale = 1 + z * z / n;
  return {std::clamp((middle - half) / scale, 0.0, p), std::clamp((middle + half) / scale, p, 1.0)};
}

}  // namespace

double FailureRate::rate() const {
  return cases == 0 ? NAN : static_cast<double>(failures) / static_cast<double>(cases);
}

FailureCounter::Counts& FailureCounter::Counts::operator+=(const Counts& other) {
  cases += other.cases;
  failures += other.failures;
  return *this;
}

size_t FailureCounter::kind(const std::string& group, const std::string& name, const std::string& of) {
  kinds_.push_back({.group = group, .name = name, .of = of});
  counts_.emplace_back(sentences_);
  return kinds_.size() - 1;
}

void FailureCounter::count(size_t kind, size_t sentence, bool failed, const std::string& what) {
  FailureRate& rate = kinds_[kind];
  counts_[kind][sentence] += {1, failed ? 1 : 0};
  ++rate.cases;
  if (!failed) return;
  ++rate.failures;
  const bool seen = !rate.examples.empty() && rate.examples.back().sentence == sentence;
  if (!seen && rate.examples.size() < kFailureExamples) rate.examples.push_back({sentence, what});
}

std::vector<FailureRate> FailureCounter::rates() const {
  std::vector<FailureRate> rates = kinds_;
  for (size_t k = 0; k < rates.size(); ++k) {
    if (rates[k].cases == 0) continue;
    std::vector<Counts> counts = counts_[k];
    // resamples are of the sentences with cases, so that none is without
    std::erase_if(counts, [](const Counts& of_sentence) { return of_sentence.cases == 0; });
    const auto share = [](const Counts& sum) {
      return static_cast<double>(sum.failures) / static_cast<double>(sum.cases);
    };
    const Interval resampled = bootstrap(counts, share).interval,
                   few = wilson(rates[k].failures, rates[k].cases);
    rates[k].interval = {std::min(resampled.low, few.low), std::max(resampled.high, few.high)};
  }
  return rates;
}

}  // namespace heed::models
