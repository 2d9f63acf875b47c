// What libFuzzer calls, for the program of one target.
#include <cstddef>
#include <cstdint>

#include "framework/core/parallel.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const heed::fuzz::Target& target = []() -> const heed::fuzz::Target& {
    heed::set_num_threads(1);
    return heed::fuzz::targets().at(0);
  }();
  heed::fuzz::reads(target, {reinterpret_cast<const char*>(data), size});
  return 0;
}
