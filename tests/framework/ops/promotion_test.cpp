// The table of promote() row by row, and what each op makes of masks, whole numbers and numbers of the
// program.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "framework/framework.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

constexpr DType kBool = DType::boolean, kI64 = DType::i64, kF32 = DType::f32, kF64 = DType::f64;
constexpr DType kAll[] = {kBool, kI64, kF32, kF64};

TEST(Promotion, TheTableOfTwoTensors) {
  const DType table[4][4] = {{kBool, kI64, kF32, kF64},
                             {kI64, kI64, kF32, kF64},
                             {kF32, kF32, kF32, kF64},
                             {kF64, kF64, kF64, kF64}};
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) EXPECT_EQ(promote(kAll[i], kAll[j]), table[i][j]);
  }
}

TEST(Promotion, TheTableOfATensorAndANumber) {
  const DType table[4][3] = {{kBool, kI64, kF32}, {kI64, kI64, kF32}, {kF32, kF32, kF32}, {kF64, kF64, kF64}};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Scalar(true).with(kAll[i]), table[i][0]);
    EXPECT_EQ(Scalar(3).with(kAll[i]), table[i][1]);
    EXPECT_EQ(Scalar(size_t{3}).with(kAll[i]), table[i][1]);
    EXPECT_EQ(Scalar(0.5).with(kAll[i]), table[i][2]);
    EXPECT_EQ(Scalar(0.5F).with(kAll[i]), table[i][2]);
  }
}

Tensor values(DType dtype, std::vector<double> of) {
  return from_vector(of, {static_cast<int64_t>(of.size())}).to(dtype);
}

struct Pairwise {
  const char* name;
  std::function<Tensor(const Tensor&, const Tensor&)> op;
  std::function<double(double, double)> value;
  std::function<DType(DType)> result;  // of the common type
};

DType counted(DType common) { return common == kBool ? kI64 : common; }
DType fraction(DType common) { return is_floating(common) ? common : kF32; }
DType kept(DType common) { return common; }
DType a_mask(DType) { return kBool; }

const std::vector<Pairwise>& pairwise() {
  using T = const Tensor&;
  static const std::vector<Pairwise> ops = {
      {"add", [](T a, T b) { return a + b; }, [](double p, double q) { return p + q; }, counted},
      {"sub", [](T a, T b) { return a - b; }, [](double p, double q) { return p - q; }, counted},
      {"mul", [](T a, T b) { return a * b; }, [](double p, double q) { return p * q; }, counted},
      {"div", [](T a, T b) { return a / b; }, [](double p, double q) { return p / q; }, fraction},
      {"pow", [](T a, T b) { return pow(a, b); }, [](double p, double q) { return std::pow(p, q); }, counted},
      {"maximum", [](T a, T b) { return maximum(a, b); }, [](double p, double q) { return std::max(p, q); },
       kept},
      {"minimum", [](T a, T b) { return minimum(a, b); }, [](double p, double q) { return std::min(p, q); },
       kept},
      {"where", [](T a, T b) { return where(a == a, a, b); }, [](double p, double) { return p; }, kept},
      {"eq", [](T a, T b) { return a == b; }, [](double p, double q) { return p == q; }, a_mask},
      {"ne", [](T a, T b) { return a != b; }, [](double p, double q) { return p != q; }, a_mask},
      {"lt", [](T a, T b) { return a < b; }, [](double p, double q) { return p < q; }, a_mask},
      {"le", [](T a, T b) { return a <= b; }, [](double p, double q) { return p <= q; }, a_mask},
      {"gt", [](T a, T b) { return a > b; }, [](double p, double q) { return p > q; }, a_mask},
      {"ge", [](T a, T b) { return a >= b; }, [](double p, double q) { return p >= q; }, a_mask},
      {"isclose", [](T a, T b) { return isclose(a, b); }, [](double p, double q) { return p == q; }, a_mask},
      {"floor_divide", [](T a, T b) { return floor_divide(a, b); },
       [](double p, double q) { return std::floor(p / q); }, counted},
      {"remainder", [](T a, T b) { return remainder(a, b); },
       [](double p, double q) { return p - q * std::floor(p / q); }, counted},
  };
  return ops;
}

// Small values that every type holds where it can.
std::vector<double> left(DType dtype) {
  return dtype == kBool ? std::vector<double>{0, 1, 1} : std::vector<double>{2, 1, 3};
}
std::vector<double> right(DType dtype) {
  return dtype == kBool ? std::vector<double>{1, 1, 1} : std::vector<double>{2, 3, 1};
}

TEST(Promotion, EveryPairOfTypesInEveryOp) {
  for (const Pairwise& it : pairwise()) {
    for (const DType a : kAll) {
      for (const DType b : kAll) {
        SCOPED_TRACE(std::string(it.name) + " of " + name_of(a) + " and " + name_of(b));
        const Tensor y = it.op(values(a, left(a)), values(b, right(b)));
        EXPECT_EQ(y.dtype(), it.result(promote(a, b)));
        const std::vector<double> got = y.to(kF64).to_vector<double>();
        for (size_t i = 0; i < got.size(); ++i)
          EXPECT_NEAR(got[i], it.value(left(a)[i], right(b)[i]), 1e-6) << "element " << i;
      }
    }
  }
}

TEST(Promotion, GradientsReachTheFloatingOperandInItsOwnType) {
  const Tensor x = values(kF32, {1, 2, 3}).set_requires_grad(true), wide = values(kF64, {2, 4, 8});
  sum(x * wide * values(kI64, {1, 0, 2}) + (x > 1.5)).backward();
  EXPECT_EQ(x.grad().dtype(), kF32);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 0, 16}));
  const Tensor m = x * (x > 1.5);
  EXPECT_EQ(m.dtype(), kF32);
  EXPECT_TRUE(m.requires_grad());
}

TEST(Promotion, NumbersOfTheProgram) {
  const Tensor ids = values(kI64, {1, 2, 3}), x = values(kF32, {-1, 0, 2}), m = x > 0;
  EXPECT_EQ((ids + 1).to_vector<int64_t>(), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ((10 - ids).to_vector<int64_t>(), (std::vector<int64_t>{9, 8, 7}));
  EXPECT_EQ((ids * 0.5).to_vector<float>(), (std::vector<float>{0.5, 1, 1.5}));
  EXPECT_EQ((ids / 2).to_vector<float>(), (std::vector<float>{0.5, 1, 1.5}));
  EXPECT_EQ((6.0 / ids).to_vector<float>(), (std::vector<float>{6, 3, 2}));
  EXPECT_EQ((1.0 + x).to_vector<float>(), (std::vector<float>{0, 1, 3}));
  EXPECT_EQ((1.0 / values(kF32, {2, 4})).to_vector<float>(), (std::vector<float>{0.5, 0.25}));
  EXPECT_EQ(m.to_vector<bool>(), (std::vector<bool>{false, false, true}));
  EXPECT_EQ((0 < x).to_vector<bool>(), m.to_vector<bool>());
  EXPECT_EQ((ids > 1.5).to_vector<bool>(), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(ne(ids, 2).to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(where(m, x, 0.0).to_vector<float>(), (std::vector<float>{0, 0, 2}));
  EXPECT_EQ(where(m, 1, ids).to_vector<int64_t>(), (std::vector<int64_t>{1, 2, 1}));
  EXPECT_EQ(where(m, 1.5, 0).to_vector<float>(), (std::vector<float>{0, 0, 1.5}));
  EXPECT_EQ(where(m, 1, 0).dtype(), kI64);
  EXPECT_EQ((m * 2).to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 2}));
  EXPECT_EQ(((m & ~(x > 5)) | (x < -5)).to_vector<bool>(), m.to_vector<bool>());
  EXPECT_EQ(maximum(ids, 2).to_vector<int64_t>(), (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ(pow(2, ids).to_vector<int64_t>(), (std::vector<int64_t>{2, 4, 8}));
  EXPECT_EQ(pow(ids, 2).to_vector<int64_t>(), (std::vector<int64_t>{1, 4, 9}));
  EXPECT_EQ(pow(ids, -1).dtype(), kF32);
  // all 64 bits of a whole number
  const int64_t large = (int64_t{1} << 62) + 1;
  EXPECT_EQ((values(kI64, {1}) * large).to_vector<int64_t>(), (std::vector<int64_t>{large}));
  EXPECT_EQ((full({1}, 0, kI64) + large == large).to_vector<bool>(), (std::vector<bool>{true}));
}

TEST(Promotion, AQuotientIsRoundedOnce) {
  const Tensor x = values(kF64, {49, 3 * 49, 0}) / 49;
  EXPECT_EQ(x.to_vector<double>(), (std::vector<double>{1, 3, 0}));
  EXPECT_EQ((zeros({1}) / 1e-40).item(), 0);
  for (const double by : {3.0, 0.1, 7e30, 8.0, -0.5}) {
    const Tensor y = randn({100});
    EXPECT_EQ((y / by).to_vector<float>(), (y / full({}, by)).to_vector<float>()) << by;
  }
}

TEST(Promotion, TheHandleIsBoundAgainAndTheStepRecorded) {
  const Tensor w = values(kF32, {1, 2}).set_requires_grad(true);
  Tensor y = w * 2;
  const Tensor before = y;
  y += 1, y *= w, y -= 3.5, y /= 2;
  EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{-0.25, 3.25}));
  sum(y).backward();  // (2 w^2 + w - 3.5) / 2
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{2.5, 4.5}));
}

TEST(Promotion, ReductionsOfMasksAndWholeNumbers) {
  const Tensor ids = reshape(values(kI64, {1, 5, 2, -4, 0, 7}), {2, 3}), m = ids > 1;
  EXPECT_EQ(sum(m).to_vector<int64_t>(), (std::vector<int64_t>{3}));
  EXPECT_EQ(sum(eq(ids, 5)).item(), 1);
  EXPECT_EQ(sum(ids, 1).to_vector<int64_t>(), (std::vector<int64_t>{8, 3}));
  EXPECT_EQ(sum(ids, {0}, KeepDim::yes).shape(), (Shape{1, 3}));
  EXPECT_EQ(mean(m).dtype(), kF32);
  EXPECT_EQ(mean(m).item(), 0.5);
  EXPECT_EQ(mean(ids, 1).to_vector<float>(), (std::vector<float>{8.0F / 3, 1}));
  EXPECT_EQ(amax(ids).to_vector<int64_t>(), (std::vector<int64_t>{7}));
  EXPECT_EQ(amin(ids, 0).to_vector<int64_t>(), (std::vector<int64_t>{-4, 0, 2}));
  EXPECT_EQ(amax(m, 1).to_vector<bool>(), (std::vector<bool>{true, true}));
  EXPECT_EQ(prod(ids, 1).to_vector<int64_t>(), (std::vector<int64_t>{10, 0}));
  EXPECT_EQ(cumsum(m, 1).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 0, 0, 1}));
  EXPECT_EQ(cumsum(ids, 0).to_vector<int64_t>(), (std::vector<int64_t>{1, 5, 2, -3, 5, 9}));
  EXPECT_EQ(argmax(ids, 1).to_vector<int64_t>(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(argmin(m, 0).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 0}));
  EXPECT_EQ(var(ids, 1).dtype(), kF32);
  EXPECT_NEAR(stddev(ids, 1).to_vector<float>()[0], 2.0817, 1e-4);
  EXPECT_NEAR(norm(ids).item(), std::sqrt(95.0), 1e-5);
  EXPECT_EQ(sum(full({3}, int64_t{1} << 60, kI64) + 1).to_vector<int64_t>()[0], 3 * ((int64_t{1} << 60) + 1));
  EXPECT_EQ(sum(zeros({0, 2}, kI64), 0).to_vector<int64_t>(), (std::vector<int64_t>{0, 0}));
  EXPECT_ERROR(ShapeError, "amax: nothing to choose from in [0, 2]", amax(zeros({0, 2}, kI64)));
  EXPECT_ERROR(ValueError, "sum: dimension 1 is named twice", sum(ids, {1, -1}));
}

TEST(Promotion, FunctionsOfWholeNumbers) {
  const Tensor ids = values(kI64, {-2, 0, 3});
  EXPECT_EQ((-ids).to_vector<int64_t>(), (std::vector<int64_t>{2, 0, -3}));
  EXPECT_EQ(abs(ids).to_vector<int64_t>(), (std::vector<int64_t>{2, 0, 3}));
  EXPECT_EQ(square(ids).to_vector<int64_t>(), (std::vector<int64_t>{4, 0, 9}));
  EXPECT_EQ(sign(ids).to_vector<int64_t>(), (std::vector<int64_t>{-1, 0, 1}));
  EXPECT_EQ(relu(ids).to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 3}));
  EXPECT_EQ(clamp(ids, -1, 2).to_vector<int64_t>(), (std::vector<int64_t>{-1, 0, 2}));
  EXPECT_EQ(clamp(ids, -1, INFINITY).to_vector<int64_t>(), (std::vector<int64_t>{-1, 0, 3}));
  EXPECT_EQ(clamp(ids, -0.5, 2).to_vector<float>(), (std::vector<float>{-0.5, 0, 2}));
  EXPECT_EQ(exp(values(kI64, {0})).to_vector<float>(), (std::vector<float>{1}));
  EXPECT_EQ(sqrt(values(kI64, {4})).dtype(), kF32);
  EXPECT_EQ(tanh(ids > 0).dtype(), kF32);
  EXPECT_ERROR(ValueError, "pow: a whole number to the power of -1 is none: convert one of them to f32",
               pow(ids, values(kI64, {1, -1, 2})));
}

}  // namespace
}  // namespace heed
