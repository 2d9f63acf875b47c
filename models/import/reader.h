// Translators that other programs trained. A reader is a file that knows one format: it checks what it reads
// and gives it under heed's names, in the numbering of its own vocabularies; import.h makes a run of that.
// Another format is another file and a row in formats().
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"
#include "models/architectures/transformer/options.h"
#include "models/options/choice.h"
#include "models/run/options.h"

namespace heed::models {

/// The rules by which imported weights are computed with: those of the program that wrote the file, or those
/// of Hugging Face's Marian (epsilon 1e-5, frequencies over D/2) or of Marian itself (1e-6, over D/2 - 1).
enum class Arithmetic : uint8_t { automatic, hugging_face, marian };
/// The names of Arithmetic.
template <>
inline constexpr std::array<std::string_view, 3> kNames<Arithmetic>{"auto", "hugging_face", "marian"};

/// Choices of an import.
struct ImportOptions {
  Arithmetic arithmetic = Arithmetic::automatic;  // see Arithmetic
  bool unknown = false;                           // whether the model may write <unk>
  std::string source_language, target_language;   // codes; empty: what the files say, if they do
};

/// A vocabulary in the numbering of the imported model.
struct ForeignVocabulary {
  std::vector<std::string> tokens;  // by id, as many as its table has rows
  std::optional<int> pad, start;    // padding; what the decoder starts with, unless that is a zero vector
  int end = -1;                     // end of a sentence
  std::optional<int> unknown;       // what is not in the vocabulary
};

/// An imported model, checked.
struct ForeignModel {
  std::string kind;            // the format, for people: "Hugging Face Marian"
  TransformerOptions options;  // sizes, and the rules of its arithmetic
  /// Every weight under heed's name. Tables and what belongs to the output (source_embedding.weight,
  /// target_embedding.weight, projection.weight, projection.bias, bias) have a row for each of the model's
  /// own ids; `bias` of a tied projection may be absent.
  std::map<std::string, Tensor> weights;
  ForeignVocabulary source, target;              // of both sides
  std::string source_pieces, target_pieces;      // SentencePiece models; empty: tokens stand between spaces
  std::string source_language, target_language;  // codes of two or three letters, or empty
  ModelRules rules;                              // what it reads and writes beside words; banned: see below
  std::vector<int> banned;                       // the target's ids that are never written, padding excepted
  int64_t beam = 0;                              // that its makers translate with; 0: not said
  double length_exponent = 1;                    // exponent of the length in their scores
  std::vector<std::string> notes;                // what the user should know, a line each
};

/// A format that heed reads.
struct ForeignFormat {
  std::string name;                                  // "CTranslate2"
  std::string files;                                 // the files by which it is known: "model.bin"
  bool (*recognises)(const std::filesystem::path&);  // whether a path is of this format
  /// Reads a path of this format. Throws FormatError or IoError, one line that names the key or the tensor.
  ForeignModel (*read)(const std::filesystem::path&, const ImportOptions&);
};

/// @return the row of CTranslate2's model.bin
ForeignFormat ctranslate2_format();
/// @return the row of Hugging Face's Marian models (OPUS-MT)
ForeignFormat hugging_face_format();
/// @return the row of Marian's own .npz
ForeignFormat marian_format();

/// @return all formats
const std::vector<ForeignFormat>& foreign_formats();

}  // namespace heed::models
