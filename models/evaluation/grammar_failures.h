// Mistakes of German grammar on the built-in corpus, whose lexicon and inflection tell which form a word has
// to have: agreement of the verb, case, gender, endings of adjectives, position of the verb, gender of
// pronouns.
//
// The output is laid beside the reference word by word (word_pairs). Where both have a form of the same word,
// the form of the reference is the right one. A determiner of the same noun that agrees with the noun in
// another case is a mistake of case, one that agrees with it in no case a mistake of gender.
#pragma once

#include <string>
#include <vector>

#include "models/evaluation/failure_counter.h"

namespace heed::models {

/// Counts mistakes of grammar.
class GrammarFailures {
 public:
  /// @param counter where the kinds are added
  explicit GrammarFailures(FailureCounter& counter);
  /// Counts the mistakes of a sentence.
  /// @param sentence its index
  /// @param reference,output words
  void add(size_t sentence, const std::vector<std::string>& reference,
           const std::vector<std::string>& output);

 private:
  void add_determiner(size_t sentence, const std::vector<std::string>& reference,
                      const std::vector<std::string>& output, const std::vector<int>& output_of, size_t at);
  void add_pronoun(size_t sentence, const std::vector<std::string>& reference,
                   const std::vector<std::string>& output);
  FailureCounter& counter_;
  size_t agreement_, case_, gender_, adjective_, position_, pronoun_;
};

/// Whether sentences are German of the built-in corpus.
/// @param sentences words of each
/// @return whether nearly all of their words are words of its lexicon
bool is_built_in_german(const std::vector<std::vector<std::string>>& sentences);

}  // namespace heed::models
