#include "models/run/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "framework/core/error.h"
#include "framework/core/quantise.h"
#include "models/run/folder.h"

namespace heed::models {
namespace {

constexpr std::string_view kScale = ":scale";

struct Quantised {
  Tensor integers, scales;  // i64 [n, ...], f32 [n]
};

Quantised quantised(const Tensor& x) {
  const std::vector<float> values = x.to_vector<float>();
  const auto rows = static_cast<size_t>(x.size(0)), columns = rows == 0 ? 0 : values.size() / rows;
  std::vector<int64_t> integers(values.size());
  std::vector<float> scales(rows);
  for (size_t i = 0; i < rows; ++i)
    scales[i] = quantise(std::span(values).subspan(i * columns, columns), integers.data() + i * columns);
  return {from_vector(integers, x.shape()), from_vector(scales, {x.size(0)})};
}

// Throws where rounding to 16 bits would give infinity.
void require_range(const NamedTensors& weights, WeightType type) {
  // halfway between the largest number and what would be the next one
  const double most = type == WeightType::f16 ? 65520.0 : 0x1.FFp127;
  for (const auto& [name, value] : weights) {
    if (value.numel() == 0) continue;
    const std::vector<float> values = value.detach().contiguous().to(DType::f32).to_vector<float>();
    const float largest = std::abs(
        *std::ranges::max_element(values, [](float a, float b) { return std::abs(a) < std::abs(b); }));
    if (largest >= most) {
      throw ValueError("weights",
                       fmt::format("'{}' holds {:.3g}, more than {} can hold: keep f32{}", name, largest,
                                   name_of_choice(type),
                                   type == WeightType::f16 && largest < 0x1.FFp127 ? " or bf16" : ""));
    }
  }
}

// Integers times the scales of their rows, in place.
// @throws FormatError by `fail` for scales that cannot be
template <class Fail>
void restore(const Tensor& integers, const Tensor& scales, const Fail& fail) {
  const std::vector<float> scale = scales.to_vector<float>();
  const size_t columns = scale.empty() ? 0 : static_cast<size_t>(integers.numel()) / scale.size();
  float* values = integers.data<float>();
  for (size_t row = 0; row < scale.size(); ++row, values += columns) {
    if (!(scale[row] >= 0) || std::isinf(scale[row]))
      fail(fmt::format("is {} for row {}: a scale is finite and not negative", scale[row], row));
    if (scale[row] == 0 && std::any_of(values, values + columns, [](float value) { return value != 0; }))
      fail(fmt::format("is 0 for row {}, whose values are not", row));
    std::for_each(values, values + columns, [&](float& value) { value *= scale[row]; });
  }
}

}  // namespace

void save_weights(const std::filesystem::path& path, const NamedTensors& weights,
                  const std::map<std::string, std::string>& metadata, WeightType type) {
  for (const auto& [name, value] : weights) {
    if (!all_finite(value)) throw ValueError("weights", fmt::format("'{}' holds NaN or infinity", name));
  }
  if (type == WeightType::f32) return save_safetensors(path, weights, metadata);
  if (type != WeightType::int8) require_range(weights, type);
  if (type != WeightType::int8)
    return save_safetensors(path, weights, metadata,
                            floats_as(type == WeightType::f16 ? FileType::f16 : FileType::bf16));
  NamedTensors stored;
  for (const auto& [name, value] : weights) {
    if (value.ndim() < 2) {
      stored.emplace_back(name, value);
      continue;
    }
    const Quantised small = quantised(value);
    stored.emplace_back(name, small.integers);
    stored.emplace_back(name + std::string(kScale), small.scales);
  }
  save_safetensors(path, stored, metadata, [](const std::string&, const Tensor& x) {
    return x.dtype() == DType::i64 ? FileType::i8 : FileType::f32;
  });
}

StoredWeights map_weights(const std::filesystem::path& path) {
  const SafetensorsFile file = map_safetensors(path, path.string(), SmallIntegers::as_f32);
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("load '{}': {}", path.string(), what));
  };
  StoredWeights weights;
  for (const auto& [name, value] : file.tensors) {
    const std::string_view whole = name;
    if (whole.ends_with(kScale)) {
      const std::string of(whole.substr(0, whole.size() - kScale.size()));
      const auto found = file.types.find(of);
      if (found == file.types.end() || found->second != FileType::i8)
        fail(fmt::format("'{}' is the scale of nothing", name));
      continue;
    }
    if (file.types.at(name) != FileType::i8) {
      weights.tensors.emplace(name, value);
      continue;
    }
    const auto scale = file.tensors.find(name + std::string(kScale));
    if (scale == file.tensors.end()) fail(fmt::format("'{}' is stored as int8 without a scale", name));
    const FileType scale_type = file.types.at(scale->first);
    if (scale_type != FileType::f32 || value.ndim() < 1 || scale->second.shape() != Shape{value.size(0)}) {
      fail(fmt::format("'{}' is I8{}, its scale {}{}", name, value.shape().str(), name_of(scale_type),
                       scale->second.shape().str()));
    }
    restore(value, scale->second,
            [&](const std::string& fault) { fail(fmt::format("'{}{}' {}", name, kScale, fault)); });
    weights.tensors.emplace(name, value);
    weights.int8 = true;
  }
  return weights;
}

}  // namespace heed::models
