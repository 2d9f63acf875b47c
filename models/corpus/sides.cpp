#include "models/corpus/sides.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "framework/core/error.h"
#include "models/corpus/clean.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

// A sentence a line.
class LineSide : public SideReader {
 public:
  explicit LineSide(LineSource lines) : lines_(std::move(lines)) {}
  bool next(Segment& segment) override {
    segment = {};
    return lines_.next(segment.text);
  }
  uint64_t count() const override { return lines_.number(); }
  const char* noun() const override { return "line"; }
  const std::string& name() const override { return lines_.name(); }
  bool has_documents() const override { return false; }

 private:
  LineSource lines_;
};

bool is_space_or_end(std::string_view text, size_t at) {
  return at >= text.size() || text[at] == ' ' || text[at] == '\t' || text[at] == '/';
}

// `seg` of `<seg id="1">`, in lower case.
std::string name_of_tag(std::string_view tag) {
  size_t end = tag.starts_with('/') ? 1 : 0;
  while (!is_space_or_end(tag, end)) ++end;
  return to_lower(tag.substr(0, end));
}

// The value of an attribute, "" without: docid="x", docid='x' or docid=x.
std::string_view attribute(std::string_view tag, std::string_view name) {
  for (size_t at = tag.find(name); at != tag.npos; at = tag.find(name, at + 1)) {
    if (at == 0 || !is_space_or_end(tag, at - 1)) continue;
    std::string_view rest = trimmed(tag.substr(at + name.size()));
    if (!rest.starts_with('=')) continue;
    rest = trimmed(rest.substr(1));
    if (rest.empty()) return {};
    const char quote = rest.front();
    if (quote != '"' && quote != '\'') {
      size_t end = 0;
      while (!is_space_or_end(rest, end)) ++end;
      return rest.substr(0, end);
    }
    rest.remove_prefix(1);
    return rest.substr(0, std::min(rest.find(quote), rest.size()));
  }
  return {};
}

// Entities as characters, and what <![CDATA[ and ]]> enclose as it stands.
std::string plain_text(std::string_view text) {
  constexpr std::string_view kOpen = "<![CDATA[", kClose = "]]>";
  std::string result;
  while (true) {
    const size_t open = text.find(kOpen), close = open == text.npos ? open : text.find(kClose, open);
    if (close == text.npos) return result + undone_entities(text);
    result += undone_entities(text.substr(0, open));
    result += text.substr(open + kOpen.size(), close - open - kOpen.size());
    text.remove_prefix(close + kClose.size());
  }
}

// <doc docid="..."> <seg id="1">text</seg> ... </doc>; a segment may go over several lines.
class SegmentSide : public SideReader {
 public:
  explicit SegmentSide(LineSource lines) : lines_(std::move(lines)) {}
  bool next(Segment& segment) override {
    if (at_ > rest_.size() / 2) rest_.erase(0, std::exchange(at_, 0));
    for (std::string tag; next_tag(tag);) {
      const std::string name = name_of_tag(tag);
      if (name == "doc") document_ = undone_entities(attribute(tag, "docid"));
      if (name != "seg") continue;
      id_ = attribute(tag, "id");
      if (tag.ends_with('/')) {  // <seg id="1"/>: an empty one
        ++count_;
        segment = {"", document_, id_};
        return true;
      }
      const uint64_t begin = lines_.number();
      const size_t end = find("</seg>");
      if (end == rest_.npos) {
        throw FormatError(fmt::format("{} line {}: segment '{}' has no end", lines_.name(), begin, id_));
      }
      text_ = plain_text(trimmed(std::string_view(rest_).substr(at_, end - at_)));
      at_ = end;
      ++count_;
      segment = {text_, document_, id_};
      return true;
    }
    if (count_ == 0)
      throw FormatError(fmt::format("{} has no <seg>: it is no test set in SGM or XML", lines_.name()));
    return false;
  }
  uint64_t count() const override { return count_; }
  const char* noun() const override { return "segment"; }
  const std::string& name() const override { return lines_.name(); }
  bool has_documents() const override { return true; }

 private:
  // Adds a line to `rest_`.
  bool more() {
    std::string_view line;
    if (!lines_.next(line)) return false;
    if (rest_.size() - at_ > kLongest) {
      throw FormatError(fmt::format("{} line {}: what begins before has more than {} bytes without an end",
                                    lines_.name(), lines_.number(), kLongest));
    }
    rest_.append(line).append(1, ' ');
    return true;
  }
  // Where a word, in any case, begins from `at_` on; npos at the end of the text.
  size_t find(std::string_view word) {
    for (size_t from = at_;;) {
      for (; from + word.size() <= rest_.size(); ++from) {
        if (rest_[from] == word[0] && to_lower(std::string_view(rest_).substr(from, word.size())) == word)
          return from;
      }
      if (!more()) return rest_.npos;
    }
  }
  bool next_tag(std::string& tag) {
    const size_t open = find("<");
    if (open == rest_.npos) return false;
    at_ = open;
    const size_t close = find(">");
    if (close == rest_.npos) throw FormatError(fmt::format("{} ends inside a tag", lines_.name()));
    tag = rest_.substr(open + 1, close - open - 1);
    at_ = close + 1;
    return true;
  }
  static constexpr size_t kLongest = size_t{1} << 20;
  LineSource lines_;
  std::string rest_, document_, id_, text_;  // rest_: lines read, of which what is before at_ is done with
  size_t at_ = 0;
  uint64_t count_ = 0;
};

// Lines of talks; each talk begins with lines of what it is, as <url>...</url>. Titles and descriptions are
// sentences of the corpus, as published scripts have it; the other tags are not.
class TalkSide : public SideReader {
 public:
  explicit TalkSide(LineSource lines) : lines_(std::move(lines)) {}
  bool next(Segment& segment) override {
    for (std::string_view line; lines_.next(line);) {
      const std::string_view text = trimmed(line);
      if (text.starts_with('<') && text.ends_with('>')) {
        const std::string tag = name_of_tag(text.substr(1, text.find('>') - 1));
        const size_t open = text.find('>') + 1, close = text.rfind('<');
        const bool head = kHeads.end() != std::ranges::find(kHeads, tag);
        if (head && !std::exchange(in_head_, true)) document_ = fmt::format("talk {}", ++talks_);
        if (tag != "title" && tag != "description") {
          if (head) continue;
        } else if (close > open) {
          return give(text.substr(open, close - open), segment);
        }
      }
      in_head_ = false;
      return give(line, segment);
    }
    return false;
  }
  uint64_t count() const override { return count_; }
  const char* noun() const override { return "sentence"; }
  const std::string& name() const override { return lines_.name(); }
  bool has_documents() const override { return true; }

 private:
  bool give(std::string_view text, Segment& segment) {
    ++count_;
    segment = {text, document_, {}};
    return true;
  }
  static constexpr std::array<std::string_view, 10> kHeads = {"doc",      "/doc",      "url",   "keywords",
                                                              "speaker",  "talkid",    "title", "description",
                                                              "reviewer", "translator"};
  LineSource lines_;
  std::string document_;
  bool in_head_ = false;
  uint64_t talks_ = 0, count_ = 0;
};

}  // namespace

std::string undone_entities(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames = {
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\u00A0"}}};
  std::string result;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = std::min(text.find('&', at), text.size());
    result += text.substr(at, begin - at);
    at = begin;
    if (at == text.size()) break;
    const size_t end = text.substr(at, 12).find(';');
    const std::string_view name = end == text.npos ? "" : text.substr(at + 1, end - 1);
    const size_t before = result.size();
    for (const auto& [known, sign] : kNames) {
      if (name == known) result += sign;
    }
    if (name.size() > 1 && name[0] == '#') {
      const bool hex = name[1] == 'x' || name[1] == 'X';
      const char *const first = name.data() + (hex ? 2 : 1), *const last = name.data() + name.size();
      uint32_t code = 0;
      const auto read = std::from_chars(first, last, code, hex ? 16 : 10);
      const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
      if (read.ec == std::errc() && read.ptr == last && code > 0 && code <= 0x10FFFF && !surrogate)
        append_utf8(result, code);
    }
    const bool known = result.size() > before;
    if (!known) result += '&';
    at += known ? end + 1 : 1;
  }
  return result;
}

std::string_view unpacked_name(std::string_view name) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view ending : {".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4"}) {
      if (name.ends_with(ending)) name.remove_suffix(ending.size()), again = true;
    }
  }
  return name;
}

std::unique_ptr<SideReader> open_side(LineSource lines, std::string_view file) {
  file = file.substr(file.rfind('/') + 1);
  const std::string name = to_lower(unpacked_name(file));
  for (const char* ending : {".sgm", ".sgml", ".xml"}) {
    if (name.ends_with(ending)) return std::make_unique<SegmentSide>(std::move(lines));
  }
  if (name.starts_with("train.tags.")) return std::make_unique<TalkSide>(std::move(lines));
  return std::make_unique<LineSide>(std::move(lines));
}

}  // namespace heed::models
