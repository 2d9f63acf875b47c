// One sentence from a command line.
#pragma once

#include <string>

#include "models/run/translator.h"

namespace heed::apps {

/// Translates a sentence, or scores a translation that is given.
/// @param translator one model or an ensemble
/// @param sentence to translate
/// @param translation to score; empty: the model's own is made
/// @param options search, self-attention
/// @return the record
/// @throws ValueError for what is not UTF-8, has no words or is too long
models::Translation translate_sentence(const models::Translator& translator, const std::string& sentence,
                                       const std::string& translation,
                                       const models::TranslateOptions& options);

}  // namespace heed::apps
