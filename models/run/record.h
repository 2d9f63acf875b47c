// How a record is made of what a model put out: pieces become words, words find their place in the text, unknown ones may be replaced.
#pragma once

#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/self_attention.h"
#include "models/run/translation.h"
#include "models/text/codec.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// A source as the model reads it.
struct SourceUnits {
  std::vector<Token> tokens;      // its words
  std::vector<int> ids, word_of;  // with </s>, whose word is behind the last
};

/// @return the token that stands for the end of a sentence
TranslationToken end_of_sentence();
/// The source side of a record: words as they were written where they are unknown.
/// @param line ordinary text
/// @param source of that line
/// @return its tokens with spans, `</s>` last
TranslationSide source_side(const std::string& line, const SourceUnits& source);
/// Which words of an output hold an unknown unit.
/// @param output the words
/// @param hypothesis the units that they are made of
/// @return one for each word
std::vector<bool> unknown_words(const TextCodec::Decoded& output, const Hypothesis& hypothesis);
/// Attention of units as attention of words: averaged over the units that attend, summed over those attended to, so that rows still sum to
/// one.
/// @param record gets its maps
/// @param model whose maps they are
/// @param source,output units and words of both sides
/// @param hypothesis with its attention
/// @param self_attention of both sides, or empty
void merge_pieces(Translation& record, const TranslationModel& model, const SourceUnits& source, const TextCodec::Decoded& output,
                  const Hypothesis& hypothesis, const SelfAttentionMaps& self_attention);
/// Puts the source word that attention rests on in the place of each unknown one (Luong et al. 2015, sec. 4.1).
/// @param words of the output
/// @param unknown which of them
/// @param record with its attention
/// @param source of `line`
/// @param line ordinary text
void replace_unknown_words(std::vector<std::string>& words, const std::vector<bool>& unknown, const Translation& record,
                           const SourceUnits& source, const std::string& line);
/// Appends the words to the side's tokens, each with the place where the side's text shows it, if it does.
/// @param side with its text
/// @param words as the model has them
/// @param unknown which of them
/// @param tokens where they stand, for a text that was given; null: they are looked for
void place_words(TranslationSide& side, const std::vector<std::string>& words, const std::vector<bool>& unknown,
                 const std::vector<Token>* tokens);

}  // namespace heed::models
