// Exercise 9: positions. Read lesson.md first; ./run learn run checks this file.
#include "09_positions/exercise.h"

/// The sinusoidal encodings of the positions 0 to count - 1, [count, D]; D is even.
Tensor positions(int64_t count, int64_t D) { gap("positions"); }

/// x [T, D] -> [T, D]: each row with the encoding of its position added.
Tensor with_positions(const Tensor& x) { gap("with_positions"); }
