// The sentences of a document that stand before a sentence, as its context: one after the other, the oldest
// first, with a token between them that no word of the text is: "He sees the dog. <brk> It sleeps."
// [Tiedemann & Scherrer 2017, "2+1" with a source's context alone, "2+2" with a target's as well].
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heed::models {

/// The token between a sentence and the one before it.
constexpr std::string_view kBreak = "<brk>";

/// Gives each line of a text the lines before it.
class ContextLines {
 public:
  /// @param before how many lines at most; 0: none
  /// @param documents the number of lines of each document, where that is known
  explicit ContextLines(int64_t before, std::vector<uint64_t> documents = {})
      : before_(before), documents_(std::move(documents)) {}
  /// @param line the next line; one without words ends the document
  /// @return the line behind those before it; a line that has a break already comes back as it is
  std::string add(std::string_view line);
  /// The next line begins a document.
  void end_document() { lines_.clear(); }

 private:
  int64_t before_;
  std::vector<uint64_t> documents_;
  size_t document_ = 0;  // the one that the next line is of
  uint64_t read_ = 0;    // lines of it so far
  std::deque<std::string> lines_;
};

/// Gives each line those before it.
/// @param lines of a text; one without words ends a document
/// @param before,documents as in ContextLines
/// @return the lines with their context
std::vector<std::string> with_context(std::span<const std::string> lines, int64_t before,
                                      std::vector<uint64_t> documents = {});

/// @param text sentences with breaks between them
/// @return the last one
std::string_view last_sentence(std::string_view text);
/// @param tokens of sentences with breaks between them
/// @return those of the last one
std::span<const std::string> last_sentence(std::span<const std::string> tokens);

}  // namespace heed::models
