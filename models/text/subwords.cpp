#include "models/text/subwords.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "framework/core/error.h"
#include "models/text/tokenizer.h"
#include "models/text/trusted_trie.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

// bytes that SentencePiece is given at once: its memory and stack grow with a word
constexpr size_t kMaxWord = 4000;

// U+2581 marks where a word begins, so one inside a word is written as U+E000 1, and U+E000 itself as U+E000
// 0.
constexpr std::string_view kEscape = "\xEE\x80\x80";

std::string escaped(std::string_view word) {
  std::string result;
  for (size_t i = 0; i < word.size();) {
    const std::string_view rest = word.substr(i);
    const bool mark = rest.starts_with(Subwords::kWordMark);
    if (mark || rest.starts_with(kEscape)) {
      result += kEscape;
      result += mark ? '1' : '0';
      i += Subwords::kWordMark.size();
    } else {
      result += word[i++];
    }
  }
  return result;
}

std::string unescaped(std::string_view word) {
  std::string result;
  for (size_t i = 0; i < word.size();) {
    const std::string_view rest = word.substr(i);
    const char kind = rest.starts_with(kEscape) && rest.size() > kEscape.size() ? rest[kEscape.size()] : ' ';
    if (kind == '0' || kind == '1') {
      result += kind == '1' ? Subwords::kWordMark : kEscape;
      i += kEscape.size() + 1;
    } else {
      result += word[i++];
    }
  }
  return result;
}

// The next at most kMaxWord bytes, never a part of a character.
std::string_view next_slice(std::string_view rest) {
  if (rest.size() <= kMaxWord) return rest;
  size_t end = kMaxWord;
  while (end > 0 && (static_cast<unsigned char>(rest[end]) & 0xC0) == 0x80) --end;
  return rest.substr(0, end > 0 ? end : kMaxWord);
}

std::vector<std::string_view> split_spaces(std::string_view line) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The words of a line that can be learned from, joined by spaces.
std::string learnable(std::span<const std::string_view> words) {
  std::string line;
  for (const std::string_view word : words) {
    if (word.size() <= kMaxWord) line += (line.empty() ? "" : " ") + escaped(word);
  }
  return line;
}

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(std::span<const std::string> lines) : lines_(lines) { read(); }
  bool done() const override { return at_ >= lines_.size(); }
  void Next() override {
    ++at_;
    read();
  }
  const std::string& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  void read() {
    if (!done()) line_ = learnable(split_spaces(lines_[at_]));
  }
  std::span<const std::string> lines_;
  size_t at_ = 0;
  std::string line_;
};

// The byte that a piece <0x41> stands for.
std::optional<char> byte_of(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  unsigned byte = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, byte, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return static_cast<char>(byte);
}

// SentencePiece's message without the place in its source that it begins with.
std::string reason(const sentencepiece::util::Status& status) {
  std::string text = status.ToString();
  if (const size_t at = text.rfind("] "); at != std::string::npos) text = text.substr(at + 2);
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

}  // namespace

struct Subwords::Processor {
  sentencepiece::SentencePieceProcessor impl;
};

std::string Subwords::train(std::span<const std::vector<std::string>> lines, const SubwordOptions& options) {
  std::vector<std::string> joined;
  for (const std::vector<std::string>& words : lines) joined.push_back(models::join(words));
  return train(joined, options);
}

std::string Subwords::train(std::span<const std::string> lines, const SubwordOptions& options) {
  const std::string kind = name_of_choice(options.kind);
  HEED_ASSERT(options.kind != SubwordKind::none);
  if (std::ranges::all_of(lines,
                          [](const std::string& line) { return learnable(split_spaces(line)).empty(); }))
    throw ValueError("subwords", "there are no words to learn from");
  Lines iterator(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      {{"model_type", kind},
       {"vocab_size", std::to_string(options.size)},
       {"hard_vocab_limit", "false"},
       {"character_coverage", options.bytes ? "0.9995" : "1.0"},
       {"byte_fallback", options.bytes ? "true" : "false"},
       {"normalization_rule_name", name_of_choice(options.normalisation)},
       {"bos_id", "-1"},
       {"eos_id", "-1"},
       {"max_sentence_length", "1000000"},
       {"num_threads", "1"},
       {"minloglevel", "3"}},
      &iterator, &model);
  if (const std::string why = status.ok() ? "" : reason(status);
      why.find("required_chars") != std::string::npos) {
    const size_t needed = why.find(" vs ") + 4;
    throw ValueError("subwords", fmt::format("{} pieces do not hold the {} characters{} of the text; raise "
                                             "subword-vocabulary",
                                             options.size, why.substr(needed, why.find('.', needed) - needed),
                                             options.bytes ? " and bytes" : ""));
  }
  if (!status.ok())
    throw ValueError("subwords",
                     fmt::format("cannot learn {} {} pieces: {}", options.size, kind, reason(status)));
  return model;
}

Subwords::Subwords(const std::string& model, const std::string& name)
    : processor_(std::make_unique<Processor>()) {
  const auto fail = [&] { throw FormatError(fmt::format("'{}' is not a SentencePiece model", name)); };
  if (!has_sound_charsmaps(model)) fail();
  try {
    if (!processor_->impl.LoadFromSerializedProto(model).ok()) fail();
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {  // its trie of pieces throws for some that cannot be, such as "\0"
    fail();
  }
}

Subwords::~Subwords() = default;

std::vector<std::string> Subwords::split(const std::string& word) const {
  const size_t begin = std::min(word.find_first_not_of(' '), word.size());
  const size_t end = std::max(word.find_last_not_of(' ') + 1, begin);
  std::vector<std::string> pieces = split_text(word.substr(begin, end - begin));
  pieces.insert(pieces.begin(), begin, std::string(kWordMark));
  pieces.insert(pieces.end(), word.size() - end, std::string(kWordMark));
  return pieces;
}

std::vector<std::string> Subwords::split_text(const std::string& word) const {
  const std::string whole = escaped(word);
  std::vector<std::string> pieces;
  for (std::string_view rest = whole; !rest.empty() || pieces.empty();) {
    const std::string_view slice = next_slice(rest);
    std::vector<std::string> some;
    const auto status = processor_->impl.Encode(std::string(slice), &some);
    if (!status.ok() || some.empty()) some = {std::string(Subwords::kWordMark).append(slice)};
    if (!pieces.empty()) some.front().erase(0, Subwords::kWordMark.size());  // goes on with the word
    for (std::string& piece : some) {
      if (!piece.empty()) pieces.push_back(std::move(piece));
    }
    rest.remove_prefix(slice.size());
  }
  return pieces;
}

std::vector<std::string> Subwords::pieces() const {
  std::vector<std::string> result;
  for (int id = 0; id < processor_->impl.GetPieceSize(); ++id) {
    if (!processor_->impl.IsControl(id) && !processor_->impl.IsUnknown(id))
      result.push_back(processor_->impl.IdToPiece(id));
  }
  return result;
}

LinePieces Subwords::split_line(std::span<const std::string> words) const {
  LinePieces result;
  for (size_t first = 0; first < words.size();) {
    // some words at a time: pieces do not go over spaces, and memory grows with the line
    std::string line;
    std::vector<size_t> ends;  // of the words, in bytes of the line
    size_t next = first;
    for (; next < words.size() && (line.empty() || line.size() + words[next].size() < kMaxWord); ++next) {
      if (next > first) line += ' ';
      line += words[next];
      ends.push_back(line.size());
    }
    for (std::string_view rest = line; !rest.empty();) {
      const std::string_view slice = next_slice(rest);
      const size_t before = static_cast<size_t>(slice.data() - line.data());
      const auto text = processor_->impl.EncodeAsImmutableProto(std::string(slice));
      for (const auto& piece : text.pieces()) {
        size_t at = before + piece.begin();
        if (begins_word(piece.piece())) {
          while (at < line.size() && line[at] == ' ') ++at;  // its space stands in front of the word
        }
        const auto word = std::ranges::upper_bound(ends, std::min(at, line.size() - 1));
        // a piece of a character that became several ends where its word ends
        const bool behind = at < line.size() && line[at] == ' ';
        const auto index = static_cast<size_t>(word - ends.begin());
        result.pieces.push_back(piece.piece());
        const int of =
            static_cast<int>(first + std::min(index, ends.size() - 1) - (behind && index > 0 ? 1 : 0));
        result.word_of.push_back(result.word_of.empty() ? of : std::max(of, result.word_of.back()));
      }
      rest.remove_prefix(slice.size());
    }
    first = next;
  }
  return result;
}

std::string Subwords::model() const { return processor_->impl.serialized_model_proto(); }

bool Subwords::has(const std::string& piece) const {
  const int id = processor_->impl.PieceToId(piece);
  return processor_->impl.IdToPiece(id) == piece;
}

std::vector<std::string> Subwords::table() const {
  std::vector<std::string> result;
  for (int id = 0; id < processor_->impl.GetPieceSize(); ++id)
    result.push_back(processor_->impl.IdToPiece(id));
  return result;
}

bool Subwords::begins_word(std::string_view piece) { return piece.starts_with(kWordMark); }

Subwords::Joined Subwords::join(std::span<const std::string> pieces) {
  Joined result;
  std::vector<std::string>& words = result.words;
  const auto is_blank = [](const std::string& word) { return word.find_first_not_of(' ') == word.npos; };
  for (const std::string& piece : pieces) {
    const bool begins = begins_word(piece);
    if (words.empty() || (begins && !is_blank(words.back()))) {
      words.emplace_back();
    } else if (begins) {
      words.back() += ' ';  // what seemed to be a word is a space
    }
    if (begins) {
      words.back() += piece.substr(kWordMark.size());
    } else if (const auto byte = byte_of(piece)) {
      words.back() += *byte;
    } else {
      words.back() += piece;
    }
    result.word_of.push_back(static_cast<int>(words.size()) - 1);
  }
  if (words.size() > 1 && is_blank(words.back())) {
    const std::string spaces = words.back() + ' ';
    words.pop_back();
    words.back() += spaces;
    for (int& word : result.word_of) word = std::min(word, static_cast<int>(words.size()) - 1);
  }
  for (std::string& word : words)
    word = unescaped(first_invalid_utf8(word) ? to_utf8(code_points(word)) : word);
  return result;
}

}  // namespace heed::models
