// The registry of ops, filled from ops.def: gradcheck, the PyTorch parity test and the op benchmark iterate
// over it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"
#include "framework/ops/policy.h"

namespace heed {

/// One input of a sample: a shape that is filled from a fixed random stream, or explicit integers or mask
/// values.
struct SampleInput {
  /// How the values are made.
  enum class Fill : uint8_t {
    normal,          // N(0, 1)
    positive,        // in (0.3, 2)
    away_from_zero,  // |x| > 0.1
    integers,        // `values`, i64
    mask             // `values`, bool
  };
  /// @param dims extents; the values are normal
  SampleInput(std::initializer_list<int64_t> dims) : shape(dims) {}
  /// @param s,f shape, and how it is filled
  SampleInput(Shape s, Fill f) : shape(s), fill(f) {}
  Shape shape;                  // shape of the input
  Fill fill = Fill::normal;     // how the values are made
  std::vector<int64_t> values;  // given values for integers and masks, row-major
};
/// @{
/// An input with values in (0.3, 2), or with |x| > 0.1, which avoids the kink of relu and abs at 0.
/// @param shape shape of the input
/// @return the input
SampleInput positive(const Shape& shape);
SampleInput away_from_zero(const Shape& shape);
/// @}
/// @{
/// An input with the given integers, or the given mask.
/// @param shape shape of the input
/// @param values row-major; 0 and 1 for a mask
/// @return the input
SampleInput integers(const Shape& shape, std::vector<int64_t> values);
SampleInput mask(const Shape& shape, std::vector<int64_t> values);
/// @}

/// A call of an op on fixed inputs, with the PyTorch expression that must give the same result (inputs are a,
/// b, c, ...).
struct OpSample {
  /// Maps the inputs to the results.
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
  std::string key;                  // name of the sample: "softmax/2"
  std::string torch;                // the PyTorch expression; empty if there is none, see `reason`
  std::vector<SampleInput> inputs;  // the arguments of the call
  Function run;                     // performs the call
  int max_order = 2;                // highest order of derivatives to check
  std::string reason;               // why max_order is below 2 or torch is empty
  bool finite_only = false;         // the op refuses NaN and infinities: none is put among the inputs

  /// Marks the sample as having no gradient.
  /// @param why reason, shown in reports
  void without_gradient(const char* why) { max_order = 0, reason = why; }
  /// Creates the inputs, always with the same values.
  /// @param dtype dtype of the floating inputs, f32 or f64; integers and masks keep theirs
  /// @return the inputs
  std::vector<Tensor> make_inputs(DType dtype) const;
};

/// The list that an op's samples() function fills.
class SampleList {
 public:
  /// @param op name of the op, used in the samples' keys
  explicit SampleList(std::string op) : op_(std::move(op)) {}
  /// Adds a sample.
  /// @param torch the PyTorch expression of a, b, c, ... that must give the same result
  /// @param inputs a, b, c, ...
  /// @param run performs the call
  /// @return the new sample, whose other fields may be set
  OpSample& add(std::string torch, std::vector<SampleInput> inputs, OpSample::Function run);
  /// Adds a sample with the last one's call and expression but other inputs.
  /// @param inputs a, b, c, ...
  /// @return the new sample
  OpSample& again(std::vector<SampleInput> inputs);
  std::vector<OpSample> samples;  // in the order of add()

 private:
  std::string op_;
};

/// One row of ops.def.
struct OpInfo {
  const char* name;              // name of the op
  const char* file;              // source file of the op
  AutocastPolicy policy;         // what bf16 autocast does to the op
  void (*samples)(SampleList&);  // adds the op's samples
  /// @return all samples of the op
  std::vector<OpSample> make_samples() const {
    SampleList list(name);
    samples(list);
    return list.samples;
  }
};

/// @return every row of ops.def
const std::vector<OpInfo>& op_registry();

}  // namespace heed

/// Connects an op's struct with its row in ops.def. A row without a DEFINE_OP is a link error.
/// @param name the op's name in ops.def
/// @param Op the struct, with a static samples(SampleList&)
#define DEFINE_OP(name, Op) \
  void heed_samples_##name(::heed::SampleList& list) { Op::samples(list); }
