#include "models/training/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "framework/core/error.h"
#include "models/metrics/metric.h"

namespace heed::models {
namespace {

constexpr int kVersion = 2;

// The numbers of a state, by name.
constexpr std::pair<const char*, int64_t Cursor::*> kCounts[] = {
    {"update", &Cursor::update},
    {"epoch", &Cursor::epoch},
    {"batch", &Cursor::batch},
    {"best_update", &Cursor::best_update},
    {"skipped", &Cursor::skipped},
    {"without_improvement", &Cursor::without_improvement},
    {"loss_tokens", &Cursor::loss_tokens},
    {"linked_tokens", &Cursor::linked_tokens},
    {"stop_waits", &Cursor::stop_waits},
    {"validates", &Cursor::validates},
    {"aligned_tokens", &Cursor::aligned_tokens},
};
constexpr std::pair<const char*, double Cursor::*> kReals[] = {{"seconds", &Cursor::seconds},
                                                               {"loss_sum", &Cursor::loss_sum},
                                                               {"loss_seconds", &Cursor::loss_seconds},
                                                               {"alignment_sum", &Cursor::alignment_sum},
                                                               {"aligned_sum", &Cursor::aligned_sum}};

// Numbers that states of version 2 did not always have: 0 without.
bool may_lack(std::string_view name) {
  constexpr std::string_view kLater[] = {"linked_tokens", "alignment_sum",  "stop_waits",
                                         "validates",     "aligned_tokens", "aligned_sum"};
  return std::ranges::find(kLater, name) != std::end(kLater);
}

std::string key_of(const std::string& name) { return "training." + name; }
std::string best_key(const Metric& metric) { return key_of("best." + metric.keep); }

Tensor take(std::map<std::string, Tensor>& tensors, const std::string& key, const Shape& shape, DType dtype,
            const std::string& file) {
  const auto found = tensors.find(key);
  if (found == tensors.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, key));
  if (found->second.shape() != shape || found->second.dtype() != dtype) {
    throw FormatError(fmt::format("load '{}': '{}' is {} in the file, {}{} expected", file, key,
                                  found->second.describe(), name_of(dtype), shape.str()));
  }
  Tensor value = found->second;
  tensors.erase(found);
  return value;
}

template <class T>
T take_number(std::map<std::string, Tensor>& tensors, const std::string& key, const std::string& file) {
  return take(tensors, key, {}, dtype_of<T>(), file).template to_vector<T>()[0];
}

// Versions before 0.2.0 knew numbers by their place in vectors, and the first of them neither the other
// scores nor skipped updates.
TrainingState take_vectors(std::map<std::string, Tensor>& tensors, const std::string& name) {
  const auto counts = take(tensors, "cursor", {8}, DType::i64, name).to_vector<int64_t>();
  const auto reals = take(tensors, "progress", {4}, DType::f64, name).to_vector<double>();
  const auto random = take(tensors, "random", {2}, DType::i64, name).to_vector<int64_t>();
  TrainingState state;
  Cursor& c = state.cursor;
  std::tie(c.update, c.epoch, c.batch, c.best_update, c.without_improvement) =
      std::tie(counts[0], counts[1], counts[2], counts[3], counts[4]);
  std::tie(state.train_pairs, state.validation_pairs, c.loss_tokens) =
      std::tie(counts[5], counts[6], counts[7]);
  std::tie(c.seconds, c.loss_sum, c.loss_seconds) = std::tie(reals[1], reals[2], reals[3]);
  state.random = {static_cast<uint64_t>(random[0]), static_cast<uint64_t>(random[1])};
  // a tie in BLEU keeps the older weights, as it did then
  state.best = {{"bleu", reals[0]}, {"chrf", -1}, {"loss", std::numeric_limits<double>::lowest()}};
  if (tensors.contains("best")) {
    const auto best = take(tensors, "best", {2}, DType::f64, name).to_vector<double>();
    state.best["chrf"] = best[0], state.best["loss"] = best[1];
  }
  if (tensors.contains("skipped"))
    c.skipped = take(tensors, "skipped", {1}, DType::i64, name).to_vector<int64_t>()[0];
  return state;
}

TrainingState take_scalars(std::map<std::string, Tensor>& tensors, const std::string& name) {
  TrainingState state;
  const auto lacks = [&](const char* key) { return may_lack(key) && !tensors.contains(key_of(key)); };
  for (const auto& [key, member] : kCounts)
    if (!lacks(key)) state.cursor.*member = take_number<int64_t>(tensors, key_of(key), name);
  for (const auto& [key, member] : kReals)
    if (!lacks(key)) state.cursor.*member = take_number<double>(tensors, key_of(key), name);
  for (const Metric* metric : kept_metrics()) {
    // a metric that there was not when it was written has no best value
    const bool known = tensors.contains(best_key(*metric));
    state.best[metric->keep] =
        known ? take_number<double>(tensors, best_key(*metric), name) : metric->worst();
    if (state.cursor.best_update > 0 && known && !std::isfinite(state.best[metric->keep])) {
      throw FormatError(fmt::format("load '{}': '{}' holds NaN or infinity", name, best_key(*metric)));
    }
  }
  state.train_pairs = take_number<int64_t>(tensors, key_of("train_pairs"), name);
  state.validation_pairs = take_number<int64_t>(tensors, key_of("validation_pairs"), name);
  if (tensors.contains(key_of("data"))) state.data = take_number<int64_t>(tensors, key_of("data"), name);
  if (tensors.contains(key_of("best_stop")))
    state.best_stop = take_number<double>(tensors, key_of("best_stop"), name);
  state.random.seed = static_cast<uint64_t>(take_number<int64_t>(tensors, key_of("random_seed"), name));
  state.random.draws = static_cast<uint64_t>(take_number<int64_t>(tensors, key_of("random_draws"), name));
  return state;
}

}  // namespace

NamedTensors to_tensors(const TrainingState& state) {
  NamedTensors all;
  const auto add = [&]<class T>(const std::string& name, T value) {
    all.emplace_back(key_of(name), from_vector(std::vector<T>{value}, {}));
  };
  for (const auto& [key, member] : kCounts) add(key, state.cursor.*member);
  for (const auto& [key, member] : kReals) add(key, state.cursor.*member);
  for (const Metric* metric : kept_metrics()) add("best." + metric->keep, state.best.at(metric->keep));
  add("train_pairs", state.train_pairs);
  add("validation_pairs", state.validation_pairs);
  if (state.data != 0) add("data", state.data);
  if (!std::isnan(state.best_stop)) add("best_stop", state.best_stop);
  add("random_seed", static_cast<int64_t>(state.random.seed));
  add("random_draws", static_cast<int64_t>(state.random.draws));
  return all;
}

std::map<std::string, std::string> state_metadata() {
  return {{"format", "heed.state"}, {"version", std::to_string(kVersion)}};
}

TrainingState take_state(SafetensorsFile& file, int64_t updates, const std::string& name) {
  const auto version = file.metadata.find("version");  // version 1 did not say so
  if (version != file.metadata.end() && version->second != std::to_string(kVersion)) {
    throw FormatError(fmt::format("load '{}': version {} of a newer heed, this one reads up to {}", name,
                                  version->second, kVersion));
  }
  const bool old = version == file.metadata.end();
  TrainingState state = old ? take_vectors(file.tensors, name) : take_scalars(file.tensors, name);
  const Cursor& c = state.cursor;
  // none counts more often than there were updates
  const auto in_training = [&](int64_t n) { return n >= 0 && n <= c.update; };
  const bool counted = c.update >= 0 && c.update <= updates && c.loss_tokens >= 0 && c.linked_tokens >= 0 &&
                       c.aligned_tokens >= 0 &&
                       std::ranges::all_of(std::initializer_list<int64_t>{c.epoch, c.batch, c.best_update,
                                                                          c.without_improvement, c.skipped,
                                                                          c.stop_waits, c.validates},
                                           in_training);
  const bool measured = std::ranges::all_of(
      kReals, [&](const auto& real) {  // where weights round to more than 1, a sum of -log(weight) is below 0
        return std::isfinite(c.*real.second) &&
               (c.*real.second >= 0 || real.second == &Cursor::alignment_sum ||
                real.second == &Cursor::aligned_sum);
      });
  if (!counted || !measured) {
    throw FormatError(
        fmt::format("load '{}': where it stands is in no training of {} updates", name, updates));
  }
  return state;
}

std::map<std::string, Tensor> weights_of(const SafetensorsFile& state) {
  std::map<std::string, Tensor> weights;
  for (const auto& [key, value] : state.tensors) {
    if (key.starts_with(kWeights)) weights.emplace(key.substr(std::string_view(kWeights).size()), value);
  }
  return weights;
}

}  // namespace heed::models
