// `translator translate` on a terminal: a sentence in, its translation out, until the end.
#pragma once

#include <string>
#include <vector>

#include "models/run/translator.h"

namespace heed::apps {

/// Whether somebody sits at both ends.
bool at_terminal();

/// Prompts for sentences until the end of the input or :quit. `:map` shows what the last sentence's words
/// looked at, `:beam N`, `:model NAME` and `:score TRANSLATION` do what they say, `:help` lists them. What
/// goes wrong is one line, and it goes on.
/// @param run the first translator
/// @param name its name in the prompt
/// @param options of the search
void converse(models::Translator run, std::string name, models::TranslateOptions options);

}  // namespace heed::apps
