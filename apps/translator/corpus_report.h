// What was read, dropped and written of a corpus, for people.
#pragma once

#include <string>

#include "models/corpus/corpus_folder.h"

namespace heed::apps {

/// Lines with a number in front of each: pairs read, dropped by reason, and those of the parts.
std::string corpus_report(const models::CorpusInfo& info);

}  // namespace heed::apps
