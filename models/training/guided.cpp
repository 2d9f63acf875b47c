#include "models/training/guided.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/corpus/pharaoh.h"
#include "models/text/counted.h"

namespace heed::models {

std::string guided_text(std::span<const EncodedPair> pairs) {
  std::string text;
  for (const EncodedPair& pair : pairs) text += pharaoh_line(pair.links) + '\n';
  return text;
}

void read_guided(const std::filesystem::path& path, std::vector<EncodedPair>& pairs) {
  std::vector<std::vector<AlignmentLink>> links = read_pharaoh(path);
  if (links.size() != pairs.size()) {
    throw FormatError(fmt::format("'{}' has {}, the training uses {}", path.string(),
                                  counted(links.size(), "line"), counted(pairs.size(), "pair")));
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    for (const AlignmentLink& link : links[i]) {
      if (link.source >= static_cast<int>(pairs[i].source.size()) ||
          link.target >= static_cast<int>(pairs[i].target.size()))
        throw FormatError(fmt::format("'{}' line {}: {}-{} is in no pair of {} and {} tokens", path.string(),
                                      i + 1, link.source, link.target, pairs[i].source.size(),
                                      pairs[i].target.size()));
    }
    pairs[i].links = std::move(links[i]);
  }
}

void align_by_model(const TranslationModel& model, std::vector<EncodedPair>& pairs, int layer,
                    bool source_end) {
  constexpr int64_t kBatchTokens = 4096;
  const NoGradGuard no_grad;
  for (EncodedPair& pair : pairs) pair.links.clear();
  for (const std::vector<int64_t>& indices : epoch_batches(pairs, 1, 0, 0, kBatchTokens)) {
    const Batch batch = make_batch(pairs, indices);
    const Tensor weights = model.layer_attention(batch, layer).contiguous();
    const int64_t T = weights.size(1), S = weights.size(2);
    for (size_t b = 0; b < indices.size(); ++b) {
      EncodedPair& pair = pairs[static_cast<size_t>(indices[b])];
      const auto words = static_cast<int64_t>(pair.source.size()) - (source_end ? 1 : 0);
      for (int64_t t = 0; words > 0 && t < static_cast<int64_t>(pair.target.size()); ++t) {
        const float* const row = weights.data<float>() + (static_cast<int64_t>(b) * T + t) * S;
        pair.links.push_back(
            {static_cast<int>(std::max_element(row, row + words) - row), static_cast<int>(t)});
      }
    }
  }
}

}  // namespace heed::models
