// The interactive page: records, with the style and the script of viewer/, in one HTML file that asks nothing
// of a network.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/corpus/alignment.h"
#include "models/run/translation.h"

namespace heed::heatmap {

/// A record of the page.
struct PageRecord {
  models::Translation record;
  std::string name;  // tells it from others of the same model: its file's or its run's; may be empty
  std::optional<models::GoldAlignment> gold;  // links between its words
};

/// Whether an output is a page: a path that ends in .html or .htm.
bool is_page(const std::string& path);

/// The page. Weights are rounded: to 16 bits in a record of at most kExactCells cells, else to 8 bits, as
/// square roots (viewer/data.js). The queries, keys and values of a record are in it up to kVectorNumbers, in
/// 16 bits: of a long sentence of a large model they would be most of the page.
std::string viewer_page(const std::vector<PageRecord>& records, const std::string& title);
constexpr size_t kExactCells = 60'000, kVectorNumbers = 300'000;
/// Bytes of maps and vectors, before base64, beside which no further vectors are put into a record.
constexpr size_t kRecordBytes = 1'350'000;

// What pages of other programs are made of.

/// A record for the scripts of the page: `entry` of the index, `record`, and `maps` in base64 by kind.
nlohmann::ordered_json record_for_page(const PageRecord& record);
/// All scripts of the page in one, closed to the outside; `last` follows them and begins.
std::string viewer_script(const std::string& last);
/// A frame in which each @name@ is replaced by what `part` gives for it.
std::string filled_page(std::string_view frame, const std::function<std::string(std::string_view)>& part);

}  // namespace heed::heatmap
