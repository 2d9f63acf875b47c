#include "models/corpus/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/text/counted.h"

namespace heed::models {

std::vector<CorpusDocument> parse_documents(LineSource lines, uint64_t pairs) {
  std::vector<CorpusDocument> documents;
  uint64_t sum = 0;
  for (std::string_view line; lines.next(line);) {
    const size_t tab = std::min(line.find('\t'), line.size());
    CorpusDocument document;
    const auto read = std::from_chars(line.data(), line.data() + tab, document.pairs);
    if (tab == line.size() || read.ec != std::errc() || read.ptr != line.data() + tab ||
        document.pairs == 0) {
      throw FormatError(
          fmt::format("{} line {} is no number of pairs, a tab and a name", lines.name(), lines.number()));
    }
    if (document.pairs > pairs - sum)
      throw FormatError(fmt::format("{} line {}: its documents have more pairs than the part, which has {}",
                                    lines.name(), lines.number(), pairs));
    sum += document.pairs;
    document.name = line.substr(tab + 1);
    documents.push_back(std::move(document));
  }
  if (sum != pairs)
    throw FormatError(fmt::format("{}: its documents have {}, and the part has {}", lines.name(),
                                  counted(sum, "pair"), pairs));
  return documents;
}

std::vector<uint64_t> documents_beside(const std::filesystem::path& text, uint64_t lines) {
  std::filesystem::path file = text;
  file.replace_extension("documents");
  std::vector<uint64_t> sizes;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(text, ignored) || !file_exists(text.parent_path() / kCorpusFile) ||
      !file_exists(file))
    return sizes;
  for (const CorpusDocument& document : parse_documents(open_lines(file), lines))
    sizes.push_back(document.pairs);
  return sizes;
}

std::vector<CorpusDocument> read_documents(const std::filesystem::path& folder, const CorpusInfo& info,
                                           const std::string& part) {
  const std::string name = part + ".documents";
  if (!info.find(name)) return {};
  const uint64_t pairs = part == "train" ? info.train : part == "valid" ? info.valid : info.test;
  return parse_documents(open_lines(corpus_file(folder, info, name)), pairs);
}

bool OpusIds::next(std::string_view& document) {
  std::string_view line;
  if (!lines_.next(line)) return false;
  const auto columns = static_cast<size_t>(std::ranges::count(line, '\t')) + 1;
  if (columns != 4) {
    throw FormatError(fmt::format("{} line {} has {}, and ids of OPUS have 4", lines_.name(), lines_.number(),
                                  counted(columns, "column")));
  }
  document = line.substr(0, line.find('\t', line.find('\t') + 1));
  return true;
}

std::string_view group_of(std::string_view document) {
  const std::string_view first = document.substr(0, document.find('\t'));
  std::vector<size_t> slashes;
  for (size_t at = first.find('/'); at != first.npos; at = first.find('/', at + 1)) slashes.push_back(at);
  const auto number = [&](size_t from, size_t to) {
    const std::string_view text = first.substr(from + 1, to - from - 1);
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  if (slashes.size() != 3 || !number(slashes[0], slashes[1]) || !number(slashes[1], slashes[2]))
    return document;
  return first.substr(slashes[0] + 1, slashes[2] - slashes[0] - 1);
}

}  // namespace heed::models
