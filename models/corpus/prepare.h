// From raw sentence pairs to a corpus folder: read, clean, split, write.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/corpus/clean.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/raw_pairs.h"
#include "models/corpus/split.h"
#include "models/options/choice.h"

namespace heed::models {

/// The writer that corpus.json names.
constexpr const char* kPrepareWriter = "translator prepare";

/// How parts are held back.
enum class SplitBy : uint8_t {
  looking,    // by documents where every input has some, and there are three at least; else by sentences
  sentences,  // by distinct source sentences
  documents,  // a document lies in one part
};

/// The names of SplitBy.
template <>
inline constexpr std::array<std::string_view, 3> kNames<SplitBy>{"auto", "sentences", "documents"};

/// A part that was published as one: it is taken as it is, without cleaning.
struct GivenPart {
  std::string name;               // "valid", "test", or a further test: "test_2017_flickr"
  std::vector<PairInput> inputs;  // read in this order
};

/// What a corpus is made of and how.
struct PrepareOptions {
  std::vector<PairInput> inputs;  // read in this order
  std::vector<GivenPart> given;   // `valid` and `test` among them are not split off
  int64_t valid_every = 0;        // each so many-th pair is of `valid`, as published scripts do
  TableOptions table;             // how their tables are read
  std::string source_language, target_language;  // codes
  CleanOptions clean;                            // what is dropped
  SplitOptions split;                            // what is held back
  SplitBy split_by = SplitBy::looking;           // and by what
  bool apart = true;       // sentences of given parts are dropped from training (Drop::overlap)
  int64_t references = 4;  // translations of a test sentence that are kept, at most
  std::vector<std::filesystem::path> avoid;  // files with sentences that must not be in the corpus
  std::string licence, attribution;          // of the sentences
  std::filesystem::path folder;              // to write
  bool overwrite = false;                    // whether a corpus that is there may be replaced
  std::filesystem::path dropped;             // file for what is dropped, with reasons; empty: none
};

/// Makes a corpus folder. The pairs go through a file in the folder's temporary; of each, 24 bytes stay in
/// memory, 16 more against duplicates and 12 with documents. With documents a pair is a duplicate only where
/// the pair before it is the same as well: short sentences come again in a dialogue.
/// @param options what to do
/// @param read called often with the number of pairs read so far, and after signals; what it throws ends the
///   work
/// @return what was made
/// @throws ValueError for inputs without a pair that is good, sizes that leave nothing to train on, two files
///   of different lengths; FormatError for broken inputs; IoError
CorpusInfo prepare_corpus(const PrepareOptions& options, const std::function<void(uint64_t)>& read);

}  // namespace heed::models
