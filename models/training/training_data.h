// What a training is given to learn from and to be validated with.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "models/corpus/pair_text.h"
#include "models/corpus/tokenised.h"

namespace heed::models {

/// The training and validation data.
struct TrainingData {
  /// Pairs that are held in memory.
  /// @param pairs,validation_pairs sentence pairs as words
  TrainingData(TokenisedCorpus pairs, TokenisedCorpus validation_pairs);
  /// Pairs that are read as a stream.
  /// @param pairs to train on
  /// @param validation_pairs sentence pairs as words
  /// @param folder for the files of their ids
  /// @param mark a fingerprint of their text
  TrainingData(std::shared_ptr<const PairText> pairs, TokenisedCorpus validation_pairs,
               std::filesystem::path folder, std::string mark);

  std::shared_ptr<const PairText> train;  // what is trained on
  TokenisedCorpus validation;             // what it is validated with
  /// Folder of the files that hold the training pairs as ids, which are mapped; empty: they are held in
  /// memory.
  std::filesystem::path ids;
  std::string text_mark;  // with `ids`: a fingerprint of the text of the training pairs
  /// Called with a line before something that takes a while, and when `ids` cannot be written; may be empty.
  std::function<void(const std::string&)> note;
};

}  // namespace heed::models
