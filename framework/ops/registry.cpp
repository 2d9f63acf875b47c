#include "framework/ops/registry.h"

#include "framework/core/random.h"

namespace heed {

#define OP(name, file, policy) void heed_samples_##name(SampleList& list);
#include "framework/ops/ops.def"
#undef OP

const std::vector<OpInfo>& op_registry() {
  static const std::vector<OpInfo> ops = {
#define OP(name, file, policy) {#name, #file, AutocastPolicy::policy, heed_samples_##name},
#include "framework/ops/ops.def"
#undef OP
  };
  return ops;
}

SampleInput positive(const Shape& shape) { return {shape, SampleInput::Fill::positive}; }
SampleInput away_from_zero(const Shape& shape) { return {shape, SampleInput::Fill::away_from_zero}; }
SampleInput integers(const Shape& shape, std::vector<int64_t> values) {
  SampleInput input(shape, SampleInput::Fill::integers);
  input.values = std::move(values);
  return input;
}

SampleInput mask(const Shape& shape, std::vector<int64_t> values) {
  SampleInput input(shape, SampleInput::Fill::mask);
  input.values = std::move(values);
  return input;
}

OpSample& SampleList::add(std::string torch, std::vector<SampleInput> inputs, OpSample::Function run) {
  OpSample sample;
  sample.key = op_ + "/" + std::to_string(samples.size());
  sample.torch = std::move(torch);
  sample.inputs = std::move(inputs);
  sample.run = std::move(run);
  samples.push_back(std::move(sample));
  return samples.back();
}

OpSample& SampleList::again(std::vector<SampleInput> inputs) {
  const OpSample last = samples.back();
  OpSample& sample = add(last.torch, std::move(inputs), last.run);
  sample.max_order = last.max_order;
  sample.reason = last.reason;
  sample.finite_only = last.finite_only;
  return sample;
}

std::vector<Tensor> OpSample::make_inputs(DType dtype) const {
  uint64_t seed = 1469598103934665603U;  // FNV-1a of the key
  for (const char c : key) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211U;
  const GeneratorScope drawing({.seed = seed});
  std::vector<Tensor> result;
  for (const SampleInput& input : inputs) {
    if (input.fill == SampleInput::Fill::integers) {
      result.push_back(from_vector(input.values, input.shape));
      continue;
    }
    if (input.fill == SampleInput::Fill::mask) {
      result.push_back(from_vector(input.values, input.shape).to(DType::boolean));
      continue;
    }
    Tensor x = input.fill == SampleInput::Fill::positive ? uniform(input.shape, 0.3, 2.0, DType::f64)
                                                         : randn(input.shape, DType::f64);
    if (input.fill == SampleInput::Fill::away_from_zero) {
      for (int64_t i = 0; i < x.numel(); ++i) {
        double& value = x.data<double>()[i];
        value += value < 0 ? -0.1 : 0.1;
      }
    }
    // f32 values exactly, so that both dtypes check one point.
    result.push_back(x.to(DType::f32).to(dtype));
  }
  return result;
}

}  // namespace heed
