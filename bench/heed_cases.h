// heed's side of every case in workload.h: op_bench, train_bench and compare_torch time these.
#pragma once

#include <memory>
#include <string>

#include "bench/op_cases.h"
#include "bench/workload.h"
#include "models/architectures/convolutional/options.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/decoding/search.h"

namespace heed::bench {

/// Inputs are made on the first call of this, not of run. Throws ValueError for an unknown name.
workload::Case make_case(const std::string& name);
/// heed's side of a row of op_cases.def, with its backward or without.
workload::Case make_op_case(const workload::OpCase& op, bool backward);
/// heed's side of a row of programs.def; a case without `run` for another name.
workload::Case make_program(const std::string& name);

/// A translator in evaluation mode with random weights, of the sizes of the workload. kind: as below, or
/// convolutional.
std::shared_ptr<const models::TranslationModel> make_translator(const std::string& kind);

/// A translator in training on the batches of the workload. kind: none or additive (attention of the
/// recurrent one), or transformer.
class Training {
 public:
  explicit Training(const std::string& kind);
  /// Forward, backward, gradient norm, Adam with the clipping factor. Returns the loss.
  double step(size_t batch);
  /// Loss and gradient norm of the first batch without dropout; changes nothing.
  std::pair<double, double> check();
  /// name, rank, extents as one line of text, then the floats; for each parameter.
  void save(const std::string& file) const;
  const std::vector<models::Batch>& batches() const { return batches_; }

 private:
  std::unique_ptr<models::TranslationModel> model_;
  nn::Adam optimizer_;
  std::vector<Tensor> parameters_;
  std::vector<models::Batch> batches_;
};

}  // namespace heed::bench
