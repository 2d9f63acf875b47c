// The text of sentence pairs as tokens, read pair by pair and as often as needed: from memory, or from the
// files of a corpus, of which one line is held at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/corpus/tokenised.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// Sentence pairs as tokens.
class PairText {
 public:
  /// Takes the tokens of a pair, which are valid during the call; returns whether it wants the next one.
  using Visitor =
      std::function<bool(std::span<const std::string> source, std::span<const std::string> target)>;
  virtual ~PairText() = default;
  /// @return the number of pairs
  virtual int64_t size() const = 0;
  /// Reads the pairs in their order, from the first one on.
  /// @param visitor is called for each
  /// @throws IoError, FormatError for files that cannot be read
  virtual void visit(const Visitor& visitor) const = 0;
};

/// Sentence pairs in memory.
class PairsInMemory : public PairText {
 public:
  /// @param corpus the pairs
  explicit PairsInMemory(TokenisedCorpus corpus);
  int64_t size() const override { return static_cast<int64_t>(corpus_.source.size()); }
  void visit(const Visitor& visitor) const override;
  /// @return the pairs
  const TokenisedCorpus& corpus() const { return corpus_; }

 private:
  TokenisedCorpus corpus_;
};

/// Sentence pairs in two files, line by line.
class PairsInFiles : public PairText {
 public:
  /// One side.
  struct Side {
    std::filesystem::path path;  // a sentence a line
    TextSettings settings;       // how it is split into tokens
  };
  /// @param source,target both sides, whose settings say how many lines before it a line gets
  /// @param pairs the number of lines of each
  /// @param documents the number of lines of each document; none: blank lines alone end one
  PairsInFiles(Side source, Side target, int64_t pairs, std::vector<uint64_t> documents = {});
  int64_t size() const override { return pairs_; }
  /// @param visitor is called for each pair
  /// @throws FormatError for a line that is not UTF-8, and for files that do not have size() lines
  void visit(const Visitor& visitor) const override;

 private:
  Side source_, target_;
  int64_t pairs_;
  std::vector<uint64_t> documents_;
};

}  // namespace heed::models
