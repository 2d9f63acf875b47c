// Products by name: einsum of two operands, bmm, outer. All come down to one product of batches of matrices.
#include <fmt/format.h>

#include <map>

#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// Where a letter stands in each of the three words, -1 where it does not, and its extent.
struct Letter {
  int a = -1, b = -1, out = -1;
  int64_t extent = 0;
};

struct Equation {
  std::string a, b, out;
  std::map<char, Letter> letters;

  Equation(const std::string& text, const Tensor& x, const Tensor& y) {
    const auto fail = [&](const std::string& what) {
      return ValueError(
          fmt::format("einsum: '{}' {}, operands {} and {}", text, what, x.shape().str(), y.shape().str()));
    };
    std::string dense;
    for (const char c : text) {
      if (c != ' ') dense += c;
    }
    const size_t comma = dense.find(','), arrow = dense.find("->");
    if (comma == std::string::npos || arrow == std::string::npos || arrow < comma)
      throw fail("is not of the form 'ij,jk->ik'");
    a = dense.substr(0, comma);
    b = dense.substr(comma + 1, arrow - comma - 1);
    out = dense.substr(arrow + 2);
    if (static_cast<int>(a.size()) != x.ndim() || static_cast<int>(b.size()) != y.ndim())
      throw fail("has other numbers of dimensions");
    const auto enter = [&](const std::string& word, int Letter::*place, const Tensor* tensor) {
      for (size_t i = 0; i < word.size(); ++i) {
        if (!std::isalpha(static_cast<unsigned char>(word[i])))
          throw fail(fmt::format("has '{}' where a letter is wanted", word[i]));
        if (!tensor && !letters.contains(word[i])) throw fail(fmt::format("makes '{}' of nothing", word[i]));
        Letter& letter = letters[word[i]];
        if (letter.*place >= 0) throw fail(fmt::format("has '{}' twice in one operand", word[i]));
        letter.*place = static_cast<int>(i);
        if (!tensor) continue;
        const int64_t extent = tensor->shape()[static_cast<int>(i)];
        if (place == &Letter::b && letter.a >= 0 && letter.extent != extent)
          throw fail(fmt::format("has two extents for '{}'", word[i]));
        letter.extent = extent;
      }
    };
    enter(a, &Letter::a, &x);
    enter(b, &Letter::b, &y);
    enter(out, &Letter::out, nullptr);
  }
};

struct Einsum {
  static void samples(SampleList& s) {
    const auto add = [&](const std::string& equation, const Shape& a, const Shape& b) {
      s.add(fmt::format("torch.einsum('{}', a, b)", equation),
            {SampleInput(a, SampleInput::Fill::normal), SampleInput(b, SampleInput::Fill::normal)},
            [equation](const auto& x) { return std::vector{einsum(equation, x[0], x[1])}; });
    };
    add("ij,jk->ik", {2, 3}, {3, 4});
    add("bij,bkj->bik", {2, 3, 4}, {2, 5, 4});
    add("bhqd,bhkd->bhqk", {2, 2, 3, 4}, {2, 2, 2, 4});
    add("i,j->ji", {3}, {2});
    add("ij,ij->", {3, 2}, {3, 2});
    add("ijk,j->ki", {2, 3, 4}, {3});  // nothing shared but j
    add("ij,kl->il", {2, 3}, {4, 2});  // j and k summed on their own
    add("ij,jk->ik", {2, 0}, {0, 3});
  }
};

struct Bmm {
  static void samples(SampleList& s) {
    s.add("torch.bmm(a, b)", {{2, 3, 4}, {2, 4, 2}},
          [](const auto& x) { return std::vector{bmm(x[0], x[1])}; });
    s.add("torch.bmm(a, b)", {{0, 3, 4}, {0, 4, 2}},
          [](const auto& x) { return std::vector{bmm(x[0], x[1])}; });
  }
};
struct Outer {
  static void samples(SampleList& s) {
    s.add("torch.outer(a, b)", {{3}, {4}}, [](const auto& x) { return std::vector{outer(x[0], x[1])}; });
    s.add("torch.outer(a, b)", {{0}, {4}}, [](const auto& x) { return std::vector{outer(x[0], x[1])}; });
  }
};

}  // namespace

Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y) {
  detail::require_defined("einsum", x, y);
  if (x.dtype() != y.dtype())
    throw DTypeError("einsum", fmt::format("dtypes differ: {} and {}", x.describe(), y.describe()));
  return detail::composed("einsum", [&] {
    const Equation e(equation, x, y);
    // The letters by their part: batch, rows, columns of the result, contracted; those of one operand alone
    // are summed away first.
    std::string batch, rows, columns, inner;
    std::vector<int> lone_a, lone_b;
    for (const auto& [name, letter] : e.letters) {
      if (letter.a >= 0 && letter.b >= 0) {
        (letter.out >= 0 ? batch : inner) += name;
      } else if (letter.out >= 0) {
        (letter.a >= 0 ? rows : columns) += name;
      } else {
        letter.a >= 0 ? lone_a.push_back(letter.a) : lone_b.push_back(letter.b);
      }
    }
    const auto extent = [&](const std::string& names) {
      int64_t n = 1;
      for (const char name : names) n *= e.letters.at(name).extent;
      return n;
    };
    const auto without = [](const Tensor& t, const std::vector<int>& dims) {
      return dims.empty() ? t : sum(t, dims, KeepDim::yes);
    };
    // Dims of an operand in the order of `names`, those summed away last.
    const auto arranged = [&](const Tensor& t, const std::string& names, int Letter::*place,
                              const std::vector<int>& lone, const Shape& shape) {
      std::vector<int> order;
      for (const char name : names) order.push_back(e.letters.at(name).*place);
      order.insert(order.end(), lone.begin(), lone.end());
      return reshape(permute(without(t, lone), order), shape);
    };
    const int64_t B = extent(batch), M = extent(rows), N = extent(columns), K = extent(inner);
    const Tensor product = matmul(arranged(x, batch + rows + inner, &Letter::a, lone_a, {B, M, K}),
                                  arranged(y, batch + inner + columns, &Letter::b, lone_b, {B, K, N}));
    const std::string made = batch + rows + columns;
    Shape shape;
    for (const char name : made) shape.push_back(e.letters.at(name).extent);
    std::vector<int> order;
    for (const char name : e.out) order.push_back(static_cast<int>(made.find(name)));
    return permute(reshape(product, shape), order);
  });
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  detail::require_defined("bmm", a, b);
  if (a.ndim() != 3 || b.ndim() != 3)
    throw ShapeError("bmm",
                     fmt::format("takes two batches of matrices: {} x {}", a.shape().str(), b.shape().str()));
  if (a.size(0) != b.size(0))
    throw ShapeError("bmm", fmt::format("batch sizes differ: {} x {}", a.shape().str(), b.shape().str()));
  return detail::composed("bmm", [&] { return matmul(a, b); });
}

Tensor outer(const Tensor& a, const Tensor& b) {
  detail::require_defined("outer", a, b);
  if (a.ndim() != 1 || b.ndim() != 1)
    throw ShapeError("outer", fmt::format("takes two vectors: {} x {}", a.shape().str(), b.shape().str()));
  if (a.dtype() != b.dtype())
    throw DTypeError("outer", fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()));
  return detail::composed("outer", [&] { return unsqueeze(a, 1) * b; });
}

DEFINE_OP(einsum, Einsum)
DEFINE_OP(bmm, Bmm)
DEFINE_OP(outer, Outer)

}  // namespace heed
