// Visits corpora with one or several references per sentence, for BLEU, chrF and exact match.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/error.h"

namespace heed::models {

/// Throws if a sentence has no reference.
/// @param metric name of the metric, used in the error message
/// @param references references of one sentence
/// @throws ValueError if there is none
inline void require_reference(std::string_view metric, std::span<const std::string> references) {
  if (references.empty()) throw ValueError(fmt::format("{}: a sentence without a reference", metric));
}

/// @{
/// Visits a corpus with one reference or a list of references per sentence.
/// @param metric name of the metric, used in the error message
/// @param hypotheses number of hypotheses
/// @param references references[i] is the reference, or the list of references, of hypothesis i
/// @param visit function to call, visit(i, references of sentence i)
/// @return the field `nrefs` of a signature: the number of references per sentence, or `var` if it differs
/// @throws ValueError for different numbers of hypotheses and references
template <class Visit>
std::string for_each_sentence(std::string_view metric, size_t hypotheses,
                              std::span<const std::string> references, Visit visit) {
  if (hypotheses != references.size())
    throw ValueError(fmt::format("{}: {} hypotheses, {} references", metric, hypotheses, references.size()));
  for (size_t i = 0; i < hypotheses; ++i) visit(i, references.subspan(i, 1));
  return "1";
}

template <class Visit>
std::string for_each_sentence(std::string_view metric, size_t hypotheses,
                              std::span<const std::vector<std::string>> references, Visit visit) {
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
