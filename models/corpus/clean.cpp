#include "models/corpus/clean.h"

#include <algorithm>
#include <array>
#include <utility>

#include "models/text/fingerprint.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

constexpr std::array<std::pair<const char*, const char*>, kDrops> kReasons = {{
    {"columns", "other columns than the table"},
    {"encoding", "not UTF-8"},
    {"empty", "an empty side"},
    {"too_long", "a side too long"},
    {"ratio", "one side much longer than the other"},
    {"copied", "the same on both sides"},
    {"script", "letters of another script"},
    {"markup", "tags, entities or templates"},
    {"duplicate", "the same pair again"},
    {"overlap", "a side occurs in a file to avoid"},
    {"variant", "the source, but for case and punctuation, is held back"},
    {"further", "a further translation of a held-back sentence"},
    {"held_target", "the translation is that of a held-back sentence"},
}};

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Signs that stand for words or syllables, without spaces between words.
bool is_wide(char32_t c) {
  return (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

const char* key_of(Drop why) { return kReasons[static_cast<size_t>(why)].first; }
const char* words_of(Drop why) { return kReasons[static_cast<size_t>(why)].second; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty()) {
    size_t pos = 0;
    if (!is_space(next_code_point(text, pos))) break;
    text.remove_prefix(pos);
  }
  return strip_right(text);
}

std::string folded(std::string_view sentence) {
  std::string key;
  bool gap = false;
  const auto add = [&](char32_t c) {
    if (!is_alpha(c) && !is_number(c)) {
      gap = true;
      return;
    }
    if (gap && !key.empty()) key += ' ';
    gap = false;
    append_utf8(key, c);
  };
  if (is_ascii(sentence)) {
    for (const char c : sentence) add(static_cast<char32_t>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
  } else {
    const std::string lower = to_lower(to_nfc(sentence));
    for (size_t pos = 0; pos < lower.size();) add(next_code_point(lower, pos));
  }
  return key.empty() ? std::string(sentence) : key;
}

uint64_t text_hash(std::string_view text) {
  Fingerprint hash;
  hash.add(text);
  return mixed_bits(hash.value());
}

uint64_t pair_hash(std::string_view source, std::string_view target) {
  return text_hash(source) * 0x9e3779b97f4a7c15U + text_hash(target);
}

int64_t count_words(std::string_view sentence) {
  int64_t words = 0;
  bool inside = false;
  for (size_t pos = 0; pos < sentence.size();) {
    const char32_t c = next_code_point(sentence, pos);
    if (is_space(c)) {
      inside = false;
    } else if (is_wide(c)) {
      ++words;
      inside = false;
    } else if (!inside) {
      words += c < 0x3000 || c > 0x303F ? 1 : 0;  // not for the full stop of Chinese
      inside = true;
    }
  }
  return words;
}

double length_ratio(std::string_view source, std::string_view target) {
  const auto length = [](std::string_view text) {
    double sum = 20;
    for (size_t pos = 0; pos < text.size();) sum += is_wide(next_code_point(text, pos)) ? 3 : 1;
    return sum;
  };
  const double a = length(source), b = length(target);
  return std::max(a, b) / std::min(a, b);
}

bool has_markup(std::string_view text) {
  if (text.find("{{") != text.npos) return true;
  for (size_t at = text.find('<'); at != text.npos; at = text.find('<', at + 1)) {
    const std::string_view rest = text.substr(at + 1);
    if (rest.empty() || !(is_ascii_letter(rest[0]) || rest[0] == '/' || rest[0] == '!')) continue;
    const size_t end = rest.find('>');
    if (end != rest.npos && rest.substr(0, end).find('<') == rest.npos) return true;
  }
  for (size_t at = text.find('&'); at != text.npos; at = text.find('&', at + 1)) {
    const std::string_view rest = text.substr(at + 1);
    const size_t end = std::min(rest.find(';'), rest.size());
    if (end == rest.size() || end == 0 || end > 10) continue;
    const std::string_view name = rest.substr(0, end);
    if (std::ranges::all_of(name,
                            [](char c) { return is_ascii_letter(c) || (c >= '0' && c <= '9') || c == '#'; }))
      return true;
  }
  return false;
}

size_t HashSet::slot_of(uint64_t hash) const {
  size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0 && slots_[slot] != hash) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

bool HashSet::insert(uint64_t hash) {
  if (hash == 0) {
    const bool is_new = !std::exchange(has_zero_, true);
    size_ += is_new ? 1 : 0;
    return is_new;
  }
  if (2 * (size_ + 1) > slots_.size()) {
    std::vector<uint64_t> old(std::max<size_t>(slots_.size() * 2, 64), 0);
    old.swap(slots_);
    for (const uint64_t other : old) {
      if (other != 0) slots_[slot_of(other)] = other;
    }
  }
  uint64_t& slot = slots_[slot_of(hash)];
  if (slot == hash) return false;
  slot = hash;
  ++size_;
  return true;
}

bool HashSet::contains(uint64_t hash) const {
  if (hash == 0) return has_zero_;
  return !slots_.empty() && slots_[slot_of(hash)] == hash;
}

Cleaner::Cleaner(const CleanOptions& options, const std::string& source_language,
                 const std::string& target_language)
    : options_(options), source_(source_language), target_(target_language) {}

void Cleaner::avoid(std::string_view sentence) { avoided_.insert(text_hash(folded(sentence))); }

std::optional<Drop> Cleaner::judge(std::string_view source, std::string_view target, uint64_t after) {
  if (first_invalid_utf8(source) || first_invalid_utf8(target)) return Drop::encoding;
  if (source.empty() || target.empty()) return Drop::empty;
  if (options_.too_long) {
    const auto characters = [](std::string_view text) {
      return std::ranges::count_if(text,
                                   [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    };
    for (const std::string_view side : {source, target}) {
      if (characters(side) > options_.max_characters || count_words(side) > options_.max_words)
        return Drop::too_long;
    }
  }
  if (options_.ratio && length_ratio(source, target) > options_.max_ratio) return Drop::ratio;
  if (options_.copied && source == target) return Drop::copied;
  if (options_.script && (source_.is_foreign(source) || target_.is_foreign(target))) return Drop::script;
  if (options_.markup && (has_markup(source) || has_markup(target))) return Drop::markup;
  if (avoided_.size() > 0 &&
      (avoided_.contains(text_hash(folded(source))) || avoided_.contains(text_hash(folded(target)))))
    return Drop::overlap;
  if (options_.duplicate && !seen_.insert(pair_hash(source, target) + mixed_bits(after)))
    return Drop::duplicate;
  return std::nullopt;
}

}  // namespace heed::models
