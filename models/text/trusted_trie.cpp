#include "models/text/trusted_trie.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace heed::models {
namespace {

// The fields of a message of Protocol Buffers: `take` is called with the number and the bytes of those that
// have a length. Returns whether it is a message, and `take` was content with each.
template <class Take>
bool all_fields(std::string_view message, const Take& take) {
  const auto varint = [&]() -> std::optional<uint64_t> {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      value |= uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  };
  while (!message.empty()) {
    const std::optional<uint64_t> key = varint();
    if (!key) return false;
    uint64_t length = 0;
    switch (*key & 7U) {
      case 0:
        if (!varint()) return false;
        continue;
      case 1:
        length = 8;
        break;
      case 5:
        length = 4;
        break;
      case 2: {
        const std::optional<uint64_t> given = varint();
        if (!given) return false;
        length = *given;
        break;
      }
      default:
        return false;  // groups, which no model has
    }
    if (length > message.size()) return false;
    if ((*key & 7U) == 2 && !take(*key >> 3U, message.substr(0, length))) return false;
    message.remove_prefix(length);
  }
  return true;
}

// A unit of the trie.
constexpr uint32_t kIsText = 0x80000000U, kHasText = 0x100U, kLabel = 0x800000FFU;
uint32_t way(uint32_t unit) { return (unit >> 10U) << ((unit & 0x200U) >> 6U); }

class Trie {
 public:
  Trie(std::string_view bytes, std::string_view texts)
      : units_(bytes.size() / sizeof(uint32_t)), texts_(texts.size()) {
    if (!units_.empty()) std::memcpy(units_.data(), bytes.data(), units_.size() * sizeof(uint32_t));
  }

  // Depth first, each unit once: subtrees may be shared, so that those behind a unit are done before it is.
  bool is_sound() const {
    constexpr uint8_t kNew = 0xFF, kOpen = 0xFE;
    std::vector<uint8_t> texts_behind(units_.size(), kNew);  // the most on a way that begins here
    struct Step {
      uint32_t at = 0;
      std::vector<uint32_t> next;
      uint8_t texts = 0;  // of the ways that were followed
    };
    std::vector<Step> steps;
    const auto open = [&](uint32_t at) {
      texts_behind[at] = kOpen;
      const uint32_t base = at ^ way(units_[at]);
      if ((base | 0xFFU) >= units_.size()) return false;
      steps.push_back({at, {}, 0});
      const uint32_t* const block = units_.data() + (base & ~0xFFU);
      for (uint32_t i = 0; i < 256; ++i) {
        const uint32_t label = i ^ (base & 0xFFU);
        if ((block[i] & kLabel) == label) steps.back().next.push_back((base & ~0xFFU) | i);
      }
      return (units_[at] & kHasText) == 0 || (units_[base] & ~kIsText) < texts_;
    };
    if (units_.empty() || !open(0)) return units_.empty();
    while (!steps.empty()) {
      Step& step = steps.back();
      if (step.next.empty()) {
        // the root has no text of its own: nothing is read before it
        const auto texts =
            static_cast<uint8_t>(step.texts + (step.at != 0 && (units_[step.at] & kHasText) != 0 ? 1 : 0));
        if (texts > kMostTexts) return false;
        texts_behind[step.at] = texts;
        steps.pop_back();
        if (!steps.empty()) steps.back().texts = std::max(steps.back().texts, texts);
        continue;
      }
      const uint32_t next = step.next.back();
      step.next.pop_back();
      if (texts_behind[next] == kOpen) return false;  // round and round
      if (texts_behind[next] != kNew) {
        step.texts = std::max(step.texts, texts_behind[next]);
      } else if (!open(next)) {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr uint8_t kMostTexts = 32;  // SentencePiece has so many places for what it finds
  std::vector<uint32_t> units_;
  size_t texts_;  // bytes of all texts
};

}  // namespace

bool has_sound_charsmaps(std::string_view model) {
  constexpr uint64_t kNormalizer = 3, kDenormalizer = 5, kCharsmap = 2;
  return all_fields(model, [&](uint64_t field, std::string_view part) {
    if (field != kNormalizer && field != kDenormalizer) return true;
    return all_fields(part, [&](uint64_t inner, std::string_view charsmap) {
      return inner != kCharsmap || charsmap.empty() || is_sound_charsmap(charsmap);
    });
  });
}

bool is_sound_charsmap(std::string_view charsmap) {
  uint32_t size = 0;
  if (charsmap.size() <= sizeof size) return false;
  std::memcpy(&size, charsmap.data(), sizeof size);
  charsmap.remove_prefix(sizeof size);
  if (size >= charsmap.size() || charsmap.back() != '\0') return false;
  return Trie(charsmap.substr(0, size), charsmap.substr(size)).is_sound();
}

}  // namespace heed::models
