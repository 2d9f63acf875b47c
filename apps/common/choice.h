// Options whose value is one of an enum.
#pragma once

#include <string>
#include <vector>

#include "apps/common/main_guard.h"
#include "models/options/choice.h"

namespace heed::apps {

/// Adds an option that takes the name of an enum's value (models::kNames); its default is what `value` holds.
template <class Enum>
CLI::Option* add_choice(CLI::App& cli, const std::string& flag, Enum& value, const std::string& help) {
  const std::vector<std::string> names(models::kNames<Enum>.begin(), models::kNames<Enum>.end());
  return cli
      .add_option_function<std::string>(
          flag, [&value](const std::string& name) { value = *models::choice_named<Enum>(name); }, help)
      ->default_str(models::name_of_choice(value))
      ->check(one_of(names));
}

}  // namespace heed::apps
