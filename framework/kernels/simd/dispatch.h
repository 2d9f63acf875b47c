// Picks the compiled variant of a kernel template for the machine, by element type T of the surrounding
// template.
#pragma once

#include <type_traits>

#define HEED_EXPORT(name) \
  HWY_EXPORT(name##F32);  \
  HWY_EXPORT(name##F64);

#define HEED_DISPATCH(name)                            \
  [](auto&&... args) {                                 \
    if constexpr (std::is_same_v<T, float>) {          \
      return HWY_DYNAMIC_DISPATCH(name##F32)(args...); \
    } else {                                           \
      return HWY_DYNAMIC_DISPATCH(name##F64)(args...); \
    }                                                  \
  }
