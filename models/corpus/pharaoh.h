// Word alignments as text, and the combination of two alignments into one.
// A Pharaoh line holds the links of a sentence pair as `source-target`, from 0, separated by spaces: `0-0 1-2
// 2-1`. It is what GIZA++'s tools, fast_align and eflomal write and Moses reads [Koehn et al. 2005].
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/alignment.h"
#include "models/options/choice.h"

namespace heed::models {

/// Writes links as a Pharaoh line.
/// @param links links of a sentence pair
/// @return the line, with the links in the given order, without a newline
/// @throws ValueError for a negative position
std::string pharaoh_line(std::span<const AlignmentLink> links);

/// Parses such a line.
/// @param line the line; an empty one has no links
/// @param name,line_number file name and line number, used in error messages
/// @return the links in the order of the line
/// @throws FormatError `'test.align' line 3: '1:2' is not a link such as 3-4`
std::vector<AlignmentLink> parse_pharaoh_line(std::string_view line, std::string_view name,
                                              int64_t line_number);

/// Writes gold links as text: `3-4` for a sure link, `3?4` for a possible one (source-target, from 0).
/// @param pair sentence pair with its links
/// @return the line, without a newline
std::string gold_line(const AlignedPair& pair);
/// Parses such a line.
/// @param line the line; an empty one has no links
/// @param name,line_number file name and line number, used in error messages
/// @return the links
/// @throws FormatError `'test.gold' line 3: ...`
GoldAlignment parse_gold_line(std::string_view line, std::string_view name, int64_t line_number);

/// Reads a file of Pharaoh lines.
/// @param path path of a file with one line per sentence pair
/// @return the links of each sentence pair
/// @throws IoError, and FormatError with file and line
std::vector<std::vector<AlignmentLink>> read_pharaoh(const std::filesystem::path& path);
/// Writes a file of Pharaoh lines atomically: a crash leaves the old file or the new one.
/// @param path path of the file
/// @param alignments the links of each sentence pair
/// @throws IoError, ValueError for a negative position
void write_pharaoh(const std::filesystem::path& path, std::span<const std::vector<AlignmentLink>> alignments);

/// Exchanges source and target in every link, for the output of an aligner that was run in the other
/// direction and wrote `target-source`.
/// @param links links of a sentence pair
/// @return the exchanged links, sorted
std::vector<AlignmentLink> reversed(std::span<const AlignmentLink> links);

/// How two alignments are combined, see symmetrise().
enum class Symmetrisation : uint8_t {
  intersection,
  union_of_both,
  grow_diag,
  grow_diag_final,
  grow_diag_final_and
};
/// The names of Symmetrisation, those of Moses.
template <>
inline constexpr std::array<std::string_view, 5> kNames<Symmetrisation>{
    "intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and"};

/// Combines the alignments of both directions of a sentence pair into one (symmetrisation). Methods:
///   intersection, union   links of both, links of either [Och & Ney 2003, sec. 4]
///   grow-diag             the intersection; then, as long as that adds any, each link of the union that is
///                         next to a chosen one, diagonally too, and has a word without a link
///                         [Koehn et al. 2005, IWSLT]
///   grow-diag-final       then links of `forward`, after them of `backward`, that have a word without a link
///   grow-diag-final-and   the same for links whose two words both have none
/// Candidate links are tried in order of target word, then source word; a link that is added counts for the
/// candidates after it.
/// @param forward,backward the two alignments, both as source-target
/// @param method one of the list above
/// @return the combined links, sorted, without duplicates
/// @throws ValueError for a negative position
std::vector<AlignmentLink> symmetrise(std::span<const AlignmentLink> forward,
                                      std::span<const AlignmentLink> backward,
                                      Symmetrisation method = Symmetrisation::grow_diag_final_and);

}  // namespace heed::models
