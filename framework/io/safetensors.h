// The safetensors format: a little-endian u64 header length, a JSON header, then the tensors' bytes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// An ordered list of named tensors: the type that modules and optimisers return and that files store.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Content of a safetensors file.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;        // name -> tensor
  std::map<std::string, std::string> metadata;  // free text entries stored in the header
};

/// The bytes of a safetensors file: tensors in order of falling alignment, then name, without gaps; the
/// header is padded so that the data start at a multiple of 64 bytes.
/// @param tensors f32, f64, i64 or bool
/// @param metadata free text entries to store in the header
/// @return the bytes; the same tensors and metadata always give the same bytes
/// @throws ValueError for a name used twice, a name that is "__metadata__" or not valid UTF-8, and an
///   undefined tensor
std::string to_safetensors(const NamedTensors& tensors,
                           const std::map<std::string, std::string>& metadata = {});
/// Parses a safetensors file written by heed or by other software such as the Python package.
/// @param bytes content of the whole file
/// @param name used in error messages
/// @return the tensors, which do not share memory with `bytes`, and the metadata
/// @throws FormatError for anything that the format forbids: truncated, holes, overlaps, duplicate keys,
/// trailing bytes, sizes that do not
///   multiply out, unknown dtypes
SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& name);

/// Writes a safetensors file atomically: see write_file_atomically.
/// @param path the file; its folder must exist
/// @param tensors f32, f64, i64 or bool
/// @param metadata free text entries to store in the header
/// @throws IoError, ValueError as to_safetensors; an existing file is then unchanged
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});
/// Reads a safetensors file.
/// @param path the file
/// @return its tensors and metadata
/// @throws IoError, FormatError as parse_safetensors
SafetensorsFile load_safetensors(const std::filesystem::path& path);

}  // namespace heed
