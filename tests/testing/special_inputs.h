// Inputs of an op's samples with NaN, infinities, signed zeros, denormals and large arguments among them:
// what dump_samples hands to PyTorch and registry_special_values_test.cpp recomputes.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "framework/ops/registry.h"

namespace heed {

/// A sample's inputs with special values in one of them; the other elements stay.
struct SpecialInputs {
  std::string name;            // "b: -inf"; "plain" for the sample as it is
  std::vector<Tensor> inputs;  // a, b, c, ...
};

/// Whether a sample can have special values: PyTorch knows it, a floating input has elements, and the op
/// takes what is not finite.
/// @param sample of an op
/// @return whether special_inputs() finds a place
inline bool takes_special_values(const OpSample& sample) {
  bool floating = false;
  for (const SampleInput& input : sample.inputs) {
    if (input.shape.numel() == 0) return false;
    floating |= input.fill != SampleInput::Fill::integers && input.fill != SampleInput::Fill::mask;
  }
  return floating && !sample.torch.empty() && !sample.finite_only;
}

/// How many floating elements a sample's inputs have.
/// @param sample of an op
/// @return their number
inline int64_t floating_elements(const OpSample& sample) {
  int64_t elements = 0;
  for (const Tensor& x : sample.make_inputs(DType::f64)) elements += is_floating(x.dtype()) ? x.numel() : 0;
  return elements;
}

/// Whether the gradients are stored as well: not of large samples, where one NaN makes hundreds.
/// @param sample of an op
/// @return whether it has a gradient and at most 40 floating elements
inline bool has_special_gradients(const OpSample& sample) {
  return sample.max_order > 0 && floating_elements(sample) <= 40;
}

/// The samples of an op that special values go through: the first two, which differ in their dims or shapes,
/// and the smallest further one that is small enough for gradients.
/// @param samples of the op
/// @return none for an op without floating inputs
inline std::vector<OpSample> special_samples(const std::vector<OpSample>& samples) {
  std::vector<OpSample> chosen;
  const OpSample* small = nullptr;
  for (const OpSample& sample : samples) {
    if (!takes_special_values(sample)) continue;
    if (chosen.size() < 2) {
      chosen.push_back(sample);
    } else if (has_special_gradients(sample) &&
               (small == nullptr || floating_elements(sample) < floating_elements(*small))) {
      small = &sample;
    }
  }
  if (small != nullptr) chosen.push_back(*small);
  return chosen;
}

/// Each floating input in turn with each special value at its middle; where a value has a partner, that one
/// stands at the front. What could cancel out in a sum (two infinities, two large numbers) stands alone.
/// @tparam T float or double
/// @param sample of an op
/// @return the plain inputs first
template <class T>
std::vector<SpecialInputs> special_inputs(const OpSample& sample) {
  using L = std::numeric_limits<T>;
  struct Special {
    const char* name;
    std::vector<T> values;
  };
  const T huge = sizeof(T) == 4 ? T(1e30) : T(1e300);  // its square overflows
  const std::vector<Special> specials = {{"nan", {L::quiet_NaN()}},
                                         {"+inf", {L::infinity()}},
                                         {"-inf", {-L::infinity()}},
                                         {"zeros", {-T(0), T(0)}},
                                         {"denormals", {L::min() / 3, -L::denorm_min()}},
                                         {"smallest normals", {L::min(), -L::min()}},
                                         {"+100", {T(100)}},
                                         {"-100", {T(-100)}},
                                         {"+1e4", {T(1e4)}},
                                         {"-1e4", {T(-1e4)}},
                                         {"+huge", {huge}},
                                         {"-huge", {-huge}}};
  std::vector<SpecialInputs> result = {{"plain", sample.make_inputs(dtype_of<T>())}};
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    if (!is_floating(result.front().inputs[i].dtype())) continue;
    for (const Special& special : specials) {
      std::vector<Tensor> inputs = sample.make_inputs(dtype_of<T>());
      T* const x = inputs[i].data<T>();
      x[inputs[i].numel() / 2] = special.values[0];
      if (special.values.size() > 1 && inputs[i].numel() > 1) x[0] = special.values[1];
      result.push_back({std::string(1, static_cast<char>('a' + i)) + ": " + special.name, std::move(inputs)});
    }
  }
  return result;
}

}  // namespace heed
