// The state of a training on disk: saved, and taken up again.
#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/core/error.h"
#include "framework/core/profiler.h"
#include "framework/io/disk_space.h"
#include "framework/io/file.h"
#include "models/metrics/metric.h"
#include "models/run/files.h"
#include "models/text/json.h"
#include "models/training/trainer.h"

namespace heed::models {
namespace {

// Whether a line of metrics.jsonl is of an update up to `last`, and not of the mean at the end; what is no
// such line is none.
bool belongs_to(const nlohmann::json& line, int64_t last) {
  const auto number = [&](const char* key, int64_t otherwise) {
    const auto found = line.find(key);
    return found != line.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
  };
  return line.is_object() && number("update", INT64_MAX) <= last && number("averaged", 0) == 0;
}

// Lines of validations in metrics.jsonl.
int64_t validations_in(const std::filesystem::path& metrics) {
  if (!file_exists(metrics)) return 0;
  std::istringstream lines(read_run_file(metrics));
  int64_t count = 0;
  for (std::string line; std::getline(lines, line);)
    count += line.find("\"validation_loss\"") != std::string::npos ? 1 : 0;
  return count;
}

// The validation at the end of a run that has become longer since.
bool ended_there(const nlohmann::json& line, int64_t last) {
  return line.contains("validation_loss") && line.contains("update") && line["update"] == last;
}

// The best weights so far must be there and whole: a resumed run may end without better ones. Before the
// random numbers are set.
void load_best(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / run_files::kModel;
  if (!file_exists(path)) {
    throw IoError(
        fmt::format("resume '{}': '{}', the best weights so far, is missing; it can only be started anew",
                    folder.string(), path.string()));
  }
  load_run(folder);
}

}  // namespace

// Of several ranks the first brings the folder in order; the others read it then.
void Trainer::resume() {
  if (!writes()) meet();
  read_state();
  if (writes()) meet();
}

void Trainer::read_state() {
  const std::string name = (folder_ / run_files::kState).string();
  if (!file_exists(name)) {
    if (file_exists(folder_ / run_files::kModel) && !file_exists(folder_ / run_files::kMetrics)) {
      throw IoError(
          fmt::format("resume '{}': it holds weights and no training: a run that was kept, exported or "
                      "imported. A new run "
                      "can begin with its weights",
                      folder_.string()));
    }
    if (validations_in(folder_ / run_files::kMetrics) > 1) {  // behind each of which a state was saved
      throw IoError(
          fmt::format("resume '{}': '{}', where the training stood, is missing; it can only be started anew",
                      folder_.string(), name));
    }
    if (!writes()) return;
    rewind_kept_runs(folder_, 0, /*longer=*/true);
    return trim_metrics();
  }
  SafetensorsFile file = parse_safetensors(read_run_file(name), name);
  const TrainingState state = take_state(file, total_updates_, name);
  if (state.train_pairs != static_cast<int64_t>(data_.train.size()) ||
      state.validation_pairs != static_cast<int64_t>(data_.validation.size())) {
    throw FormatError(fmt::format(
        "resume '{}': was trained on {} and validated on {} pairs, given are {} and {}", folder_.string(),
        state.train_pairs, state.validation_pairs, data_.train.size(), data_.validation.size()));
  }
  if (state.data != 0 && state.data != data_mark_) {
    throw FormatError(fmt::format(
        "resume '{}': was trained on pairs with the fingerprint {:016x}, given are others, with {:016x}",
        folder_.string(), state.data, data_mark_));
  }
  const std::map<std::string, Tensor> weights = weights_of(file);
  check_vocabularies(config_.model.architecture(), weights, source_.vocabulary, target_.vocabulary, folder_);
  for (const auto& [key, value] : file.tensors) {
    if (!all_finite(value))
      throw FormatError(fmt::format("load '{}': '{}' holds NaN or infinity", name, key));
  }
  model_->load(weights, name);
  optimizer_->load_state(file.tensors, name);
  if (state.cursor.best_update > 0) load_best(folder_);
  cursor_ = state.cursor;
  best_ = state.best;
  best_stop_ = state.best_stop;
  default_generator().set_state(state.random);
  read_final_model();
  if (!writes()) return;
  rewind_kept_runs(folder_, cursor_.update, cursor_.update < total_updates_);
  prune_kept();
  go_on_from_schedule();
  trim_metrics();
}

// What is large in a state.
NamedTensors Trainer::tensors_of_state() const {
  NamedTensors all = optimizer_->state();
  for (const auto& [key, value] : model_->state_dict()) all.emplace_back(kWeights + key, value);
  return all;
}

// Without `must` a full disk leaves the state of the last checkpoint, and the training goes on.
bool Trainer::save_state(bool must) {
  const ProfilePhase phase("save");
  require_finite_weights();
  last_save_ = callbacks_.clock();
  if (!writes()) return true;
  NamedTensors all = tensors_of_state();
  for (auto& entry : to_tensors({.cursor = cursor_,
                     .best = best_,
                     .train_pairs = static_cast<int64_t>(data_.train.size()),
                     .validation_pairs = static_cast<int64_t>(data_.validation.size()),
                     .data = data_mark_,
                     .best_stop = best_stop_,
                     .random = default_generator().state()})) {
    all.push_back(std::move(entry));
  }
  const std::string what = fmt::format("the state after update {}", cursor_.update);
  const int64_t bytes = facts_.state_bytes;
  const bool saved = store_.write(what, bytes, [&] {
    write_lines();  // a state whose lines are missing would never get them
    save_safetensors(folder_ / run_files::kState, all, state_metadata());
    remove_file(folder_ / run_files::kInitial);
  });
  if (!saved && must) {
    store_.require_room(what, bytes);
    throw IoError("disk", fmt::format("{} could not be written: the disk was full", what));
  }
  if (must) store_.reserve(0);  // no other state follows
  if (saved) prune_kept();
  if (saved && store_.flush()) prune_kept();  // of those that had waited
  if (must) store_.require_written(Store::Need::beside);
  return saved;
}

// Whether there is room for a first checkpoint, without which no training should begin; and, as a remark, for
// all that will be kept.
void Trainer::require_disk() const {
  const TrainConfig& t = config_.train;
  const int64_t weights = facts_.weight_bytes, state = facts_.state_bytes;
  const bool begun = file_exists(folder_ / run_files::kState);
  store_.require_room(begun ? "the next checkpoint" : "the first checkpoint",
                      begun ? state : weights + state);
  int64_t there = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_, ignored)) {
    if (entry.path().extension() == ".safetensors") there += static_cast<int64_t>(entry.file_size(ignored));
  }
  // one run more than are kept, until the oldest goes, and a state beside the one that it replaces
  const int64_t kept = t.keep_last + t.keep_best, runs = 1 + t.average + kept + (kept > 0 ? 1 : 0);
  const int64_t text = store_.reserved() - state - Store::kMargin;
  const int64_t all =
      (kept > 0 ? kept + 1 : 0) * text + weights * runs + 2 * state + 2 * Store::kMargin - there;
  if (all > store_.room() && callbacks_.disk_full) {
    callbacks_.disk_full(
        fmt::format("all checkpoints of the training will need {} more, and the file system "
                    "of '{}' has {} left",
                    bytes_text(all), folder_.string(), bytes_text(store_.room())));
  }
}

void Trainer::append_metrics(const std::string& line) {
  if (!writes()) return;
  lines_ += line + '\n';
  write_metrics();
}

// Lines for which there is no room wait with the checkpoints.
bool Trainer::write_metrics() {
  return lines_.empty() || store_.attempt(static_cast<int64_t>(lines_.size()), [&] { write_lines(); });
}

void Trainer::write_lines() {
  if (!lines_.empty()) append_to_file(folder_ / run_files::kMetrics, lines_);
  lines_.clear();
}

// Lines of updates that the saved state does not know of would stand twice after a resume.
void Trainer::trim_metrics() const {
  const std::filesystem::path path = folder_ / run_files::kMetrics;
  if (!file_exists(path)) return;
  const bool longer = cursor_.update < total_updates_ && !validation_is_due();
  std::istringstream lines(read_run_file(path));
  std::string kept, line;
  while (std::getline(lines, line)) {
    const auto record = parse_json(line);
    if (belongs_to(record, cursor_.update) && !(longer && ended_there(record, cursor_.update))) {
      kept += line + '\n';
    }
  }
  write_file_atomically(path, kept);
}

// The name of the first weight with NaN or infinity, or nothing.
std::string Trainer::faulty_weight() const {
  for (const auto& [name, value] : model_->state_dict()) {
    if (!all_finite(value)) return name;
  }
  return "";
}

void Trainer::require_finite_weights() const {
  if (const std::string name = faulty_weight(); !name.empty()) {
    throw Error("training", fmt::format("'{}' holds NaN or infinity after update {}; try a lower lr", name,
                                        cursor_.update));
  }
}

// What the end of the run brought stands in the file of the weights itself, so that both are there or
// neither.
void Trainer::read_final_model() {
  final_ = {};
  const std::string name = (folder_ / run_files::kModel).string();
  if (!file_exists(name)) return;
  const auto metadata = parse_safetensors(read_run_file(name), name).metadata;
  const auto number = [&](const std::string& key) {
    const auto found = metadata.find(key);
    const auto value = found == metadata.end() ? nlohmann::json() : parse_json(found->second);
    if (!value.is_number())
      throw FormatError(fmt::format("load '{}': the metadata's {} is not a number", name, key));
    return value;
  };
  if (metadata.contains("final_update")) {
    for (const Metric* metric : kept_metrics()) {
      const bool known = metadata.contains("final_" + metric->keep);
      final_.scores[metric->keep] = known ? number("final_" + metric->keep).get<double>() : metric->worst();
    }
    const auto count = [&](const std::string& key) {
      const auto whole = whole_number(number(key), 0, std::numeric_limits<int64_t>::max());
      if (!whole)
        throw FormatError(fmt::format("load '{}': the metadata's {} is no whole number", name, key));
      return *whole;
    };
    final_.update = count("final_update");
    final_.averaged = count("final_averaged");
  }
  if (!final_.held() && writes()) remove_file(folder_ / run_files::kSingle);  // of a writer that was killed
}

// A run that is made longer forgets the weights that only its end kept for a mean.
void Trainer::go_on_from_schedule() {
  if (cursor_.update == 0 || cursor_.update >= total_updates_ || validation_is_due()) return;
  remove_file(folder_ / run_files::checkpoint(cursor_.update));
}

}  // namespace heed::models
