#include "models/run/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "framework/core/error.h"
#include "framework/core/half.h"
#include "framework/core/quantise.h"
#include "framework/core/stored_values.h"
#include "framework/ops/ops.h"
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

// The scales of rows of integers.
// @throws FormatError by `fail` for scales that cannot be
template <class Fail>
std::vector<float> scales_of(const InFile& integers, const Tensor& scales, const Fail& fail) {
  std::vector<float> scale = scales.to_vector<float>();
  const int64_t columns = scale.empty() ? 0 : integers.shape.numel() / integers.shape[0];
  const auto* row = static_cast<const int8_t*>(integers.values);
  for (size_t i = 0; i < scale.size(); ++i, row += columns) {
    if (!(scale[i] >= 0) || std::isinf(scale[i]))
      fail(fmt::format("is {} for row {}: a scale is finite and not negative", scale[i], i));
    if (scale[i] == 0 && std::any_of(row, row + columns, [](int8_t value) { return value != 0; }))
      fail(fmt::format("is 0 for row {}, whose values are not", i));
    if (std::isinf(128 * scale[i]))
      fail(fmt::format("is {} for row {}, whose values could be infinite", scale[i], i));
  }
  return scale;
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
  const SafetensorsFile file = map_safetensors(path, path.string(), SmallTypes::in_place);
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("load '{}': {}", path.string(), what));
  };
  StoredWeights weights;
  for (const auto& [name, type] : file.types) {
    const std::string_view whole = name;
    if (whole.ends_with(kScale)) {
      const auto of = file.types.find(std::string(whole.substr(0, whole.size() - kScale.size())));
      if (of == file.types.end() || of->second != FileType::i8)
        fail(fmt::format("'{}' is the scale of nothing", name));
      continue;
    }
    const auto stored = file.in_place.find(name);
    if (stored == file.in_place.end()) {
      weights.tensors.emplace(name, file.tensors.at(name));
      continue;
    }
    const auto& [shape, values] = stored->second;
    if (type == FileType::bf16) {
      weights.tensors.emplace(
          name, shape.ndim() < 1 ? full({}, from_bf16(*static_cast<const uint16_t*>(values)), DType::f32)
                                 : from_bf16_rows(static_cast<const uint16_t*>(values), shape, file.mapping));
      if (shape.ndim() > 1 && weights.products == ProductType::f32) weights.products = ProductType::bf16;
      continue;
    }
    const std::string of = name + std::string(kScale);
    if (!file.types.contains(of)) fail(fmt::format("'{}' is stored as int8 without a scale", name));
    const bool small = file.in_place.contains(of);
    const Shape& scale_shape = small ? file.in_place.at(of).shape : file.tensors.at(of).shape();
    if (file.types.at(of) != FileType::f32 || shape.ndim() < 1 || scale_shape != Shape{shape[0]}) {
      fail(fmt::format("'{}' is I8{}, its scale {}{}", name, shape.str(), name_of(file.types.at(of)),
                       scale_shape.str()));
    }
    const auto fail_scale = [&](const std::string& fault) { fail(fmt::format("'{}' {}", of, fault)); };
    weights.tensors.emplace(name, from_quantised(static_cast<const int8_t*>(values),
                                                 scales_of(stored->second, file.tensors.at(of), fail_scale),
                                                 shape, file.mapping));
    weights.products = ProductType::int8;
  }
  return weights;
}

}  // namespace heed::models
