// One side of a parallel text, sentence by sentence, in the forms in which corpora come: a sentence a line,
// SGM and XML of test sets (WMT, IWSLT), TED talks with tags between the lines (IWSLT's train.tags).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "models/corpus/archive.h"

namespace heed::models {

/// A sentence and where it stands; the views are valid until the next one is read.
struct Segment {
  std::string_view text;      // without markup; entities are characters
  std::string_view document;  // the name of its document; empty where the form has none
  std::string_view id;        // its id in the document; empty where the form has none
};

/// Reads one side.
class SideReader {
 public:
  virtual ~SideReader() = default;
  /// Reads a sentence.
  /// @param segment set to it
  /// @return whether there was one
  /// @throws FormatError for a broken text, also at its end
  virtual bool next(Segment& segment) = 0;
  /// @return number of sentences so far
  virtual uint64_t count() const = 0;
  /// @return what messages call one of them: "line", "segment"
  virtual const char* noun() const = 0;
  /// @return name of the text in messages
  virtual const std::string& name() const = 0;
  /// @return whether sentences come with documents
  virtual bool has_documents() const = 0;
};

/// Opens a side in the form that its name tells: .sgm, .sgml and .xml have segments, a name that begins
/// with train.tags is one of talks, every other has a sentence a line.
/// @param lines of the text
/// @param file its name, perhaps with the ending of a packing
/// @return a reader
std::unique_ptr<SideReader> open_side(LineSource lines, std::string_view file);

/// A text whose XML entities are characters: the five of XML, and numbers. What is no entity stays.
/// @param text UTF-8
/// @return the text
std::string undone_entities(std::string_view text);

/// @param name of a file
/// @return the name without the endings that say how it is packed: "a.en" of "a.en.gz"
std::string_view unpacked_name(std::string_view name);

}  // namespace heed::models
