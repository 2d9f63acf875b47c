// Makes a translation record from a model's output: joins pieces to words, locates words in the text,
// replaces unknown words.
#pragma once

#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/decoding/hypothesis.h"
#include "models/decoding/self_attention.h"
#include "models/run/folder.h"
#include "models/run/translation.h"
#include "models/text/codec.h"
#include "models/text/tokenizer.h"

namespace heed::models {

/// A source sentence as the model reads it.
struct SourceUnits {
  std::vector<Token> tokens;      // words of the sentence
  std::vector<int> ids, word_of;  // ids of the units, </s> last, and the index of each one's word
  bool ended = true;              // whether </s> is there
};

/// @return the token for the end mark
TranslationToken end_of_sentence();
/// Makes the source side of a record; unknown words have their original text.
/// @param line the source line as ordinary text
/// @param source the same line as the model reads it
/// @param settings how it was tokenised
/// @return tokens with spans, `</s>` last if the model reads it
TranslationSide source_side(const std::string& line, const SourceUnits& source, const TextSettings& settings);
/// Finds the words of an output that contain an unknown unit.
/// @param output words of the output
/// @param hypothesis units of the output
/// @return for each word, whether it contains one
std::vector<bool> unknown_words(const TextCodec::Decoded& output, const Hypothesis& hypothesis);
/// Adds the pieces of a translation and the attention between them, as the model has it.
/// @param record record that receives them
/// @param run run that made the translation
/// @param source,output units and words of both sides
/// @param hypothesis hypothesis with attention
/// @param self_attention self-attention of both sides, or empty
void add_pieces(Translation& record, const LoadedRun& run, const SourceUnits& source,
                const TextCodec::Decoded& output, const Hypothesis& hypothesis,
                const SelfAttentionMaps& self_attention);
/// Converts attention between units to attention between words: averaged over the units of the attending
/// word, summed over the units of the word attended to, so that rows still sum to one.
/// @param record record that receives the maps
/// @param model model that made the maps
/// @param source,output units and words of both sides
/// @param hypothesis hypothesis with attention
/// @param self_attention self-attention of both sides, or empty
void merge_pieces(Translation& record, const TranslationModel& model, const SourceUnits& source,
                  const TextCodec::Decoded& output, const Hypothesis& hypothesis,
                  const SelfAttentionMaps& self_attention);
/// Replaces each unknown word of the output by the source word with the largest attention weight (Luong et
/// al. 2015, sec. 4.1).
/// @param words words of the output; changed
/// @param unknown for each word, whether it is unknown
/// @param record record with attention
/// @param source `line` as the model reads it
/// @param line the source line as ordinary text
void replace_unknown_words(std::vector<std::string>& words, const std::vector<bool>& unknown,
                           const Translation& record, const SourceUnits& source, const std::string& line);
/// Appends words to the tokens of a side, each with its span in the side's text if it can be found there.
/// @param side a side whose text is set
/// @param words words as the model has them
/// @param unknown for each word, whether it is unknown
/// @param tokens places of the words, if the text was given and tokenised; null: the words are searched for
///   in the text
/// @param settings how the words were made
void place_words(TranslationSide& side, const std::vector<std::string>& words,
                 const std::vector<bool>& unknown, const std::vector<Token>* tokens,
                 const TextSettings& settings);

}  // namespace heed::models
