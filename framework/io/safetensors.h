// The safetensors format: a little-endian u64 header length, a JSON header, then the tensors' bytes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// Tensors with their keys, in an order: what modules and optimisers give and files take.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// What a file holds.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;        // by key
  std::map<std::string, std::string> metadata;  // text that stands beside them
};

/// The file's bytes: tensors by falling alignment, then name, no holes; the header padded so that data start on 64 bytes.
/// @param tensors f32, f64, i64 or bool
/// @param metadata text that stands beside them
/// @return the bytes, equal for equal tensors
/// @throws ValueError for a name used twice, one that is "__metadata__" or no UTF-8, an undefined tensor
std::string to_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});
/// Reads what to_safetensors or the Python ecosystem wrote.
/// @param bytes of the whole file
/// @param name stands in messages
/// @return tensors that share nothing with `bytes`
/// @throws FormatError for anything that the format forbids: truncated, holes, overlaps, duplicate keys, trailing bytes, sizes that do not
///   multiply out, unknown dtypes
SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& name);

/// Writes a file, atomically: see write_file_atomically.
/// @param path the file; its folder must exist
/// @param tensors f32, f64, i64 or bool
/// @param metadata text that stands beside them
/// @throws IoError, ValueError as to_safetensors; what the file held before stays
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});
/// Reads a file.
/// @param path the file
/// @return its tensors and metadata
/// @throws IoError, FormatError as parse_safetensors
SafetensorsFile load_safetensors(const std::filesystem::path& path);

}  // namespace heed
