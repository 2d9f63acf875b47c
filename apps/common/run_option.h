// Options that name a trained run: a folder, or a translator of the box by its name (models/run/box.h).
#pragma once

#include <CLI/CLI.hpp>

namespace heed::apps {

/// Puts the folder in the place of the name of a translator of the box; anything else stays as it is.
extern const CLI::Validator kNamesRun;

}  // namespace heed::apps
