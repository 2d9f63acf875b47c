#include "models/training/facts.h"

#include <algorithm>

#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

struct Counts {
  int64_t tokens = 0, unknown = 0;
  double share() const {
    return tokens == 0 ? 0 : static_cast<double>(unknown) / static_cast<double>(tokens);
  }
};

// A source ends with its end mark, unless the model has none; a target has none here.
Counts count(const std::vector<EncodedPair>& pairs, std::vector<int> EncodedPair::*side) {
  Counts counts;
  for (const EncodedPair& pair : pairs) {
    for (const int id : pair.*side) {
      if (id == Vocabulary::kEos) continue;
      ++counts.tokens;
      counts.unknown += id == Vocabulary::kUnk ? 1 : 0;
    }
  }
  return counts;
}

SideFacts side_of(const EncodedData& data, std::vector<int> EncodedPair::*side) {
  const Counts train = count(data.train, side);
  return {.tokens = train.tokens,
          .unknown = train.share(),
          .validation_unknown = count(data.validation, side).share()};
}

}  // namespace

TrainingFacts facts_of(const EncodedData& data) {
  return {.train_pairs = static_cast<int64_t>(data.train.size()),
          .skipped_pairs = data.skipped,
          .validation_pairs = static_cast<int64_t>(data.validation.size()),
          .source = side_of(data, &EncodedPair::source),
          .target = side_of(data, &EncodedPair::target)};
}

int64_t bytes_of(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, value] : tensors)
    bytes += value.numel() * static_cast<int64_t>(size_of(value.dtype()));
  return bytes;
}

}  // namespace heed::models
