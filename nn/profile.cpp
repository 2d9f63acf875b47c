#include "nn/profile.h"

namespace heed::nn {

void name_layers(Profiler& profiler, const Module& module, const std::string& prefix) {
  NamedTensors parameters = module.named_parameters();
  for (auto& [name, value] : parameters) name.insert(0, prefix);
  std::vector<std::pair<std::string, const void*>> modules;
  for (const auto& [name, layer] : module.named_modules()) modules.emplace_back(prefix + name, layer);
  profiler.name_layers(parameters, modules);
}

}  // namespace heed::nn
