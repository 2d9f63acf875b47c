// Programs on sequences: GPT, vision Transformer, GRU and temporal convolutions. See program.h.
#pragma once

#include "bench/programs/program.h"

namespace workload {

/// x + attention(norm(x)), x + feed-forward(norm(x)) of joint heads, on x [B, T, width].
template <class Side>
std::function<typename Side::Tensor(const typename Side::Tensor&)> transformer_block(typename Side::Net& net,
                                                                                     int64_t width,
                                                                                     int64_t inner,
                                                                                     bool causal) {
  using Tensor = typename Side::Tensor;
  constexpr int64_t kHeadsOfBlock = 4;
  const auto norm1 = net.layer_norm(width);
  const auto joint = net.linear(width, 3 * width), out = net.linear(width, width);
  const auto norm2 = net.layer_norm(width);
  const auto up = net.linear(width, inner), down = net.linear(inner, width);
  return [=](const Tensor& x) {
    const Tensor y = x + out(Side::self_attention(joint(norm1(x)), kHeadsOfBlock, causal));
    return y + down(gelu(up(norm2(y))));
  };
}

/// The next character: 4 layers, 128 wide (Radford et al. 2019).
template <class Side>
Program<Side> gpt() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 8, T = 64, V = 128, kWidth = 128;
  typename Side::Net net;
  const auto embedding = net.embedding(V, kWidth);
  const Tensor position = net.parameter({T, kWidth});
  std::vector<std::function<Tensor(const Tensor&)>> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(transformer_block<Side>(net, kWidth, 4 * kWidth, true));
  const auto norm = net.layer_norm(kWidth);
  const auto output = net.linear(kWidth, V);
  const Tensor words = Side::whole({B, T}, 1, V), next = Side::whole({B * T}, 2, V);
  return {{net.parameters(), [=] {
             Tensor x = embedding(words) + position;
             for (const auto& block : blocks) x = block(x);
             return Side::cross_entropy(output(norm(x)).reshape({B * T, V}), next);
           }}};
}

/// Patches of 8 x 8 as words and a class token: 3 layers, 64 wide (Dosovitskiy et al. 2021).
template <class Side>
Program<Side> vit() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 32, kPatch = 8, kAcross = 4, kWidth = 64;
  typename Side::Net net;
  const auto patch = net.linear(3 * kPatch * kPatch, kWidth);
  const Tensor token = net.parameter({1, 1, kWidth}),
               position = net.parameter({kAcross * kAcross + 1, kWidth});
  std::vector<std::function<Tensor(const Tensor&)>> blocks;
  for (int i = 0; i < 3; ++i) blocks.push_back(transformer_block<Side>(net, kWidth, 2 * kWidth, false));
  const auto norm = net.layer_norm(kWidth);
  const auto output = net.linear(kWidth, 10);
  const Tensor image = Side::image(B, 3, kPatch * kAcross, 1), label = Side::whole({B}, 2, 10);
  return {{net.parameters(), [=] {
             const Tensor patches = image.reshape({B, 3, kAcross, kPatch, kAcross, kPatch})
                                        .permute({0, 2, 4, 1, 3, 5})
                                        .reshape({B, kAcross * kAcross, 3 * kPatch * kPatch});
             Tensor x = Side::concat({token.expand({B, 1, kWidth}), patch(patches)}, 1) + position;
             for (const auto& block : blocks) x = block(x);
             return Side::cross_entropy(output(norm(x.select(1, 0))), label);
           }}};
}

/// The next value of series by a GRU (Cho et al. 2014).
template <class Side>
Program<Side> gru() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 32, T = 64, D = 8, H = 64;
  typename Side::Net net;
  const auto states = net.gru(D, H);
  const auto output = net.linear(H, 1);
  const Tensor x = Side::values({B, T, D}, 1), next = Side::values({B, T}, 2);
  return {{net.parameters(), [=] { return mse_loss(output(states(x)).squeeze(-1), next); }}};
}

/// The next value of series by causal convolutions of growing dilation (Bai, Kolter & Koltun 2018).
template <class Side>
Program<Side> tcn() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 16, T = 128, H = 32;
  typename Side::Net net;
  const auto first = net.conv1d(1, H, 3, 1), second = net.conv1d(H, H, 3, 2), third = net.conv1d(H, H, 3, 4),
             fourth = net.conv1d(H, H, 3, 8), fifth = net.conv1d(H, H, 3, 16);
  const auto output = net.linear(H, 1);
  const Tensor x = Side::values({B, 1, T}, 1), next = Side::values({B, T}, 2);
  return {{net.parameters(), [=] {
             Tensor y = first(Side::pad_left(x, 2)).relu();
             y = y + second(Side::pad_left(y, 4)).relu();
             y = y + third(Side::pad_left(y, 8)).relu();
             y = y + fourth(Side::pad_left(y, 16)).relu();
             y = y + fifth(Side::pad_left(y, 32)).relu();
             return mse_loss(output(y.transpose(1, 2)).squeeze(-1), next);
           }}};
}

}  // namespace workload
