#include "apps/translator/gold.h"

#include <fmt/format.h>

#include "models/corpus/pharaoh.h"
#include "models/run/translator.h"
#include "models/text/counted.h"

namespace heed::apps {

std::vector<models::AlignedPair> aligned_pairs(const models::RunConfig& config,
                                               const models::ParallelLines& lines,
                                               const std::vector<std::string>& gold,
                                               const std::string& name) {
  if (gold.size() != lines.source.size()) {
    throw ValueError(fmt::format("'{}' has {}, the test set has {}", name,
                                 models::counted(gold.size(), "line"), lines.source.size()));
  }
  const auto source = models::tokenize_lines(lines.source, config.source_text);
  const auto target = models::tokenize_lines(lines.target, config.target_text);
  std::vector<models::AlignedPair> pairs;
  for (size_t i = 0; i < gold.size(); ++i) {
    models::GoldAlignment links = models::parse_gold_line(gold[i], name, static_cast<int64_t>(i) + 1);
    for (const auto* list : {&links.sure, &links.possible}) {
      for (const models::AlignmentLink& link : *list) {
        if (static_cast<size_t>(link.source) >= source[i].size() ||
            static_cast<size_t>(link.target) >= target[i].size()) {
          throw FormatError(fmt::format("'{}' line {}: link {}-{} is outside a sentence of {} and {} tokens",
                                        name, i + 1, link.source, link.target, source[i].size(),
                                        target[i].size()));
        }
      }
    }
    pairs.push_back({source[i], target[i], std::move(links.sure), std::move(links.possible), {}});
  }
  return pairs;
}

}  // namespace heed::apps
