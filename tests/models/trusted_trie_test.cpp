// Tables of normalisation in SentencePiece models: those that lead out of memory are refused.
#include "models/text/trusted_trie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "framework/core/error.h"
#include "models/text/subwords.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

constexpr uint32_t kIsText = 0x80000000U, kHasText = 0x100U;

// The units of a trie with the words a, aa, aaa, ..., each of which has the text "x": the word of n letters
// is the unit at 256 n ^ 'a', and 256 (n + 1) is where its ways begin.
std::vector<uint32_t> units_of(uint32_t words) {
  std::vector<uint32_t> units(256UL * (words + 2), kIsText);
  uint32_t at = 0;
  for (uint32_t n = 0; n <= words; ++n) {
    const uint32_t base = 256 * (n + 1);
    units[at] = (n == 0 ? 0 : 'a' | kHasText) | (at ^ base) << 10;
    if (n > 0) units[base] = kIsText;
    at = base ^ 'a';
  }
  return units;
}

std::string charsmap_of(const std::vector<uint32_t>& units,
                        const std::string& texts = std::string("x\0", 2)) {
  const auto size = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string bytes(sizeof size + size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  std::memcpy(bytes.data() + sizeof size, units.data(), size);
  return bytes + texts;
}

TEST(TrustedTrie, IsFollowedToItsEnd) {
  EXPECT_TRUE(is_sound_charsmap(charsmap_of(units_of(3))));
  EXPECT_TRUE(is_sound_charsmap(charsmap_of(units_of(32))));
  EXPECT_FALSE(
      is_sound_charsmap(charsmap_of(units_of(33))));  // SentencePiece has 32 places for what it finds
}

TEST(TrustedTrie, LeadsNowhereElse) {
  std::vector<uint32_t> units = units_of(3);
  units[0] = 0xFFFFU << 10U;
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units)));
  units = units_of(3);
  units.resize(units.size() - 1);  // the last block has ways to 256 units
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units)));
  units = units_of(3);
  units[768 ^ 'a'] = 'a' | kHasText | ((768U ^ 'a') ^ 512U) << 10U;  // aaa goes on as aa does
  units[512] = kIsText;
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units)));
}

TEST(TrustedTrie, TextsAreThere) {
  std::vector<uint32_t> units = units_of(3);
  units[512] = kIsText | 1;
  EXPECT_TRUE(is_sound_charsmap(charsmap_of(units)));
  units[512] = kIsText | 2;
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units)));
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units_of(3), "x")));
  EXPECT_FALSE(is_sound_charsmap(charsmap_of(units_of(3), "")));
  for (const std::string& bytes :
       {std::string(), std::string(4, '\0'), std::string("\xFF\xFF\xFF\xFFxy\0", 7)})
    EXPECT_FALSE(is_sound_charsmap(bytes));
}

TEST(TrustedTrie, ModelsWithTablesAreReadOrRefused) {
  const std::vector<std::vector<std::string>> lines(20, {"low", "lower", "lowest", "newest"});
  for (const Normalisation normalisation :
       {Normalisation::identity, Normalisation::nfkc, Normalisation::nmt_nfkc, Normalisation::nfkc_cf,
        Normalisation::nmt_nfkc_cf}) {
    const std::string model =
        Subwords::train(lines, {.kind = SubwordKind::bpe, .size = 20, .normalisation = normalisation});
    EXPECT_TRUE(has_sound_charsmaps(model)) << name_of_choice(normalisation);
    if (normalisation == Normalisation::identity) continue;
    // the way from the root leads 2^30 units away: the library followed it
    const std::string name = name_of_choice(normalisation) + "\x12";
    size_t at = model.find(name);
    ASSERT_NE(at, std::string::npos);
    at += name.size();
    while ((static_cast<unsigned char>(model[at]) & 0x80U) != 0) ++at;  // the length of the table
    std::string damaged = model;
    damaged.replace(at + 5, 4, "\xFF\xFF\xFF\x7F");
    EXPECT_ERROR(FormatError, "'pieces' is not a SentencePiece model", Subwords(damaged, "pieces"));
  }
  EXPECT_FALSE(has_sound_charsmaps("\x1A\x7F"));
}

}  // namespace
}  // namespace heed::models
