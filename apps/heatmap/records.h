// Attention records from files, and gold alignments beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/common/ranges.h"
#include "apps/heatmap/viewer_page.h"
#include "models/run/translation.h"

namespace heed::heatmap {

/// A record and its line in the file.
struct LineRecord {
  int64_t line = 0;
  models::Translation record;
};

/// The records in lines of a file of records, in the order of the file; "-" is standard input.
/// @param path the file
/// @param lines which lines; empty: all
/// @param option what asked for them, for the message
/// @throws IoError, FormatError naming the line, ValueError for a line that is not there
std::vector<LineRecord> read_records(const std::string& path, const std::vector<apps::Range>& lines,
                                     const std::string& option);

/// What messages call a file of records: "-" is standard input.
std::string name_of_input(const std::string& path);

/// Whether a record has something to show: that of a line without words has not.
bool has_words(const models::Translation& record);

/// Gives each record the links in line `id` of a file of gold alignments. Throws FormatError for a line that
/// is none and for a link outside its sentence, ValueError for an id without a line.
void add_gold(std::vector<PageRecord>& records, const std::string& path);

}  // namespace heed::heatmap
