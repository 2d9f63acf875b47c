#include "nn/kind.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <typeinfo>

#include "nn/module.h"

namespace heed::nn {

std::string kind_of(const Module& module) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(typeid(module).name(), nullptr, nullptr, &status), &std::free);
  const std::string text = status == 0 ? name.get() : typeid(module).name();
  std::string kind;
  int depth = 0;  // of brackets
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '<' || c == '(') ++depth;
    if (depth == 0) kind = c == ':' ? "" : kind + c;
    if (c == '>' || c == ')') --depth;
  }
  if (kind != "Activation") return kind;
  // "...Activation<&(heed::relu(heed::Tensor const&))>"
  const size_t begin = text.find("heed::", text.find('<'));
  if (begin == std::string::npos) return kind;
  const std::string function = text.substr(begin + std::string_view("heed::").size());
  return function.substr(0, function.find_first_of("(>)"));
}

}  // namespace heed::nn
