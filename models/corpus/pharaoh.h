// Word alignments as text, and one alignment out of two.
// A Pharaoh line holds the links of a sentence pair as `source-target`, from 0, separated by spaces: `0-0 1-2 2-1`. It
// is what GIZA++'s tools, fast_align and eflomal write and Moses reads [Koehn et al. 2005].
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/alignment.h"

namespace heed::models {

/// Writes links.
/// @param links of a sentence pair
/// @return a line in their order, without its end
/// @throws ValueError for a negative position
std::string pharaoh_line(std::span<const AlignmentLink> links);

/// Reads such a line.
/// @param line an empty one has no links
/// @param name,line_number file name and line number, used in error messages
/// @return the links in its order
/// @throws FormatError `'test.align' line 3: '1:2' is not a link such as 3-4`
std::vector<AlignmentLink> parse_pharaoh_line(std::string_view line, std::string_view name, int64_t line_number);

/// Gold links as text: `3-4` for a sure link, `3?4` for a possible one (source-target, from 0).
/// @param pair with its links
/// @return a line without its end
std::string gold_line(const AlignedPair& pair);
/// Reads such a line.
/// @param line an empty one has no links
/// @param name,line_number file name and line number, used in error messages
/// @return the links
/// @throws FormatError `'test.gold' line 3: ...`
GoldAlignment parse_gold_line(std::string_view line, std::string_view name, int64_t line_number);

/// Reads a whole file.
/// @param path of a file with a line for each sentence pair
/// @return the links of each
/// @throws IoError, and FormatError with file and line
std::vector<std::vector<AlignmentLink>> read_pharaoh(const std::filesystem::path& path);
/// Writes a whole file; leaves the old file or the new one, never half of one.
/// @param path of the file
/// @param alignments the links of each sentence pair
/// @throws IoError, ValueError for a negative position
void write_pharaoh(const std::filesystem::path& path, std::span<const std::vector<AlignmentLink>> alignments);

/// For an aligner that was run in the other direction and wrote `target-source`.
/// @param links of a sentence pair
/// @return source and target exchanged, sorted
std::vector<AlignmentLink> reversed(std::span<const AlignmentLink> links);

/// One alignment of a sentence pair out of those of both directions.
///   intersection, union   links of both, links of either [Och & Ney 2003, sec. 4]
///   grow-diag             the intersection; then, as long as that adds any, each link of the union that is next to a
///                         chosen one, diagonally too, and has a word without a link [Koehn et al. 2005, IWSLT]
///   grow-diag-final       then links of `forward`, after them of `backward`, that have a word without a link
///   grow-diag-final-and   the same for links whose two words both have none
/// Candidates come target word by target word, in it source word by source word; a link counts from the moment it is
/// added.
/// @param forward,backward both as source-target
/// @param method a name of the list above
/// @return sorted, each link once
/// @throws ValueError for another method and for a negative position
std::vector<AlignmentLink> symmetrise(std::span<const AlignmentLink> forward, std::span<const AlignmentLink> backward,
                                      std::string_view method = "grow-diag-final-and");

}  // namespace heed::models
