// The weights of a run in a file: as they are trained, or smaller.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "framework/io/safetensors.h"
#include "framework/ops/packed_weights.h"
#include "models/options/choice.h"

namespace heed::models {

/// How weights are stored in a file. A model computes with them in f32; one that is stored as int8 or bf16
/// translates with products of such weights (TranslationModel::products), unless it is told otherwise.
enum class WeightType : uint8_t {
  f32,   // as they are trained
  f16,   // rounded to nearest
  bf16,  // rounded to nearest
  int8,  // see save_weights()
};
/// The names of WeightType.
template <>
inline constexpr std::array<std::string_view, 4> kNames<WeightType>{"f32", "f16", "bf16", "int8"};

/// Writes a file of weights, whole or not at all. As int8 a tensor W [n, ...] of two dimensions or more is
/// stored as the integers round(W_i / s_i) in [-127, 127] with a scale for each i, s_i = max |W_i| / 127,
/// which is the tensor "NAME:scale" [n]: the error of a weight is at most s_i / 2. Vectors stay f32.
/// @param path the file
/// @param weights f32, all finite
/// @param metadata free text entries of the file
/// @param type how they are stored
/// @throws ValueError naming a tensor that is not finite, and as save_safetensors
void save_weights(const std::filesystem::path& path, const NamedTensors& weights,
                  const std::map<std::string, std::string>& metadata, WeightType type);
/// The weights of a file.
struct StoredWeights {
  std::map<std::string, Tensor> tensors;  // by name, f32
  /// How they are stored: int8 or bf16 where some are, else f32.
  ProductType products = ProductType::f32;
};

/// Reads a file of weights, whatever way they are stored. f32 is mapped and not copied; int8 and bf16 stay in
/// the mapped file until their values in f32 are asked for.
/// @param path the file
/// @return the weights
/// @throws IoError, FormatError as map_safetensors, and for an int8 tensor without its scale or with one of
///   another shape, for a scale that is NaN, infinite, negative, or 0 where the values are not, and a scale
///   without its tensor
StoredWeights map_weights(const std::filesystem::path& path);

}  // namespace heed::models
