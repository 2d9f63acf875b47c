#include "09_positions/exercise.h"

void check(Check& c, const Answer& a) {
  c.equal("encodings, D 4", a.positions(4, 4), nn::sinusoidal_positions(4, 4));
  const Tensor table = a.positions(50, 32);
  c.equal("encodings, D 32", table, nn::sinusoidal_positions(50, 32), 1e-4);
  const Tensor x = randn({6, 8});
  c.equal("x with positions", a.with_positions(x), x + nn::sinusoidal_positions(6, 8));

  const Tensor order = from_vector<int64_t>({3, 0, 5, 1, 4, 2}, {6});
  const auto shuffled = [&](const Tensor& v) { return index_select(v, 0, order); };
  const auto attend = [](const Tensor& v) {
    return matmul(softmax(matmul(v, transpose(v)) / std::sqrt(8.0)), v);
  };
  const auto change = [&](const auto& f) { return amax(abs(f(shuffled(x)) - shuffled(f(x)))).item(); };
  const double without = change(attend),
               with = change([&](const Tensor&v) { return attend(a.with_positions(v)); });
  c.note("six words shuffled: the outputs are the same ones, shuffled, up to {:.6f} without positions,",
         without);
  c.note("                    and differ by up to {:.3f} with them", with);
  c.that(without < 1e-5 && with > 0.1,
         fmt::format("with positions shuffling changes the outputs by {:.6g} only", with));
  const Tensor products = matmul(table, transpose(table));
  c.note("PE(p) . PE(p + 3): {:.3f} at p = 0, {:.3f} at p = 40", select(select(products, 0, 0), 0, 3).item(),
         select(select(products, 0, 40), 0, 43).item());
}
