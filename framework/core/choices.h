// Choices that functions take in the place of a bool.
#pragma once

namespace heed {

/// Whether reduced dimensions are removed (no) or stay with extent 1 (yes).
enum class KeepDim : bool { no, yes };

/// The two forms of gelu.
enum class GeluForm : bool {
  exact,  // with the error function
  tanh    // the approximation by tanh
};

}  // namespace heed
