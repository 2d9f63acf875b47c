// Arrays of numpy in an uncompressed zip archive (.npz).
#pragma once

#include <map>
#include <string>

#include "framework/core/tensor.h"

namespace heed::models {

/// Content of a .npz file.
struct NpzFile {
  std::map<std::string, Tensor> tensors;     // arrays of floats as f32, by name
  std::map<std::string, std::string> texts;  // arrays of bytes (int8), such as Marian's special:model.yml
};

/// Parses a .npz file.
/// @param bytes content of the whole file
/// @param file its name, for messages
/// @return its arrays
/// @throws FormatError for an archive that is cut off or compressed, and for arrays of other types than <f4,
/// <f2 and
///   int8, in Fortran's order, or of a size that does not fit
NpzFile parse_npz(std::string_view bytes, const std::string& file);

}  // namespace heed::models
