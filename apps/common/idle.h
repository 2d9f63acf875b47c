// Options that do nothing as others are: refused, as whoever gives one expects something of it.
#pragma once

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace heed::apps {

struct IdleOption {
  const char* flag;
  bool idle;        // whether it does nothing
  std::string how;  // in words behind "does nothing": "without --temperature, which is 0"
};

/// Throws CLI::ValidationError "--alpha: does nothing beside --length-penalty none" for the first option that
/// was given and does nothing.
void refuse_idle(const CLI::App& cli, std::initializer_list<IdleOption> options);

/// The same for all options of a group of --help but some, where they are given other values than they have.
void refuse_idle_group(const CLI::App& cli, std::string_view group, const std::vector<std::string>& but,
                       const std::string& how);

}  // namespace heed::apps
