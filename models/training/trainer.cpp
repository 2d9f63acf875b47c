#include "models/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>

#include "framework/autograd/hooks.h"
#include "framework/core/error.h"
#include "framework/core/profiler.h"
#include "framework/io/system_memory.h"
#include "framework/ops/random_rows.h"
#include "models/metrics/metric.h"
#include "models/run/attention_choice.h"
#include "models/run/files.h"
#include "models/training/evaluation_mode.h"
#include "models/training/guided.h"
#include "models/training/json_number.h"

namespace heed::models {
namespace {

// Bytes of a run's files beside those of weights.
int64_t text_bytes(const std::filesystem::path& folder) {
  int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
    if (file.is_regular_file(ignored) && file.path().extension() != ".safetensors")
      bytes += static_cast<int64_t>(file.file_size(ignored));
  }
  return bytes;
}

}  // namespace

Trainer::Trainer(std::filesystem::path folder, RunConfig config, const TrainingData& data,
                 TrainCallbacks callbacks)
    : folder_(std::move(folder)),
      config_(std::move(config)),
      callbacks_(std::move(callbacks)),
      ranks_(callbacks_.ranks && callbacks_.ranks->size() > 1 ? callbacks_.ranks : nullptr),
      store_(folder_, callbacks_.free_bytes, callbacks_.disk_full) {
  if (!callbacks_.clock) throw ValueError("training", "the callback clock is missing");
  for (const Metric* metric : kept_metrics()) best_[metric->keep] = metric->worst();
  std::tie(source_, target_) = load_codecs(folder_, config_);
  data_ = encode(config_, source_, target_, data);
  sample_validation(data_, config_.train.validation_sentences, config_.train.seed);
  data_mark_ = fingerprint_of(data_);
  const UpdateSizes sizes = update_sizes();
  const int64_t pairs = data_.train.size();
  const int64_t updates = sizes.updates_of(
      sizes.batch.tokens > 0 ? EpochBatches(data_.train.lengths(), sizes.batch, config_.train.seed, 0).size()
                             : (pairs + sizes.batch.pairs - 1) / sizes.batch.pairs);
  total_updates_ = config_.train.updates > 0 ? config_.train.updates : config_.train.epochs * updates;
  manual_seed(config_.train.seed);
  // Before a model of impossible sizes is built.
  if (const std::filesystem::path state = folder_ / run_files::kState; file_exists(state)) {
    check_sizes(config_.model, weights_of(parse_safetensors(read_run_file(state), state.string())),
                (folder_ / run_files::kConfig).string());
  }
  const int64_t available_memory = system_memory().available;
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
  facts_.available_memory = available_memory;
  store_.reserve(facts_.state_bytes + text_bytes(folder_) +
                 Store::kMargin);  // a kept run has its text as well
  facts_.updates = total_updates_;
  facts_.updates_per_epoch = updates;
  if (ranks_) gradient_sums_ = std::make_unique<GradientSums>(model_->parameters(), *ranks_);
}

void Trainer::meet() const {
  if (ranks_) ranks_->meet();
}

void Trainer::takes_long(bool at_length) const {
  if (ranks_) ranks_->takes_long(at_length);
}

bool Trainer::any_rank(bool mine) const { return ranks_ ? ranks_->any(mine) : mine; }

// Those of the first rank for all.
void Trainer::share_weights() {
  if (!ranks_) return;
  for (const auto& [name, value] : model_->state_dict()) {
    Tensor dense = value.detach().contiguous();
    ranks_->broadcast(
        {static_cast<std::byte*>(dense.raw_data()), static_cast<size_t>(dense.numel()) * sizeof(float)});
    if (!value.is_contiguous()) value.detach().copy_(dense);
  }
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
  if (writes()) write_file_atomically(path, guided_text(data_.train));
  guided_ = true;
  reader_.reset();  // it has read pairs without links
}

UpdateSizes Trainer::update_sizes() const {
  const TrainConfig& t = config_.train;
  return {.batch = {.pairs = t.batch_size, .tokens = t.batch_tokens}, .accumulate = t.accumulate};
}

// The batches of the update at the cursor, of several ranks each one's part.
std::vector<BatchShare> Trainer::next_batches() {
  const ProfilePhase phase("batch");
  const double begin = callbacks_.clock();
  if (!reader_) {
    reader_ = std::make_unique<BatchReader>(data_.train, update_sizes(), config_.train.seed, cursor_.epoch,
                                            cursor_.batch);
  }
  const UpdatePairs update = reader_->next();
  const double waited = callbacks_.clock() - begin;
  waited_ += waited;
  if (waited_first_ < 0) waited_first_ = waited;
  updates_of_epoch_ = update.updates;
  if (update.batches.empty()) {
    throw FormatError(
        fmt::format("resume '{}': the state stands behind update {} of an epoch, which has {} in '{}'",
                    folder_.string(), cursor_.batch, update.updates, run_files::kConfig));
  }
  std::vector<BatchShare> batches;
  for (const std::vector<EncodedPair>& pairs : update.batches) {
    if (ranks_) {
      batches.emplace_back(make_batch(pairs), ranks_->rank(), ranks_->size());
    } else {
      batches.emplace_back(make_batch(pairs));
    }
  }
  return batches;
}

// The gradients of all batches of an update, as those of one large batch: each batch counts by its tokens,
// and so does each rank's part of it. What is not finite ends it. With `shared` gradients and losses are
// summed over ranks, and none of them ends it before the others.
std::optional<Trainer::BadNumber> Trainer::backward(std::span<const BatchShare> batches, StepLosses& sums,
                                                    GradientSums* shared) {
  const TrainConfig& t = config_.train;
  for (const BatchShare& share : batches) {
    sums.target_tokens += share.target_tokens;
    sums.linked_tokens += share.linked_tokens;
  }
  const bool whole = batches.size() == 1 && !ranks_;  // its mean is that of the update
  for (const BatchShare& part : batches) {
    const Batch& batch = part.batch;
    const double share = static_cast<double>(part.own_tokens()) / static_cast<double>(sums.target_tokens);
    double words = 0, alignment = 0;
    Tensor loss;
    {
      const ProfilePhase phase("forward");
      const RandomRows rows({batch.source.size(0), part.first_row}, {batch.target_tokens, part.first_token});
      if (t.guided_alignment > 0 && cursor_.update >= t.guided_from && batch.linked.defined()) {
        const auto both = model_->losses(batch, t.label_smoothing, guided_map(t, *model_));
        const double links =
            static_cast<double>(part.own_linked_tokens()) / static_cast<double>(sums.linked_tokens);
        words = both.words.item();
        alignment = both.alignment.item();
        loss = whole ? both.words + both.alignment * t.guided_alignment
                     : both.words * share + both.alignment * (t.guided_alignment * links);
        sums.alignment += alignment * links;
      } else {
        loss = model_->loss(batch, t.label_smoothing);
        words = loss.item();
        if (!whole) loss = loss * share;
      }
      sums.words += words * share;
    }
    if (!shared && !std::isfinite(words + alignment)) return BadNumber{"loss", words + alignment};
    const ProfilePhase phase("backward");
    if (shared && &part == &batches.back()) shared->begin(loss);
    loss.backward();
  }
  if (!shared) return std::nullopt;
  shared->finish();
  std::array<double, 2> losses{sums.words, sums.alignment};
  ranks_->sum(losses);
  std::tie(sums.words, sums.alignment) = std::tie(losses[0], losses[1]);
  if (!std::isfinite(losses[0] + losses[1])) return BadNumber{"loss", losses[0] + losses[1]};
  return std::nullopt;
}

// One update and its losses, or the number that is not finite: then nothing has changed. The norm is taken
// without clipping too: it is what finds a NaN.
std::variant<Trainer::StepLosses, Trainer::BadNumber> Trainer::step(std::span<const BatchShare> batches,
                                                                    double lr) {
  const AutocastGuard autocast(config_.train.precision == Precision::bf16);
  StepLosses sums;
  if (const auto bad = backward(batches, sums, gradient_sums_.get())) {
    optimizer_->zero_grad();
    return *bad;
  }
  const ProfilePhase phase("update");
  const double norm = nn::gradient_norm(model_->parameters());
  const bool good = std::isfinite(norm);
  if (good) optimizer_->step(lr, nn::clip_factor(norm, config_.train.clip));
  optimizer_->zero_grad();
  if (!good) return BadNumber{"norm of the gradient", norm};
  return sums;
}

// Ends the training at an update that cannot be made. What led to it is saved, so that it can go on from
// there in another way, and the update is computed once more to see where the first NaN comes from.
void Trainer::stop_at(const BadNumber& bad, std::span<const BatchShare> batches, Generator::State random) {
  takes_long(true);
  const TrainConfig& t = config_.train;
  default_generator().set_state(random);
  if (cursor_.update > 0 && faulty_weight().empty()) save_state(/*must=*/false);
  std::string found;
  try {
    const AutocastGuard autocast(t.precision == Precision::bf16);
    const AnomalyMode anomaly;
    StepLosses ignored;
    backward(batches, ignored, nullptr);
  } catch (const GradError& error) {
    found = error.what();
    found = "; computed again: " + found.substr(0, found.find("; recorded by"));
  }
  optimizer_->zero_grad();
  if (ranks_) {  // one of them has the NaN in its part
    for (const std::string& other : ranks_->gather(found)) found = found.empty() ? other : found;
  }
  const std::string many =
      t.on_bad_gradient == BadGradient::skip
          ? fmt::format(", after {} that were skipped, which is the most", cursor_.skipped)
          : "";
  throw Error("training", fmt::format("the {} is {} at update {}{}; try a lower lr{}", bad.what,
                                      shown_number(bad.value), cursor_.update + 1, many, found));
}

// Adds the losses of an update to the sums of the report.
void Trainer::count(const StepLosses& losses) {
  Cursor& c = cursor_;
  c.loss_sum += losses.words * static_cast<double>(losses.target_tokens);
  c.loss_tokens += losses.target_tokens;
  if (c.update <= config_.train.guided_from) return;
  const double alignment = losses.alignment * static_cast<double>(losses.linked_tokens);
  c.alignment_sum += alignment;
  c.linked_tokens += losses.linked_tokens;
  c.aligned_sum += alignment;
  c.aligned_tokens += losses.linked_tokens;
}

void Trainer::report_losses(const TrainProgress& p) {
  const std::string alignment =
      cursor_.linked_tokens > 0 ? fmt::format(R"("alignment_loss":{},)", json_number(p.alignment_loss)) : "";
  append_metrics(fmt::format(
      R"({{"update":{},"epoch":{},"loss":{},{}"lr":{:.6g},"tokens_per_second":{},"skipped":{},"seconds":{}}})",
      cursor_.update, cursor_.epoch, json_number(p.loss), alignment, p.lr,
      json_number(p.tokens_per_second, 1), cursor_.skipped, json_number(cursor_.seconds, 3)));
  cursor_.loss_sum = cursor_.loss_seconds = cursor_.alignment_sum = 0;
  cursor_.loss_tokens = cursor_.linked_tokens = 0;
}

bool Trainer::checkpoint_is_due() const {
  const TrainConfig& t = config_.train;
  if (t.save_every > 0 && cursor_.update % t.save_every == 0) return true;
  if (t.save_minutes > 0 && callbacks_.clock() - last_save_ >= 60 * t.save_minutes) return true;
  return callbacks_.should_save && callbacks_.should_save();
}

TrainResult Trainer::run() {
  const TrainConfig& t = config_.train;
  const nn::Schedule schedule(t.schedule, t.lr, t.warmup, total_updates_, t.lr_floor);
  if (patience_has_ended()) total_updates_ = cursor_.update;  // had ended when it was stopped
  if (cursor_.update < total_updates_ && writes()) require_disk();
  share_weights();
  if (callbacks_.ready) callbacks_.ready(*this);
  Followed followed{.saved = true, .left = false};
  if (cursor_.validates > 0) followed = follow_up();  // it was left in the middle of a validation
  bool stopped = followed.left;
  const double first = last_save_ = callbacks_.clock();
  const int64_t update_before = cursor_.update;
  double overhead = 0;  // validation and saving
  while (cursor_.update < total_updates_ && !stopped) {
    const double begin = callbacks_.clock();
    guide();
    const std::vector<BatchShare> of_update = next_batches();
    takes_long(false);
    const double lr = schedule(cursor_.update + 1);
    const Generator::State random = default_generator().state();
    const auto made = step(of_update, lr);
    const auto* const losses = std::get_if<StepLosses>(&made);
    if (!losses && (t.on_bad_gradient == BadGradient::stop ||
                    (t.max_bad_gradients > 0 && cursor_.skipped >= t.max_bad_gradients)))
      stop_at(std::get<BadNumber>(made), of_update, random);
    const double end = callbacks_.clock();
    ++cursor_.update;
    ++cursor_.batch;
    cursor_.seconds += end - begin;
    cursor_.loss_seconds += end - begin;
    if (losses) {
      count(*losses);
    } else {
      ++cursor_.skipped;
    }
    if (cursor_.batch == updates_of_epoch_) ++cursor_.epoch, cursor_.batch = 0;
    TrainProgress progress{cursor_.update,
                           total_updates_,
                           cursor_.batch == 0 ? cursor_.epoch : cursor_.epoch + 1,
                           cursor_.skipped,
                           cursor_.loss_sum / static_cast<double>(cursor_.loss_tokens),
                           lr,
                           static_cast<double>(cursor_.loss_tokens) / std::max(cursor_.loss_seconds, 1e-9),
                           cursor_.seconds,
                           0,
                           losses ? losses->words : std::numeric_limits<double>::quiet_NaN(),
                           cursor_.alignment_sum / static_cast<double>(cursor_.linked_tokens)};
    const double per_update = (end - first - overhead) / static_cast<double>(cursor_.update - update_before);
    progress.seconds_left = per_update * static_cast<double>(total_updates_ - cursor_.update);
    if (callbacks_.progress) callbacks_.progress(progress);
    if (cursor_.update % t.log_every == 0) report_losses(progress);
    takes_long(true);
    followed = follow_up();
    stopped = followed.left || (cursor_.update < total_updates_ &&
                                any_rank(callbacks_.should_stop && callbacks_.should_stop()));
    overhead += callbacks_.clock() - end;
  }
  if (stopped && !followed.saved) save_state(/*must=*/true);
  if (!stopped && t.average > 0) {  // the state keeps the weights of the last update
    try {
      average_checkpoints();
    } catch (const LeftValidation&) {
      stopped = true;  // the mean is made again
    }
  }
  if (!write_metrics()) store_.require_room("metrics.jsonl", static_cast<int64_t>(lines_.size()));
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
          facts_,
          waited_,
          std::max(waited_first_, 0.0),
          ranks_ ? ranks_->communication() : Communication{}};
}

}  // namespace heed::models
