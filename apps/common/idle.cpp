#include "apps/common/idle.h"

#include <algorithm>

namespace heed::apps {
namespace {

[[noreturn]] void refuse(const std::string& flag, const std::string& how) {
  throw CLI::ValidationError(flag, "does nothing " + how);
}

}  // namespace

void refuse_idle(const CLI::App& cli, std::initializer_list<IdleOption> options) {
  for (const IdleOption& option : options) {
    if (option.idle && cli.get_option(option.flag)->count() > 0) refuse(option.flag, option.how);
  }
}

void refuse_idle_group(const CLI::App& cli, std::string_view group, const std::vector<std::string>& but,
                       const std::string& how) {
  for (const CLI::Option* option :
       cli.get_options([&](const CLI::Option* one) { return one->get_group() == group; })) {
    const std::string flag = option->get_name();
    const bool given = option->count() > 0 && option->results().back() != option->get_default_str();
    if (given && std::ranges::find(but, flag) == but.end()) refuse(flag, how);
  }
}

}  // namespace heed::apps
