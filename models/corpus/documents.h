// Documents of a corpus: which pairs stand one after the other in one text. A part that has them has a file
// beside its sentences, PART.documents: a line a document in their order, the number of its pairs, a tab and
// its name. Line 1 of the texts begins the first document. Pairs that were dropped leave no trace in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/archive.h"
#include "models/corpus/corpus_folder.h"

namespace heed::models {

/// A document of a part.
struct CorpusDocument {
  uint64_t pairs = 0;  // of it that are in the part
  std::string name;    // as the input has it
};

/// Reads PART.documents of a corpus folder.
/// @param folder of the corpus
/// @param info its corpus.json
/// @param part "train", "valid" or "test"
/// @return its documents in their order; none where the part has none
/// @throws IoError; FormatError for a changed file, and for one whose numbers are not those of the part
std::vector<CorpusDocument> read_documents(const std::filesystem::path& folder, const CorpusInfo& info,
                                           const std::string& part);

/// The documents of a text whose file is a part of a corpus: of test.en those in test.documents beside it.
/// @param text path of the file
/// @param lines of it
/// @return the number of lines of each document; none where there is no such file, or no corpus
/// @throws as parse_documents
std::vector<uint64_t> documents_beside(const std::filesystem::path& text, uint64_t lines);

/// Reads lines of PART.documents.
/// @param lines of the file
/// @param pairs of the part
/// @return the documents
/// @throws FormatError `'c/train.documents' line 3 is no number of pairs, a tab and a name`
std::vector<CorpusDocument> parse_documents(LineSource lines, uint64_t pairs);

/// Reads the .ids file of an OPUS corpus: a line a pair, with the documents of both sides and the numbers of
/// their sentences, separated by tabs.
class OpusIds {
 public:
  /// @param lines of the file
  explicit OpusIds(LineSource lines) : lines_(std::move(lines)) {}
  /// Reads a line.
  /// @param document set to the names of both documents, valid until the next one is read
  /// @return whether there was one
  /// @throws FormatError `'a.ids' line 3 has 2 columns, and ids of OPUS have 4`
  bool next(std::string_view& document);
  /// @return lines so far
  uint64_t count() const { return lines_.number(); }
  /// @return name of the file in messages
  const std::string& name() const { return lines_.name(); }

 private:
  LineSource lines_;
};

/// What is not to fall into two parts: the document, and of OpenSubtitles (`en/1999/133093/1234.xml.gz`) the
/// film, of which there may be several subtitles.
/// @param document its name
/// @return a name that documents of one group share
std::string_view group_of(std::string_view document);

}  // namespace heed::models
