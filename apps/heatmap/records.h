// Attention records from files, and gold alignments beside them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/heatmap/viewer_page.h"
#include "models/run/translation.h"

namespace heed::heatmap {

/// Line `number` (from 1) of a file of records; "-" is standard input. Throws IoError, FormatError naming the
/// line, and ValueError for a line that is not there.
models::Translation read_record(const std::string& path, int64_t number);

/// All records of a file but those without words, which have nothing to show. Throws as read_record, and
/// ValueError for a file without any.
std::vector<models::Translation> read_records(const std::string& path);

/// Gives each record the links in line `id` of a file of gold alignments. Throws FormatError for a line that
/// is none and for a link outside its sentence, ValueError for an id without a line.
void add_gold(std::vector<PageRecord>& records, const std::string& path);

}  // namespace heed::heatmap
