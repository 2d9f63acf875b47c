// The safetensors format: a little-endian u64 header length, a JSON header, then the tensors' bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// An ordered list of named tensors: the type that modules and optimisers return and that files store.
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The type of a tensor's elements in a file. F16 and BF16 are read as f32, and all integers as i64, unless
/// SmallTypes says otherwise.
enum class FileType : uint8_t { f32, f64, i64, boolean, f16, bf16, i8, u8, i16, i32 };
/// @param type any type
/// @return the format's name of it: "BF16"
const char* name_of(FileType type);
/// @param type any type
/// @return bytes of one element in a file
size_t size_of(FileType type);

/// Chooses how a tensor is stored, by its name and its value.
using ChooseFileType = std::function<FileType(const std::string& name, const Tensor& x)>;
/// @param type f32, f16 or bf16
/// @return a choice: f32 tensors are stored as this type, all others as what they are
ChooseFileType floats_as(FileType type);

/// What becomes of I8 and BF16 in a file that is mapped: tensors of i64 and f32, or they stay where they are.
enum class SmallTypes : uint8_t { converted, in_place };
/// Values of I8 or BF16 in a mapped file.
struct InFile {
  Shape shape;                   // of the tensor
  const void* values = nullptr;  // dense, row-major
};

/// Content of a safetensors file.
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;        // name -> tensor
  std::map<std::string, FileType> types;        // name -> how it is stored in the file
  std::map<std::string, std::string> metadata;  // free text entries stored in the header
  std::map<std::string, InFile> in_place;       // name -> what stays there, with SmallTypes::in_place
  std::shared_ptr<void> mapping;                // keeps what is in place
};

/// The bytes of a safetensors file: tensors in order of falling alignment, then name, without gaps; the
/// header is padded so that the data start at a multiple of 64 bytes.
/// @param tensors f32, f64, i64 or bool
/// @param metadata free text entries to store in the header
/// @param choose how each tensor is stored; empty: as what it is. f32 can be stored as F16 or BF16, rounded
///   to nearest, ties to even; i64 as I8, U8, I16 or I32
/// @return the bytes; the same tensors and metadata always give the same bytes
/// @throws ValueError for a name used twice, a name that is "__metadata__" or not valid UTF-8, an undefined
///   tensor, a type that the tensor's values cannot have, and an integer outside the range of its type
std::string to_safetensors(const NamedTensors& tensors,
                           const std::map<std::string, std::string>& metadata = {},
                           const ChooseFileType& choose = {});
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
/// @param choose as in to_safetensors
/// @throws IoError, ValueError as to_safetensors; an existing file is then unchanged
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {},
                      const ChooseFileType& choose = {});
/// Reads a safetensors file.
/// @param path the file
/// @return its tensors and metadata
/// @throws IoError, FormatError as parse_safetensors
SafetensorsFile load_safetensors(const std::filesystem::path& path);
/// Maps a safetensors file into memory: tensors that are stored as what they are in memory are not copied;
/// their pages are read when they are first used, and shared between processes. Writing to such a tensor
/// changes it in this process and not the file. The file must not be cut while a tensor of it exists;
/// files that are replaced as a whole (write_file_atomically) are safe.
/// @param path a regular file
/// @param name used in error messages; empty: the file's name
/// @param small what becomes of I8 and BF16; BF16 that begins at an odd byte is converted in any case
/// @return its tensors, which keep the mapping, and the metadata
/// @throws IoError, FormatError as parse_safetensors
SafetensorsFile map_safetensors(const std::filesystem::path& path, const std::string& name = {},
                                SmallTypes small = SmallTypes::converted);

}  // namespace heed
