// Stopping and going on: weights and the optimiser's state are saved as safetensors after half of a training,
// loaded into a new model, and both go on. They end with the same predictions, bit for bit. A file that does
// not fit is refused with one line, and changes nothing.
#include <heed/nn/nn.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

using namespace heed;

namespace {

class Net : public nn::Module {
 public:
  explicit Net(int64_t hidden, const nn::Scope& scope = {})
      : Module(scope), first_(2, hidden), second_(hidden, 1) {
    child("first", first_);
    child("second", second_);
  }
  Tensor operator()(const Tensor& x) const { return second_(tanh(first_(x))); }

 private:
  nn::Linear first_, second_;
};

// [N, 2] -> [N, 1]
Tensor product_of_columns(const Tensor& x) { return slice(x, 1, 0, 1) * slice(x, 1, 1, 2); }

/// Learns x_0 x_1 from random points; returns the last loss.
double train(const Net& net, nn::Adam& adam, int updates) {
  double last = 0;
  for (int update = 0; update < updates; ++update) {
    const Tensor x = uniform({64, 2}, -1, 1);
    const Tensor loss = mse_loss(net(x), product_of_columns(x));
    loss.backward();
    adam.step(/*lr=*/0.01);
    adam.zero_grad();
    last = loss.item();
  }
  return last;
}

/// Everything that training depends on: the optimiser's tensors, and the random numbers' place in the
/// metadata.
void save(const std::filesystem::path& folder, const Net& net, const nn::Adam& adam) {
  const Generator::State random = default_generator().state();
  save_safetensors(folder / "model.safetensors", net.state_dict());
  save_safetensors(folder / "optimizer.safetensors", adam.state(),
                   {{"seed", std::to_string(random.seed)}, {"draws", std::to_string(random.draws)}});
}

void load(const std::filesystem::path& folder, Net& net, nn::Adam& adam) {
  net.load(load_safetensors(folder / "model.safetensors").tensors, "model.safetensors");
  const SafetensorsFile state = load_safetensors(folder / "optimizer.safetensors");
  adam.load_state(state.tensors, "optimizer.safetensors");
  default_generator().set_state(
      {.seed = std::stoull(state.metadata.at("seed")), .draws = std::stoull(state.metadata.at("draws"))});
}

}  // namespace

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("heed_example_save_load_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  manual_seed(1);
  Net original(16);
  nn::Adam original_adam(original.named_parameters());
  std::printf("half of the training: loss %.5f\n", train(original, original_adam, 300));
  save(folder, original, original_adam);
  const double original_loss = train(original, original_adam, 300);
  std::printf("the original goes on: loss %.5f\n", original_loss);

  manual_seed(99);  // other initial weights, which loading replaces
  Net resumed(16);
  nn::Adam resumed_adam(resumed.named_parameters());
  load(folder, resumed, resumed_adam);
  std::printf("the loaded one too:   loss %.5f\n", train(resumed, resumed_adam, 300));

  const NoGradGuard no_grad;
  const Tensor x = uniform({1000, 2}, -1, 1), truth = product_of_columns(x);
  const bool equal = all(eq(original(x), resumed(x))).to(DType::f32).item() == 1;
  std::printf("predictions for 1000 new points: %s\n", equal ? "equal, bit for bit" : "DIFFERENT");

  bool refused = false;
  Net wider(32);
  try {
    wider.load(load_safetensors(folder / "model.safetensors").tensors, "model.safetensors");
  } catch (const FormatError& error) {
    refused = true;
    std::printf("a wider net refuses the file: %s\n", error.what());
  }
  std::filesystem::remove_all(folder);
  const double error = mse_loss(resumed(x), truth).item(), constant = var(truth).item();
  std::printf("mean squared error %.5f, of a constant at best %.5f\n", error, constant);
  return equal && refused && error < constant / 50 ? 0 : 1;
}
