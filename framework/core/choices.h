// Choices that functions take in the place of a bool.
#pragma once

#include <concepts>
#include <cstdint>

namespace heed {

/// Whether reduced dimensions are removed (no) or stay with extent 1 (yes). Converts implicitly from bool.
class KeepDim {
 public:
  /// @param keep whether they stay
  template <std::same_as<bool> B>
  constexpr KeepDim(B keep) : keep_(keep) {}
  /// @param other the choice to compare with
  /// @return whether both are the same
  constexpr bool operator==(const KeepDim& other) const = default;
  static const KeepDim no, yes;  // the two choices

 private:
  bool keep_;
};
inline constexpr KeepDim KeepDim::no = false, KeepDim::yes = true;

/// The two forms of gelu.
enum class GeluForm : bool {
  exact,  // with the error function
  tanh    // the approximation by tanh
};

/// How the losses of the elements are combined: their mean, their sum, or none (kept per element).
enum class Reduction : uint8_t { mean, sum, none };

}  // namespace heed
