#include "nn/attention/factory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nn/attention/additive.h"
#include "nn/attention/concat.h"
#include "nn/attention/dot.h"
#include "nn/attention/general.h"
#include "nn/attention/local.h"
#include "nn/attention/location.h"
#include "nn/attention/multi_head.h"
#include "nn/attention/scaled_dot.h"

namespace heed::nn {
namespace {

using Sizes = AttentionSizes;
using Made = std::unique_ptr<Attention>;

enum class Coverage : bool { no, yes };

struct Kind {
  const char* name;
  Coverage coverage;
  std::vector<int64_t Sizes::*> reads;  // beside query and key
  Made (*make)(const Sizes& s);
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"additive",
       Coverage::yes,
       {&Sizes::attention},
       [](const Sizes& s) -> Made {
         return std::make_unique<AdditiveAttention>(s.query, s.key, s.attention, s.coverage);
       }},
      {"dot",
       Coverage::yes,
       {},
       [](const Sizes& s) -> Made { return std::make_unique<DotAttention>(s.query, s.key, s.coverage); }},
      {"general",
       Coverage::yes,
       {},
       [](const Sizes& s) -> Made { return std::make_unique<GeneralAttention>(s.query, s.key, s.coverage); }},
      {"concat",
       Coverage::yes,
       {&Sizes::attention},
       [](const Sizes& s) -> Made {
         return std::make_unique<ConcatAttention>(s.query, s.key, s.attention, s.coverage);
       }},
      {"scaled_dot",
       Coverage::yes,
       {&Sizes::attention},
       [](const Sizes& s) -> Made {
         return std::make_unique<ScaledDotAttention>(s.query, s.key, s.attention, s.coverage);
       }},
      {"multi_head",
       Coverage::no,
       {&Sizes::attention, &Sizes::heads},
       [](const Sizes& s) -> Made {
         return std::make_unique<MultiHeadAttention>(s.query, s.key, s.attention, s.heads);
       }},
      {"location",
       Coverage::no,
       {&Sizes::max_source},
       [](const Sizes& s) -> Made { return std::make_unique<LocationAttention>(s.query, s.max_source); }},
      {"local_p",
       Coverage::no,
       {&Sizes::attention, &Sizes::window},
       [](const Sizes& s) -> Made {
         return std::make_unique<LocalPredictiveAttention>(s.query, s.key, s.attention, s.window);
       }},
      {"local_m",
       Coverage::no,
       {&Sizes::window},
       [](const Sizes& s) -> Made {
         return std::make_unique<LocalMonotonicAttention>(s.query, s.key, s.window);
       }},
  };
  return all;
}

const char* name_of(int64_t Sizes::*size) {
  if (size == &Sizes::query) return "query";
  if (size == &Sizes::key) return "key";
  if (size == &Sizes::attention) return "attention";
  if (size == &Sizes::heads) return "heads";
  return size == &Sizes::max_source ? "max_source" : "window";
}

void check(const Kind& kind, const Sizes& sizes) {
  std::vector<int64_t Sizes::*> reads = kind.reads;
  reads.insert(reads.begin(), {&Sizes::query, &Sizes::key});
  for (const auto size : reads) {
    if (sizes.*size < 1) {
      throw ValueError(fmt::format("{} attention", kind.name),
                       fmt::format("size '{}' must be at least 1, got {}", name_of(size), sizes.*size));
    }
  }
  if (sizes.coverage && kind.coverage == Coverage::no) {
    throw ValueError(fmt::format("{} attention", kind.name),
                     fmt::format("has no coverage (these have: {})", fmt::join(coverage_kinds(), ", ")));
  }
}

}  // namespace

std::vector<std::string> attention_kinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.emplace_back(kind.name);
  return names;
}

std::vector<std::string> attention_kinds_with(int64_t AttentionSizes::*size) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (std::ranges::find(kind.reads, size) != kind.reads.end()) names.emplace_back(kind.name);
  }
  return names;
}

std::vector<std::string> coverage_kinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (kind.coverage == Coverage::yes) names.emplace_back(kind.name);
  }
  return names;
}

std::unique_ptr<Attention> make_attention(const std::string& kind, const AttentionSizes& sizes) {
  for (const Kind& known : kinds()) {
    if (known.name != kind) continue;
    check(known, sizes);
    return known.make(sizes);
  }
  throw ValueError("attention",
                   fmt::format("'{}' is not known ({})", kind, fmt::join(attention_kinds(), ", ")));
}

}  // namespace heed::nn
