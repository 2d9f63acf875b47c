#include "models/evaluation/failure_counter.h"

#include <algorithm>
#include <cmath>

namespace heed::models {

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
    rates[k].interval = bootstrap(counts, [](const Counts& sum) {
                          return static_cast<double>(sum.failures) / static_cast<double>(sum.cases);
                        }).interval;
  }
  return rates;
}

}  // namespace heed::models
