#include "apps/common/module.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "framework/core/error.h"

namespace heed::apps {

const void* load_module(const std::string& file, const char* symbol, const char* what) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  const std::string path = (program.parent_path().parent_path() / file).string();
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const void* const found = library ? dlsym(library, symbol) : nullptr;
  if (!found) throw Error(fmt::format("cannot load {}: {}", what, dlerror()));
  return found;
}

}  // namespace heed::apps
