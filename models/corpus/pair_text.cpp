#include "models/corpus/pair_text.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "framework/core/error.h"
#include "models/corpus/archive.h"
#include "models/text/context.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

// The tokens of one side, line by line.
class SideReader {
 public:
  SideReader(const PairsInFiles::Side& side, const std::vector<uint64_t>& documents)
      : side_(side), lines_(open_lines(side.path)), context_(side.settings.context, documents) {}
  void end_document() { context_.end_document(); }
  // Nothing behind the last line.
  std::optional<std::vector<std::string>> next() {
    std::string_view line;
    if (!lines_.next(line)) return std::nullopt;
    if (first_invalid_utf8(line))
      throw FormatError(fmt::format("{} line {} is not UTF-8", lines_.name(), lines_.number()));
    std::vector<std::string> tokens;
    for (Token& token : tokenize(context_.add(line), side_.settings)) tokens.push_back(std::move(token.text));
    return tokens;
  }
  const std::string& name() const { return lines_.name(); }

 private:
  const PairsInFiles::Side& side_;
  LineSource lines_;
  ContextLines context_;
};

}  // namespace

PairsInMemory::PairsInMemory(TokenisedCorpus corpus) : corpus_(std::move(corpus)) {}

void PairsInMemory::visit(const Visitor& visitor) const {
  for (size_t i = 0; i < corpus_.source.size(); ++i) {
    if (!visitor(corpus_.source[i], corpus_.target[i])) return;
  }
}

PairsInFiles::PairsInFiles(Side source, Side target, int64_t pairs, std::vector<uint64_t> documents)
    : source_(std::move(source)),
      target_(std::move(target)),
      pairs_(pairs),
      documents_(std::move(documents)) {}

void PairsInFiles::visit(const Visitor& visitor) const {
  SideReader sources(source_, documents_), targets(target_, documents_);
  const auto next = [&](SideReader& side, int64_t read) {
    std::optional<std::vector<std::string>> tokens = side.next();
    if (!tokens) {
      throw FormatError(fmt::format("{} has {}, and the corpus {}", side.name(), counted(read, "line"),
                                    counted(pairs_, "pair")));
    }
    return std::move(*tokens);
  };
  for (int64_t i = 0; i < pairs_; ++i) {
    const std::vector<std::string> source = next(sources, i), target = next(targets, i);
    if (source.empty() || target.empty()) {  // a blank line of one side ends a document of both
      sources.end_document();
      targets.end_document();
    }
    if (!visitor(source, target)) return;
  }
  if (sources.next() || targets.next())
    throw FormatError(fmt::format("{} and {} have more lines than the corpus has pairs, {}", sources.name(),
                                  targets.name(), pairs_));
}

}  // namespace heed::models
