// What the targets of imported models share: a folder of a few files, read to what a run is made of. The test
// ImportDamage goes on to the run, and what loads it is another target.
#pragma once

#include "models/import/import.h"
#include "models/text/vocabulary.h"
#include "tests/fuzz/fuzz.h"
#include "tests/models/marian_fixture.h"

namespace heed::fuzz {

/// @param format names the folder, in which nothing of another format lies
inline void import_bundle(std::string_view bytes, const std::string& format,
                          const std::vector<std::string>& names) {
  unbundle(bytes, scratch(format), names);
  const models::ImportedRun run = models::to_run(models::read_foreign(scratch(format)));
  models::check(run.config);
  for (const auto& [name, text] : run.text) {
    if (name.ends_with(".vocab")) models::Vocabulary::parse(text, name);
  }
}

}  // namespace heed::fuzz
