#include "models/training/guided.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/corpus/pharaoh.h"
#include "models/text/counted.h"

namespace heed::models {

std::string guided_text(const EncodedPairs& pairs) {
  std::string text;
  for (int64_t i = 0; i < pairs.size(); ++i) text += pharaoh_line(pairs[i].links) + '\n';
  return text;
}

void read_guided(const std::filesystem::path& path, EncodedPairs& pairs) {
  std::vector<std::vector<AlignmentLink>> links = read_pharaoh(path);
  if (static_cast<int64_t>(links.size()) != pairs.size()) {
    throw FormatError(fmt::format("'{}' has {}, the training uses {}", path.string(),
                                  counted(links.size(), "line"), counted(pairs.size(), "pair")));
  }
  for (size_t i = 0; i < links.size(); ++i) {
    const PairLengths& pair = pairs.lengths()[i];
    for (const AlignmentLink& link : links[i]) {
      if (link.source >= static_cast<int64_t>(pair.source) ||
          link.target >= static_cast<int64_t>(pair.target))
        throw FormatError(fmt::format("'{}' line {}: {}-{} is in no pair of {} and {} tokens", path.string(),
                                      i + 1, link.source, link.target, pair.source, pair.target));
    }
  }
  pairs.set_links(std::move(links));
}

void align_by_model(const TranslationModel& model, EncodedPairs& pairs, int layer, bool source_end) {
  constexpr int64_t kBatchTokens = 4096;
  const NoGradGuard no_grad;
  std::vector<std::vector<AlignmentLink>> links(static_cast<size_t>(pairs.size()));
  const EpochBatches batches(pairs.lengths(), {.tokens = kBatchTokens}, 0, 0);
  for (int64_t i = 0; i < batches.size(); ++i) {
    const Tensor weights = model.layer_attention(make_batch(pairs, batches[i]), layer).contiguous();
    const int64_t T = weights.size(1), S = weights.size(2);
    for (size_t b = 0; b < batches[i].size(); ++b) {
      const uint32_t index = batches[i][b];
      const int64_t words = int64_t{pairs.lengths()[index].source} - (source_end ? 1 : 0),
                    outputs = pairs.lengths()[index].target;
      for (int64_t t = 0; words > 0 && t < outputs; ++t) {
        const float* const row = weights.data<float>() + (static_cast<int64_t>(b) * T + t) * S;
        links[index].push_back(
            {static_cast<int>(std::max_element(row, row + words) - row), static_cast<int>(t)});
      }
    }
  }
  pairs.set_links(std::move(links));
}

}  // namespace heed::models
