// --corpus FOLDER: a corpus folder in the place of the files of sentence pairs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "models/corpus/corpus_folder.h"
#include "models/run/data.h"
#include "models/run/options.h"

namespace heed::apps {

constexpr const char* kCorpusHelp =
    "corpus folder of translator prepare or translator corpus: gives the files of sentence pairs and the "
    "languages";

class Corpus {
 public:
  /// Reads its description. Throws what models::read_corpus throws.
  explicit Corpus(const std::string& folder);
  /// The files to train on, whose bytes are those that were written, with the terms of the sentences. Throws
  /// what models::corpus_file throws.
  models::PairFiles training_files() const;
  /// The corpus that files of a training are of, if they are the parts of one: a training that goes on reads
  /// it as it did.
  static std::optional<Corpus> of_files(const models::PairFiles& files);
  /// What tells its training and validation sentences from others.
  models::DataMarks marks() const;
  const std::filesystem::path& folder() const { return folder_; }
  const models::CorpusInfo& info() const { return info_; }
  int64_t train_pairs() const { return static_cast<int64_t>(info_.train); }
  /// Source and translation of the test. Throws as above.
  std::pair<std::string, std::string> test_files() const;
  /// Its gold alignments of the test, "" without.
  std::string test_gold() const;
  bool has_test() const { return info_.test > 0; }
  /// The languages in the place of those of `config`.
  void set_languages(models::RunConfig& config) const;
  /// Throws ValueError `corpus: 'folder' is en to de, and 'run' has fr as its target language` where a
  /// language of `config` is another one than the corpus's.
  /// @param config of the run
  /// @param what has these languages: "'run'"
  void require_languages(const models::RunConfig& config, const std::string& what) const;

 private:
  std::string path_of(const std::string& part, const std::string& language) const;
  std::filesystem::path folder_;
  models::CorpusInfo info_;
};

}  // namespace heed::apps
