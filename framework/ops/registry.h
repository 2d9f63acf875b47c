// The registry of ops, filled from ops.def: what gradcheck, the parity test and the op benchmark walk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"

namespace heed {

/// One input of a sample: a shape to be filled from a fixed random stream, or integers or a mask as they stand.
struct SampleInput {
  enum class Fill : uint8_t { normal, positive, away_from_zero, integers, mask };
  SampleInput(std::initializer_list<int64_t> dims) : shape(dims) {}
  SampleInput(Shape s, Fill f) : shape(s), fill(f) {}
  Shape shape;
  Fill fill = Fill::normal;
  std::vector<int64_t> values;
};
SampleInput positive(const Shape& shape);        // in (0.3, 2)
SampleInput away_from_zero(const Shape& shape);  // |x| > 0.1: keeps off the kink of relu and abs
SampleInput integers(const Shape& shape, std::vector<int64_t> values);
SampleInput mask(const Shape& shape, std::vector<int64_t> values);  // of 0 and 1

/// A call of an op on inputs that never change, with the PyTorch expression that must give the same (inputs are a, b, c, ...).
struct OpSample {
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
  std::string key;    // "softmax/2"
  std::string torch;  // empty: no parity value, with `reason`
  std::vector<SampleInput> inputs;
  Function run;
  int max_order = 2;   // of derivatives
  std::string reason;  // why max_order or torch falls short

  /// Says that no gradient goes through, and why.
  void without_gradient(const char* why) { max_order = 0, reason = why; }
  /// The inputs in f32 or f64 (integers and masks stay what they are), always the same values.
  std::vector<Tensor> make_inputs(DType dtype) const;
};

class SampleList {
 public:
  explicit SampleList(std::string op) : op_(std::move(op)) {}
  OpSample& add(std::string torch, std::vector<SampleInput> inputs, OpSample::Function run);
  /// The last sample's call and expression on other inputs.
  OpSample& again(std::vector<SampleInput> inputs);
  std::vector<OpSample> samples;

 private:
  std::string op_;
};

struct OpInfo {
  const char* name;
  const char* file;
  const char* policy;
  void (*samples)(SampleList&);
  std::vector<OpSample> make_samples() const {
    SampleList list(name);
    samples(list);
    return list.samples;
  }
};

const std::vector<OpInfo>& op_registry();

}  // namespace heed

/// Ties an op's struct to its row in ops.def: a row without this does not link.
#define DEFINE_OP(name, Op) \
  void heed_samples_##name(::heed::SampleList& list) { Op::samples(list); }
