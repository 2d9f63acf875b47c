// Writes every sample of the op registry as JSON on stdout: key, PyTorch expression, inputs; and the inputs
// with special values among them, of each dtype. make_values.py reads it.
//   build/release/bin/dump_samples > samples.json
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "framework/framework.h"
#include "framework/ops/registry.h"
#include "tests/testing/special_inputs.h"

namespace {
using namespace heed;

// f32 values exactly; JSON has no NaN and no infinity: strings that Python's float() reads.
nlohmann::json as_json(const Tensor& x) {
  nlohmann::json item = {{"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())},
                         {"dtype", name_of(x.dtype())}};
  if (!is_floating(x.dtype())) {
    item["values"] = x.to(DType::i64).to_vector<int64_t>();
    return item;
  }
  item["values"] = nlohmann::json::array();
  for (const double v : x.to(DType::f64).to_vector<double>()) {
    item["values"].push_back(std::isfinite(v) ? nlohmann::json(v) : nlohmann::json(fmt::format("{}", v)));
  }
  return item;
}

nlohmann::json as_json(const std::vector<Tensor>& inputs) {
  nlohmann::json items = nlohmann::json::array();
  for (const Tensor& x : inputs) items.push_back(as_json(x));
  return items;
}

template <class T>
nlohmann::json special(const OpSample& sample) {
  nlohmann::json cases = nlohmann::json::array();
  for (const SpecialInputs& special : special_inputs<T>(sample)) {
    cases.push_back({{"name", special.name}, {"inputs", as_json(special.inputs)}});
  }
  return cases;
}

}  // namespace

int main() {
  nlohmann::json plain = nlohmann::json::array(), specials = nlohmann::json::array();
  for (const OpInfo& op : op_registry()) {
    const std::vector<OpSample> samples = op.make_samples();
    for (const OpSample& sample : samples) {
      plain.push_back({{"key", sample.key},
                       {"torch", sample.torch},
                       {"reason", sample.reason},
                       {"inputs", as_json(sample.make_inputs(DType::f64))}});
    }
    for (const OpSample& sample : special_samples(samples)) {
      specials.push_back({{"key", sample.key},
                          {"torch", sample.torch},
                          {"gradients", has_special_gradients(sample)},
                          {"f64", special<double>(sample)},
                          {"f32", special<float>(sample)}});
    }
  }
  fmt::print("{}\n", nlohmann::json{{"samples", std::move(plain)}, {"special", std::move(specials)}}.dump());
}
