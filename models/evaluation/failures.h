// Where a translator fails on a test set, and what it prefers: kinds of failure with their rates, intervals
// and examples. Words are those that BLEU finds in the texts. A word of the reference is missing where the
// output has it less often; a reference is one of several good translations, so the rates are for comparing
// groups and translators, and not shares of wrong words.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/evaluation/evaluation.h"
#include "models/evaluation/failure_counter.h"

namespace heed::models {

/// What find_failures() found.
struct Failures {
  std::vector<FailureRate> rates;  // the same kinds in the same order for every run on a test set
  std::vector<FailureRate>
      preferred;                   // words that replace rarer ones of the reference, the most frequent first
  std::vector<std::string> notes;  // what could not be looked for, and why
};

/// Looks for failures by length, frequency, unknown and copied words, numbers, names, negation, repetition,
/// ends, omission (where there is attention), and by grammar on the built-in corpus.
/// @param run the translator
/// @param sources the lines that were translated
/// @param evaluation of them by the run
/// @return what was found
Failures find_failures(const LoadedRun& run, std::span<const std::string> sources,
                       const Evaluation& evaluation);

/// Whether a word says no in a language.
/// @param word any case
/// @param language code of two letters
/// @return whether it does; false for a language that knows_negation() does not know
bool is_negation(std::string_view word, std::string_view language);
/// @param language code of two letters
/// @return whether is_negation() knows its words: de, en, es, fr
bool knows_negation(std::string_view language);

}  // namespace heed::models
