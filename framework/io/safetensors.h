// The safetensors format: a little-endian u64 header length, a JSON header, then the tensors' bytes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// The file's bytes: tensors by falling alignment, then name, no holes; the header padded so that data start on 64 bytes.
/// f32, f64 and i64. Throws ValueError for a name used twice.
std::string to_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {});
/// Reads what to_safetensors or the Python ecosystem wrote. `name` stands in messages. Throws FormatError for anything that the
/// format forbids: truncated, holes, overlaps, duplicate keys, trailing bytes, sizes that do not multiply out, unknown dtypes.
SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& name);

/// Atomic: see write_file_atomically. Throws IoError.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});
SafetensorsFile load_safetensors(const std::filesystem::path& path);

}  // namespace heed
