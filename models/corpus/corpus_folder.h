// A corpus folder: sentence pairs split into parts, one sentence a line.
//   train.en, train.fr    what is trained on: line i of one is translated by line i of the other
//   valid.en, valid.fr    distinct source sentences with one translation each
//   test.en, test.fr      the same, held back for the test
//   test.2.fr, ...        further translations of the test; a line without one repeats test.fr
//   train.attribution     who wrote each pair of train, where the input says so; also for valid and test
//   train.documents       which pairs stand one after the other, where the input says so (documents.h); also
//                         for valid and test
//   NAME.en, NAME.fr      a further test that was published with the corpus: test_2017_flickr
//   NAME.README, ...      what lay beside the pairs in the archive NAME
//   ids/                  the training pairs as ids, made by trainings that read the corpus
//   corpus.json           languages, licence, counts, what was dropped and why, and a fingerprint of each
//   file
// (translator corpus adds gold alignments: train.gold, ...)
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/io/folder_beside.h"
#include "models/text/fingerprint.h"

namespace heed::models {

/// The file that makes a folder a corpus.
constexpr const char* kCorpusFile = "corpus.json";
/// The folder in it for what trainings make of its text: files of ids, which can be removed at any time.
constexpr const char* kIdFolder = "ids";

/// One file of a corpus folder.
struct CorpusFile {
  std::string name;         // in the folder: "train.en"
  uint64_t lines = 0;       // its number of lines
  std::string fingerprint;  // of its bytes
};

/// What one input gave.
struct CorpusInput {
  std::string name;    // as it was given
  uint64_t pairs = 0;  // lines read, dropped ones as well
};

/// A further test of a corpus, in NAME.LANGUAGE.
struct CorpusTest {
  std::string name;    // "test_2017_flickr"
  uint64_t pairs = 0;  // its lines
};

/// The content of corpus.json.
struct CorpusInfo {
  std::string writer;                            // "translator prepare"
  std::string source_language, target_language;  // codes, the endings of the files
  std::string licence, attribution;              // of the sentences; empty: not known
  std::vector<CorpusInput> inputs;               // where the pairs come from
  uint64_t seed = 0;                             // of the split
  uint64_t train = 0, valid = 0, test = 0;       // pairs
  uint64_t sources = 0;                          // distinct source sentences, of given parts none
  uint64_t references = 1;                       // files with translations of the test
  uint64_t test_long = 0, long_words = 0;        // sentences of the test with so many words
  std::vector<std::pair<std::string, std::string>> settings;  // options of cleaning and splitting
  std::vector<std::pair<std::string, uint64_t>> dropped;      // key_of(reason), pairs
  std::vector<std::pair<std::string, uint64_t>> documents;    // of the parts that have them: "train", 12
  uint64_t test_seen = 0;                                     // of the test, whose source is in training too
  std::vector<CorpusTest> tests;                              // published with it, beside `test`
  std::vector<CorpusFile> files;                              // all files but corpus.json

  /// @param name of a file in the folder
  /// @return what is known of it; nullptr if it is not of the corpus
  const CorpusFile* find(std::string_view name) const;
};

/// @param info of a corpus
/// @return the text of corpus.json
std::string corpus_json(const CorpusInfo& info);

/// Reads the text of a corpus.json.
/// @param text its bytes
/// @param name of the file in messages
/// @return its content
/// @throws FormatError for what is no corpus.json, is damaged, was written by a later version, or contradicts
///   itself: `'c/corpus.json' contradicts itself: 'train' is 9, and 'train.fr' has 8 lines`
CorpusInfo parse_corpus_json(std::string_view text, const std::string& name);

/// Reads corpus.json of a folder.
/// @param folder of the corpus
/// @return its content
/// @throws IoError for a folder that holds none; FormatError
CorpusInfo read_corpus(const std::filesystem::path& folder);

/// The path of a file of a corpus, whose bytes are checked to be those that were written.
/// @param folder of the corpus
/// @param info its corpus.json
/// @param name of the file: "train.en"
/// @return the path
/// @throws ValueError for a corpus without this file; IoError for one that is gone, FormatError
///   `'corpus/train.en' is not what was written: ...`
std::filesystem::path corpus_file(const std::filesystem::path& folder, const CorpusInfo& info,
                                  const std::string& name);

/// A file that is written line by line.
class LineFile {
 public:
  /// @param path of the file, which is made anew
  /// @param shown the path that messages name; empty: the same
  /// @throws IoError
  explicit LineFile(const std::filesystem::path& path, std::filesystem::path shown = {});
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile();
  /// @param line without its end
  /// @throws IoError, on a full disk say
  void write(std::string_view line);
  /// Makes sure that all is on the disk.
  /// @return what is known of the file now
  /// @throws IoError
  CorpusFile close();

 private:
  [[noreturn]] void fail() const;
  std::filesystem::path shown_;
  std::FILE* file_ = nullptr;
  uint64_t lines_ = 0;
  Fingerprint fingerprint_;
};

/// Throws unless a corpus may be written to a folder.
/// @param folder to write
/// @param writer "translator prepare", who may replace what it wrote
/// @param overwrite whether a corpus that is there may be replaced
/// @throws IoError when the folder exists, unless it is empty or, with `overwrite`, holds nothing but an
///   unchanged corpus of the same writer
void require_free_folder(const std::filesystem::path& folder, const std::string& writer, bool overwrite);

/// Writes a corpus folder: into a temporary folder beside it, which takes its name when all is written. Until
/// then, and after an error, what is there stays as it is.
class CorpusWriter {
 public:
  /// @param folder to write
  /// @param writer who may replace what it wrote
  /// @param overwrite whether a corpus that is there may be replaced
  /// @throws as require_free_folder
  CorpusWriter(const std::filesystem::path& folder, std::string writer, bool overwrite);
  CorpusWriter(const CorpusWriter&) = delete;
  CorpusWriter& operator=(const CorpusWriter&) = delete;
  /// @param name of a file in the folder
  /// @return the file to write lines to
  LineFile& file(const std::string& name);
  /// @return the temporary folder, for what is needed on the way; what is left in it is removed
  const std::filesystem::path& work() const { return beside_.path(); }
  /// Calls a function that writes to work(): its errors name files as they will be.
  /// @param f the function
  /// @return its result
  template <class F>
  auto as_in_place(const F& f) const {
    return beside_.as_in_place(f);
  }
  /// Puts the folder in its place.
  /// @param info of the corpus; `writer` and `files` are filled in
  /// @throws IoError
  void finish(CorpusInfo& info);

 private:
  std::filesystem::path folder_;
  std::string writer_;
  bool overwrite_;
  FolderBeside beside_;
  std::list<std::pair<std::string, LineFile>> files_;
};

}  // namespace heed::models
