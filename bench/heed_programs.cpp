// heed's side of bench/programs.
#include "bench/heed_cases.h"
#include "bench/programs/programs.h"

namespace heed::bench {
namespace {

struct HeedSide {
  using Tensor = heed::Tensor;

  // A layer that copies of it share, as a program's functions do.
  template <class Layer>
  struct Shared {
    std::shared_ptr<const Layer> layer;
    Tensor operator()(const Tensor& x) const {
      if constexpr (std::is_same_v<Layer, nn::GRU>) {
        return (*layer)(x, {}).output;
      } else {
        return (*layer)(x);
      }
    }
  };

  // Makes layers and keeps their parameters.
  class Net {
   public:
    auto linear(int64_t in, int64_t out) { return make<nn::Linear>(in, out); }
    auto conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t padding = 0,
              int64_t groups = 1) {
      return make<nn::Conv2d>(in, out, kernel,
                              Conv2dOptions{.stride = stride, .padding = padding, .groups = groups});
    }
    auto conv1d(int64_t in, int64_t out, int64_t kernel, int64_t dilation) {
      return make<nn::Conv1d>(in, out, kernel, Conv1dOptions{.dilation = dilation});
    }
    auto conv_transpose(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
      return make<nn::ConvTranspose2d>(in, out, kernel, Conv2dOptions{.stride = stride, .padding = padding});
    }
    auto batch_norm(int64_t channels) { return make<nn::BatchNorm2d>(channels); }
    auto group_norm(int64_t groups, int64_t channels) { return make<nn::GroupNorm>(groups, channels); }
    auto layer_norm(int64_t size) { return make<nn::LayerNorm>(size); }
    auto embedding(int64_t count, int64_t dim) { return make<nn::Embedding>(count, dim); }
    auto gru(int64_t in, int64_t hidden) { return make<nn::GRU>(in, hidden); }
    Tensor parameter(const Shape& shape) {
      add(heed::zeros(shape).set_requires_grad(true));
      return parameters_.back();
    }
    std::vector<Tensor> parameters() const { return parameters_; }

   private:
    template <class Layer, class... Sizes>
    Shared<Layer> make(Sizes... sizes) {
      auto layer = std::make_shared<Layer>(sizes...);
      for (const Tensor& p : layer->parameters()) add(p);
      return {layer};
    }
    void add(const Tensor& p) {
      const NoGradGuard no_grad;
      const std::vector<int64_t> shape(p.shape().begin(), p.shape().end());
      p.detach().copy_(from_vector(
          workload::initial_values(shape, p.to_vector<float>()[0] == 1, parameters_.size()), p.shape()));
      parameters_.push_back(p);
    }
    std::vector<Tensor> parameters_;
  };

  static Tensor values(const Shape& shape, uint64_t seed, double scale = 1) {
    return from_vector(workload::values(shape.numel(), seed, scale), shape);
  }
  static Tensor values_like(const Tensor& x, uint64_t seed) { return values(x.shape(), seed); }
  static Tensor image(int64_t B, int64_t channels, int64_t size, uint64_t seed) {
    return values({B, channels, size, size}, seed);
  }
  static Tensor whole(const Shape& shape, uint64_t seed, int64_t bound) {
    return from_vector(workload::ids(shape.numel(), seed, bound), shape);
  }
  static Tensor zeros(const Shape& shape) { return heed::zeros(shape); }

  static Tensor concat(const std::vector<Tensor>& parts, int dim) { return heed::concat(parts, dim); }
  static Tensor stack(const std::vector<Tensor>& parts) { return heed::stack(parts, 0); }
  static Tensor pad_left(const Tensor& x, int64_t count) { return pad(x, {{}, {}, {.before = count}}); }
  static Tensor twice_as_large(const Tensor& x) {
    return interpolate(x, {2 * x.size(2), 2 * x.size(3)}, Interpolation::nearest);
  }
  static Tensor self_attention(const Tensor& joint, int64_t heads, bool causal) {
    const std::vector<Tensor> parts = joint.chunk(3, -1);
    return scaled_dot_attention(parts[0], parts[1], parts[2], {}, heads, causal).context;
  }
  static Tensor length_of_rows(const Tensor& x) { return x.norm(1); }
  static Tensor cross_entropy(const Tensor& logits, const Tensor& ids) {
    return heed::cross_entropy(logits, ids);
  }
  static Tensor bce_with_logits(const Tensor& logits, const Tensor& target) {
    return heed::bce_with_logits(logits, target);
  }
  static Tensor bce_of_each(const Tensor& logits, const Tensor& target) {
    return heed::bce_with_logits(logits, target, Reduction::none);
  }
  static std::vector<Tensor> gradient(const Tensor& y, const std::vector<Tensor>& inputs) {
    return grad({y}, inputs, {.create_graph = true});
  }

  using Optimizer = std::shared_ptr<nn::Adam>;
  static Optimizer optimizer(const std::vector<Tensor>& parameters) {
    NamedTensors named;
    for (const Tensor& p : parameters) named.emplace_back(std::to_string(named.size()), p);
    return std::make_shared<nn::Adam>(named);
  }
  static void forget_gradients(const std::vector<Tensor>& parameters) {
    for (const Tensor& p : parameters) p.zero_grad();
  }
  static void step(const Optimizer& adam) { adam->step(workload::kLearningRate); }
  static double number(const Tensor& x) { return x.item(); }
};

}  // namespace

workload::Case make_program(const std::string& name) { return workload::make_program<HeedSide>(name); }

}  // namespace heed::bench
