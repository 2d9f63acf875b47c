// The attention of a record as lines of text, for a terminal.
#pragma once

#include <optional>
#include <string>

#include "apps/heatmap/colour.h"
#include "models/run/translation.h"

namespace heed::heatmap {

/// The mean of all maps of the attention between the sides: a row an output word, a column a source word,
/// shades or colours the weight. Where that is wider than the terminal, a line an output word with the source
/// words that it looked at most instead.
/// @param record with attention
/// @param columns of the terminal
/// @param palette colours by escape sequences of 24 bits; nothing: five shades
/// @return the lines, UTF-8
/// @throws ValueError for a record without attention
std::string draw_text(const models::Translation& record, int columns,
                      const std::optional<Palette>& palette = {});

}  // namespace heed::heatmap
