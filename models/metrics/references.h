// Corpora with one reference per sentence or several, as BLEU, chrF and exact match take them.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/error.h"

namespace heed::models {

/// Refuses a sentence without a reference.
/// @param metric stands in the message
/// @param references of one sentence
/// @throws ValueError where there is none
inline void require_reference(std::string_view metric, std::span<const std::string> references) {
  if (references.empty()) throw ValueError(fmt::format("{}: a sentence without a reference", metric));
}

/// @{
/// Visits a corpus with one reference or a list of references per sentence.
/// @param metric stands in the message
/// @param hypotheses how many
/// @param references references[i] are those of hypothesis i, or the one
/// @param visit visit(i, references of sentence i)
/// @return the field `nrefs` of a signature: their number, or `var` where it differs
/// @throws ValueError for different numbers of hypotheses and references
template <class Visit>
std::string for_each_sentence(std::string_view metric, size_t hypotheses, std::span<const std::string> references, Visit visit) {
  if (hypotheses != references.size())
    throw ValueError(fmt::format("{}: {} hypotheses, {} references", metric, hypotheses, references.size()));
  for (size_t i = 0; i < hypotheses; ++i) visit(i, references.subspan(i, 1));
  return "1";
}

template <class Visit>
std::string for_each_sentence(std::string_view metric, size_t hypotheses, std::span<const std::vector<std::string>> references,
                              Visit visit) {
  if (hypotheses != references.size())
    throw ValueError(fmt::format("{}: {} hypotheses, {} references", metric, hypotheses, references.size()));
  bool varies = false;
  for (size_t i = 0; i < hypotheses; ++i) {
    varies |= references[i].size() != references[0].size();
    visit(i, std::span<const std::string>(references[i]));
  }
  if (varies) return "var";
  return references.empty() ? "1" : std::to_string(references[0].size());
}
/// @}

}  // namespace heed::models
