// Writes every sample of the op registry as JSON on stdout: key, PyTorch expression, inputs. make_values.py
// reads it.
//   build/release/bin/dump_samples > samples.json
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "framework/framework.h"
#include "framework/ops/registry.h"

int main() {
  using namespace heed;
  nlohmann::json samples = nlohmann::json::array();
  for (const OpInfo& op : op_registry()) {
    for (const OpSample& sample : op.make_samples()) {
      nlohmann::json inputs = nlohmann::json::array();
      for (const Tensor& x : sample.make_inputs(DType::f64)) {
        nlohmann::json input = {{"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())}, {"dtype", name_of(x.dtype())}};
        if (!is_floating(x.dtype())) {
          input["values"] = x.to(DType::i64).to_vector<int64_t>();
        } else {
          input["values"] = x.to_vector<double>();  // f32 values exactly
        }
        inputs.push_back(std::move(input));
      }
      samples.push_back({{"key", sample.key}, {"torch", sample.torch}, {"reason", sample.reason}, {"inputs", std::move(inputs)}});
    }
  }
  fmt::print("{}\n", samples.dump());
}
