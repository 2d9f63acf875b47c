// Exercise 2: one look-up by hand. Read lesson.md first; ./run learn run checks this file.
#include "02_lookup/exercise.h"

/// query [D], keys [S, D], values [S, E] -> Found{context [E], weights [S]}.
Found look_up(const Tensor& query, const Tensor& keys, const Tensor& values) {
  // 1. A score for each key, [S]. 2. Their shares. 3. The values, mixed by these shares, [E].
  gap("look_up");
}
