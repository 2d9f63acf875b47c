#include "models/import/parts.h"

#include <algorithm>

#include "framework/ops/ops.h"
#include "models/import/tensors.h"
#include "models/run/folder.h"
#include "nn/positional.h"

namespace heed::models {

void put_linear(std::map<std::string, Tensor>& weights, const std::string& name,
                const ForeignLinear& linear) {
  weights[name + ".weight"] = linear.weight;
  weights[name + ".bias"] = linear.bias;
}

void put_joint(std::map<std::string, Tensor>& weights, const std::string& name,
               const std::vector<ForeignLinear>& parts) {
  std::vector<Tensor> matrices, biases;
  for (const ForeignLinear& part : parts) {
    matrices.push_back(part.weight);
    biases.push_back(part.bias);
  }
  put_linear(weights, name, {concat(matrices, 0), concat(biases, 0)});
}

bool recognise_positions(const Tensor& table, double tolerance, TransformerOptions& options) {
  for (const nn::Sinusoids kind :
       {nn::Sinusoids::halves, nn::Sinusoids::halves_inclusive, nn::Sinusoids::interleaved}) {
    if (kind == nn::Sinusoids::halves_inclusive && table.size(1) % 2 != 0) continue;
    for (const int64_t first : {0, 1, 2}) {
      const Tensor rule = nn::sinusoidal_positions(table.size(0), table.size(1), first, DType::f32, kind);
      if (largest_difference(table, rule) > tolerance) continue;
      options.positions = Positions::sinusoidal;
      options.sinusoids = kind;
      options.first_position = first;
      return true;
    }
  }
  options.positions = Positions::learned;
  options.max_positions = table.size(0);
  options.first_position = 0;
  return false;
}

std::string read_foreign_file(const std::filesystem::path& path) { return read_run_file(path); }

std::string language_code_or_nothing(const std::string& text) {
  const bool letters = std::ranges::all_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  return letters && (text.size() == 2 || text.size() == 3) ? text : "";
}

}  // namespace heed::models
