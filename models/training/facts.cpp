#include "models/training/facts.h"

namespace heed::models {
namespace {

SideFacts side_of(const PairCounts::Side& train, const EncodedData& data,
                  std::vector<int> EncodedPair::*side) {
  PairCounts::Side validation;
  for (const EncodedPair& pair : data.validation) validation.add(pair.*side);
  return {.tokens = static_cast<int64_t>(train.tokens),
          .unknown = train.share(),
          .validation_unknown = validation.share()};
}

}  // namespace

TrainingFacts facts_of(const EncodedData& data) {
  const PairCounts& counts = data.train.counts();
  return {.train_pairs = data.train.size(),
          .skipped_pairs = static_cast<int64_t>(counts.skipped),
          .validation_pairs = static_cast<int64_t>(data.validation.size()),
          .source = side_of(counts.source, data, &EncodedPair::source),
          .target = side_of(counts.target, data, &EncodedPair::target),
          .ids = data.file};
}

int64_t bytes_of(const NamedTensors& tensors) {
  int64_t bytes = 0;
  for (const auto& [name, value] : tensors)
    bytes += value.numel() * static_cast<int64_t>(size_of(value.dtype()));
  return bytes;
}

}  // namespace heed::models
