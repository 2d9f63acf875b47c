// Every op of the table at NaN, infinities, signed zeros, denormals and large arguments, against what PyTorch
// gave for the same inputs (tests/parity/special_values.json), in f32 and f64. CTest runs this on every
// instruction set.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/framework.h"
#include "framework/ops/registry.h"
#include "tests/testing/special_inputs.h"

namespace heed {
namespace {

const nlohmann::json& stored() {
  static const nlohmann::json all =
      nlohmann::json::parse(read_file(HEED_SOURCE_DIR "/tests/parity/special_values.json"));
  return all["samples"];
}

// Ops that no special value goes into.
const std::map<std::string, std::string>& without_special_values() {
  static const char* const kNothing = "made from nothing";
  static const char* const kMasks = "takes masks alone";
  static const char* const kFinite = "refuses matrices with NaN or infinities: linalg_test";
  static const std::map<std::string, std::string> reasons = {
      {"binary_cross_entropy", "probabilities are in [0, 1]"},
      {"bincount", "takes whole numbers"},
      {"zeros", kNothing},
      {"ones", kNothing},
      {"full", kNothing},
      {"arange", kNothing},
      {"linspace", kNothing},
      {"eye", kNothing},
      {"uniform", kNothing},
      {"randn", kNothing},
      {"bernoulli", kNothing},
      {"from_vector", kNothing},
      {"unique", "the number of its values would change: values_test"},
      {"logical_and", kMasks},
      {"logical_or", kMasks},
      {"logical_xor", kMasks},
      {"logical_not", kMasks},
      {"any", kMasks},
      {"all", kMasks},
      {"one_hot", "takes integers alone"},
      {"dropout", "random: PyTorch draws other numbers"},
      {"uniform_like", "random: PyTorch draws other numbers"},
      {"randn_like", "random: PyTorch draws other numbers"},
      {"multinomial", "random: PyTorch draws other numbers"},
      {"randint", kNothing},
      {"randperm", kNothing},
      {"nonzero", "the shape goes by the values: values_test"},
      {"cholesky", kFinite},
      {"svd", kFinite},
      {"solve", kFinite},
      {"solve_triangular", kFinite},
      {"inverse", kFinite},
      {"slogdet", kFinite},
      {"det", kFinite},
      {"logdet", kFinite},
  };
  return reasons;
}

// Ops whose zeros have no sign that means something.
const std::map<std::string, std::string>& any_zero() {
  static const std::map<std::string, std::string> reasons = {
      {"relu", "max(-0, 0) may be either, as in IEEE's own maximum"},
      {"elu", "-0 as it came, which PyTorch takes for 0"},
      {"selu", "as elu"},
      {"quantile", "of two equal elements either"},
      {"gelu", "-0 times Phi is -0, which PyTorch loses in 1 + erf"},
      {"kl_div", "a sum with 0 inside of it"},
      {"einsum", "a product of matrices: a sum that begins with 0, also of one product alone"},
  };
  return reasons;
}

// Where heed gives another number than PyTorch 1.13, and is right.
struct Difference {
  const char *op, *name;  // of the special inputs
  const char* gives;  // in heed: "nan", "+inf", "-inf", "finite", "near" beside the result's largest element
  const char* reason;
  mutable bool seen = false;
};

const std::vector<Difference>& differences_of_outputs() {
  static const char* const kEmptyRow =
      "energies that are -inf alone are all masked: weights of 0, where PyTorch divides 0 by 0";
  static const char* const kPadding =
      "what a padding would be multiplied with does not count; PyTorch multiplies 0 by it in f64, not in f32";
  static const char* const kNoWeight = "a pixel of the weight 0 is not read; PyTorch multiplies it by 0";
  static const char* const kOneByOne =
      "(x - mean) r, then times gain; PyTorch multiplies x and mean by an infinite r gain: inf - inf";
  static const char* const kNoTarget =
      "no probability: t softplus(-x) + (1 - t) softplus(x) is inf - inf; PyTorch: (1 - t) x";
  static const char* const kMoments =
      "the variance overflows and its inverse root is 0: the bias; PyTorch subtracts infinities";
  static const char* const kLimit =
      "x times a function that is 0 there: the limit, 0; PyTorch multiplies infinity by 0";
  static const char* const kSquares =
      "a row is brought near 1 before it is squared; PyTorch's squares overflow and it divides by infinity";
  static const char* const kLength = "lengths that do not overflow; PyTorch subtracts infinities";
  static const char* const kRatio =
      "a quotient beyond f64: infinite, and nothing is left; PyTorch's fmod gives NaN";
  static const std::vector<Difference> all = {
      {"floor_divide", "b: denormals", "+inf", kRatio},
      {"remainder", "b: denormals", "finite", kRatio},
      {"sign", "a: nan", "nan", "a NaN stays one, as in NumPy; PyTorch makes it 0"},
      {"layer_norm", "a: +huge", "finite", kMoments},
      {"layer_norm", "a: -huge", "finite", kMoments},
      {"silu", "a: -inf", "finite", kLimit},
      {"quantile", "a: +inf", "+inf", "between a number and infinity; PyTorch subtracts infinities"},
      {"triplet_margin_loss", "a: +huge", "finite", kLength},
      {"triplet_margin_loss", "a: -huge", "finite", kLength},
      {"gelu", "a: -inf", "finite", kLimit},
      {"gelu_tanh", "a: -inf", "finite", kLimit},
      {"rms_norm", "a: +huge", "finite", kSquares},
      {"rms_norm", "a: -huge", "finite", kSquares},
      {"batch_norm", "b: +inf", "+inf", kOneByOne},
      {"batch_norm", "b: +inf", "-inf", kOneByOne},
      {"batch_norm", "b: -inf", "+inf", kOneByOne},
      {"batch_norm", "b: -inf", "-inf", kOneByOne},
      {"bce_with_logits", "a: -inf", "+inf",
       "t softplus(inf) + (1 - t) softplus(-inf); PyTorch: (1 - t) (-inf) + inf"},
      {"bce_with_logits", "b: +inf", "nan", kNoTarget},
      {"bce_with_logits", "b: -inf", "nan", kNoTarget},
      {"kl_div", "b: +inf", "+inf", "inf (log inf - log p); PyTorch: inf log inf - inf log p"},
      {"attention_lstm", "j: +inf", "finite", kEmptyRow},
      {"attention_lstm", "j: -inf", "finite", kEmptyRow},
      {"scaled_dot_attention", "a: +inf", "finite", kEmptyRow},
      {"scaled_dot_attention", "a: -inf", "finite", kEmptyRow},
      {"scaled_dot_attention", "b: -inf", "finite", kEmptyRow},
      {"flash_attention", "a: -inf", "finite", kEmptyRow},
      {"flash_attention", "b: +inf", "finite", kEmptyRow},
      {"conv1d", "b: nan", "finite", kPadding},
      {"conv1d", "b: +inf", "finite", kPadding},
      {"conv1d", "b: -inf", "finite", kPadding},
      {"conv2d", "b: nan", "finite", kPadding},
      {"conv2d", "b: +inf", "finite", kPadding},
      {"conv2d", "b: -inf", "finite", kPadding},
      {"group_norm", "a: +huge", "finite", kMoments},
      {"group_norm", "a: -huge", "finite", kMoments},
      {"group_norm", "b: +inf", "+inf", kOneByOne},
      {"group_norm", "b: +inf", "-inf", kOneByOne},
      {"group_norm", "b: -inf", "+inf", kOneByOne},
      {"group_norm", "b: -inf", "-inf", kOneByOne},
      {"interpolate", "a: nan", "finite", kNoWeight},
      {"interpolate", "a: +inf", "finite", kNoWeight},
      {"interpolate", "a: -inf", "finite", kNoWeight},
  };
  return all;
}

const std::vector<Difference>& differences_of_gradients() {
  static const char* const kMoments =
      "the variance overflows and its inverse root is 0; PyTorch subtracts infinities";
  static const char* const kUnit = "vectors are brought to length 1 first; PyTorch's lengths overflow";
  static const char* const kTwoEnds = "from both ends: infinity less infinity, or 0 times it";
  static const char* const kRatios = "an infinite quotient times the 0 that another became";
  static const char* const kOrder = "infinities are added in another order";
  static const char* const kCancels = "large terms cancel: what f32 leaves goes by their rounding";
  static const char* const kIgnored =
      "a row that does not count has the gradient 0; PyTorch multiplies 0 by a NaN";
  static const char* const kWholeRow = "a row with a NaN is NaN as a whole, behind its length as well";
  static const char* const kSlope = "|x| has the slope 0 at NaN, in l1_loss of both; the loss is NaN";
  static const char* const kWeights = "one class has all the weight: its gradient is 0 up to rounding";
  static const char* const kProduct = "the product of the others in one step; PyTorch, in two: inf / inf";
  static const char* const kOthers = "the slope of a factor goes by the others; PyTorch divides by it";
  static const char* const kTiny = "a difference of two softplus near log 2: exact to their rounding";
  static const char* const kLimit = "slopes of 0 and 1, the limits; PyTorch multiplies infinity by 0";
  static const char* const kSquares =
      "a row is brought near 1 before it is squared; PyTorch's squares overflow and it divides by infinity";
  static const char* const kRatio = "minus the quotient, which is beyond f64; PyTorch's fmod gives NaN";
  static const std::vector<Difference> all = {
      {"cosine_embedding_loss", "a: +huge", "finite", kUnit},
      {"cosine_embedding_loss", "a: -huge", "finite", kUnit},
      {"cosine_embedding_loss", "b: +huge", "finite", kUnit},
      {"cosine_embedding_loss", "b: -huge", "finite", kUnit},
      {"lerp", "a: +inf", "nan", kTwoEnds},
      {"lerp", "a: -inf", "nan", kTwoEnds},
      {"lerp", "b: +inf", "nan", kTwoEnds},
      {"lerp", "b: -inf", "nan", kTwoEnds},
      {"lerp", "c: +inf", "nan", kTwoEnds},
      {"lerp", "c: -inf", "nan", kTwoEnds},
      {"addcdiv", "c: denormals", "nan", kRatios},
      {"remainder", "b: denormals", "-inf", kRatio},
      {"relu", "a: nan", "finite",
       "NaN > 0 does not hold: 0; PyTorch lets the cotangent through. The result is NaN"},
      {"layer_norm", "a: +huge", "finite", kMoments},
      {"layer_norm", "a: -huge", "finite", kMoments},
      {"pow", "a: +inf", "finite", "inf^b for b < 0 is 0 whatever b is: 0; PyTorch multiplies it by log inf"},
      {"silu", "a: +inf", "finite", kLimit},
      {"silu", "a: -inf", "finite", kLimit},
      {"gelu", "a: +inf", "finite", kLimit},
      {"gelu", "a: -inf", "finite", kLimit},
      {"gelu_tanh", "a: +inf", "finite", kLimit},
      {"gelu_tanh", "a: -inf", "finite", kLimit},
      {"gelu_tanh", "a: +huge", "finite", kLimit},
      {"gelu_tanh", "a: -huge", "finite", kLimit},
      {"rms_norm", "a: +huge", "finite", kSquares},
      {"rms_norm", "a: -huge", "finite", kSquares},
      {"layer_norm", "b: +inf", "+inf", kOrder},
      {"layer_norm", "b: +inf", "-inf", kOrder},
      {"layer_norm", "b: -inf", "+inf", kOrder},
      {"layer_norm", "b: -inf", "-inf", kOrder},
      {"layer_norm", "b: +1e4", "near", kCancels},
      {"layer_norm", "b: -1e4", "near", kCancels},
      {"layer_norm", "b: +huge", "near", kCancels},
      {"layer_norm", "b: -huge", "near", kCancels},
      {"masked_softmax", "a: nan", "nan", kWholeRow},
      {"masked_softmax", "a: +inf", "nan", kWholeRow},
      {"linear_cross_entropy", "b: nan", "finite", kIgnored},
      {"linear_cross_entropy", "b: +inf", "finite", kIgnored},
      {"linear_cross_entropy", "b: -inf", "finite", kIgnored},
      {"linear_cross_entropy", "c: nan", "finite", kIgnored},
      {"linear_cross_entropy", "c: +inf", "finite", kIgnored},
      {"smooth_l1_loss", "a: nan", "finite", kSlope},
      {"smooth_l1_loss", "b: nan", "finite", kSlope},
      {"bce_with_logits", "a: denormals", "near", kTiny},
      {"bce_with_logits", "a: smallest normals", "near", kTiny},
      {"attention_lstm", "b: -huge", "near", kCancels},
      {"attention_lstm", "b: -1e4", "near", kCancels},
      {"attention_lstm", "f: +100", "near", "a gate near 1: 1 - tanh^2 goes by the rounding of the tanh"},
      {"nll_loss", "c: zeros", "near", kWeights},
      {"nll_loss", "c: denormals", "near", kWeights},
      {"nll_loss", "c: smallest normals", "near", kWeights},
      {"prod", "a: +inf", "+inf", kProduct},
      {"prod", "a: -inf", "-inf", kProduct},
      {"cumprod", "a: nan", "finite", kOthers},
      {"cumprod", "a: +inf", "finite", kOthers},
      {"cumprod", "a: -inf", "finite", kOthers},
      {"cumprod", "a: denormals", "finite", kOthers},
      {"group_norm", "a: +huge", "finite", kMoments},
      {"group_norm", "a: -huge", "finite", kMoments},
      {"group_norm", "a: +1e4", "near", kCancels},
      {"group_norm", "a: -1e4", "near", kCancels},
      {"group_norm", "b: +inf", "-inf", kOrder},
      {"group_norm", "b: -inf", "+inf", kOrder},
      {"group_norm", "b: +100", "near", kCancels},
      {"group_norm", "b: -100", "near", kCancels},
      {"group_norm", "b: +1e4", "near", kCancels},
      {"group_norm", "b: -1e4", "near", kCancels},
      {"group_norm", "b: +huge", "near", kCancels},
      {"group_norm", "b: -huge", "near", kCancels},
      {"kl_div", "b: zeros", "finite", "0 log 0 is 0, and so is what it adds to the slope; PyTorch: NaN"},
  };
  return all;
}

double number(const nlohmann::json& value) {  // NaN and infinities are strings
  return value.is_string() ? std::strtod(value.get_ref<const std::string&>().c_str(), nullptr)
                           : value.get<double>();
}

// |v|, of a pair the larger; 0 for what is not finite.
double magnitude(const nlohmann::json& value) {
  if (value.is_array()) return std::max(magnitude(value[0]), magnitude(value[1]));
  const double v = number(value);
  return std::isfinite(v) ? std::abs(v) : 0;
}

bool known(const std::string& op, const std::string& name, bool output, double got,
           const nlohmann::json& wanted, double largest) {
  for (const Difference& d : output ? differences_of_outputs() : differences_of_gradients()) {
    if (op != d.op || name != d.name) continue;
    const double off = wanted.is_array()
                           ? std::min(std::abs(got - number(wanted[0])), std::abs(got - number(wanted[1])))
                           : std::abs(got - number(wanted));
    const std::string_view gives = d.gives;
    const bool so = gives == "nan"    ? std::isnan(got)
                    : gives == "+inf" ? got == INFINITY
                    : gives == "-inf" ? got == -INFINITY
                    : gives == "near" ? off <= 2e-6 * largest
                                      : std::isfinite(got);
    d.seen |= so;
    if (so) return true;
  }
  return false;
}

// As the C library's results are: NaN where NaN, the same infinity, the same zero, else within assert_close's
// tolerances; a tiny result has no absolute one, which would hide that it was flushed to zero (relatively it
// may be what an exponential makes of its argument's rounding).
template <class T>
bool same(double got, double wanted, bool sign_of_zero) {
  if (std::isnan(wanted) || std::isinf(wanted)) return std::isnan(wanted) ? std::isnan(got) : got == wanted;
  if (got == 0 && wanted == 0) return !sign_of_zero || std::signbit(got) == std::signbit(wanted);
  const bool f64 = std::is_same_v<T, double>;
  const double rtol = f64 ? 1e-7 : 1.3e-6, atol = f64 ? 1e-7 : 1e-5, error = std::abs(got - wanted);
  if (wanted == 0 || std::abs(wanted) > 1e-3 * atol) return error <= atol + rtol * std::abs(wanted);
  return error <= 1e-2 * std::abs(wanted) + 4 * static_cast<double>(std::numeric_limits<T>::denorm_min());
}

// The stored results of one case: those of the plain inputs with what differs put in.
using Stored = std::vector<std::vector<nlohmann::json>>;
Stored wanted(const nlohmann::json& values, const std::string& name) {
  Stored result = values["plain"].get<Stored>();
  if (name == "plain") return result;
  for (const auto& v : values[name]) result.at(v[0].get<size_t>()).at(v[1].get<size_t>()) = v[2];
  return result;
}

// The outputs, then, where they are stored, the gradients of floating inputs under the weights of gradcheck's
// loss.
std::vector<Tensor> results_of(const OpSample& sample, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> wanted, weighed, weights;
  for (const Tensor& x : inputs) {
    if (is_floating(x.dtype()) && has_special_gradients(sample)) wanted.push_back(x.set_requires_grad(true));
  }
  std::vector<Tensor> results = sample.run(inputs);
  double phase = 0.3;
  for (const Tensor& y : results) {
    if (y.requires_grad()) {
      weighed.push_back(y);
      weights.push_back(
          (cos(reshape(arange(y.numel(), DType::f64), y.shape()) * 1.7 + phase) + 0.5).to(y.dtype()));
    }
    phase += is_floating(y.dtype()) ? 0.9 : 0;
  }
  if (weighed.empty()) return results;
  for (Tensor& g : grad(weighed, wanted, weights)) results.push_back(std::move(g));
  return results;
}

struct Tally {
  int64_t cases = 0, values = 0;
};

template <class T>
void check_sample(const std::string& op, const OpSample& sample, Tally& tally) {
  ASSERT_TRUE(stored().contains(sample.key))
      << sample.key << " has no stored value: run tests/parity/make_values.py";
  ASSERT_EQ(stored()[sample.key]["torch"].get<std::string>(), sample.torch)
      << sample.key << ": run tests/parity/make_values.py again";
  const nlohmann::json& values = stored()[sample.key][name_of(dtype_of<T>())];
  const std::vector<SpecialInputs> cases = special_inputs<T>(sample);
  ASSERT_EQ(values.size(), cases.size()) << sample.key;
  for (const SpecialInputs& special : cases) {
    const std::string what = fmt::format("{} {}, {}", sample.key, name_of(dtype_of<T>()), special.name);
    ASSERT_TRUE(values.contains(special.name)) << what;
    const Stored right = wanted(values, special.name);
    const std::vector<Tensor> results = results_of(sample, special.inputs);
    ASSERT_EQ(results.size(), right.size()) << what;
    // what follows are gradients, whose zeros have no sign that means something
    const size_t outputs = sample.run(special.inputs).size();
    ++tally.cases;
    for (size_t i = 0; i < results.size(); ++i) {
      const std::vector<double> got = results[i].to(DType::f64).to_vector<double>();
      ASSERT_EQ(got.size(), right[i].size()) << what;
      tally.values += results[i].numel();
      double largest = 0;
      for (const nlohmann::json& w : right[i]) largest = std::max(largest, magnitude(w));
      const bool sign_of_zero = i < outputs && !any_zero().contains(op);
      for (size_t k = 0; k < got.size(); ++k) {
        const nlohmann::json& w = right[i][k];
        const auto is = [&](const nlohmann::json& value) {
          return same<T>(got[k], number(value), sign_of_zero);
        };
        // of a pair what PyTorch's f32 lost is right as well
        const bool good = w.is_array() ? is(w[0]) || is(w[1]) : is(w);
        EXPECT_TRUE(good || known(op, special.name, i < outputs, got[k], w, largest))
            << what << ": " << (i < outputs ? "output " : "gradient ") << (i < outputs ? i : i - outputs)
            << " element " << k << " is " << got[k] << ", PyTorch " << w.dump();
      }
    }
  }
}

TEST(SpecialValues, EveryOpGivesWhatPyTorchGives) {
  Tally tally;
  int ops = 0;
  std::set<std::string> keys;
  for (const OpInfo& op : op_registry()) {
    const std::vector<OpSample> samples = special_samples(op.make_samples());
    EXPECT_EQ(samples.empty(), without_special_values().contains(op.name)) << op.name;
    ops += samples.empty() ? 0 : 1;
    for (const OpSample& sample : samples) {
      keys.insert(sample.key);
      check_sample<double>(op.name, sample, tally);
      check_sample<float>(op.name, sample, tally);
    }
  }
  for (const auto& [key, value] : stored().items())
    EXPECT_TRUE(keys.contains(key)) << key << " is stored and no sample any more";
  for (const auto* differences : {&differences_of_outputs(), &differences_of_gradients()}) {
    for (const Difference& d : *differences) {  // what rounding does is another on each compiler
      EXPECT_TRUE(d.seen || std::string_view(d.gives) == "near")
          << d.op << ", " << d.name << " is no difference any more";
    }
  }
  std::printf(
      "special values: %d ops, %lld cases in f64 and f32, %lld values and gradients compared with "
      "PyTorch's\n",
      ops, static_cast<long long>(tally.cases), static_cast<long long>(tally.values));
}

}  // namespace
}  // namespace heed
