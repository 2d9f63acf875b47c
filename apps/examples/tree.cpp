// A network whose graph is another one for each sample: a TreeLSTM (Tai, Socher & Manning 2015, sec. 3.2)
// that reads expressions such as
// ((1 and 0) xor (1 or 1)) along their syntax trees and says what they are worth. Backward follows whatever
// forward did, so a recursive function is all there is to write. Trained on trees of depth 1 to 4, tested on
// deeper ones.
#include <heed/nn/nn.h>

#include <cstdio>
#include <memory>
#include <string>

using namespace heed;

namespace {

enum Symbol : int64_t { kZero, kOne, kAnd, kOr, kXor, kSymbols };

struct Expression {
  Symbol symbol = kZero;
  int64_t value = 0;                        // 0 or 1
  std::unique_ptr<Expression> left, right;  // of an operator
};

uint64_t below(uint64_t bound) { return default_generator().next_below(bound); }

/// A random tree of exactly this depth: one side as deep as it may be, the other one anything up to that.
std::unique_ptr<Expression> random_expression(uint64_t depth) {
  auto e = std::make_unique<Expression>();
  if (depth == 0) {
    e->symbol = below(2) != 0 ? kOne : kZero;
    e->value = e->symbol;
    return e;
  }
  e->symbol = static_cast<Symbol>(kAnd + static_cast<int64_t>(below(3)));
  e->left = random_expression(depth - 1);
  e->right = random_expression(below(depth));
  if (below(2) != 0) std::swap(e->left, e->right);
  const int64_t a = e->left->value, b = e->right->value;
  e->value = e->symbol == kAnd ? a & b : e->symbol == kOr ? a | b : a ^ b;
  return e;
}

std::string text(const Expression& e) {
  constexpr const char* kNames[] = {"0", "1", " and ", " or ", " xor "};
  return e.left ? "(" + text(*e.left) + kNames[e.symbol] + text(*e.right) + ")" : kNames[e.symbol];
}

/// The binary TreeLSTM: gates from the symbol and both children, a forget gate for each child (eq. 9-14, N =
/// 2).
class TreeLSTM : public nn::Module {
 public:
  struct State {
    Tensor hidden, cell;  // [1, H]
  };
  explicit TreeLSTM(int64_t hidden, const nn::Scope& scope = {})
      : Module(scope),
        size_(hidden),
        symbols_(kSymbols, hidden),
        gates_(3 * hidden, 5 * hidden),
        value_(hidden, 2) {
    child("symbols", symbols_);
    child("gates", gates_);
    child("value", value_);
  }
  State operator()(const Expression& e) const {
    const Tensor zero = zeros({1, size_});
    const State left = e.left ? (*this)(*e.left) : State{zero, zero},
                right = e.right ? (*this)(*e.right) : State{zero, zero};
    const Tensor symbol = symbols_(from_vector<int64_t>({e.symbol}, {1}));
    const std::vector<Tensor> gate =
        chunk(gates_(concat(std::vector{symbol, left.hidden, right.hidden}, 1)), 5, 1);
    const Tensor cell = sigmoid(gate[0]) * tanh(gate[4]) + sigmoid(gate[1] + 1.0) * left.cell +
                        sigmoid(gate[2] + 1.0) * right.cell;
    return {sigmoid(gate[3]) * tanh(cell), cell};
  }
  /// Logits [1, 2] of the value of the whole expression.
  Tensor logits(const Expression& e) const { return value_((*this)(e).hidden); }

 private:
  int64_t size_;
  nn::Embedding symbols_;
  nn::Linear gates_, value_;
};

struct Score {
  double accuracy, larger_class;  // shares
};

Score evaluate(const TreeLSTM& model, uint64_t depth, int count) {
  const NoGradGuard no_grad;
  int right = 0, ones = 0;
  for (int i = 0; i < count; ++i) {
    const auto e = random_expression(depth);
    right += argmax(model.logits(*e)).to(DType::f64).item() == static_cast<double>(e->value);
    ones += static_cast<int>(e->value);
  }
  return {1.0 * right / count, 1.0 * std::max(ones, count - ones) / count};
}

}  // namespace

int main() {
  set_num_threads(1);  // its products have one row: nothing to share out
  manual_seed(1);
  TreeLSTM model(24);
  nn::Adam adam(model.named_parameters());
  constexpr int kBatch = 16;
  for (int update = 1; update <= 150; ++update) {
    std::vector<Tensor> logits;
    std::vector<int64_t> values;
    for (int i = 0; i < kBatch; ++i) {
      const auto e = random_expression(1 + below(4));
      logits.push_back(model.logits(*e));
      values.push_back(e->value);
    }
    const Tensor loss = cross_entropy(concat(logits, 0), from_vector(values, {kBatch}));
    loss.backward();
    adam.step(/*lr=*/0.01);
    adam.zero_grad();
    if (update % 50 == 0) std::printf("update %d  loss %.4f\n", update, loss.item());
  }

  for (int i = 0; i < 2; ++i) {
    const auto e = random_expression(3);
    const NoGradGuard no_grad;
    std::printf("%s = %lld, with probability %.4f\n", text(*e).c_str(), static_cast<long long>(e->value),
                select(select(softmax(model.logits(*e)), 0, 0), 0, static_cast<int>(e->value)).item());
  }
  bool learned = true;
  for (const uint64_t depth : {4, 6, 8}) {
    const Score score = evaluate(model, depth, 200);
    std::printf("depth %llu%s: accuracy %.1f %% (the larger class alone: %.1f %%)\n",
                static_cast<unsigned long long>(depth),
                depth > 4 ? ", deeper than any it was trained on" : "", 100 * score.accuracy,
                100 * score.larger_class);
    learned = learned && score.accuracy > 0.97;
  }
  return learned ? 0 : 1;
}
