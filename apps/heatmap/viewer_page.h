// The interactive page: records, with the style and the script of viewer/, in one HTML file that asks nothing
// of a network.
#pragma once

#include <optional>
#include <string>
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
/// square roots (viewer/data.js).
std::string viewer_page(const std::vector<PageRecord>& records, const std::string& title);
constexpr size_t kExactCells = 60'000;

}  // namespace heed::heatmap
