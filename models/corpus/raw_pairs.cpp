#include "models/corpus/raw_pairs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "framework/core/error.h"
#include "models/corpus/archive.h"
#include "models/corpus/clean.h"
#include "models/corpus/documents.h"
#include "models/corpus/sides.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

// `fields` set to what stands between the separators of a line.
void split_fields(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  for (size_t begin = 0;;) {
    const size_t end = std::min(line.find(separator, begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    if (end == line.size()) return;
    begin = end + 1;
  }
}

std::vector<std::string_view> fields_of(std::string_view line, char separator = '\t') {
  std::vector<std::string_view> fields;
  split_fields(line, separator, fields);
  return fields;
}

std::optional<size_t> column_number(std::string_view text) {
  size_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

// "2" or, where the first line names the columns, "French".
size_t named_column(std::string_view asked, const std::vector<std::string_view>& header,
                    const std::string& name) {
  if (const auto number = column_number(asked)) return *number;
  const auto found = std::ranges::find(header, asked);
  if (found == header.end())
    throw ValueError(
        fmt::format("{} has no column '{}': its first line names {}", name, asked, fmt::join(header, ", ")));
  return static_cast<size_t>(found - header.begin()) + 1;
}

[[noreturn]] void refuse_one_column(const std::string& columns) {
  throw ValueError(fmt::format("'{}' names one column for both sides", columns));
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_stream(const fs::path& path) {
  std::error_code error;
  return path == "/dev/stdin" ||
         (fs::exists(path, error) && !fs::is_regular_file(path, error) && !fs::is_directory(path, error));
}

void check_columns(const std::string& columns) {
  const std::vector<std::string_view> asked = fields_of(columns, ',');
  if (asked.size() != 2 || asked[0].empty() || asked[1].empty()) {
    throw ValueError(fmt::format(
        "'{}' does not name two columns, that of the source and that of the target: 1,2", columns));
  }
  if (asked[0] == "0" || asked[1] == "0") throw ValueError("columns are counted from 1, got 0");
  if (asked[0] == asked[1]) refuse_one_column(columns);
}

TableColumns find_columns(const std::vector<std::string>& lines, const std::string& name,
                          const TableOptions& options, const std::string& target_language,
                          const std::vector<uint64_t>& line_numbers) {
  TableColumns columns;
  if (lines.empty()) return {1, 2, 0, false};
  const std::vector<std::string_view> first = fields_of(lines.front());
  const auto no_number = [](std::string_view column) { return !column_number(column); };
  columns.header = options.header || (!options.columns.empty() &&
                                      std::ranges::any_of(fields_of(options.columns, ','), no_number));
  const auto all = [&](size_t column, auto is) {
    return std::ranges::all_of(lines.begin() + (columns.header ? 1 : 0), lines.end(),
                               [&](const std::string& line) {
                                 const auto fields = fields_of(line);
                                 return fields.size() >= column && is(fields[column - 1]);
                               });
  };
  const bool by_hand = !options.columns.empty();
  if (by_hand) {
    check_columns(options.columns);
    const std::vector<std::string_view> asked = fields_of(options.columns, ',');
    columns.source = named_column(asked[0], first, name);
    columns.target = named_column(asked[1], first, name);
    if (columns.source == columns.target) refuse_one_column(options.columns);
  } else if (first.size() == 3 && all(1, is_whole_number) &&
             all(2, [](auto text) { return text.size() == 3 && text.find(' ') == text.npos; })) {
    throw FormatError(fmt::format(
        "{} has numbers, languages and sentences of one side: a list of sentences, not of pairs", name));
  } else if (first.size() >= 4 && all(1, is_whole_number) && all(3, is_whole_number)) {
    columns.source = 2;
    columns.target = 4;
  } else {
    // the first two that are not numbers, such as of sentences
    std::vector<size_t> texts;
    for (size_t column = 1; column <= first.size(); ++column) {
      const auto numbers = std::ranges::count_if(lines, [&](const std::string& line) {
        const auto fields = fields_of(line);
        return fields.size() >= column && is_whole_number(fields[column - 1]);
      });
      if (2 * static_cast<size_t>(numbers) < lines.size()) texts.push_back(column);
    }
    columns.source = texts.size() < 2 ? 1 : texts[0];
    columns.target = texts.size() < 2 ? 2 : texts[1];
  }
  const bool manythings = first.size() >= 3 && all(3, [](auto text) { return text.starts_with("CC-BY"); });
  if (manythings && !by_hand && (target_language == "en" || target_language == "eng"))
    std::swap(columns.source, columns.target);
  if (!options.attribution_column.empty()) {
    if (options.attribution_column != "none")
      columns.attribution = named_column(options.attribution_column, first, name);
    if (columns.attribution > first.size())
      throw FormatError(fmt::format("{} line 1 has {}, and the attribution is in column {}", name,
                                    counted(first.size(), "column"), columns.attribution));
  } else if (manythings && columns.source < 3 && columns.target < 3) {
    columns.attribution = 3;
  }
  // One line may be cut short; a table whose lines are is another table than was said.
  const size_t needed = std::max(columns.source, columns.target);
  size_t short_lines = 0;
  std::string example;
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t count = fields_of(lines[i]).size();
    if (count >= needed) continue;
    if (short_lines++ == 0)
      example = fmt::format("{} line {} has {}, and the {} is in column {}", name,
                            line_numbers.empty() ? i + 1 : line_numbers[i], counted(count, "column"),
                            columns.target == needed ? "target" : "source", needed);
  }
  if (2 * short_lines > lines.size()) {
    throw FormatError(fmt::format(
        "{} (columns are separated by tabs; two files of one side each: --source and --target)", example));
  }
  return columns;
}

namespace {

bool is_blank(std::string_view line) { return trimmed(line).empty(); }

// Documents that end at blank lines.
class BlankLineDocuments {
 public:
  void number_after(uint64_t documents) { documents_ = documents; }
  uint64_t last() const { return documents_; }
  void end() { document_.clear(); }
  // The document of the next pair.
  const std::string& name() {
    if (document_.empty()) document_ = fmt::format("document {}", ++documents_);
    return document_;
  }

 private:
  std::string document_;
  uint64_t documents_ = 0;
};

class TableReader : public PairReader {
 public:
  TableReader(LineSource lines, const TableOptions& options, const std::string& target_language,
              bool blank_lines)
      : lines_(std::move(lines)), blank_lines_(blank_lines) {
    constexpr size_t kLook = 100;
    for (std::string_view line; head_.size() < kLook && lines_.next(line);) {
      if (blank_lines_ && head_.empty() && is_blank(line))
        ++leading_;
      else
        head_.emplace_back(line);
    }
    std::vector<std::string> rows;
    std::vector<uint64_t> numbers;
    for (size_t i = 0; i < head_.size(); ++i) {
      if (blank_lines_ && is_blank(head_[i])) continue;
      rows.push_back(head_[i]);
      numbers.push_back(leading_ + i + 1);
    }
    columns_ = find_columns(rows, lines_.name(), options, target_language, numbers);
    if (columns_.header) at_ = 1;
    if (options.columns.empty()) width_ = usual_width();
  }
  Found next(RawPair& pair) override {
    std::string_view line;
    uint64_t number = 0;
    do {
      if (!next_line(line, number)) {
        require_one_form();
        return Found::end;
      }
    } while (ends_document(line));
    split_fields(line, '\t', fields_);
    if (fields_.size() < needed() || (width_ > 0 && fields_.size() > width_)) {
      if (!is_blank(line)) note_other_form(number);
      pair = {line, {}, {}, {}};
      return Found::other_columns;
    }
    ++fitting_;
    pair = {fields_[columns_.source - 1], fields_[columns_.target - 1], {}, {}};
    if (blank_lines_) pair.document = documents_.name();
    if (columns_.attribution > 0 && fields_.size() >= columns_.attribution)
      pair.attribution = fields_[columns_.attribution - 1];
    return Found::pair;
  }
  bool has_attribution() const override { return columns_.attribution > 0; }
  bool has_documents() const override { return blank_lines_; }
  void number_documents_after(uint64_t last) override { documents_.number_after(last); }
  uint64_t last_document() const override { return documents_.last(); }

 private:
  bool next_line(std::string_view& line, uint64_t& number) {
    if (at_ < head_.size()) {
      number = leading_ + at_ + 1;
      line = head_[at_++];
      return true;
    }
    if (!lines_.next(line)) return false;
    number = lines_.number();
    return true;
  }
  bool ends_document(std::string_view line) {
    if (!blank_lines_ || !is_blank(line)) return false;
    documents_.end();
    return true;
  }
  size_t needed() const { return std::max(columns_.source, columns_.target); }
  // How many columns most of the first lines have.
  size_t usual_width() {
    std::map<size_t, size_t> counts;
    for (size_t i = at_; i < head_.size(); ++i) {
      split_fields(head_[i], '\t', fields_);
      if (fields_.size() >= needed()) ++counts[fields_.size()];
    }
    const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
    return most == counts.end() ? 0 : most->first;
  }
  void note_other_form(uint64_t line) {
    if (others_++ > 0) return;
    first_other_ = fmt::format("{} line {} has {}", lines_.name(), line, counted(fields_.size(), "column"));
  }
  // Single lines are dropped. Where they are more than a tenth, a part of the file is another table.
  void require_one_form() const {
    const uint64_t all = fitting_ + others_;
    if (others_ * (width_ > 0 ? 10 : 2) <= all) return;
    if (width_ > 0) {
      throw FormatError(fmt::format(
          "{}, and the first lines have {}; so it is with {} of {} lines (--columns 1,2 takes two columns, "
          "whatever else a line has)",
          first_other_, width_, others_, all));
    }
    throw FormatError(fmt::format("{}, and column {} is asked for; so it is with {} of {} lines",
                                  first_other_, needed(), others_, all));
  }
  LineSource lines_;
  bool blank_lines_;
  BlankLineDocuments documents_;
  std::vector<std::string> head_;
  uint64_t leading_ = 0;  // blank lines before the first
  std::vector<std::string_view> fields_;
  size_t at_ = 0;
  TableColumns columns_;
  size_t width_ = 0;  // columns of a line; 0: those that are named are enough
  uint64_t fitting_ = 0, others_ = 0;
  std::string first_other_;
};

// Two sides, and the documents of their pairs where the sides or OPUS's ids have them.
class SidesReader : public PairReader {
 public:
  SidesReader(std::unique_ptr<SideReader> source, std::unique_ptr<SideReader> target,
              std::optional<OpusIds> ids, bool blank_lines)
      : source_(std::move(source)),
        target_(std::move(target)),
        ids_(std::move(ids)),
        blank_lines_(blank_lines && !ids_ && !source_->has_documents()) {}
  Found next(RawPair& pair) override {
    while (next_pair(pair)) {
      if (!blank_lines_) return Found::pair;
      if (is_blank(pair.source) && is_blank(pair.target)) {
        documents_.end();
        continue;
      }
      pair.document = documents_.name();
      return Found::pair;
    }
    return Found::end;
  }
  bool has_documents() const override { return ids_ || blank_lines_ || source_->has_documents(); }
  void number_documents_after(uint64_t last) override { documents_.number_after(last); }
  uint64_t last_document() const override { return documents_.last(); }

 private:
  bool next_pair(RawPair& pair) {
    Segment source, target;
    const bool more = source_->next(source), other = target_->next(target);
    if (more != other) refuse_lengths(more ? *source_ : *target_);
    pair = {source.text, target.text, {}, source.document};
    const bool both = source_->has_documents() && target_->has_documents();
    if (both && (source.document != target.document || source.id != target.id)) refuse_places(source, target);
    if (!ids_ || ids_->next(pair.document) == more) return more;
    for (std::string_view rest; ids_->next(rest);) {
    }
    for (Segment rest; source_->next(rest);) {
    }
    throw ValueError(fmt::format("{} has {}, {} has {}: they do not belong together line by line",
                                 source_->name(), counted(source_->count(), source_->noun()), ids_->name(),
                                 ids_->count()));
  }
  [[noreturn]] void refuse_lengths(SideReader& longer) const {
    for (Segment rest; longer.next(rest);) {
    }
    const bool lines = std::string_view(source_->noun()) == target_->noun();
    throw ValueError(fmt::format(
        "{} has {}, {} has {}: they do not belong together line by line", source_->name(),
        counted(source_->count(), source_->noun()), target_->name(),
        lines ? fmt::format("{}", target_->count()) : counted(target_->count(), target_->noun())));
  }
  [[noreturn]] void refuse_places(const Segment& source, const Segment& target) const {
    const auto place = [](const Segment& segment) {
      return segment.id.empty() ? fmt::format("'{}'", segment.document)
                                : fmt::format("segment '{}' of '{}'", segment.id, segment.document);
    };
    throw ValueError(fmt::format("{} has {} where {} has {}: they do not belong together", source_->name(),
                                 place(source), target_->name(), place(target)));
  }
  std::unique_ptr<SideReader> source_, target_;
  std::optional<OpusIds> ids_;
  bool blank_lines_;
  BlankLineDocuments documents_;
};

// What lies beside the data: README, LICENSE, _about.txt, .DS_Store, xml.
bool is_note(std::string_view member) {
  const std::string name = to_lower(member.substr(member.rfind('/') + 1));
  return name.starts_with("_") || name.starts_with(".") || name.starts_with("readme") ||
         name.starts_with("licen") || name.starts_with("copying") || unpacked_name(name).ends_with(".xml") ||
         member.starts_with("__MACOSX/");
}

bool is_asked(std::string_view member, std::string_view asked) {
  if (asked.empty()) return true;
  for (const std::string_view name : {member, unpacked_name(member)}) {
    if (name == asked || name.ends_with(fmt::format("/{}", asked))) return true;
  }
  return false;
}

struct Members {
  std::string source, target;  // target: empty for a table
  std::string ids;             // empty without
};

// "news" of the side `en` in "news-src.en.sgm" with the role "-src"; empty for what is no such file.
std::string_view sgm_stem_of(std::string_view member, std::string_view language, std::string_view role) {
  std::string_view name = unpacked_name(member);
  for (const std::string_view ending : {std::string_view(".sgm"), std::string_view(".sgml")}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    if (!name.ends_with(language)) return {};
    name.remove_suffix(language.size());
    if (!name.ends_with('.')) return {};
    name.remove_suffix(1);
    return name.ends_with(role) ? name.substr(0, name.size() - role.size()) : std::string_view();
  }
  return {};
}

// The name before the ending of a side; empty if it has none of them.
std::string_view stem_of(std::string_view member, std::initializer_list<std::string_view> endings) {
  const std::string_view name = unpacked_name(member);
  for (const std::string_view ending : endings) {
    if (!ending.empty() && name.size() > ending.size() + 1 && name.ends_with(ending) &&
        name[name.size() - ending.size() - 1] == '.')
      return name.substr(0, name.size() - ending.size() - 1);
  }
  return {};
}

Members choose_members(const std::string& file, const std::vector<std::string>& members,
                       const std::string& asked, const std::string& source_language,
                       const std::string& target_language) {
  std::map<std::string, Members> pairs;
  std::vector<std::string> tables;
  for (const std::string& member : members) {
    if (is_note(member)) continue;
    std::string_view source = stem_of(member, {source_language, "src"}),
                     target = stem_of(member, {target_language, "trg", "tgt"});
    if (source.empty()) source = sgm_stem_of(member, source_language, "-src");
    if (target.empty()) target = sgm_stem_of(member, target_language, "-ref");
    if (const std::string_view ids = stem_of(member, {"ids"}); !ids.empty())
      pairs[std::string(ids)].ids = member;
    if (!source.empty() && (is_asked(source, asked) || is_asked(member, asked)))
      pairs[std::string(source)].source = member;
    if (!target.empty() && (is_asked(target, asked) || is_asked(member, asked)))
      pairs[std::string(target)].target = member;
    if (source.empty() && target.empty() && is_asked(member, asked)) tables.push_back(member);
  }
  std::erase_if(pairs,
                [](const auto& pair) { return pair.second.source.empty() || pair.second.target.empty(); });
  std::vector<std::string> found;
  for (const auto& [stem, both] : pairs) found.push_back(stem);
  if (pairs.empty()) {
    std::erase_if(tables, [](const std::string& table) {
      const std::string_view name = unpacked_name(table);
      return !name.ends_with(".tsv") && !name.ends_with(".txt") && !name.ends_with(".tab") &&
             !name.ends_with(".csv");
    });
    found = tables;
  }
  if (found.size() == 1) return pairs.empty() ? Members{tables.front(), "", ""} : pairs.begin()->second;
  if (found.size() > 1) {
    const size_t shown = std::min<size_t>(found.size(), 5);
    throw ValueError(
        fmt::format("'{}' holds several corpora: {}{}; choose one with --member", file,
                    fmt::join(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                    shown < found.size() ? ", ..." : ""));
  }
  throw FormatError(
      fmt::format("'{}' has no two members that end in .{} and .{}, and no table (.tsv, .txt){}", file,
                  source_language, target_language, asked.empty() ? "" : fmt::format(" called '{}'", asked)));
}

// One side's member of an archive that was given for one side.
std::string choose_side(const std::string& file, const std::vector<std::string>& members,
                        const std::string& asked, const std::string& language) {
  std::vector<std::string> found, of_language;
  for (const std::string& member : members) {
    if (is_note(member) || !is_asked(member, asked)) continue;
    found.push_back(member);
    if (!stem_of(member, {language}).empty()) of_language.push_back(member);
  }
  if (found.size() > 1) found = of_language;
  if (found.size() != 1)
    throw ValueError(fmt::format("'{}' holds {} files that may be the side '{}'; choose one with --member",
                                 file, found.empty() ? "no" : "several", language));
  return found.front();
}

std::vector<std::string> members_of(const fs::path& path) {
  return is_stream(path) ? std::vector<std::string>() : archive_members(path);
}

// A member that is named, by its name or its end.
std::string named_member(const std::string& file, const std::vector<std::string>& members,
                         const std::string& asked) {
  const auto found =
      std::ranges::find_if(members, [&](const std::string& member) { return is_asked(member, asked); });
  if (found == members.end()) throw FormatError(fmt::format("'{}' has no member '{}'", file, asked));
  return *found;
}

std::unique_ptr<SideReader> open_side_of(const fs::path& path, const std::string& asked,
                                         const std::string& named, const std::string& language) {
  const std::vector<std::string> members = members_of(path);
  std::string member = is_stream(path) ? asked : "";
  if (!members.empty()) {
    member = named.empty() ? choose_side(path.string(), members, asked, language)
                           : named_member(path.string(), members, named);
  }
  return open_side(open_lines(path, member), member.empty() ? path.filename().string() : member);
}

}  // namespace

std::unique_ptr<PairReader> open_pairs(const PairInput& input, const TableOptions& options,
                                       const std::string& source_language,
                                       const std::string& target_language) {
  const auto open_ids = [](const fs::path& path, const std::string& member) {
    return path.empty() ? std::nullopt : std::optional<OpusIds>(OpusIds(open_lines(path, member)));
  };
  if (!input.target.empty()) {
    return std::make_unique<SidesReader>(
        open_side_of(input.source, input.member, input.source_member, source_language),
        open_side_of(input.target, input.member, input.target_member, target_language),
        open_ids(input.ids, ""), input.blank_lines);
  }
  const std::vector<std::string> members = members_of(input.source);
  Members chosen{is_stream(input.source) ? input.member : "", "", ""};
  if (!input.source_member.empty()) {
    const auto named = [&](const std::string& asked) {
      return asked.empty() ? "" : named_member(input.source.string(), members, asked);
    };
    const bool has_ids =
        !input.ids_member.empty() && std::ranges::any_of(members, [&](const std::string& member) {
          return is_asked(member, input.ids_member);
        });
    chosen = {named(input.source_member), named(input.target_member), has_ids ? named(input.ids_member) : ""};
  } else if (!members.empty()) {
    chosen = choose_members(input.source.string(), members, input.member, source_language, target_language);
  }
  if (!chosen.target.empty()) {
    return std::make_unique<SidesReader>(open_side(open_lines(input.source, chosen.source), chosen.source),
                                         open_side(open_lines(input.source, chosen.target), chosen.target),
                                         open_ids(chosen.ids.empty() ? fs::path() : input.source, chosen.ids),
                                         input.blank_lines);
  }
  return std::make_unique<TableReader>(open_lines(input.source, chosen.source), options, target_language,
                                       input.blank_lines);
}

std::vector<PairNote> notes_of(const PairInput& input) {
  constexpr size_t kLongestNote = size_t{1} << 16;
  std::vector<PairNote> notes;
  for (const fs::path& path : {input.source, input.target}) {
    if (path.empty() || is_stream(path)) continue;
    Unpacker archive(path);
    while (archive.next() && archive.is_archive()) {
      const std::string& member = archive.member();
      const std::string name = member.substr(member.rfind('/') + 1);
      if (!is_note(member) || name.starts_with(".") || name.ends_with(".xml") ||
          member.starts_with("__MACOSX/"))
        continue;
      std::string text;
      for (std::string_view piece = archive.read(); !piece.empty() && text.size() <= kLongestNote;
           piece = archive.read())
        text += piece;
      if (text.size() > kLongestNote) continue;
      PairNote note{name, {}};
      for (const std::string_view line : fields_of(text, '\n')) note.lines.emplace_back(line);
      if (note.lines.back().empty()) note.lines.pop_back();
      notes.push_back(std::move(note));
    }
  }
  return notes;
}

}  // namespace heed::models
