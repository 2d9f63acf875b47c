// The files of ids beside a corpus: the training pairs, encoded once for all trainings that read them in the
// same way.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "models/corpus/encoded_pairs.h"

namespace heed::models {

/// Where pairs are.
struct IdFile {
  std::filesystem::path path;  // of the file; empty: the pairs are in memory
  uint64_t bytes = 0;          // of the file, or of the pairs in memory
};

/// Where pairs of ids are kept, and what they are made of.
struct IdSource {
  std::filesystem::path folder;  // of the files; made when needed
  std::string text_mark;         // a fingerprint of the text
  std::string encoding;          // all that decides how the text becomes ids
  int source_entries = 0;        // size of the source's vocabulary
  int target_entries = 0;        // size of the target's vocabulary
};

/// Maps the file of ids that belongs to a text, after writing it where it is not there or is damaged. Files
/// of other texts in the folder are removed: the corpus has changed since. Where none can be written the
/// pairs are made in memory.
/// @param from where, and of what
/// @param fill adds the pairs
/// @param note called with a line before the pairs are encoded and after it, and when the file cannot be
///   written
/// @param file set to what became of it
/// @return the pairs
EncodedPairs stored_pairs(const IdSource& from, const std::function<void(PairWriter&)>& fill,
                          const std::function<void(const std::string&)>& note, IdFile& file);

/// @param name of a file
/// @return whether a file of ids has such a name, two fingerprints and ".ids", or the temporary one of a
///   writer that was killed
bool is_id_file(const std::string& name);

}  // namespace heed::models
