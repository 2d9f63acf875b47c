// Programs on images: residual, ConvNeXt, U-Net and DCGAN. See program.h.
#pragma once

#include "bench/programs/program.h"

namespace workload {

/// Blocks whose input is added to their output, the second and third at half the size (He et al. 2016).
template <class Side>
Program<Side> resnet() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 16;
  typename Side::Net net;
  const auto block = [&](int64_t from, int64_t to, int64_t stride) -> std::function<Tensor(const Tensor&)> {
    const auto norm1 = net.batch_norm(from), norm2 = net.batch_norm(to);
    const auto conv1 = net.conv(from, to, 3, stride, 1), conv2 = net.conv(to, to, 3, 1, 1),
               shortcut = net.conv(from, to, 1, stride);
    return [=](const Tensor& x) {
      const Tensor active = norm1(x).relu();
      return shortcut(active) + conv2(norm2(conv1(active)).relu());
    };
  };
  const auto stem = net.conv(3, 16, 3, 1, 1);
  const auto first = block(16, 16, 1), second = block(16, 32, 2), third = block(32, 64, 2);
  const auto norm = net.batch_norm(64);
  const auto output = net.linear(64, 10);
  const Tensor x = Side::image(B, 3, 32, 1), label = Side::whole({B}, 2, 10);
  return {
      {net.parameters(), [=] {
         return Side::cross_entropy(output(norm(third(second(first(stem(x))))).relu().mean({2, 3})), label);
       }}};
}

/// Depthwise 7 x 7, layer normalisation over channels, two pointwise layers (Liu et al. 2022).
template <class Side>
Program<Side> convnext() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 16;
  typename Side::Net net;
  const auto block = [&](int64_t width) -> std::function<Tensor(const Tensor&)> {
    const auto depthwise = net.conv(width, width, 7, 1, 3, width);
    const auto norm = net.layer_norm(width);
    const auto up = net.linear(width, 4 * width), down = net.linear(4 * width, width);
    return [=](const Tensor& x) {
      return x + down(gelu(up(norm(depthwise(x).permute({0, 2, 3, 1}))))).permute({0, 3, 1, 2});
    };
  };
  const auto stem = net.conv(3, 32, 2, 2);
  const auto first = block(32), second = block(32);
  const auto norm = net.layer_norm(32);
  const auto half = net.conv(32, 64, 2, 2);
  const auto third = block(64), fourth = block(64);
  const auto output_norm = net.layer_norm(64);
  const auto output = net.linear(64, 10);
  const Tensor x = Side::image(B, 3, 32, 1), label = Side::whole({B}, 2, 10);
  return {{net.parameters(), [=] {
             const Tensor fine = second(first(stem(x)));
             const Tensor coarse = half(norm(fine.permute({0, 2, 3, 1})).permute({0, 3, 1, 2}));
             return Side::cross_entropy(output(output_norm(fourth(third(coarse)).mean({2, 3}))), label);
           }}};
}

/// The noise in images after some steps of diffusion, by a U-Net (Ho et al. 2020; Ronneberger et al. 2015).
template <class Side>
Program<Side> unet() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 16, kLevels = 100, kTime = 32;
  typename Side::Net net;
  const auto block = [&](int64_t from, int64_t to) -> std::function<Tensor(const Tensor&, const Tensor&)> {
    const auto conv1 = net.conv(from, to, 3, 1, 1);
    const auto norm = net.group_norm(4, to);
    const auto time = net.linear(kTime, to);
    const auto conv2 = net.conv(to, to, 3, 1, 1);
    return [=](const Tensor& x, const Tensor& when) {
      const Tensor y = norm(conv1(x)) + time(when).unsqueeze(-1).unsqueeze(-1);
      return silu(conv2(silu(y)));
    };
  };
  const auto time = net.embedding(kLevels, kTime);
  const auto down1 = block(1, 16), down2 = block(16, 32), middle = block(32, 64), up2 = block(96, 32),
             up1 = block(48, 16);
  const auto output = net.conv(16, 1, 1);
  const Tensor image = Side::image(B, 1, 32, 1), noise = Side::image(B, 1, 32, 2),
               t = Side::whole({B}, 3, kLevels), kept = Side::values({B, 1, 1, 1}, 4, 0.5) + 0.5;
  return {{net.parameters(), [=] {
             const Tensor when = time(t), x = sqrt(kept) * image + sqrt(1 - kept) * noise;
             const Tensor fine = down1(x, when), half = down2(avg_pool2d(fine, {2, 2}), when);
             const Tensor coarse = middle(avg_pool2d(half, {2, 2}), when);
             const Tensor back = up2(Side::concat({half, Side::twice_as_large(coarse)}, 1), when);
             const Tensor y = up1(Side::concat({fine, Side::twice_as_large(back)}, 1), when);
             return mse_loss(output(y), noise);
           }}};
}

/// A generator of images against a discriminator, an update of each (Radford, Metz & Chintala 2016).
template <class Side>
Program<Side> dcgan() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 16, kNoise = 64;
  typename Side::Net generator, discriminator;
  const auto g1 = generator.conv_transpose(kNoise, 128, 4, 1, 0);
  const auto n1 = generator.batch_norm(128);
  const auto g2 = generator.conv_transpose(128, 64, 4, 2, 1);
  const auto n2 = generator.batch_norm(64);
  const auto g3 = generator.conv_transpose(64, 32, 4, 2, 1);
  const auto n3 = generator.batch_norm(32);
  const auto g4 = generator.conv_transpose(32, 3, 4, 2, 1);
  const auto make = [=](const Tensor& z) { return tanh(g4(n3(g3(n2(g2(n1(g1(z)).relu())).relu())).relu())); };
  const auto d1 = discriminator.conv(3, 32, 4, 2, 1);
  const auto d2 = discriminator.conv(32, 64, 4, 2, 1);
  const auto m2 = discriminator.batch_norm(64);
  const auto d3 = discriminator.conv(64, 128, 4, 2, 1);
  const auto m3 = discriminator.batch_norm(128);
  const auto d4 = discriminator.conv(128, 1, 4);
  const auto judge = [=](const Tensor& x) {
    const Tensor y = leaky_relu(m2(d2(leaky_relu(d1(x), 0.2))), 0.2);
    return d4(leaky_relu(m3(d3(y)), 0.2)).reshape({-1});
  };
  const Tensor real = Side::image(B, 3, 32, 1), z = Side::image(B, kNoise, 1, 2),
               no = Side::values({B}, 3, 0), yes = no + 1;
  const auto made = std::make_shared<Tensor>();
  return {{discriminator.parameters(),
           [=] {
             *made = make(z);
             return Side::bce_with_logits(judge(real), yes) +
                    Side::bce_with_logits(judge(made->detach()), no);
           }},
          {generator.parameters(), [=] {
             const Tensor loss = Side::bce_with_logits(judge(*made), yes);
             *made = Tensor();
             return loss;
           }}};
}

}  // namespace workload
