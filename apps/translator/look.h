// Translates one sentence and shows what the model attended to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/heatmap/colour.h"
#include "models/run/translator.h"

namespace heed::apps {

/// The translators of the box that are shown when none is named, the first the picture that the demo begins
/// with: for each language the one of the classical picture, NAME-additive, or NAME where that one is not in
/// the box.
/// @return names of the box; none where it is empty
std::vector<std::string> first_looks();

/// A translation of a sentence and the pictures of its attention.
struct Look {
  models::Translation record;
  std::vector<std::string> pictures;  // paths; empty for a model without attention
};

/// Translates a sentence with a run and draws the mean of its attention to `folder`/NAME.svg and .png, made
/// when it is not there.
/// Throws what load_run throws, ValueError for a sentence without words, one that is too long or is not
/// UTF-8.
Look look_at(const std::string& sentence, const std::filesystem::path& run,
             const std::filesystem::path& folder, const std::string& name,
             const models::TranslateOptions& options = {}, const heatmap::Palette& palette = {});

/// The translation and its attention as lines for a terminal of so many columns, in shades or in colours.
std::string text_of(const Look& look, const std::string& name, int columns,
                    const std::optional<heatmap::Palette>& palette = {});

/// Columns of the terminal, or 100 where there is none.
int terminal_width();

}  // namespace heed::apps
