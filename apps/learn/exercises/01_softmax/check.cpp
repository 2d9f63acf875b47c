#include "01_softmax/exercise.h"

// On: small scores, where every form is right; equal ones; large ones; small negative ones; rows that differ.
void check(Check& c, const Answer& a) {
  const auto compare = [&](const std::string& what, const std::vector<double>& scores, int64_t rows) {
    const Tensor x =
        from_vector<double>(scores, {rows, static_cast<int64_t>(scores.size()) / rows}).to(DType::f32);
    c.equal("shares of " + what, a.stable_softmax(x), softmax(x));
  };
  compare("the scores 1 2 4", {1, 2, 4}, 1);
  compare("the rows (1 2 4) and (0 0 0)", {1, 2, 4, 0, 0, 0}, 2);
  compare("the scores 1001 1002 1004", {1001, 1002, 1004}, 1);
  compare("the scores -1001 -1002 -1004", {-1001, -1002, -1004}, 1);
  compare("the rows (1 2 3) and (501 502 504)", {1, 2, 3, 501, 502, 504}, 2);
  compare("the scores 0 80 -300", {0, 80, -300}, 1);
}
