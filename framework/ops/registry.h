// The registry of ops, filled from ops.def: what gradcheck, the parity test and the op benchmark walk.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/core/tensor.h"
#include "framework/ops/policy.h"

namespace heed {

/// One input of a sample: a shape to be filled from a fixed random stream, or integers or a mask as they stand.
struct SampleInput {
  /// Where the values come from: N(0, 1), (0.3, 2), |x| > 0.1, `values` as i64, `values` as bool.
  enum class Fill : uint8_t {
    normal,          // N(0, 1)
    positive,        // in (0.3, 2)
    away_from_zero,  // |x| > 0.1
    integers,        // `values`, i64
    mask             // `values`, bool
  };
  /// @param dims of an input of normal values
  SampleInput(std::initializer_list<int64_t> dims) : shape(dims) {}
  /// @param s,f shape and values
  SampleInput(Shape s, Fill f) : shape(s), fill(f) {}
  Shape shape;                  // of the input
  Fill fill = Fill::normal;     // what fills it
  std::vector<int64_t> values;  // of integers and masks, row-major
};
/// @{
/// An input in (0.3, 2), or with |x| > 0.1, which keeps off the kink of relu and abs.
/// @param shape of the input
/// @return the input
SampleInput positive(const Shape& shape);
SampleInput away_from_zero(const Shape& shape);
/// @}
/// @{
/// Integers or a mask as they stand.
/// @param shape of the input
/// @param values row-major; of a mask 0 and 1
/// @return the input
SampleInput integers(const Shape& shape, std::vector<int64_t> values);
SampleInput mask(const Shape& shape, std::vector<int64_t> values);
/// @}

/// A call of an op on inputs that never change, with the PyTorch expression that must give the same (inputs are a, b, c, ...).
struct OpSample {
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;  // results from inputs
  std::string key;                                                                  // "softmax/2"
  std::string torch;                                                                // empty: no parity value, with `reason`
  std::vector<SampleInput> inputs;                                                  // what the op is called with
  Function run;                                                                     // the call
  int max_order = 2;                                                                // of derivatives
  std::string reason;                                                               // why max_order or torch falls short

  /// Says that no gradient goes through.
  /// @param why for the reader of a report
  void without_gradient(const char* why) { max_order = 0, reason = why; }
  /// Always the same values.
  /// @param dtype f32 or f64; integers and masks stay what they are
  /// @return the inputs
  std::vector<Tensor> make_inputs(DType dtype) const;
};

/// What an op's samples() fills.
class SampleList {
 public:
  /// @param op stands in the keys
  explicit SampleList(std::string op) : op_(std::move(op)) {}
  /// Adds a call.
  /// @param torch the PyTorch expression of a, b, c, ... that must give the same
  /// @param inputs a, b, c, ...
  /// @param run the call
  /// @return the sample, for what is special about it
  OpSample& add(std::string torch, std::vector<SampleInput> inputs, OpSample::Function run);
  /// The last sample's call and expression on other inputs.
  /// @param inputs a, b, c, ...
  /// @return the sample
  OpSample& again(std::vector<SampleInput> inputs);
  std::vector<OpSample> samples;  // in the order of add()

 private:
  std::string op_;
};

/// A row of ops.def.
struct OpInfo {
  const char* name;              // of the op
  const char* file;              // where it stands
  AutocastPolicy policy;         // what bf16 autocast does to it
  void (*samples)(SampleList&);  // adds its samples
  /// @return all its samples
  std::vector<OpSample> make_samples() const {
    SampleList list(name);
    samples(list);
    return list.samples;
  }
};

/// @return every row of ops.def
const std::vector<OpInfo>& op_registry();

}  // namespace heed

/// Ties an op's struct to its row in ops.def: a row without this does not link.
/// @param name as in ops.def
/// @param Op the struct, with a static samples(SampleList&)
#define DEFINE_OP(name, Op) \
  void heed_samples_##name(::heed::SampleList& list) { Op::samples(list); }
