// What SentencePiece takes on trust in a model: the table of its normalisation, a double-array trie that its
// library follows without a look at where it leads, out of memory in a damaged or malicious file.
#pragma once

#include <string_view>

namespace heed::models {

/// Whether the tables of normalisation in a SentencePiece model (precompiled_charsmap) lead nowhere outside
/// themselves, whatever text is normalised.
/// @param model the serialised model, a message of Protocol Buffers
/// @return true as well for a model without tables; false for bytes that are no such message
bool has_sound_charsmaps(std::string_view model);

/// Whether a table of normalisation is sound: its length as u32, the units of a trie (Darts-clone), texts
/// that end with a zero. A unit has its label in bits 0 to 7 and 31, whether a text belongs to it in bit 8,
/// and the way to what follows in bits 9 to 30; of one that stands for a text bit 31 is set, and the others
/// are where the text begins.
/// @param charsmap the table
/// @return whether every way through the trie stays inside it, ends, meets no more than 32 texts, and whether
/// these are there
bool is_sound_charsmap(std::string_view charsmap);

}  // namespace heed::models
