#include "models/text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::models {

bool Vocabulary::fits(std::string_view token) {
  return !token.empty() && !first_invalid_utf8(token) &&
         token.find_first_of(" \t\n\v\f\r") == std::string_view::npos;
}

Vocabulary::Vocabulary() {
  index(16);
  for (const auto special : kSpecialTokens) add(std::string(special));
}

// Makes so many slots, a power of two, of which at most half are taken.
void Vocabulary::index(size_t slots) {
  slots_.assign(slots, -1);
  for (int id = 0; id < size(); ++id) slots_[slot_of(tokens_[static_cast<size_t>(id)])] = id;
}

// Where the token is, or where it would be.
size_t Vocabulary::slot_of(std::string_view token) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = std::hash<std::string_view>()(token) & mask;
  while (slots_[slot] >= 0 && tokens_[static_cast<size_t>(slots_[slot])] != token) slot = (slot + 1) & mask;
  return slot;
}

bool Vocabulary::add(std::string token) {
  if (2 * (tokens_.size() + 1) > slots_.size()) index(2 * slots_.size());
  const size_t slot = slot_of(token);
  if (slots_[slot] >= 0) return false;
  slots_[slot] = size();
  tokens_.push_back(std::move(token));
  return true;
}

Vocabulary Vocabulary::build(const Counts& counts, int64_t min_count, int64_t max_size) {
  if (min_count < 0) throw ValueError("vocabulary", fmt::format("min_count is negative: {}", min_count));
  if (max_size < 0 || (max_size > 0 && max_size <= kSpecials)) {
    throw ValueError("vocabulary", fmt::format("max_size leaves no room beside the {} special tokens: {}",
                                               kSpecials, max_size));
  }
  std::vector<std::pair<int64_t, std::string_view>> kept;
  for (const auto& [token, count] : counts) {
    if (!fits(token)) throw ValueError("vocabulary", "a token is empty, has white space or is not UTF-8");
    if (count >= min_count) kept.emplace_back(count, token);
  }
  std::ranges::sort(kept, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  Vocabulary vocabulary;
  for (const auto& [count, token] : kept) {
    if (max_size > 0 && vocabulary.size() >= max_size) break;
    vocabulary.add(std::string(token));
  }
  return vocabulary;
}

Vocabulary Vocabulary::build(std::span<const std::vector<std::string>> lines, int64_t min_count,
                             int64_t max_size) {
  Counts counts;
  for (const auto& line : lines)
    for (const auto& token : line) ++counts[token];
  return build(counts, min_count, max_size);
}

int Vocabulary::id(std::string_view token) const {
  const int found = slots_[slot_of(token)];
  return found < 0 ? kUnk : found;
}

const std::string& Vocabulary::token(int id) const {
  if (id < 0 || id >= size()) {
    throw IndexError("vocabulary", fmt::format("id {} out of range for vocabulary of {}", id, size()));
  }
  return tokens_[static_cast<size_t>(id)];
}

std::vector<int> Vocabulary::encode(std::span<const std::string> words) const {
  std::vector<int> result;
  result.reserve(words.size());
  for (const auto& word : words) {
    const int found = id(word);
    result.push_back(found < kSpecials ? kUnk : found);
  }
  return result;
}

std::string Vocabulary::save() const {
  std::string text;
  for (const auto& token : tokens_) text.append(token) += '\n';
  return text;
}

Vocabulary Vocabulary::parse(std::string_view text, std::string_view name) {
  const auto fail = [&](int line, std::string_view what) {
    throw FormatError(fmt::format("vocabulary '{}' line {}: {}", name, line, what));
  };
  if (text.empty()) throw FormatError(fmt::format("vocabulary '{}' is empty", name));
  Vocabulary vocabulary;
  const auto lines = static_cast<size_t>(std::ranges::count(text, '\n'));
  vocabulary.tokens_.reserve(lines + 1);
  vocabulary.index(std::bit_ceil(2 * lines + 16));
  int line = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t newline = std::min(text.find('\n', pos), text.size());
    std::string_view token = text.substr(pos, newline - pos);
    pos = newline + 1;
    ++line;
    if (token.ends_with('\r')) token.remove_suffix(1);
    if (line <= kSpecials) {
      const auto expected = kSpecialTokens[line - 1];
      if (token != expected) fail(line, fmt::format("expected the special token '{}'", expected));
      continue;
    }
    if (token.empty()) fail(line, "empty");
    if (first_invalid_utf8(token)) fail(line, "not UTF-8");
    if (!Vocabulary::fits(token)) fail(line, fmt::format("white space inside the token '{}'", token));
    if (!vocabulary.add(std::string(token))) {
      fail(line, fmt::format("'{}' is there already, in line {}", token, vocabulary.id(token) + 1));
    }
  }
  if (line < kSpecials) fail(line + 1, fmt::format("expected the special token '{}'", kSpecialTokens[line]));
  return vocabulary;
}

}  // namespace heed::models
