// One sentence from a command line.
#pragma once

#include <string>

#include "models/run/translator.h"

namespace heed::apps {

/// Throws unless a sentence of a command line is text.
/// @param sentence as it was typed
/// @throws ValueError `the sentence is not UTF-8`
void require_text(const std::string& sentence);

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
