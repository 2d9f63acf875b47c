// A fuzz target: a function that reads bytes as heed reads a file, and files that heed itself wrote to start
// from. Bytes are read, or refused by an error of heed's; anything else is a finding: another exception, a
// signal, what a sanitizer says, seconds without end, gigabytes.
//
//   // what it reads
//   namespace heed::fuzz::vocabulary {
//   void read(std::string_view bytes) { models::Vocabulary::parse(bytes, "vocabulary"); }
//   std::vector<std::string> seeds() { return {models::Vocabulary::build(...).save()}; }
//   }
//   HEED_FUZZ_TARGET(vocabulary, "</s>", "<unk>")   // words that its files have, for the fuzzer's dictionary
//
// in fuzz_vocabulary.cpp, which CMake finds by its name.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "tests/testing/temp_dir.h"

namespace heed::fuzz {

struct Target {
  std::string name;
  void (*read)(std::string_view bytes);  // throws Error for what it refuses
  std::vector<std::string> (*seeds)();   // files that it reads
  std::vector<std::string> words;        // of its dictionary
};

/// The targets of this program.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

#define HEED_FUZZ_TARGET(name, ...)                                                  \
  static const bool fuzz_target_##name =                                             \
      (heed::fuzz::targets().push_back(                                              \
           {#name, heed::fuzz::name::read, heed::fuzz::name::seeds, {__VA_ARGS__}}), \
       true);

/// @return whether the bytes were read; false: they were refused
inline bool reads(const Target& target, std::string_view bytes) {
  try {
    target.read(bytes);
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// Of several readers the later ones read too where an earlier one refuses.
template <class Read>
void also(const Read& read) {
  try {
    read();
  } catch (const Error&) {  // as it may
  }
}

/// What must hold of all that was read.
inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// A file of the program's own temporary folder.
inline std::filesystem::path scratch(const std::string& name) {
  static const TempDir folder;
  return folder / name;
}
inline void put(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Gives text in pieces, as files come.
inline std::function<std::string_view()> in_pieces(std::string_view bytes, size_t size) {
  return [bytes, size]() mutable {
    const std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(piece.size());
    return piece;
  };
}

/// Several files as one: what stands between them.
inline constexpr std::string_view kCut = "\n--8<--\n";

/// @param folder where the files are; one that is missing is empty
/// @param names of the files
inline std::string bundle(const std::filesystem::path& folder, const std::vector<std::string>& names) {
  std::string bytes;
  for (const std::string& name : names) {
    if (!bytes.empty() || &name != names.data()) bytes += kCut;
    if (file_exists(folder / name)) bytes += read_file(folder / name);
  }
  return bytes;
}

/// Writes the files of a bundle; those that are empty or not in it are removed.
inline void unbundle(std::string_view bytes, const std::filesystem::path& folder,
                     const std::vector<std::string>& names) {
  std::filesystem::create_directories(folder);
  for (const std::string& name : names) {
    const size_t end = std::min(bytes.find(kCut), bytes.size());
    if (end > 0) {
      put(folder / name, bytes.substr(0, end));
    } else {
      std::filesystem::remove(folder / name);
    }
    bytes.remove_prefix(std::min(end + kCut.size(), bytes.size()));
  }
}

}  // namespace heed::fuzz
