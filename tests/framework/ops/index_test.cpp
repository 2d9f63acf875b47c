// x[...], index, index_put: NumPy's brackets. What PyTorch gives for them is in the samples of the two ops.
#include <gtest/gtest.h>

#include <functional>
#include <type_traits>
#include <vector>

#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

// 0, 1, 2, ... in a shape.
Tensor numbered(const Shape& shape) { return reshape(arange(shape.numel()), shape); }
std::vector<int64_t> all_of(const Tensor& x) { return x.to(DType::i64).to_vector<int64_t>(); }
Tensor ids(std::vector<int64_t> values) { return from_vector(values, {static_cast<int64_t>(values.size())}); }

TEST(Index, PositionsAndRangesAreViews) {
  const Tensor x = numbered({3, 4}).to(DType::f32);
  EXPECT_EQ(all_of(x[0]), (std::vector<int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(all_of(x[-1][-2]), (std::vector<int64_t>{10}));
  EXPECT_EQ(all_of(x[Range{1, 3}]), (std::vector<int64_t>{4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(all_of(x.index({Range{}, Range{.step = 3}})), (std::vector<int64_t>{0, 3, 4, 7, 8, 11}));
  EXPECT_EQ(all_of(x.index({ellipsis, -1})), (std::vector<int64_t>{3, 7, 11}));
  EXPECT_EQ(x.index({new_axis, ellipsis, new_axis}).shape(), (Shape{1, 3, 4, 1}));
  EXPECT_EQ(x.index({}).shape(), x.shape());
  x[1].fill_(-1);  // a view of x
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 1, 2, 3, -1, -1, -1, -1, 8, 9, 10, 11}));
}

TEST(Index, RangesAreCutAsInPython) {
  const Tensor x = numbered({5});
  EXPECT_EQ(all_of(x[Range{-2, 100}]), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(all_of(x[Range{-100, -3}]), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(all_of(x[Range{3, 1}]), (std::vector<int64_t>{}));
  EXPECT_EQ(all_of(x[Range{.start = 1, .step = 2}]), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(all_of(x[Range{.stop = -1, .step = 3}]), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(all_of(slice(x, 0, -3, -1)), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(all_of(slice(x, -1, 0, 5, 4)), (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(all_of(x[Range{.start = 1, .step = INT64_MAX}]), (std::vector<int64_t>{1}));
}

TEST(Index, TensorsAndMasksChoose) {
  const Tensor x = numbered({3, 4});
  EXPECT_EQ(all_of(x[ids({2, 0, -1})]), (std::vector<int64_t>{8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(all_of(x.index({ids({0, 2}), ids({1, -1})})), (std::vector<int64_t>{1, 11}));
  EXPECT_EQ(all_of(x.index({Range{}, ids({3, 0})})), (std::vector<int64_t>{3, 0, 7, 4, 11, 8}));
  EXPECT_EQ(x.index({reshape(ids({0, 1, 2}), {3, 1}), ids({0, 1})}).shape(), (Shape{3, 2}));
  EXPECT_EQ(all_of(x[x > 8]), (std::vector<int64_t>{9, 10, 11}));
  EXPECT_EQ(all_of(x.index({Range{}, from_vector(std::vector<bool>{true, false, false, true}, {4})})),
            (std::vector<int64_t>{0, 3, 4, 7, 8, 11}));
  EXPECT_EQ(x[x > 100].shape(), (Shape{0}));
  const Tensor wide = numbered({2, 3, 4, 5}), one = full({}, 1, DType::i64);
  EXPECT_EQ(all_of(x[one]), all_of(x[1]));  // a tensor without dimensions is a position
  EXPECT_EQ(wide.index({one, Range{}, ids({0, 1})}).shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(wide.index({Range{}, ids({0, 1}), ids({2, 3})}).shape(), (Shape{2, 2, 5}));  // in their place
  EXPECT_EQ(wide.index({ids({0, 1}), Range{}, ids({2, 3})}).shape(), (Shape{2, 3, 5}));  // in front
  EXPECT_EQ(wide.index({0, Range{}, ids({2, 3})}).shape(),
            (Shape{3, 2, 5}));  // as in PyTorch: a position is no tensor
}

TEST(Index, OneElement) {
  const Tensor x = numbered({3, 4});
  EXPECT_EQ(x.at({1, 2}), 6);
  EXPECT_EQ(x.at({-1, -1}), 11);
  EXPECT_EQ(transpose(x).at({2, 1}), 6);
  EXPECT_EQ(full({}, 2.5).at({}), 2.5);
  EXPECT_ERROR(ShapeError, "at: 1 indices for shape [3, 4]", x.at({1}));
  EXPECT_ERROR(IndexError, "at: index 4 is outside [-4, 4) of dimension 1 of [3, 4]", x.at({0, 4}));
}

TEST(Index, ValuesArePutThere) {
  const Tensor x = numbered({2, 3});
  EXPECT_EQ(all_of(index_put(x, {0, Range{1, 3}}, 9)), (std::vector<int64_t>{0, 9, 9, 3, 4, 5}));
  EXPECT_EQ(all_of(x.index_put({x > 2}, -1)), (std::vector<int64_t>{0, 1, 2, -1, -1, -1}));
  EXPECT_EQ(all_of(index_put(x, {ellipsis, ids({2, 0})}, ids({7, 8}))),
            (std::vector<int64_t>{8, 1, 7, 8, 4, 7}));
  EXPECT_EQ(all_of(index_put(x, {Range{}, ids({1, 1})}, ids({7, 8}))),
            (std::vector<int64_t>{0, 8, 2, 3, 8, 5}));
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  x.index_put_({Range{}, -1}, ids({10, 20}));
  x.index_put_({ids({1}), ids({0})}, 2.9);
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 1, 10, 2, 4, 20}));
}

TEST(Index, OfAPlaceNamedTwiceTheLastValueCountsForTheGradientToo) {
  const Tensor x = zeros({3}).set_requires_grad(true),
               v = from_vector(std::vector<float>{5, 6, 7}, {3}).set_requires_grad(true);
  const Tensor y = index_put(x, {ids({1, 1, 2})}, v);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{0, 6, 7}));
  sum(y * from_vector(std::vector<float>{1, 2, 3}, {3})).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 0, 0}));
  EXPECT_EQ(v.grad().to_vector<float>(), (std::vector<float>{0, 2, 3}));
}

TEST(Index, AWriteInPlaceIsSeenByBackward) {
  const Tensor w = ones({3}).set_requires_grad(true), x = ones({3});
  const Tensor y = w * x;
  x.index_put_({ids({0})}, 5.0);
  EXPECT_THROW(sum(y).backward(), GradError);
  EXPECT_ERROR(GradError,
               "index_put_: the tensor f32[3] records gradients; write in place under NoGradGuard only",
               w.index_put_({0}, 1.0));
}

TEST(Index, PartsOfOneTensorMayOverlap) {
  const Tensor x = numbered({6});
  x.index_put_({Range{.start = 1}}, x[Range{.stop = -1}]);
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 0, 1, 2, 3, 4}));
  x.index_put_({ids({5, 4, 3, 2, 1, 0})}, x);
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{4, 3, 2, 1, 0, 0}));
  slice(x, 0, 0, 5).copy_(slice(x, 0, 1, 6));
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{3, 2, 1, 0, 0, 0}));
}

TEST(Index, BackwardGoesByTheIndexAsItWas) {
  const Tensor x = ones({3}).set_requires_grad(true), at = ids({0}), y = index_put(x, {at}, 5.0);
  at.fill_(2);
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 1, 1}));
}

// x[0] = y writes; where the part is a copy, it would write to nobody.
TEST(Index, AssigningToAPartWritesThere) {
  const Tensor x = zeros({2, 3}), y = arange(3, DType::f32);
  x[0] = y;
  x[1] = 7;
  x.index({Range{}, 1}) = -1.5;
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, -1.5, 2, 7, -1.5, 7}));
  x[0] = x[1] + 1;
  x.index({Range{}, Range{1, 3}}) = x.index({Range{}, Range{0, 2}});  // overlapping
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{8, 8, -0.5, 7, 7, -1.5}));
  const Tensor n = ids({1, 2, 3});
  n[0] = 9;
  n[2] = from_vector<float>({4.7F}, {});
  EXPECT_EQ(n.to_vector<int64_t>(), (std::vector<int64_t>{9, 2, 4}));
  Tensor z = x;
  z = y;  // a variable is bound again
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_ERROR(ValueError,
               "assignment: nobody has the tensor that is written to: where integers or a mask choose, "
               "x[ids] = values and x.index({...}) = values write",
               index(x, {ids({0})}) = y);
  EXPECT_ERROR(ShapeError, "assignment: [2, 3] does not stretch to [3]", x[0] = x);
  const Tensor p = zeros({2}).set_requires_grad(true);
  EXPECT_THROW(p[0] = 1, GradError);
  const NoGradGuard no_grad;
  p[0] = 1;
  EXPECT_EQ(p.at({0}), 1);
}

// What integers or a mask choose is a copy that knows where it is from.
TEST(Index, AssigningToWhatIsChosenWritesThere) {
  const Tensor x = numbered({2, 3}).to(DType::f32);
  x[x > 3] = 0;
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 0, 0}));
  x[ids({-1})] = arange(3, DType::f32);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 2, 0, 1, 2}));
  x.index({ids({1, 0}), ids({0, 2})}) = ids({7, 8});  // converted
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 1, 8, 7, 1, 2}));
  x.index({Range{}, ids({1})}) = -1.5;
  x[1][ids({0, 0})] = tensor({4.0, 5.0});  // of a place that is named twice the last value counts
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, -1.5, 8, 5, -1.5, 2}));
  x[ids({0, 1})] = x[ids({1, 0})];
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{5, -1.5, 2, 0, -1.5, 8}));
  x.transpose()[ids({2})] = ones({1, 2});  // through a view
  x.index({0, x[0] < 0}) = x[0][ids({0})];
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{5, 5, 1, 0, -1.5, 1}));
  x[x > 100] = 3;  // nothing
  x[ids({})] = 3;
  const Tensor whole = full({}, 1, DType::i64);
  x[whole] = 9;  // a position
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{5, 5, 1, 9, 9, 9}));
  const Tensor n = ids({1, 2, 3});
  n[n > 1] = 9007199254740993;
  EXPECT_EQ(n.to_vector<int64_t>(), (std::vector<int64_t>{1, 9007199254740993, 9007199254740993}));
}

TEST(Index, AssigningToWhatIsChosenRefusesWhatIndexPutRefuses) {
  const Tensor x = zeros({2, 3}), mask = tensor({true, false});
  EXPECT_ERROR(IndexError, "index: index 2 is outside [-2, 2) of dimension 0 of [2, 3]", x[ids({2})] = 1);
  EXPECT_ERROR(IndexError, "index: index -4 is outside [-3, 3) of dimension 1 of [2, 3]",
               x.index({0, ids({-4})}) = 1);
  EXPECT_ERROR(ShapeError, "index: the mask [2] does not fit [2, 3] at dimension 1",
               x.index({Range{}, mask}) = 1);
  EXPECT_THROW(x[mask] = zeros({4}), ShapeError);
  EXPECT_THROW(x[mask] = zeros({2, 3}), ShapeError);
  EXPECT_THROW(x[mask] = Tensor{}, ValueError);
  EXPECT_THROW(zeros({3}).expand({2, 3})[mask] = 1, ValueError);  // several elements are one
  const Tensor w = ones({2, 3}).set_requires_grad();
  EXPECT_ERROR(GradError,
               "assignment: the tensor f32[2, 3] records gradients; write in place under NoGradGuard only",
               w[mask] = 0);
  EXPECT_THROW(x[mask] = w[mask], GradError);
  EXPECT_THROW(x.index({ids({0})}) = w[0], GradError);
  EXPECT_EQ(x.abs().sum().item(), 0);
  EXPECT_EQ(w.detach().sum().item(), 6);
  const Tensor y = exp(zeros({2, 3}).set_requires_grad()), seen = y.detach();
  seen[mask] = 5;  // a backward that reads y sees the write
  EXPECT_THROW(sum(y).backward(), GradError);
  const NoGradGuard no_grad;
  w[mask] = 0;
  EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{0, 0, 0, 1, 1, 1}));
}

TEST(Index, APartWithANameIsATensor) {
  const Tensor x = numbered({2, 3}).to(DType::f32);
  auto part = x[ids({1})];
  part = zeros({1});  // the variable is bound to another tensor
  EXPECT_EQ(part.shape(), (Shape{1}));
  Tensor row = x[ids({0})];
  row = zeros({1});
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  auto mine = x[x > 2];
  mine += 1;
  EXPECT_EQ(all_of(x), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  const std::vector<Tensor> both = {x[ids({0})], x[0]};
  EXPECT_EQ(stack({both[0][0], x[ids({0})][0]}).shape(), (Shape{2, 3}));
}

// x[0] += y is x[0] = x[0] + y.
TEST(Index, ArithmeticOnPartsWritesThere) {
  const Tensor x = numbered({2, 3}).to(DType::f32);
  x[0] += 1;
  x[1] -= x[0];
  x.index({Range{}, 2}) *= tensor({2.0, 3.0});
  x[x < 2] /= 2.0;
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0.5, 2, 6, 2, 2, 6}));
  x.index({ids({0, 0}), ids({1, 1})}) += 1;  // once
  x[ids({1})] *= x[0];
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0.5, 3, 6, 1, 6, 36}));
  const Tensor w = ones({2}).set_requires_grad();
  EXPECT_THROW(w[0] += 1, GradError);
  EXPECT_THROW(w[ids({0})] += 1, GradError);
  EXPECT_THROW((x + 1) += 1, ValueError);  // nobody would see it
  const NoGradGuard no_grad;
  w[0] += 1;
  w[w < 2] -= 1;
  EXPECT_EQ(w.to_vector<float>(), (std::vector<float>{2, 0}));
}

// Numbers are converted to the tensor's own type and not by way of another.
TEST(Index, NumbersArePutAsTheyAre) {
  const Tensor n = zeros({5}, DType::i64);
  n[0] = 123456789.0;
  n.index_put_({1}, 16777217.0);
  n.index({2}) = int64_t{9007199254740993};
  n[Range{3, 5}].fill_(int64_t{9007199254740993});
  EXPECT_EQ(n.to_vector<int64_t>(), (std::vector<int64_t>{123456789, 16777217, 9007199254740993,
                                                          9007199254740993, 9007199254740993}));
  EXPECT_EQ(n.index_put({0}, 16777217.0).at({0}), 16777217);
  const int64_t odd = 9007199254740993;
  EXPECT_EQ(full({1}, odd, DType::i64).to_vector<int64_t>().front(), odd);
  EXPECT_EQ(full_like(n, odd).to_vector<int64_t>().back(), odd);
  EXPECT_EQ(masked_fill(n, n > 0, odd).to_vector<int64_t>().front(), odd);
  EXPECT_EQ(pad(n, {{1, 0}}, odd).to_vector<int64_t>().front(), odd);
  const Tensor m = zeros({2}, DType::boolean);
  m[0] = 1e-50;
  EXPECT_EQ(m.to_vector<bool>(), (std::vector<bool>{true, false}));
}

// What writes into a tensor: of empty, stretched and recorded ones, and of values with more dimensions.
TEST(InPlace, EveryWriterRefusesAndTakesTheSame) {
  const std::vector<std::function<void(const Tensor&, const Tensor&)>> writers = {
      [](const Tensor& x, const Tensor& y) { x.add_(y); },
      [](const Tensor& x, const Tensor& y) { x.copy_(y); },
      [](const Tensor& x, const Tensor& y) { x.index_put_({ellipsis}, y); },
      [](const Tensor& x, const Tensor& y) { x.index({ellipsis}) = y; },
      [](const Tensor& x, const Tensor& y) {
        x.index({ellipsis, arange(x.size(-1))}) = y;
      },
      [](const Tensor& x, const Tensor& y) { x[full(x.shape(), true, DType::boolean)] = y.reshape(-1); }};
  for (const auto& write : writers) {
    for (const Shape& shape : {Shape{3, 0}, Shape{2, 0, 3}, Shape{0, 4}})
      EXPECT_NO_THROW(write(zeros(shape), ones(shape)));
    const Tensor x = zeros({3}), stretched = expand(x, {2, 3}), w = ones({3}).set_requires_grad(true);
    EXPECT_THROW(write(stretched, ones({2, 3})), ValueError);
    EXPECT_THROW(write(x, w * 2), GradError);
    EXPECT_THROW(write(w, x), GradError);
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{0, 0, 0}));
    const NoGradGuard no_grad;
    write(x, w);
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 1, 1}));
  }
  const Tensor x = zeros({2, 3});
  x[0] = ones({1, 1, 3});
  x.index_put_({1}, ones({1, 3}) * 2);
  x.index_put_({ids({0})}, ones({1, 1, 3}) * 3);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{3, 3, 3, 2, 2, 2}));
  EXPECT_THROW(x[0] = ones({2, 3}), ShapeError);
}

// In place: every handle sees it, views write into their storage, the version changes.
TEST(InPlace, ArithmeticWritesIntoItsFirstOperand) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = from_vector<float>({1, 2, 3, 4}, {2, 2}).to(dtype), same = x, row = ones({2}, dtype) * 2;
    x.add_(x).sub_(1).mul_(row).div_(4.0);
    EXPECT_EQ(same.to(DType::f64).to_vector<double>(), (std::vector<double>{0.5, 1.5, 2.5, 3.5}));
    x[1].add_(row, 10).sub_(row, 0.5);
    x.transpose().mul_(x.transpose());
    EXPECT_EQ(same.to(DType::f64).to_vector<double>(), (std::vector<double>{0.25, 2.25, 462.25, 506.25}));
    x.index({Range{}, 0}).zero_();
    EXPECT_EQ(same.at({1, 0}) + same.at({0, 0}), 0);
    x.add_(ids({1, 2})).add_(x.transpose());
    EXPECT_EQ(same.to(DType::f64).to_vector<double>(), (std::vector<double>{2, 5.25, 5.25, 1016.5}));
  }
  const Tensor n = ids({3, 4});
  n.add_(2).mul_(ids({2, 2})).add_(ids({1, 0}), -3);
  EXPECT_EQ(n.to_vector<int64_t>(), (std::vector<int64_t>{7, 12}));
  const Tensor a = from_vector<float>({1, 2, 3, 4}, {4}), b = from_vector<float>({2, 4, 5, 8}, {4});
  a.mul_(b).div_(from_vector<float>({4, 2, 1, 8}, {4})).sub_(b);  // dense, of one shape
  EXPECT_EQ(a.to_vector<float>(), (std::vector<float>{-1.5, 0, 10, -4}));
  slice(b, 0, 0, 3).add_(slice(b, 0, 1, 4));  // overlapping
  EXPECT_EQ(b.to_vector<float>(), (std::vector<float>{6, 9, 13, 8}));
  EXPECT_ERROR(ValueError, "mul_: several elements of the stretched f32[2, 4] are one",
               b.expand({2, 4}).mul_(2));
  const Tensor learns = ones({4}).set_requires_grad(true);
  EXPECT_THROW(b.add_(learns), GradError);
  EXPECT_THROW(b.add_(learns, 2), GradError);
  EXPECT_THROW(b[0] = learns[1], GradError);
  b.add_(learns.detach());
  EXPECT_ERROR(DTypeError, "add_: f32[] has no place in i64[2]", n.add_(0.5));
  EXPECT_ERROR(DTypeError, "div_: the result is f32[2], and i64[2] cannot hold it", n.div_(2));
  EXPECT_ERROR(ShapeError, "sub_: [2, 1] does not stretch to [2]", n.sub_(ones({2, 1})));
  const Tensor p = ones({2}).set_requires_grad(true);
  EXPECT_THROW(p.add_(1), GradError);
  const Tensor loss = sum(square(p));
  loss.backward();
  {
    const NoGradGuard no_grad;
    p.sub_(p.grad(), 0.25);  // a step of gradient descent
  }
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{0.5, 0.5}));
  const Tensor y = exp(p);
  const Tensor z = exp(p);
  y.detach().mul_(2);  // backward needs what was there
  EXPECT_THROW(sum(y).backward(), GradError);
  z.detach().mul_(ones({2}));
  EXPECT_THROW(sum(z).backward(), GradError);
}

// Numbers are checked eight at a time: one that is outside is found at every place, in every form.
TEST(Index, ANumberOutsideIsFoundAtEveryPlace) {
  for (const int64_t n : {1, 3, 8, 9, 20}) {
    for (int64_t bad = 0; bad < n; ++bad) {
      std::vector<int64_t> numbers(static_cast<size_t>(n), 1);
      numbers[static_cast<size_t>(bad)] = bad % 2 == 0 ? 2 : -1;
      const Tensor index = from_vector(numbers, {1, n}), x = zeros({1, 2});
      EXPECT_THROW(gather(x, 1, index), IndexError) << n << " " << bad;
      EXPECT_THROW(scatter_add(x, 1, index, ones({1, n})), IndexError) << n << " " << bad;
    }
  }
  EXPECT_THROW(scatter_add(zeros({0}), 0, ids({0}), ones({1})), IndexError);
  EXPECT_THROW(scatter_add(zeros({2, 0}), 1, zeros({2, 1}, DType::i64), ones({2, 1})), IndexError);
}

TEST(PyTorchNames, AreTheOnesOfPyTorch) {
  const Tensor x = from_vector<float>({3, 1, 3, 0, 5, 2}, {2, 3}).set_requires_grad(true);
  const Sorted most = x.max(1), least = min(x, 0, KeepDim::yes);
  EXPECT_EQ(most.values.to_vector<float>(), (std::vector<float>{3, 5}));
  EXPECT_EQ(most.indices.to_vector<int64_t>(), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(least.values.shape(), (Shape{1, 3}));
  EXPECT_EQ(x.max().item() + x.min().item(), 5);
  EXPECT_EQ(max(x, x * 2.0).sum().item(), 28);
  most.values.sum().backward();  // the first of equal ones has the gradient
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 0, 0, 0, 1, 0}));
  static_assert(
      !std::is_invocable_v<decltype([](const auto& t) -> decltype(max(t, 0.5)) { return max(t, 0.5); }),
                           const Tensor&>);
  EXPECT_TRUE(all_close(cat({x, x}), concat({x, x}, 0), 0, 0));
  EXPECT_EQ(x.view({3, -1}).shape(), (Shape{3, 2}));
  EXPECT_ERROR(ShapeError, "view: [3, 2] is not contiguous: reshape() copies it", x.transpose().view({6}));
  EXPECT_ERROR(ShapeError, "view: element counts differ: [2, 3] to [4]", x.view({4}));
  EXPECT_ERROR(IndexError, "max: dimension 2 is outside [-2, 2)", x.max(2));
  EXPECT_ERROR(ShapeError, "min: nothing to choose from in [0, 2]", zeros({0, 2}).min(0));
  const Tensor r = rand({1000});
  EXPECT_TRUE(r.min().item() >= 0 && r.max().item() < 1 && std::abs(r.mean().item() - 0.5) < 0.05);
}

TEST(Index, WhatIsRefused) {
  const Tensor x = zeros({2, 3});
  EXPECT_ERROR(IndexError, "index: index 2 is outside [-2, 2) of dimension 0 of [2, 3]", x[2]);
  EXPECT_ERROR(IndexError, "index: 3 entries for shape [2, 3]", x.index({0, 0, 0}));
  EXPECT_ERROR(ValueError, "index: more than one ellipsis", x.index({ellipsis, ellipsis}));
  EXPECT_ERROR(ValueError, "index: the step must be at least 1, got -1", x[Range{.step = -1}]);
  EXPECT_ERROR(IndexError, "index: index -3 is outside [-2, 2) of dimension 0 of [2, 3]", x[ids({0, -3})]);
  EXPECT_ERROR(DTypeError, "index: a tensor in an index must be i64 or bool, got f32[2]", x[zeros({2})]);
  EXPECT_ERROR(ShapeError, "index: the mask [3] does not fit [2, 3] at dimension 0", x[zeros({3}) > 0]);
  EXPECT_ERROR(ShapeError, "index: shapes do not broadcast: [2] and [3]",
               x.index({ids({0, 1}), ids({0, 1, 2})}));
  EXPECT_ERROR(ValueError, "index: the tensor is undefined, it was never given a value", x[Tensor{}]);
  EXPECT_ERROR(ShapeError, "index_put: shapes do not broadcast: [4] and [3]", index_put(x, {0}, zeros({4})));
  EXPECT_ERROR(ValueError, "slice: the step must be at least 1, got 0", slice(x, 0, 0, 2, 0));
}

TEST(Methods, ReadAsTheFunctions) {
  const Tensor x = randn({3, 4}, DType::f64);
  EXPECT_EQ(x.sum(1).relu().to_vector<double>(), relu(sum(x, {1})).to_vector<double>());
  EXPECT_EQ(x.reshape({2, -1}).permute({1, 0}).shape(), (Shape{6, 2}));
  EXPECT_EQ(x.matmul(x.transpose()).softmax().sum({0, 1}).shape(), (Shape{}));
  EXPECT_EQ(x.topk(2, 0).indices.shape(), (Shape{2, 4}));
  EXPECT_EQ(x.gt(0).any({0}, KeepDim::yes).shape(), (Shape{1, 4}));
  EXPECT_EQ(x.mean({-1}, KeepDim::yes).expand({3, 4}).sub(x).abs().amax().shape(), (Shape{}));
  EXPECT_EQ(x.index({0}).unsqueeze(0).squeeze(0).shape(), (Shape{4}));
}

// Element by element what gather and scatter_add are, for an index that has the tensor's shape but along dim
// and one that is smaller, of one row, several, and more than a thread is given.
TEST(Index, GatherAndScatterAddAreTheirLoops) {
  manual_seed(5);
  const auto flat = [](const Shape& shape, std::vector<int64_t> at) {
    int64_t i = 0;
    for (int d = 0; d < shape.ndim(); ++d) i = i * shape[d] + at[static_cast<size_t>(d)];
    return static_cast<size_t>(i);
  };
  const auto check = [&](const Shape& shape, const Shape& index_shape, int dim, bool rows = false) {
    const Tensor x = randn(shape);
    const Tensor index = rows ? expand(randint(0, shape[0], Shape{index_shape[0], 1, 1}), index_shape)
                              : randint(0, shape[dim], index_shape);
    const Tensor source = randn(index_shape);
    const auto from = x.to_vector<float>(), values = source.to_vector<float>();
    const auto chosen = index.to_vector<int64_t>();
    std::vector<double> sums(from.begin(), from.end()), back(from.size());
    std::vector<float> taken;
    std::vector<int64_t> at(static_cast<size_t>(shape.ndim()));
    for (size_t i = 0; i < chosen.size(); ++i) {
      auto rest = static_cast<int64_t>(i);
      for (int d = shape.ndim() - 1; d >= 0; --d) {
        at[static_cast<size_t>(d)] = rest % index_shape[d];
        rest /= index_shape[d];
      }
      at[static_cast<size_t>(dim)] = chosen[i];
      const size_t place = flat(shape, at);
      taken.push_back(from[place]);
      sums[place] += static_cast<double>(values[i]);
      back[place] += static_cast<double>(values[i]);
    }
    const auto rounded = [](const std::vector<double>& v) { return std::vector<float>(v.begin(), v.end()); };
    x.set_requires_grad(true);
    const Tensor y = gather(x, dim, index);
    y.backward(source);
    EXPECT_EQ(y.to_vector<float>(), taken) << shape.str() << index_shape.str() << dim;
    EXPECT_EQ(x.grad().to_vector<float>(), rounded(back)) << shape.str() << index_shape.str() << dim;
    EXPECT_EQ(scatter_add(x, dim, index, source).to_vector<float>(), rounded(sums))
        << shape.str() << index_shape.str() << dim;
  };
  for (int dim = 0; dim < 3; ++dim) {
    for (const int64_t count : {1, 2, 7}) {
      check({4, 3, 5}, Shape{4, 3, 5}.with(dim, count), dim);
      check({4, 3, 1}, Shape{4, 3, 1}.with(dim, count), dim);
    }
    check({4, 3, 5}, {2, 3, 4}, dim);
    check({4, 3, 5}, {1, 1, 1}, dim);
  }
  for (const int64_t count : {1, 4, 900}) {  // one column for all columns
    check({6, 3, 45}, {count, 3, 45}, 0, /*rows=*/true);
    check({30000, 1, 3}, {count, 1, 3}, 0, /*rows=*/true);
    check({6, 3, 45}, {count, 2, 45}, 0, /*rows=*/true);
  }
  check({600, 130}, {600, 130}, 0);
  check({600, 130}, {600, 130}, 1);
  check({70000, 1}, {300, 1}, 0);
  check({3, 70000}, {3, 300}, 1);
  check({500, 16, 2}, {500, 9, 2}, 1);
  EXPECT_THROW(scatter_add(zeros({0, 300}), 0, zeros({4, 300}, DType::i64), ones({4, 300})), IndexError);
}

}  // namespace
}  // namespace heed
