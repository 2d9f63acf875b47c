#include "models/architectures/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "models/architectures/convolutional/options.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"

namespace heed::models {

const std::vector<const Architecture*>& architectures() {
  static const std::vector<const Architecture*> all{&architecture_of(RecurrentOptions{}),
                                                    &architecture_of(TransformerOptions{}),
                                                    &architecture_of(ConvolutionalOptions{})};
  return all;
}

const Architecture& find_architecture(const std::string& name) {
  std::vector<std::string> names;
  for (const Architecture* architecture : architectures()) {
    if (architecture->name == name) return *architecture;
    names.push_back(architecture->name);
  }
  throw ValueError("architecture", fmt::format("'{}' is not known ({})", name, fmt::join(names, ", ")));
}

bool ModelConfig::operator==(const ModelConfig& other) const {
  return architecture_ == other.architecture_ &&
         std::ranges::all_of(architecture_->options, [&](const OptionOf<std::any>& option) {
           return option.get(options_) == option.get(other.options_);
         });
}

const OptionOf<std::any>* find_option(const ModelConfig& config, const std::string& key) {
  const auto& options = config.architecture().options;
  const auto found = std::ranges::find(options, key, &OptionOf<std::any>::key);
  return found == options.end() ? nullptr : &*found;
}

ModelSize size_for(int64_t training_pairs) {
  if (training_pairs <= 10'000) return ModelSize::tiny;
  return training_pairs <= 100'000 ? ModelSize::small : ModelSize::base;
}

void set_size(ModelConfig& config, ModelSize size) {
  for (const Dimension& dimension : config.architecture().dimensions) {
    const int64_t value = size == ModelSize::tiny    ? dimension.tiny
                          : size == ModelSize::small ? dimension.small
                                                     : dimension.base;
    find_option(config, dimension.key)->set(config.options(), value);
  }
}

bool is_dimension(const ModelConfig& config, const std::string& key) {
  const auto& all = config.architecture().dimensions;
  return std::ranges::find(all, key, &Dimension::key) != all.end();
}

void check(const ModelConfig& config) {
  check_values(config.options(), config.architecture().options);
  config.architecture().check(config.options());
}

void check(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary) {
  check(config);
  if (config.architecture().one_vocabulary(config.options()) && source_vocabulary != target_vocabulary) {
    throw ValueError(
        "tie",
        fmt::format("'all' needs one vocabulary for both sides (joint subwords), got {} and {} entries",
                    source_vocabulary, target_vocabulary));
  }
}

std::unique_ptr<TranslationModel> make_model(const ModelConfig& config, int64_t source_vocabulary,
                                             int64_t target_vocabulary) {
  check(config, source_vocabulary, target_vocabulary);
  return config.architecture().make(config.options(), source_vocabulary, target_vocabulary);
}

void check_sizes(const ModelConfig& config, const std::map<std::string, Tensor>& weights,
                 const std::string& file) {
  double elements = 0;
  for (const auto& [name, value] : weights) elements += static_cast<double>(value.numel());
  for (const LeastSize& least : config.architecture().least_sizes(config.options())) {
    if (least.wanted > (least.in_tensors ? static_cast<double>(weights.size()) : elements)) {
      throw FormatError(fmt::format(
          "'{}': [model] {} describes a larger model than the file of weights holds", file, least.key));
    }
  }
}

}  // namespace heed::models
