// The files of a corpus while it is made: the pairs that were kept, what was dropped, the lines of a part.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "framework/io/file.h"
#include "models/corpus/clean.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/raw_pairs.h"

namespace heed::models {

/// The pairs that were kept, in a file that is written once and read once.
class Spool {
 public:
  /// @param path of the file, which is made
  explicit Spool(std::filesystem::path path);
  /// @param pair to keep; its document is not kept
  void add(const RawPair& pair);
  /// From here on it is read.
  void rewind();
  /// @return the next pair; there must be one
  RawPair next();

 private:
  [[noreturn]] void fail(const char* what) const;
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::array<std::string, 3> texts_;
};

/// What is dropped: counted, and written where somebody wants to see it.
class Drops {
 public:
  /// @param path of the file to write; empty: none
  explicit Drops(const std::filesystem::path& path);
  /// @param why the reason
  /// @param source,target the pair
  void add(Drop why, std::string_view source, std::string_view target);
  /// @param info takes the counts
  void close(CorpusInfo& info);

 private:
  std::array<uint64_t, kDrops> counts_{};
  std::optional<AtomicFile> file_;
  std::string lines_;
};

/// What a part has beside its two sides.
struct PartColumns {
  bool attribution = false;  // PART.attribution
  bool documents = false;    // PART.documents
};

/// The lines of a part, in its files.
class PartWriter {
 public:
  /// @param writer of the folder
  /// @param part its name
  /// @param source_language,target_language endings of its files
  /// @param columns what it has besides
  PartWriter(CorpusWriter& writer, const std::string& part, const std::string& source_language,
             const std::string& target_language, PartColumns columns);
  /// @param pair to write; a document other than that of the pair before begins a new one
  void write(const RawPair& pair);
  /// Ends the last document.
  void close();
  /// @return pairs written
  uint64_t pairs() const { return pairs_; }
  /// @return documents begun
  uint64_t documents() const { return document_count_; }

 private:
  LineFile &source_, &target_, *attribution_, *documents_;
  uint64_t pairs_ = 0, document_count_ = 0, in_document_ = 0;
  std::string document_;
};

}  // namespace heed::models
