// PyTorch's side of bench/programs. Images and the weights of convolutions lie with channels last, where
// PyTorch's convolutions are faster: ConvNeXt 29 -> 18 ms, ResNet 15 -> 12, DCGAN 25 -> 23, U-Net the same.
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "bench/compare_torch/torch_cases.h"
#include "bench/programs/programs.h"

namespace torch_side {
namespace {

namespace F = torch::nn::functional;
using Sizes = std::vector<int64_t>;

struct TorchSide {
  using Tensor = torch::Tensor;

  // A layer that copies of it share, as a program's functions do.
  template <class Layer>
  struct Shared {
    std::shared_ptr<Layer> layer;
    Tensor operator()(const Tensor& x) const {
      if constexpr (std::is_same_v<Layer, torch::nn::GRUImpl>) {
        return std::get<0>(layer->forward(x));
      } else {
        return layer->forward(x);
      }
    }
  };

  // Makes layers and keeps their parameters.
  class Net {
   public:
    auto linear(int64_t in, int64_t out) {
      return make<torch::nn::LinearImpl>(torch::nn::LinearOptions(in, out));
    }
    auto conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1, int64_t padding = 0,
              int64_t groups = 1) {
      return make<torch::nn::Conv2dImpl>(
          torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).groups(groups));
    }
    auto conv1d(int64_t in, int64_t out, int64_t kernel, int64_t dilation) {
      return make<torch::nn::Conv1dImpl>(torch::nn::Conv1dOptions(in, out, kernel).dilation(dilation));
    }
    auto conv_transpose(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
      return make<torch::nn::ConvTranspose2dImpl>(
          torch::nn::ConvTranspose2dOptions(in, out, kernel).stride(stride).padding(padding));
    }
    auto batch_norm(int64_t channels) {
      return make<torch::nn::BatchNorm2dImpl>(torch::nn::BatchNorm2dOptions(channels));
    }
    auto group_norm(int64_t groups, int64_t channels) {
      return make<torch::nn::GroupNormImpl>(torch::nn::GroupNormOptions(groups, channels));
    }
    auto layer_norm(int64_t size) {
      return make<torch::nn::LayerNormImpl>(torch::nn::LayerNormOptions({size}));
    }
    auto embedding(int64_t count, int64_t dim) {
      return make<torch::nn::EmbeddingImpl>(torch::nn::EmbeddingOptions(count, dim));
    }
    auto gru(int64_t in, int64_t hidden) {
      return make<torch::nn::GRUImpl>(torch::nn::GRUOptions(in, hidden).batch_first(true));
    }
    Tensor parameter(const Sizes& shape) {
      add(torch::zeros(shape).set_requires_grad(true));
      return parameters_.back();
    }
    std::vector<Tensor> parameters() const { return parameters_; }

   private:
    template <class Layer, class Options>
    Shared<Layer> make(const Options& options) {
      auto layer = std::make_shared<Layer>(options);
      for (const Tensor& p : layer->parameters()) add(p);
      return {layer};
    }
    void add(const Tensor& p) {
      torch::NoGradGuard no_grad;
      const bool ones = p.flatten()[0].item<float>() == 1;
      p.copy_(torch::tensor(workload::initial_values(p.sizes().vec(), ones, parameters_.size()))
                  .reshape(p.sizes()));
      if (p.dim() == 4) Tensor(p).set_data(p.contiguous(at::MemoryFormat::ChannelsLast));
      parameters_.push_back(p);
    }
    std::vector<Tensor> parameters_;
  };

  static Tensor values(const Sizes& shape, uint64_t seed, double scale = 1) {
    return torch::tensor(workload::values(c10::multiply_integers(shape), seed, scale)).reshape(shape).clone();
  }
  static Tensor values_like(const Tensor& x, uint64_t seed) { return values(x.sizes().vec(), seed); }
  static Tensor image(int64_t B, int64_t channels, int64_t size, uint64_t seed) {
    return values({B, channels, size, size}, seed).contiguous(at::MemoryFormat::ChannelsLast);
  }
  static Tensor whole(const Sizes& shape, uint64_t seed, int64_t bound) {
    return torch::tensor(workload::ids(c10::multiply_integers(shape), seed, bound), torch::kLong)
        .reshape(shape)
        .clone();
  }
  static Tensor zeros(const Sizes& shape) { return torch::zeros(shape); }

  static Tensor concat(const std::vector<Tensor>& parts, int64_t dim) { return torch::cat(parts, dim); }
  static Tensor stack(const std::vector<Tensor>& parts) { return torch::stack(parts); }
  static Tensor pad_left(const Tensor& x, int64_t count) { return torch::constant_pad_nd(x, {count, 0}); }
  static Tensor twice_as_large(const Tensor& x) {
    return torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
  }
  // As in torch_transformer.cpp: heads side by side in one copy, the mask added by baddbmm.
  static Tensor self_attention(const Tensor& joint, int64_t heads, bool causal) {
    const int64_t B = joint.size(0), T = joint.size(1), D = joint.size(2) / 3, d = D / heads;
    const auto parts =
        joint.view({B, T, 3, heads, d}).permute({2, 0, 3, 1, 4}).reshape({3, B * heads, T, d}).unbind(0);
    const Tensor key = parts[1].transpose(1, 2);
    const double scale = 1 / std::sqrt(static_cast<double>(d));
    const Tensor scores = causal ? torch::baddbmm(later(T).expand({B * heads, T, T}), parts[0], key, 1, scale)
                                 : torch::bmm(parts[0] * scale, key);
    return torch::bmm(torch::softmax(scores, -1), parts[2])
        .view({B, heads, T, d})
        .transpose(1, 2)
        .reshape({B, T, D});
  }
  // -infinity where a query would see what comes after it; made once.
  static Tensor later(int64_t T) {
    static const Tensor mask =
        torch::full({256, 256}, -std::numeric_limits<float>::infinity()).triu(1).contiguous();
    return mask.slice(0, 0, T).slice(1, 0, T);
  }
  static Tensor length_of_rows(const Tensor& x) { return x.norm(2, 1); }
  static Tensor cross_entropy(const Tensor& logits, const Tensor& ids) {
    return torch::cross_entropy_loss(logits, ids);
  }
  static Tensor bce_with_logits(const Tensor& logits, const Tensor& target) {
    return torch::binary_cross_entropy_with_logits(logits, target);
  }
  static Tensor bce_of_each(const Tensor& logits, const Tensor& target) {
    return torch::binary_cross_entropy_with_logits(logits, target, {}, {}, at::Reduction::None);
  }
  static std::vector<Tensor> gradient(const Tensor& y, const std::vector<Tensor>& inputs) {
    return torch::autograd::grad({y}, inputs, {}, /*retain_graph=*/true, /*create_graph=*/true);
  }

  using Optimizer = std::shared_ptr<torch::optim::Adam>;
  static Optimizer optimizer(const std::vector<Tensor>& parameters) {
    return std::make_shared<torch::optim::Adam>(parameters,
                                                torch::optim::AdamOptions(workload::kLearningRate));
  }
  // zero_grad(set_to_none), which this version of libtorch has in Python alone
  static void forget_gradients(const std::vector<Tensor>& parameters) {
    for (const Tensor& p : parameters) p.mutable_grad() = Tensor();
  }
  static void step(const Optimizer& adam) { adam->step(); }
  static double number(const Tensor& x) { return x.item<double>(); }
};

}  // namespace

workload::Case make_program(const std::string& name) { return workload::make_program<TorchSide>(name); }

}  // namespace torch_side
