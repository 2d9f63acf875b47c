// Products by name: einsum of any number of operands, bmm, outer. Each product of two tensors is one of
// batches of matrices.
#include <fmt/format.h>

#include <limits>
#include <map>

#include "framework/ops/apply.h"
#include "framework/ops/naming.h"
#include "framework/ops/ops.h"
#include "framework/ops/registry.h"

namespace heed {
namespace {

// A tensor and the letters of its dimensions.
struct Named {
  Tensor value;
  std::string letters;
};

bool has(const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; }

// The dimensions behind an ellipsis are named by digits, the last one by 0, so that those of all operands
// have one name; each is broadcast.
struct Equation {
  std::vector<std::string> words;  // one for each operand
  std::string out;
  std::map<char, int64_t> extents;

  Equation(std::string text, std::span<const Tensor> operands) : text_(std::move(text)), operands_(operands) {
    std::string dense;
    for (const char c : text_) {
      if (c != ' ') dense += c;
    }
    const size_t arrow = dense.find("->");
    const std::string left = dense.substr(0, arrow);
    words.emplace_back();
    for (const char c : left) {
      if (c == ',') {
        words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    if (words.size() != operands.size())
      throw wrong(fmt::format("names {} operands, not {}", words.size(), operands.size()));
    for (size_t i = 0; i < words.size(); ++i) enter(words[i], operands[i]);
    if (arrow == std::string::npos) {
      imply_result();
    } else {
      out = in_digits(dense.substr(arrow + 2), hidden_);
      check_result();
    }
  }

  // The letters of all operands but one.
  std::string others(size_t operand) const {
    std::string letters;
    for (size_t i = 0; i < words.size(); ++i) letters += i == operand ? "" : words[i];
    return letters;
  }

 private:
  ValueError wrong(const std::string& what) const {
    std::string shapes;
    for (const Tensor& x : operands_) shapes += (shapes.empty() ? "" : " and ") + x.shape().str();
    return ValueError("einsum", fmt::format("'{}' {}, operand{} {}", text_, what,
                                            operands_.size() == 1 ? "" : "s", shapes));
  }

  // A word with digits for its ellipsis, which stands for `hidden` dimensions.
  std::string in_digits(const std::string& word, int hidden) const {
    const size_t dots = word.find("...");
    std::string digits;
    for (int i = hidden - 1; i >= 0; --i) digits += static_cast<char>('0' + i);
    const std::string letters =
        dots == std::string::npos ? word : word.substr(0, dots) + word.substr(dots + 3);
    for (const char c : letters) {
      if (!std::isalpha(static_cast<unsigned char>(c)))
        throw wrong(fmt::format("has '{}' where a letter is wanted", c));
    }
    return dots == std::string::npos ? word : word.substr(0, dots) + digits + word.substr(dots + 3);
  }

  void enter(std::string& word, const Tensor& x) {
    const bool dots = word.find("...") != std::string::npos;
    const auto letters = static_cast<int>(word.size()) - (dots ? 3 : 0);
    if (dots ? letters > x.ndim() : letters != x.ndim())
      throw wrong(fmt::format("has {} letters for {} dimensions", letters, x.ndim()));
    const int hidden = dots ? x.ndim() - letters : 0;
    hidden_ = std::max(hidden_, hidden);
    word = in_digits(word, hidden);
    for (int i = 0; i < x.ndim(); ++i) {
      const char letter = word[static_cast<size_t>(i)];
      const int64_t extent = x.shape()[i];
      const auto [known, is_new] = extents.emplace(letter, extent);
      const bool stretches = std::isdigit(static_cast<unsigned char>(letter)) != 0;
      if (stretches && known->second == 1) known->second = extent;
      if (!is_new && known->second != extent && !(stretches && extent == 1)) {
        throw wrong(stretches ? "has ellipses that do not broadcast"
                              : fmt::format("has two extents for '{}'", letter));
      }
    }
  }

  // Without an arrow: what the ellipses stand for, then the letters that appear once.
  void imply_result() {
    std::string all = others(words.size());
    out = in_digits("...", hidden_);
    for (const auto& [letter, extent] : extents) {
      if (std::isalpha(static_cast<unsigned char>(letter)) && std::ranges::count(all, letter) == 1)
        out += letter;
    }
  }

  void check_result() const {
    for (const char letter : out) {
      if (!extents.contains(letter)) throw wrong(fmt::format("makes '{}' of nothing", letter));
      if (std::ranges::count(out, letter) > 1)
        throw wrong(fmt::format("has '{}' twice in the result", letter));
    }
  }

  std::string text_;
  std::span<const Tensor> operands_;
  int hidden_ = 0;  // the most dimensions behind an ellipsis
};

// The diagonal where a letter stands twice; without what an ellipsis stretches.
Named with_diagonals(Named x, const Equation& e) {
  for (size_t i = 0; i < x.letters.size();) {
    const size_t again = x.letters.find(x.letters[i], i + 1);
    const auto dim = static_cast<int>(i);
    if (again != std::string::npos) {
      x.value = diagonal(x.value, 0, dim, static_cast<int>(again));
      x.letters.erase(again, 1);
      x.letters += x.letters[i];
      x.letters.erase(i, 1);
    } else if (x.value.shape()[dim] == 1 && e.extents.at(x.letters[i]) != 1) {
      x.value = squeeze(x.value, dim);
      x.letters.erase(i, 1);
    } else {
      ++i;
    }
  }
  return x;
}

// Summed over the letters that are not in `kept`.
Named summed_to(const Named& x, const std::string& kept) {
  std::vector<int> dims;
  std::string letters;
  for (size_t i = 0; i < x.letters.size(); ++i) {
    if (has(kept, x.letters[i])) {
      letters += x.letters[i];
    } else {
      dims.push_back(static_cast<int>(i));
    }
  }
  return dims.empty() ? x : Named{sum(x.value, dims), letters};
}

// The letters of a product of two by their part: batch, rows and columns of the result, summed over.
struct Parts {
  std::string batch, rows, columns, inner;
  int64_t B = 1, M = 1, N = 1, K = 1;

  Parts(const Named& a, const Named& b, const std::string& kept) {
    for (size_t i = 0; i < a.letters.size(); ++i) {
      const char letter = a.letters[i];
      const int64_t extent = a.value.shape()[static_cast<int>(i)];
      if (!has(b.letters, letter)) {
        rows += letter, M *= extent;
      } else if (has(kept, letter)) {
        batch += letter, B *= extent;
      } else {
        inner += letter, K *= extent;
      }
    }
    for (size_t i = 0; i < b.letters.size(); ++i) {
      if (!has(a.letters, b.letters[i])) columns += b.letters[i], N *= b.value.shape()[static_cast<int>(i)];
    }
  }
  double multiplications() const {
    return static_cast<double>(B) * static_cast<double>(M) * static_cast<double>(N) * static_cast<double>(K);
  }
};

Named product(const Named& a, const Named& b, const std::string& kept) {
  const Parts parts(a, b, kept);
  const auto arranged = [](const Named& x, const std::string& letters, const Shape& shape) {
    std::vector<int> order;
    for (const char letter : letters) order.push_back(static_cast<int>(x.letters.find(letter)));
    return reshape(permute(x.value, order), shape);
  };
  const Tensor y =
      matmul(arranged(a, parts.batch + parts.rows + parts.inner, {parts.B, parts.M, parts.K}),
             arranged(b, parts.batch + parts.inner + parts.columns, {parts.B, parts.K, parts.N}));
  const std::string letters = parts.batch + parts.rows + parts.columns;
  Shape shape;
  for (const char letter : letters) {
    const Named& from = has(a.letters, letter) ? a : b;
    shape.push_back(from.value.shape()[static_cast<int>(from.letters.find(letter))]);
  }
  return {reshape(y, shape), letters};
}

// Multiplies the two tensors that take the fewest multiplications, the first of equals.
void contract_cheapest(std::vector<Named>& rest, const std::string& out) {
  const auto kept = [&](size_t i, size_t k) {
    std::string letters = out;
    for (size_t other = 0; other < rest.size(); ++other)
      letters += other == i || other == k ? "" : rest[other].letters;
    return letters;
  };
  size_t first = 0, second = 1;
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < rest.size(); ++i) {
    for (size_t k = i + 1; k < rest.size(); ++k) {
      const double cost = Parts(rest[i], rest[k], kept(i, k)).multiplications();
      if (cost < least) least = cost, first = i, second = k;
    }
  }
  rest[first] = product(rest[first], rest[second], kept(first, second));
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(second));
}

struct Einsum {
  static void samples(SampleList& s) {
    const auto add = [&](const std::string& equation, const std::vector<Shape>& shapes) {
      std::vector<SampleInput> inputs;
      std::string names;
      for (const Shape& shape : shapes) {
        names += fmt::format(", {}", static_cast<char>('a' + inputs.size()));
        inputs.emplace_back(shape, SampleInput::Fill::normal);
      }
      s.add(fmt::format("torch.einsum('{}'{})", equation, names), inputs,
            [equation](const auto& x) { return std::vector{einsum(equation, x)}; });
    };
    add("ij,jk->ik", {{2, 3}, {3, 4}});
    add("bij,bkj->bik", {{2, 3, 4}, {2, 5, 4}});
    add("bhqd,bhkd->bhqk", {{2, 2, 3, 4}, {2, 2, 2, 4}});
    add("i,j->ji", {{3}, {2}});
    add("ij,ij->", {{3, 2}, {3, 2}});
    add("ijk,j->ki", {{2, 3, 4}, {3}});  // nothing shared but j
    add("ij,kl->il", {{2, 3}, {4, 2}});  // j and k summed on their own
    add("ij,jk->ik", {{2, 0}, {0, 3}});
    add("ij,jk,kl->il", {{2, 3}, {3, 4}, {4, 2}});
    add("i,ij,j", {{2}, {2, 3}, {3}});
    add("ij,ij,ik,i->ik", {{2, 3}, {2, 3}, {2, 2}, {2}});
    add("ii->i", {{3, 3}});
    add("bii", {{2, 3, 3}});
    add("iij,jk->ki", {{2, 2, 3}, {3, 2}});
    add("ij->j", {{2, 3}});
    add("ji", {{2, 3}});  // transposed
    add("...ij,...jk->...ik", {{2, 1, 2, 3}, {3, 3, 2}});
    add("i...->...i", {{2, 3}});
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

Tensor einsum(const std::string& equation, std::span<const Tensor> operands) {
  if (operands.empty()) throw ValueError("einsum", "no tensors given");
  for (const Tensor& x : operands) {
    detail::require_defined("einsum", x);
    if (x.dtype() != operands[0].dtype()) {
      throw DTypeError("einsum",
                       fmt::format("dtypes differ: {} and {}", operands[0].describe(), x.describe()));
    }
  }
  return detail::composed("einsum", [&] {
    const Equation e(equation, operands);
    std::vector<Named> rest;
    for (size_t i = 0; i < operands.size(); ++i)
      rest.push_back(summed_to(with_diagonals({operands[i], e.words[i]}, e), e.others(i) + e.out));
    while (rest.size() > 1) contract_cheapest(rest, e.out);
    std::vector<int> order;
    for (const char letter : e.out) order.push_back(static_cast<int>(rest[0].letters.find(letter)));
    return permute(rest[0].value, order);
  });
}

Tensor einsum(const std::string& equation, const Tensor& x) {
  return einsum(equation, std::span<const Tensor>(&x, 1));
}
Tensor einsum(const std::string& equation, const Tensor& x, const Tensor& y) {
  return einsum(equation, {x, y});
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

namespace {
Tensor product(const char* op, const Tensor& a, int dims_of_a, const Tensor& b, int dims_of_b,
               const char* operands) {
  detail::require_defined(op, a, b);
  if (a.ndim() != dims_of_a || b.ndim() != dims_of_b)
    throw ShapeError(op, fmt::format("takes {}: {} x {}", operands, a.shape().str(), b.shape().str()));
  return detail::composed(op, [&] { return matmul(a, b); });
}
}  // namespace
Tensor mm(const Tensor& a, const Tensor& b) { return product("mm", a, 2, b, 2, "two matrices"); }
Tensor mv(const Tensor& a, const Tensor& b) { return product("mv", a, 2, b, 1, "a matrix and a vector"); }
Tensor dot(const Tensor& a, const Tensor& b) { return product("dot", a, 1, b, 1, "two vectors"); }

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
