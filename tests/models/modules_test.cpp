// Every layer of every translator is reached from its top: announced, in training and evaluation, in the
// state.
#include <gtest/gtest.h>

#include "tests/models/translation_model.h"

namespace heed::models {
namespace {

TEST(Models, EveryLayerOfEveryTranslatorIsReached) {
  for (const NamedConfig& each : all_models()) {
    const auto model = make_model(each.config, 20, 20);
    model->train(false);
    int64_t own = 0;  // by each layer's own parameters, children's out
    for (const auto& [name, module] : model->named_modules()) {
      EXPECT_FALSE(module->training()) << each.name << " " << name;
      const std::string prefix = name.empty() ? "" : name + ".";
      for (const auto& [key, value] : model->named_parameters()) {
        if (key.starts_with(prefix) && key.find('.', prefix.size()) == std::string::npos)
          own += value.numel();
      }
    }
    EXPECT_EQ(own, model->parameter_count()) << each.name;
    EXPECT_EQ(model->state_dict().size(), model->parameters().size()) << each.name;
  }
}

}  // namespace
}  // namespace heed::models
