// A trained translator for text: lines in, translations with their attention out.
#pragma once

#include <functional>

#include "models/decoding/search.h"
#include "models/decoding/translation.h"
#include "models/training/run_folder.h"

namespace heed::models {

class Translator {
 public:
  explicit Translator(LoadedRun run) : run_(std::move(run)) {}

  /// One translation for each line, in order; an empty line gives an empty text. Weights lie on the source's tokens, </s> last and flagged.
  std::vector<Translation> translate(std::span<const std::string> lines, GreedyOptions options = {}) const;
  /// Forced decoding: the model's score and attention for given translations. Throws ValueError when the counts differ.
  std::vector<Translation> force(std::span<const std::string> sources, std::span<const std::string> targets) const;

  /// The words of a translation as BLEU on tokens wants them, without </s>.
  static std::vector<std::string> target_words(const Translation& translation);
  const LoadedRun& run() const { return run_; }

 private:
  Translation record(int64_t id, const std::string& source, const std::vector<Token>& source_tokens,
                     const std::vector<std::string>& target_words, const std::string* target_text, const std::vector<Token>* target_tokens,
                     const Hypothesis& hypothesis) const;
  LoadedRun run_;
};

}  // namespace heed::models
