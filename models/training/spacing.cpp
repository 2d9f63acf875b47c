#include "models/training/spacing.h"

#include <utility>
#include <vector>

#include "models/corpus/archive.h"

namespace heed::models {
namespace {

// Gives the next line and says whether there was one.
using NextLine = std::function<bool(std::string_view&)>;

Spacing spacing_of(const RunConfig& config, const TextSettings& text, const NextLine& next) {
  if (text.spacing != Spacing::automatic) return text.spacing;
  if (!can_keep_spacing(config, text)) return Spacing::one;
  int64_t lines = 0, other = 0;
  for (std::string_view line; next(line); ++lines) other += has_other_spacing(line, text.tokenizer) ? 1 : 0;
  return other > 0 && other * kLinesPerKeptSpacing >= lines ? Spacing::kept : Spacing::one;
}

RunConfig with_spacing_of(RunConfig config, const NextLine& source, const NextLine& target) {
  config = with_tokenizers(std::move(config));
  const Spacing of_source = spacing_of(config, config.source_text, source);
  config.target_text.spacing = spacing_of(config, config.target_text, target);
  config.source_text.spacing = of_source;
  return config;
}

NextLine lines_of(const std::vector<std::string>& lines) {
  return [&lines, i = size_t{0}](std::string_view& line) mutable {
    if (i == lines.size()) return false;
    line = lines[i++];
    return true;
  };
}

}  // namespace

RunConfig with_spacing_of(RunConfig config, const ParallelLines& train) {
  return with_spacing_of(std::move(config), lines_of(train.source), lines_of(train.target));
}

RunConfig with_spacing_of(RunConfig config, const std::filesystem::path& source,
                          const std::filesystem::path& target) {
  LineSource sources = open_lines(source), targets = open_lines(target);
  return with_spacing_of(
      std::move(config), [&](std::string_view& line) { return sources.next(line); },
      [&](std::string_view& line) { return targets.next(line); });
}

std::string spacing_text(const RunConfig& config) {
  const bool source = config.source_text.spacing == Spacing::kept,
             target = config.target_text.spacing == Spacing::kept;
  if (!source && !target) return "";
  return std::string("white space is kept as it is written ") + (source && target ? "on both sides"
                                                                 : source         ? "in sources"
                                                                                  : "in targets");
}

}  // namespace heed::models
