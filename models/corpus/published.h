// Published corpora by name: where their files are, what is in them, and how they become a corpus folder. A
// row a corpus; nothing here fetches anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/corpus/prepare.h"

namespace heed::models {

/// Where a file is.
struct FileAddress {
  std::string url;     // http or https
  uint64_t bytes = 0;  // 0: not known
  std::string sum;     // "sha256:0a1b..." or "md5:..."; empty: not known
};

/// A file that a corpus is made from.
struct PublishedFile {
  std::string name;  // as it is kept, and in the folder of a mirror
  std::vector<FileAddress>
      addresses;  // in order of trial; what is behind them differs at most in its packing
};

/// A pair of files, or members of an archive, of one part. In texts of a row {s} and {t} stand for the codes
/// of source and target, {a} and {b} for both in the order of letters.
struct PublishedPart {
  std::string part;                 // "train", "valid", "test", or a further test
  std::string file, target_file;    // names in PublishedCorpus::files; target_file: empty for an archive
  std::string source, target, ids;  // members of the archive, by their ends; empty: one file a side
  uint64_t pairs = 0;               // that there must be; 0: not known
  std::vector<std::string> only;    // languages that it is in; empty: all
};

/// What is known of a corpus in one pair of languages, beside the row.
struct KnownPair {
  std::string pair;    // "de-en"
  uint64_t bytes = 0;  // of the archive
  std::string sum;     // of the archive
  uint64_t pairs = 0;  // of sentences
};

/// A published corpus.
struct PublishedCorpus {
  std::string name;                    // "wmt14-en-de"
  std::string what;                    // a line about it
  std::string licence;                 // a sentence: the terms, as far as they are known
  std::string attribution;             // whom to name
  std::vector<std::string> languages;  // codes; empty: any pair
  std::vector<PublishedFile> files;    // what is fetched
  std::vector<PublishedPart> parts;    // what the files hold
  std::vector<KnownPair> known;        // of a corpus in any pair
  bool as_published = false;           // training pairs are all kept, as papers do; else they are cleaned
  int64_t valid_every = 0;             // as PrepareOptions
  SplitBy split = SplitBy::looking;    // what is not to fall into two parts
};

/// @return all rows
const std::vector<PublishedCorpus>& published_corpora();

/// @param name of a corpus
/// @return its row
/// @throws ValueError naming those that there are
const PublishedCorpus& published_corpus(std::string_view name);

/// A row for one pair of languages: codes are filled in, and files and parts left out that it does not have.
/// @param corpus a row
/// @param source,target codes
/// @return the row, without {s}, {t}, {a} and {b}
/// @throws ValueError `multi30k is in en, de, fr and cs, and 'es' is asked for`
PublishedCorpus in_languages(const PublishedCorpus& corpus, const std::string& source,
                             const std::string& target);

/// How its corpus folder is made: inputs, given parts, what is dropped, licence and attribution.
/// @param corpus from in_languages()
/// @param source,target codes
/// @param places names of its files and where they lie
/// @return options; folder to write, sizes and seed are the caller's
PrepareOptions prepare_options(const PublishedCorpus& corpus, const std::string& source,
                               const std::string& target,
                               const std::vector<std::pair<std::string, std::filesystem::path>>& places);

/// Throws for what is a page of a web site in the place of a file, packed or not.
/// @param path of the file, which is read as far as its beginning
/// @param name of it in messages
/// @throws FormatError `'de-en.txt.zip' is a page (HTML), not the file: ...`
void require_no_page(const std::filesystem::path& path, const std::string& name);

}  // namespace heed::models
