// What is dropped from a corpus, and why: each rule by itself, in the order of the list of reasons.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/text/script.h"

namespace heed::models {

/// Why a pair is not in a corpus. Those after `overlap` come from the split.
enum class Drop : uint8_t {
  columns,      // a line of a table with too few columns, or more than its first lines have
  encoding,     // not UTF-8
  empty,        // no letter, digit or sign on a side
  too_long,     // more words or characters than allowed
  ratio,        // one side much longer than the other
  copied,       // the same on both sides
  script,       // letters of another script than the language's
  markup,       // tags, entities, templates
  duplicate,    // the pair was there before
  overlap,      // a side occurs in a file that training must not see
  variant,      // of a held-back source sentence, but for case, spaces and punctuation
  further,      // a further translation of a held-back sentence than there are references
  held_target,  // its translation is that of a held-back sentence
};
constexpr size_t kDrops = 13;  // number of reasons

/// @param why a reason
/// @return its key in corpus.json: "too_long"
const char* key_of(Drop why);
/// @param why a reason
/// @return what a report says: "more words or characters than allowed"
const char* words_of(Drop why);

/// What is dropped; each rule can be switched off.
struct CleanOptions {
  bool too_long = true, ratio = true, copied = true;    // which rules are used; see Drop
  bool script = true, markup = true, duplicate = true;  // the same
  int64_t max_words = 150;                              // words of a side
  int64_t max_characters = 1000;                        // characters (code points) of a side
  double max_ratio = 4;  // of the longer side to the shorter, see length_ratio()
};

/// A sentence without white space at its ends; what is inside stays as it is.
/// @param text UTF-8
/// @return a view into the text
std::string_view trimmed(std::string_view text);

/// What a sentence is compared by: its letters and digits in lower case, each run of anything else one space.
/// @param sentence UTF-8
/// @return the key; the sentence itself where it has neither letters nor digits
std::string folded(std::string_view sentence);

/// A hash of a text with all 64 bits mixed: among 5 million sentences two of 10^6 corpora have a collision.
/// @param text any bytes
/// @return the hash
uint64_t text_hash(std::string_view text);

/// @param source,target the sides of a pair
/// @return a hash of the pair, which is not that of its reverse
uint64_t pair_hash(std::string_view source, std::string_view target);

/// Words of a sentence: what stands between white space, and each sign of Chinese and Japanese as one.
/// @param sentence UTF-8
/// @return their number
int64_t count_words(std::string_view sentence);

/// How much longer the longer side is: characters, a wide sign of East Asian scripts as three, and 20 added
/// to both sides so that short sentences are not judged.
/// @param source,target UTF-8
/// @return 1 or more
double length_ratio(std::string_view source, std::string_view target);

/// Whether a text has what belongs to a page and not to a sentence: a tag (`<b>`, `</p>`), an entity
/// (`&amp;`,
/// `&#39;`), a template of a wiki (`{{`).
/// @param text UTF-8
/// @return whether it has
bool has_markup(std::string_view text);

/// A set of 64-bit hashes, 16 bytes an entry.
class HashSet {
 public:
  /// @param hash to add
  /// @return whether it was not there
  bool insert(uint64_t hash);
  /// @param hash any
  /// @return whether it is there
  bool contains(uint64_t hash) const;
  /// @return number of entries
  size_t size() const { return size_; }

 private:
  size_t slot_of(uint64_t hash) const;
  std::vector<uint64_t> slots_;  // a power of two; 0: free
  size_t size_ = 0;
  bool has_zero_ = false;
};

/// Judges pairs one after the other; it remembers hashes of those that it kept.
class Cleaner {
 public:
  /// @param options what is dropped
  /// @param source_language,target_language codes; a language whose script is not known is not judged by it
  Cleaner(const CleanOptions& options, const std::string& source_language,
          const std::string& target_language);
  /// A sentence that must not be in the corpus, on either side, as folded() compares it.
  /// @param sentence UTF-8
  void avoid(std::string_view sentence);
  /// Judges a pair.
  /// @param source,target trimmed sides
  /// @param after what tells pairs that are the same apart, such as the one before them in a document
  /// @return why it is dropped; nullopt for one that is kept
  std::optional<Drop> judge(std::string_view source, std::string_view target, uint64_t after = 0);

 private:
  CleanOptions options_;
  LanguageScripts source_, target_;
  HashSet seen_, avoided_;
};

}  // namespace heed::models
