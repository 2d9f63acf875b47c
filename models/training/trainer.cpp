#include "models/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string_view>

#include "framework/core/profiler.h"
#include "models/decoding/search.h"
#include "models/metrics/loss.h"
#include "models/metrics/metric.h"
#include "models/run/attention_choice.h"
#include "models/run/files.h"
#include "models/training/guided.h"

namespace heed::models {
namespace {

// words or pieces a side, as translate reads unless it is told otherwise
// Evaluation mode while it lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(TranslationModel& model) : model_(model) { model_.train(false); }
  ~EvaluationMode() { model_.train(true); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  TranslationModel& model_;
};

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

Trainer::Trainer(std::filesystem::path folder, RunConfig config, const TokenisedCorpus& train,
                 const TokenisedCorpus& validation, TrainCallbacks callbacks)
    : folder_(std::move(folder)), config_(std::move(config)), callbacks_(std::move(callbacks)) {
  if (!callbacks_.clock) throw ValueError("training", "the callback clock is missing");
  for (const Metric* metric : kept_metrics()) best_[metric->keep] = metric->worst();
  std::tie(source_, target_) = load_codecs(folder_, config_);
  data_ = encode(config_, source_, target_, train, validation);
  const auto batches =
      config_.train.batch_tokens > 0
          ? static_cast<int64_t>(epoch_batches(data_.train, config_.train.batch_size, config_.train.seed, 0,
                                               config_.train.batch_tokens)
                                     .size())
          : (static_cast<int64_t>(data_.train.size()) + config_.train.batch_size - 1) /
                config_.train.batch_size;
  total_updates_ = config_.train.updates > 0 ? config_.train.updates : config_.train.epochs * batches;
  manual_seed(config_.train.seed);
  // Before a model of impossible sizes is built.
  if (const std::filesystem::path state = folder_ / run_files::kState; file_exists(state)) {
    check_sizes(config_.model, weights_of(parse_safetensors(read_run_file(state), state.string())),
                (folder_ / run_files::kConfig).string());
  }
  model_ = make_model(config_.model, source_.vocabulary.size(), target_.vocabulary.size());
  if (const std::filesystem::path initial = folder_ / run_files::kInitial; file_exists(initial))
    model_->load(parse_safetensors(read_run_file(initial), initial.string()).tensors, initial.string());
  model_->set_output_rules(output_rules(config_, target_.vocabulary));
  check_positions(*model_, data_.validation);
  optimizer_ = std::make_unique<nn::Adam>(model_->named_parameters(),
                                          nn::AdamOptions{.beta1 = config_.train.beta1,
                                                          .beta2 = config_.train.beta2,
                                                          .weight_decay = config_.train.weight_decay});
  if (const std::filesystem::path links = folder_ / run_files::kGuided; file_exists(links)) {
    read_guided(links, data_.train);
    guided_ = true;
  }
  facts_ = facts_of(data_);
  facts_.pieces =
      config_.train.subwords != SubwordKind::none || config_.target_text.tokenizer == Tokenizer::characters;
  facts_.source.vocabulary = source_.vocabulary.size();
  facts_.target.vocabulary = target_.vocabulary.size();
  facts_.parameters = model_->parameter_count();
  facts_.weight_bytes = bytes_of(model_->state_dict());
  facts_.state_bytes = bytes_of(tensors_of_state());
  facts_.updates = total_updates_;
  facts_.updates_per_epoch = batches;
}

void Trainer::resume() {
  const std::string name = (folder_ / run_files::kState).string();
  if (!file_exists(name)) {
    if (validations_in(folder_ / run_files::kMetrics) > 1) {  // behind each of which a state was saved
      throw IoError(
          fmt::format("resume '{}': '{}', where the training stood, is missing; it can only be started anew",
                      folder_.string(), name));
    }
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
  default_generator().set_state(state.random);
  read_final_model();
  go_on_from_schedule();
  trim_metrics();
}

// What is large in a state.
NamedTensors Trainer::tensors_of_state() const {
  NamedTensors all = optimizer_->state();
  for (const auto& [key, value] : model_->state_dict()) all.emplace_back(kWeights + key, value);
  return all;
}

void Trainer::save_state() const {
  const ProfilePhase phase("save");
  require_finite_weights();
  NamedTensors all = tensors_of_state();
  for (auto& entry : to_tensors({.cursor = cursor_,
                     .best = best_,
                     .train_pairs = static_cast<int64_t>(data_.train.size()),
                     .validation_pairs = static_cast<int64_t>(data_.validation.size()),
                     .random = default_generator().state()})) {
    all.push_back(std::move(entry));
  }
  save_safetensors(folder_ / run_files::kState, all, state_metadata());
  remove_file(folder_ / run_files::kInitial);
}

void Trainer::append_metrics(const std::string& line) const {
  append_to_file(folder_ / run_files::kMetrics, line + '\n');
}

// Lines of updates that the saved state does not know of would stand twice after a resume.
void Trainer::trim_metrics() const {
  const std::filesystem::path path = folder_ / run_files::kMetrics;
  if (!file_exists(path)) return;
  const bool longer = cursor_.update < total_updates_ && !validation_is_due();
  std::istringstream lines(read_run_file(path));
  std::string kept, line;
  while (std::getline(lines, line)) {
    const auto record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (belongs_to(record, cursor_.update) && !(longer && ended_there(record, cursor_.update))) {
      kept += line + '\n';
    }
  }
  write_file_atomically(path, kept);
}

// Whether a number of this update is finite; where it is not the user has said what becomes of the update.
bool Trainer::is_usable(const char* what, double value) const {
  if (std::isfinite(value)) return true;
  if (config_.train.on_bad_gradient == BadGradient::skip) return false;
  throw Error("training",
              fmt::format("the {} is {} at update {}; try a lower lr", what, value, cursor_.update + 1));
}

// One update and its loss; nothing when it was left out. The norm is taken without clipping too: it is what
// finds a NaN.
std::optional<Trainer::StepLosses> Trainer::step(const Batch& batch, double lr) {
  const TrainConfig& t = config_.train;
  const AutocastGuard autocast(t.precision == Precision::bf16);
  StepLosses values;
  {
    Tensor loss;
    {
      const ProfilePhase phase("forward");
      if (t.guided_alignment > 0 && cursor_.update >= t.guided_from && batch.linked.defined()) {
        const auto both = model_->losses(batch, t.label_smoothing, guided_map(t, *model_));
        values = {both.words.item(), both.alignment.item()};
        loss = both.words + both.alignment * t.guided_alignment;
      } else {
        loss = model_->loss(batch, t.label_smoothing);
        values.words = loss.item();
      }
    }
    if (!is_usable("loss", values.words + values.alignment)) return std::nullopt;
    const ProfilePhase phase("backward");
    loss.backward();
  }
  const ProfilePhase phase("update");
  const double norm = nn::gradient_norm(model_->parameters());
  const bool good = is_usable("norm of the gradient", norm);
  if (good) optimizer_->step(lr, nn::clip_factor(norm, config_.train.clip));
  optimizer_->zero_grad();
  return good ? std::optional(values) : std::nullopt;
}

// The run's own links, when their time has come. A run that is resumed behind that finds them in its folder.
void Trainer::guide() {
  const TrainConfig& t = config_.train;
  if (t.guided_alignment == 0 || guided_ || cursor_.update < t.guided_from) return;
  const std::filesystem::path path = folder_ / run_files::kGuided;
  if (cursor_.update > t.guided_from || t.guided_from == 0) {  // from 0 on it follows links that were given
    throw IoError(
        fmt::format("resume '{}': '{}', the links that its attention is guided by, is missing; it "
                    "can only be started anew",
                    folder_.string(), path.string()));
  }
  const EvaluationMode evaluation(*model_);
  align_by_model(*model_, data_.train, guided_map(t, *model_).layer, config_.rules.source_end);
  write_file_atomically(path, guided_text(data_.train));
  guided_ = true;
}

// Of the weights as they are; throws what run() does when they are not finite.
ValidationResult Trainer::measure() const {
  require_finite_weights();
  const ProfilePhase phase("validation");
  const EvaluationMode evaluation(*model_);
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : data_.validation) sources.push_back(pair.source);
  const std::vector<Hypothesis> outputs = search_best(*model_, sources, {.keep_attention = false});
  Scored scored;
  for (const Hypothesis& output : outputs) {
    ValidationText text = validation_text(target_.decode(output.ids).words, config_.target_text);
    scored.outputs.push_back(std::move(text.words));
    scored.output_text.push_back(std::move(text.text));
  }
  ValidationResult result;
  result.update = cursor_.update;
  scored.loss = corpus_loss(*model_, data_.validation);
  if (!std::isfinite(scored.loss)) {
    throw Error("training", fmt::format("the validation loss is {} after update {}; try a lower lr",
                                        scored.loss, cursor_.update));
  }
  scored.references = data_.references;
  scored.reference_text = data_.reference_texts;
  for (const Metric* metric : kept_metrics()) {
    const std::optional<Score> score = metric->compute(scored);
    result.scores[metric->keep] = score ? score->value : NAN;
  }
  result.outputs = static_cast<int64_t>(outputs.size());
  result.distinct_outputs = static_cast<int64_t>(
      std::set<std::string_view>(scored.output_text.begin(), scored.output_text.end()).size());
  result.empty_outputs = std::ranges::count(scored.output_text, std::string());
  const size_t shown = static_cast<size_t>(cursor_.update) % outputs.size();
  result.sample_source = data_.validation_sources[shown];
  result.sample_output =
      config_.target_text.raw() ? scored.output_text[shown] : unescape(scored.output_text[shown]);
  return result;
}

bool Trainer::beats(const KeptScores& one, const KeptScores& other) const {
  const Metric &loss = find_kept_metric("loss"), &chosen = find_kept_metric(config_.train.keep_best_by);
  const Metric& by = metric_can_tell() ? chosen : loss;
  const double score = one.at(by.keep), best = other.at(by.keep);
  return score == best ? loss.beats(one.at(loss.keep), other.at(loss.keep)) : by.beats(score, best);
}

bool Trainer::metric_can_tell() const {
  const Metric& chosen = find_kept_metric(config_.train.keep_best_by);
  return !chosen.can_tell || chosen.can_tell(data_.references);
}

// A validation of the schedule: what a run of any length has.
void Trainer::validate() {
  ValidationResult result = measure();
  const KeptScores& scores = result.scores;
  result.best = beats(scores, best_);
  if (result.best) {
    const bool final_stays = final_.held() && !beats(scores, final_.scores);
    best_ = scores;
    cursor_.best_update = cursor_.update;
    cursor_.without_improvement = 0;
    save_safetensors(folder_ / (final_stays ? run_files::kSingle : run_files::kModel), model_->state_dict(),
                     {{"format", "heed.model"}});
    if (!final_stays) remove_file(folder_ / run_files::kSingle);
    if (!final_stays) final_ = {};
  } else {
    ++cursor_.without_improvement;
  }
  report(result);
}

// The end of the run, which a longer run would not validate: the last weights off the schedule, or a mean.
// Better ones become the model, and the best of the schedule stay beside them.
void Trainer::validate_at_end(int64_t averaged) {
  ValidationResult result = measure();
  result.averaged = averaged;
  const KeptScores& scores = result.scores;
  // stopped behind it
  const bool again =
      final_.update == cursor_.update && final_.averaged == averaged && final_.scores == scores;
  result.best = beats(scores, best_) && (!final_.held() || beats(scores, final_.scores) || again);
  if (result.best) {
    const std::filesystem::path model = folder_ / run_files::kModel;
    if (!final_.held() && cursor_.best_update > 0)
      write_file_atomically(folder_ / run_files::kSingle, read_run_file(model));
    final_ = {scores, cursor_.update, averaged};
    std::map<std::string, std::string> about{{"format", "heed.model"},
                                             {"final_update", fmt::format("{}", final_.update)},
                                             {"final_averaged", fmt::format("{}", averaged)}};
    for (const auto& [keep, value] : scores) {
      if (!std::isnan(value)) about["final_" + keep] = fmt::format("{}", value);
    }
    save_safetensors(model, model_->state_dict(), about);
  }
  report(result);
}

void Trainer::report(const ValidationResult& result) const {
  std::string scores;
  for (const auto& [keep, value] : result.scores) {
    scores += fmt::format(R"("validation_{}":{},)", keep,
                          std::isnan(value) ? "null" : fmt::format("{:.6f}", value));
  }
  append_metrics(fmt::format(R"({{"update":{},"epoch":{},{}"best":{},"averaged":{},"seconds":{:.3f}}})",
                             cursor_.update, cursor_.epoch, scores, result.best, result.averaged,
                             cursor_.seconds));
  if (callbacks_.validated) callbacks_.validated(result);
}

bool Trainer::validation_is_due() const {
  const int64_t every = config_.train.validate_every;
  return every > 0 ? cursor_.update % every == 0 : cursor_.batch == 0;
}

void Trainer::require_finite_weights() const {
  for (const auto& [name, value] : model_->state_dict()) {
    if (!all_finite(value)) {
      throw Error("training", fmt::format("'{}' holds NaN or infinity after update {}; try a lower lr", name,
                                          cursor_.update));
    }
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
    const auto value = found == metadata.end()
                           ? nlohmann::json()
                           : nlohmann::json::parse(found->second, nullptr, /*allow_exceptions=*/false);
    if (!value.is_number())
      throw FormatError(fmt::format("load '{}': the metadata's {} is not a number", name, key));
    return value;
  };
  if (metadata.contains("final_update")) {
    for (const Metric* metric : kept_metrics()) {
      const bool known = metadata.contains("final_" + metric->keep);
      final_.scores[metric->keep] = known ? number("final_" + metric->keep).get<double>() : metric->worst();
    }
    final_.update = number("final_update").get<int64_t>();
    final_.averaged = number("final_averaged").get<int64_t>();
  }
  if (!final_.held()) remove_file(folder_ / run_files::kSingle);  // of a writer that was killed
}

// A run that is made longer forgets the weights that only its end kept for a mean.
void Trainer::go_on_from_schedule() {
  if (cursor_.update == 0 || cursor_.update >= total_updates_ || validation_is_due()) return;
  remove_file(folder_ / run_files::checkpoint(cursor_.update));
}

// The weights of this update beside those of the validations before; the oldest goes.
void Trainer::keep_checkpoint() const {
  std::vector<std::filesystem::path> all = kept_checkpoints(folder_);
  const std::filesystem::path path = folder_ / run_files::checkpoint(cursor_.update);
  save_safetensors(path, model_->state_dict(), {{"format", "heed.model"}});
  std::erase(all, path);
  for (size_t i = 0; i + static_cast<size_t>(config_.train.average) <= all.size(); ++i) remove_file(all[i]);
}

// The mean of the kept checkpoints becomes the model if it validates better than the best single one.
void Trainer::average_checkpoints() {
  const std::vector<std::filesystem::path> all = kept_checkpoints(folder_);
  if (all.size() < 2) return;
  std::map<std::string, Tensor> mean;
  for (const std::filesystem::path& path : all) {
    SafetensorsFile checkpoint = parse_safetensors(read_run_file(path), path.string());
    check_finite(checkpoint.tensors, path.string());
    for (auto& [name, value] : checkpoint.tensors) {
      const Tensor share = value.to(DType::f64) / static_cast<double>(all.size());
      Tensor& total = mean[name];
      total = total.defined() ? total + share : share;
    }
  }
  for (auto& [name, value] : mean) value = value.to(DType::f32);
  model_->load(mean, folder_.string());
  validate_at_end(static_cast<int64_t>(all.size()));
}

TrainResult Trainer::run() {
  const TrainConfig& t = config_.train;
  const nn::Schedule schedule(t.schedule, t.lr, t.warmup, total_updates_, t.lr_floor);
  // had ended when it was stopped
  if (t.patience > 0 && cursor_.without_improvement >= t.patience) total_updates_ = cursor_.update;
  if (callbacks_.ready) callbacks_.ready(*this);
  bool stopped = false, validated = true;
  const double first = callbacks_.clock();
  const int64_t update_before = cursor_.update;
  double overhead = 0;  // validation and saving
  while (cursor_.update < total_updates_ && !stopped) {
    const auto batches = epoch_batches(data_.train, t.batch_size, t.seed, cursor_.epoch, t.batch_tokens);
    while (cursor_.batch < static_cast<int64_t>(batches.size()) && cursor_.update < total_updates_ &&
           !stopped) {
      const double begin = callbacks_.clock();
      guide();
      const Batch batch = [&] {
        const ProfilePhase phase("batch");
        return make_batch(data_.train, batches[static_cast<size_t>(cursor_.batch)]);
      }();
      const double lr = schedule(cursor_.update + 1);
      const std::optional<StepLosses> loss = step(batch, lr);
      const double end = callbacks_.clock();
      ++cursor_.update;
      ++cursor_.batch;
      cursor_.seconds += end - begin;
      cursor_.loss_seconds += end - begin;
      if (loss) {
        cursor_.loss_sum += loss->words * static_cast<double>(batch.target_tokens);
        cursor_.loss_tokens += batch.target_tokens;
        if (cursor_.update > config_.train.guided_from) {
          cursor_.alignment_sum += loss->alignment * static_cast<double>(batch.linked_tokens);
          cursor_.linked_tokens += batch.linked_tokens;
        }
      } else {
        ++cursor_.skipped;
      }
      if (cursor_.batch == static_cast<int64_t>(batches.size())) ++cursor_.epoch, cursor_.batch = 0;
      TrainProgress progress{cursor_.update,
                             total_updates_,
                             cursor_.batch == 0 ? cursor_.epoch : cursor_.epoch + 1,
                             cursor_.skipped,
                             cursor_.loss_sum / static_cast<double>(cursor_.loss_tokens),
                             lr,
                             static_cast<double>(cursor_.loss_tokens) / std::max(cursor_.loss_seconds, 1e-9),
                             cursor_.seconds,
                             0,
                             loss ? loss->words : std::numeric_limits<double>::quiet_NaN(),
                             cursor_.alignment_sum / static_cast<double>(cursor_.linked_tokens)};
      const double per_update =
          (end - first - overhead) / static_cast<double>(cursor_.update - update_before);
      progress.seconds_left = per_update * static_cast<double>(total_updates_ - cursor_.update);
      if (callbacks_.progress) callbacks_.progress(progress);
      if (cursor_.update % t.log_every == 0) {
        const std::string mean_loss = cursor_.loss_tokens > 0 ? fmt::format("{:.6f}", progress.loss) : "null";
        const std::string alignment =
            cursor_.linked_tokens > 0 ? fmt::format(R"("alignment_loss":{:.6f},)", progress.alignment_loss)
                                      : "";
        append_metrics(fmt::format(
            R"({{"update":{},"epoch":{},"loss":{},{}"lr":{:.6g},"tokens_per_second":{:.1f},"skipped":{},"seconds":{:.3f}}})",
            cursor_.update, cursor_.epoch, mean_loss, alignment, lr, progress.tokens_per_second,
            cursor_.skipped, cursor_.seconds));
        cursor_.loss_sum = cursor_.loss_seconds = cursor_.alignment_sum = 0;
        cursor_.loss_tokens = cursor_.linked_tokens = 0;
      }
      validated = false;
      if (validation_is_due() || cursor_.update == total_updates_) {
        if (validation_is_due()) {
          validate();
        } else {
          validate_at_end(/*averaged=*/0);
        }
        if (t.average > 0) keep_checkpoint();
        validated = true;
        save_state();
        if (t.patience > 0 && cursor_.without_improvement >= t.patience) total_updates_ = cursor_.update;
      }
      stopped = cursor_.update < total_updates_ && callbacks_.should_stop && callbacks_.should_stop();
      overhead += callbacks_.clock() - end;
      if (cursor_.batch == 0) break;  // the next epoch has another order
    }
  }
  if (stopped && !validated) save_state();
  if (!stopped && t.average > 0) average_checkpoints();  // the state keeps the weights of the last update
  const bool ended_better = final_.held() && beats(final_.scores, best_);
  return {!stopped,
          cursor_.update,
          cursor_.seconds,
          ended_better              ? final_.scores
          : cursor_.best_update > 0 ? best_
                                    : KeptScores{},
          ended_better ? final_.update : cursor_.best_update,
          facts_.parameters,
          cursor_.skipped,
          facts_};
}

}  // namespace heed::models
