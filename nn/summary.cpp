#include "nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "nn/kind.h"
#include "nn/layers.h"

namespace heed::nn {
namespace {

struct Row {
  const Module* module;
  std::string output;
  int64_t flops = 0;
};

int64_t bytes_of(const NamedTensors& named) {
  int64_t bytes = 0;
  for (const auto& [name, x] : named) bytes += x.numel() * static_cast<int64_t>(size_of(x.dtype()));
  return bytes;
}

// The operations of a layer without children whose weights meet every row of its output: [*, D], or [B, C,
// ...] for a convolution's weight.
int64_t operations_of_weights(const Module& layer, const Tensor& output) {
  int64_t flops = 0;
  if (dynamic_cast<const Embedding*>(&layer)) return 0;  // looks rows up
  for (const Tensor& w : layer.parameters()) {
    if (w.ndim() < 2 || output.ndim() < 2) continue;
    const int64_t features = w.ndim() == 2 ? output.shape().back() : output.shape()[1];
    flops += 2 * w.numel() * (output.numel() / std::max<int64_t>(features, 1));
  }
  return flops;
}

std::string scaled(int64_t n) {
  return n < 10'000'000 ? fmt::format("{:.1f} k", static_cast<double>(n) / 1e3)
                        : fmt::format("{:.1f} M", static_cast<double>(n) / 1e6);
}

}  // namespace

std::string summary(Module& module, const std::function<void()>& run) {
  std::vector<std::pair<std::string, Row>> rows;
  std::map<std::string, size_t> place;
  for (const auto& [path, layer] : module.named_modules()) {
    place[path] = rows.size();
    rows.emplace_back(path, Row{layer, {}});
  }
  int64_t total = 0;
  if (run) {
    const FlopCounter counter;
    int64_t before = 0, unclaimed = 0;
    module.on_output([&](const std::string& path, const Tensor& output) {
      Row& row = rows[place.at(path)].second;
      row.output = output.shape().str();
      unclaimed += counter.count() - before;
      before = counter.count();
      const bool leaf = row.module->named_modules().size() == 1;
      const int64_t own = leaf ? std::min(unclaimed, operations_of_weights(*row.module, output)) : unclaimed;
      row.flops += own;
      unclaimed -= own;
    });
    try {
      run();
    } catch (...) {
      module.on_output({});
      throw;
    }
    module.on_output({});
    total = counter.count();
    rows[0].second.flops += total - before + unclaimed;  // what no layer announced
  }
  std::erase_if(rows, [](const auto& entry) {
    return entry.second.output.empty() && entry.second.module->state_dict().empty();
  });

  std::vector<std::vector<std::string>> cells{
      {"layer", "kind", "output", "parameters", "bytes", "operations"}};
  for (const auto& [path, row] : rows) {
    cells.push_back({path.empty() ? "(whole)" : path, kind_of(*row.module), row.output,
                     fmt::format("{}", row.module->parameter_count()),
                     fmt::format("{}", bytes_of(row.module->state_dict())), run ? scaled(row.flops) : ""});
  }
  cells.push_back({"all together", "", "", fmt::format("{}", module.parameter_count()),
                   fmt::format("{}", bytes_of(module.state_dict())), run ? scaled(total) : ""});
  std::vector<size_t> width(cells[0].size());
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], line[i].size());
  }
  std::string text;
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i)
      text += i < 3 ? fmt::format("{:<{}}  ", line[i], width[i]) : fmt::format("{:>{}}  ", line[i], width[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

}  // namespace heed::nn
