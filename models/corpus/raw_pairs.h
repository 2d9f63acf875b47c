// Sentence pairs as people have them: two files line by line or segment by segment (sides.h), a table with
// tabs, an archive that holds either.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heed::models {

/// A pair as it stands in a file; the views are valid until the next one is read.
struct RawPair {
  std::string_view source, target;  // the two sides
  std::string_view attribution;     // who wrote it, where a table has such a column; else empty
  std::string_view document;        // the name of its document, where the input has them; else empty
};

/// Where pairs are. One of `source` and `target` alone stands for a table, or an archive with both sides.
struct PairInput {
  std::filesystem::path source, target;  // target: empty for a table or an archive
  std::string member;         // of an archive with several; a name, or its end; empty: the only one
  std::filesystem::path ids;  // OPUS's .ids of two files; of an archive it is found by its name
  std::string source_member, target_member, ids_member;  // names or their ends, in the place of looking
  bool blank_lines = false;  // an empty line, of both sides or of a table, ends a document
  uint64_t pairs = 0;        // that there must be; 0: not known
};

/// How a table is read.
struct TableOptions {
  std::string columns;             // of source and target: "1,2", or names of a header; empty: by looking
  std::string attribution_column;  // a number or a name; empty: by looking; "none"
  bool header = false;             // the first line names the columns; names in `columns` say so as well
};

/// Reads one input.
class PairReader {
 public:
  virtual ~PairReader() = default;
  /// What next() found.
  enum class Found { end, pair, other_columns };
  /// Reads a pair.
  /// @param pair set to the pair; for a line of a table with too few columns, or with more
  ///   than its first lines where no columns were named, source is the line
  /// @return whether there was one
  /// @throws FormatError for a broken file, and at the end of a table of which more than a tenth has other
  /// columns
  ///   (a half, where columns were named); ValueError for files of different numbers of lines
  virtual Found next(RawPair& pair) = 0;
  /// @return whether the pairs come with the name of who wrote them
  virtual bool has_attribution() const { return false; }
  /// @return whether the pairs come with their documents
  virtual bool has_documents() const { return false; }
  /// Documents that end at blank lines have numbers for names; those of several inputs count on.
  /// @param last the number after which they begin, before the first pair is read
  virtual void number_documents_after(uint64_t last) { static_cast<void>(last); }
  /// @return the last number given, or after which they begin
  virtual uint64_t last_document() const { return 0; }
};

/// The columns of a table, from 1; 0: none.
struct TableColumns {
  size_t source = 0, target = 0, attribution = 0;  // numbers of the columns
  bool header = false;                             // the first line is none of sentences
};

/// Throws unless a text names two columns.
/// @param columns "1,2", or names of a header
/// @throws ValueError "'1' does not name two columns, that of the source and that of the target: 1,2"
void check_columns(const std::string& columns);

/// Finds the columns of a table by its first lines. Without options: a table of manythings.org (the third
/// column begins "CC-BY") has English, the other language and the attribution; one of Tatoeba's (two columns
/// of numbers among four) has its sentences in the second and the fourth; every other has the source in its
/// first column and the target in its second.
/// @param lines the first lines, 100 will do
/// @param name of the table in messages
/// @param options what is known
/// @param target_language where it is English, the columns of manythings.org are exchanged
/// @param line_numbers of the lines in the table, for messages; empty: 1, 2, ...
/// @return the columns
/// @throws FormatError `'a.tsv' line 1 has 1 column, and the target is in column 2 ...`, ValueError for
///   options that are no columns
TableColumns find_columns(const std::vector<std::string>& lines, const std::string& name,
                          const TableOptions& options, const std::string& target_language,
                          const std::vector<uint64_t>& line_numbers = {});

/// @param path of an input
/// @return whether it is standard input or a pipe: read once, so that nobody can look into it first
bool is_stream(const std::filesystem::path& path);

/// Opens an input. In an archive, the two members whose names end in the languages' codes
/// (`OPUS.en-fr.en` and `OPUS.en-fr.fr`; `.src` and `.trg` as well; of test sets `news-src.en.sgm` and
/// `news-ref.fr.sgm`) belong together, and `OPUS.en-fr.ids` has their documents; without such, the one member
/// that is a table is read.
/// @param input its files
/// @param options of tables
/// @param source_language,target_language codes
/// @return a reader
/// @throws IoError, FormatError; ValueError for an archive with several corpora, naming them
std::unique_ptr<PairReader> open_pairs(const PairInput& input, const TableOptions& options,
                                       const std::string& source_language,
                                       const std::string& target_language);

/// What lies beside the pairs in an archive and says what they are: README, LICENSE, _about.txt.
struct PairNote {
  std::string name;                // of its member, without folders
  std::vector<std::string> lines;  // of its text
};
/// @param input an input
/// @return its notes of less than 64 KiB; none where it is no archive
/// @throws as open_pairs
std::vector<PairNote> notes_of(const PairInput& input);

}  // namespace heed::models
