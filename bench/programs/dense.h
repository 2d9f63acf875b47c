// Programs of dense layers: a graph network, autoencoders, gradients of gradients, a differential equation.
// See program.h.
#pragma once

#include "bench/programs/program.h"

namespace workload {

/// Three rounds of messages along the edges of a graph, summed at their ends (Gilmer et al. 2017).
template <class Side>
Program<Side> graph_network() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t N = 2048, E = 16384, D = 32;
  typename Side::Net net;
  const auto encode = net.linear(16, D);
  const auto round = [&]() -> std::function<Tensor(const Tensor&, const Tensor&, const Tensor&)> {
    const auto message = net.linear(D, D), self = net.linear(D, D);
    return [=](const Tensor& x, const Tensor& from, const Tensor& to) {
      const Tensor sent = message(x).relu().index_select(0, from);
      return (self(x) + Side::zeros({N, D}).scatter_add(0, to, sent)).relu();
    };
  };
  const auto first = round(), second = round(), third = round();
  const auto output = net.linear(D, 8);
  const Tensor x = Side::values({N, 16}, 1), from = Side::whole({E}, 2, N),
               to = Side::whole({E}, 3, N).unsqueeze(1).expand({E, D}), label = Side::whole({N}, 4, 8);
  return {{net.parameters(), [=] {
             const Tensor y = encode(x).relu();
             return Side::cross_entropy(output(third(second(first(y, from, to), from, to), from, to)), label);
           }}};
}

/// Dense layers with SiLU down to a code and up again, binary cross-entropy of pixels.
template <class Side>
Program<Side> autoencoder() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 128, kPixels = 784;
  typename Side::Net net;
  const auto down1 = net.linear(kPixels, 256), down2 = net.linear(256, 64), down3 = net.linear(64, 16),
             up3 = net.linear(16, 64), up2 = net.linear(64, 256), up1 = net.linear(256, kPixels);
  const Tensor x = Side::values({B, kPixels}, 1, 0.5) + 0.5;
  return {{net.parameters(), [=] {
             const Tensor code = down3(silu(down2(silu(down1(x)))));
             return Side::bce_with_logits(up1(silu(up2(silu(up3(code))))), x);
           }}};
}

/// A variational autoencoder (Kingma & Welling 2014).
template <class Side>
Program<Side> vae() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 128, kPixels = 784, kLatent = 20;
  typename Side::Net net;
  const auto encoder = net.linear(kPixels, 256), latent = net.linear(256, 2 * kLatent),
             decoder = net.linear(kLatent, 256), pixels = net.linear(256, kPixels);
  const Tensor x = Side::values({B, kPixels}, 1, 0.5) + 0.5, noise = Side::values({B, kLatent}, 2);
  return {{net.parameters(), [=] {
             const std::vector<Tensor> parts = latent(encoder(x).relu()).chunk(2, -1);
             const Tensor &mean = parts[0], &log_variance = parts[1];
             const Tensor z = mean + exp(log_variance / 2) * noise;
             const Tensor divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2;
             return Side::bce_with_logits(pixels(decoder(z).relu()), x) + divergence / (B * kPixels);
           }}};
}

template <class Side>
std::function<typename Side::Tensor(const typename Side::Tensor&)> leaky_network(typename Side::Net& net,
                                                                                 int64_t in, int64_t out) {
  using Tensor = typename Side::Tensor;
  const auto first = net.linear(in, 128), second = net.linear(128, 128), third = net.linear(128, out);
  return [=](const Tensor& x) { return third(leaky_relu(second(leaky_relu(first(x), 0.2)), 0.2)); };
}

/// Five updates of a critic whose gradient has length 1, one of a generator (Gulrajani et al. 2017).
template <class Side>
Program<Side> wgan_gp() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 128, kNoise = 4;
  typename Side::Net generator, judge;
  const auto make = leaky_network<Side>(generator, kNoise, 2), critic = leaky_network<Side>(judge, 2, 1);
  const Tensor real = Side::values({B, 2}, 1), z = Side::values({B, kNoise}, 2),
               share = Side::values({B, 1}, 3, 0.5) + 0.5;
  return {{judge.parameters(),
           [=] {
             const Tensor made = make(z).detach();
             const Tensor between = (share * real + (1 - share) * made).set_requires_grad(true);
             const Tensor slope = Side::gradient(critic(between).sum(), {between})[0];
             return critic(made).mean() - critic(real).mean() +
                    (Side::length_of_rows(slope) - 1).square().mean() * 0.1;
           },
           5},
          {generator.parameters(), [=] { return -critic(make(z)).mean(); }}};
}

/// A policy's gradient (Williams 1992), and the product of the loss's Hessian with a vector, a tenth of which
/// is added to it (Pearlmutter 1994).
template <class Side>
Program<Side> reinforce() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t N = 3200;
  typename Side::Net net;
  const auto first = net.linear(4, 32), second = net.linear(32, 32), third = net.linear(32, 1);
  const std::vector<Tensor> parameters = net.parameters();
  std::vector<Tensor> vector;
  for (const Tensor& p : parameters) vector.push_back(Side::values_like(p, vector.size() + 10));
  const Tensor states = Side::values({N, 4}, 1), right = Side::whole({N}, 2, 2) * 1.0,
               advantage = Side::values({N}, 3);
  return {{parameters, [=] {
             const Tensor logits = third(second(first(states).tanh()).tanh()).squeeze(1);
             const Tensor loss = (Side::bce_of_each(logits, right) * advantage).mean();
             const std::vector<Tensor> slope = Side::gradient(loss, parameters);
             Tensor along = (slope[0] * vector[0]).sum();
             for (size_t i = 1; i < slope.size(); ++i) along = along + (slope[i] * vector[i]).sum();
             return loss + along * 0.1;
           }}};
}

/// Gradients through eight steps of Runge and Kutta with a network as derivative (Chen et al. 2018).
template <class Side>
Program<Side> neural_ode() {
  using Tensor = typename Side::Tensor;
  constexpr int64_t B = 64, kSolved = 8;
  constexpr double h = 0.1;
  typename Side::Net net;
  const auto first = net.linear(2, 64), second = net.linear(64, 64), third = net.linear(64, 2);
  const auto f = [=](const Tensor& x) { return third(second(first(x).tanh()).tanh()); };
  const Tensor start = Side::values({B, 2}, 1), truth = Side::values({kSolved, B, 2}, 2);
  return {{net.parameters(), [=] {
             Tensor x = start;
             std::vector<Tensor> states;
             for (int64_t t = 0; t < kSolved; ++t) {
               const Tensor k1 = f(x), k2 = f(x + k1 * (h / 2)), k3 = f(x + k2 * (h / 2)), k4 = f(x + k3 * h);
               x = x + (k1 + 2 * k2 + 2 * k3 + k4) * (h / 6);
               states.push_back(x);
             }
             return mse_loss(Side::stack(states), truth);
           }}};
}

}  // namespace workload
