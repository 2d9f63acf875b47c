// heed's side of the exchange of weights with Python: writes tensors whose values a formula gives, or checks
// such a file.
//   weights write FILE | weights check FILE
#include <cstdio>
#include <cstring>
#include <string>

#include "framework/framework.h"

namespace {

using namespace heed;

// Element i (row-major) of the tensors; weights.py has the same formulas. All exact, so that values are
// compared bit for bit.
float f32_value(int64_t i) { return static_cast<float>(i * 37 % 101 - 50) / 8.0F; }
double f64_value(int64_t i) { return static_cast<double>(i * 7919 % 10007 + 1) / 3.0; }
int64_t i64_value(int64_t i) { return i * i * i - (int64_t{1} << 40) * i; }
bool bool_value(int64_t i) { return i % 3 == 0; }

template <class T, class F>
Tensor made(const Shape& shape, const F& value) {
  std::vector<T> values;
  for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(value(i));
  return from_vector(values, shape);
}

NamedTensors tensors() {
  return {{"encoder.weight", made<float>({3, 5}, f32_value)},
          {"encoder.turned", transpose(made<float>({3, 5}, f32_value))},  // not row-major in memory
          {"scale", made<double>({2, 2, 2}, f64_value)},
          {"scalar", made<double>({}, f64_value)},
          {"ids.größe", made<int64_t>({7}, i64_value)},
          {"mask", made<bool>({4, 3}, bool_value)},
          {"nothing", zeros({0, 3})}};
}

int check(const char* path) {
  const SafetensorsFile file = load_safetensors(path);
  int wrong = 0;
  for (const auto& [name, expected] : tensors()) {
    const auto found = file.tensors.find(name);
    const Tensor dense = expected.contiguous();
    const bool equal = found != file.tensors.end() && found->second.describe() == expected.describe() &&
                       std::memcmp(found->second.raw_data(), dense.raw_data(),
                                   static_cast<size_t>(dense.numel()) * size_of(dense.dtype())) == 0;
    if (!equal) std::fprintf(stderr, "'%s' is missing or different\n", name.c_str()), ++wrong;
  }
  if (file.tensors.size() != tensors().size())
    std::fprintf(stderr, "%zu tensors\n", file.tensors.size()), ++wrong;
  if (file.metadata != std::map<std::string, std::string>{{"from", "python"}})
    std::fprintf(stderr, "other metadata\n"), ++wrong;
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc == 3 ? argv[1] : "";
  if (command == "check") return check(argv[2]);
  if (command == "write") {
    save_safetensors(argv[2], tensors(), {{"from", "heed"}});
    return 0;
  }
  std::fprintf(stderr, "usage: weights write|check FILE\n");
  return 2;
}
