#pragma once

namespace heed::kernels {
/// Applies HEED_ISA before the first kernel runs. Called once while the program starts.
void configure();
}  // namespace heed::kernels
