// A classifier: which of three interleaved spirals does a point of the plane lie on? No straight line tells
// them apart, so the two hidden layers have to bend the plane. Trains on one set of points, tests on others.
#include <heed/nn/nn.h>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace heed;

namespace {

constexpr int64_t kArms = 3;

struct Points {
  Tensor x;    // f32 [N, 2]
  Tensor arm;  // i64 [N], 0..kArms - 1
};

/// `per_arm` points on each arm; the radius grows with the angle, the angle carries noise (radians).
Points spirals(int64_t per_arm, double noise) {
  const std::vector<float> random = randn({kArms * per_arm}).to_vector<float>();
  std::vector<float> xy;
  std::vector<int64_t> arms;
  for (int64_t arm = 0; arm < kArms; ++arm) {
    for (int64_t i = 0; i < per_arm; ++i) {
      const double radius = (static_cast<double>(i) + 1) / static_cast<double>(per_arm);
      const double angle =
          4 * radius + 2 * std::numbers::pi * static_cast<double>(arm) / kArms + noise * random[arms.size()];
      xy.push_back(static_cast<float>(radius * std::cos(angle)));
      xy.push_back(static_cast<float>(radius * std::sin(angle)));
      arms.push_back(arm);
    }
  }
  const auto count = static_cast<int64_t>(arms.size());
  return {from_vector(xy, {count, 2}), from_vector(arms, {count})};
}

/// The share of points whose largest logit is their arm's.
double accuracy(const nn::Sequential& net, const Points& points) {
  const NoGradGuard no_grad;  // nothing is recorded for backward
  return mean(eq(argmax(net(points.x)), points.arm).to(DType::f32)).item();
}

/// `count` row numbers drawn from 0..rows - 1.
Tensor draw_rows(int64_t count, int64_t rows) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int64_t>(default_generator().next_below(static_cast<uint64_t>(rows))));
  return from_vector(ids, {count});
}

}  // namespace

int main() {
  manual_seed(1);
  const Points train = spirals(300, 0.1), test = spirals(100, 0.1);

  nn::Sequential net{nn::Linear(2, 64), nn::Tanh(), nn::Linear(64, 64), nn::Tanh(), nn::Linear(64, kArms)};
  nn::Adam adam(net.named_parameters());
  std::printf("%lld parameters, accuracy before training: %.1f %%\n",
              static_cast<long long>(net.parameter_count()), 100 * accuracy(net, test));

  constexpr int64_t kUpdates = 400;
  const nn::Schedule schedule(nn::ScheduleKind::cosine, /*base=*/0.01, /*warmup=*/0, /*total=*/kUpdates);
  for (int64_t update = 1; update <= kUpdates; ++update) {
    const Tensor rows = draw_rows(128, train.x.size(0));
    const Tensor loss = cross_entropy(net(index_select(train.x, 0, rows)), index_select(train.arm, 0, rows));
    loss.backward();
    adam.step(schedule(update));
    adam.zero_grad();
    if (update % 100 == 0)
      std::printf("update %3lld  loss %.4f\n", static_cast<long long>(update), loss.item());
  }

  const double learned = accuracy(net, test);
  std::printf("accuracy on %lld points that it has not seen: %.1f %% (guessing: %.1f %%)\n",
              static_cast<long long>(test.x.size(0)), 100 * learned, 100.0 / kArms);
  return learned > 0.97 ? 0 : 1;
}
