// The validations of a training, and the weights that they choose.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string_view>

#include "framework/core/error.h"
#include "framework/core/profiler.h"
#include "framework/io/file.h"
#include "models/corpus/batches.h"
#include "models/decoding/search.h"
#include "models/metrics/loss.h"
#include "models/metrics/metric.h"
#include "models/run/files.h"
#include "models/run/mean.h"
#include "models/training/evaluation_mode.h"
#include "models/training/json_number.h"
#include "models/training/trainer.h"

namespace heed::models {
namespace {

// Each rank has some outputs, the others are empty; all get all.
void gather_outputs(Ranks& ranks, std::vector<std::vector<int>>& outputs) {
  std::string mine;
  const auto put = [&](size_t number) {
    mine.append(reinterpret_cast<const char*>(&number), sizeof(number));
  };
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].empty()) continue;
    put(i), put(outputs[i].size());
    mine.append(reinterpret_cast<const char*>(outputs[i].data()), outputs[i].size() * sizeof(int));
  }
  for (const std::string& text : ranks.gather(mine)) {
    size_t number = 0, i = 0;
    for (size_t at = 0; at < text.size();) {
      const auto take = [&](void* to, size_t bytes) {
        std::memcpy(to, text.data() + at, bytes);
        at += bytes;
      };
      take(&i, sizeof(i)), take(&number, sizeof(number));
      outputs[i].resize(number);
      take(outputs[i].data(), number * sizeof(int));
    }
  }
}

}  // namespace

// Greedy translations of the validation sources, of several ranks each one's part. The longest come first,
// and in between it is asked whether the validation should be left.
std::vector<std::vector<int>> Trainer::translate_validation() const {
  constexpr int64_t kTogether = 512;  // a multiple of what search decodes together
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : data_.validation) sources.push_back(pair.source);
  std::vector<std::vector<int>> outputs(sources.size());
  const int ranks = ranks_ ? ranks_->size() : 1, rank = ranks_ ? ranks_->rank() : 0;
  bool left = false;
  for (const std::vector<int64_t>& indices : batches_by_length(sources, kTogether * ranks)) {
    left = left || (callbacks_.should_leave && callbacks_.should_leave());
    if (left) break;
    std::vector<std::vector<int>> some;
    std::vector<size_t> places;  // every so many, so that all ranks have long ones
    for (size_t i = static_cast<size_t>(rank); i < indices.size(); i += static_cast<size_t>(ranks)) {
      places.push_back(static_cast<size_t>(indices[i]));
      some.push_back(sources[places.back()]);
    }
    std::vector<Hypothesis> found = search_best(*model_, some, {.keep_attention = false});
    for (size_t i = 0; i < places.size(); ++i) outputs[places[i]] = std::move(found[i].ids);
  }
  if (any_rank(left)) throw LeftValidation();
  if (ranks_) gather_outputs(*ranks_, outputs);
  return outputs;
}

// Of the weights as they are; throws what run() does when they are not finite.
ValidationResult Trainer::measure() const {
  require_finite_weights();
  const ProfilePhase phase("validation");
  const EvaluationMode evaluation(*model_);
  const std::vector<std::vector<int>> outputs = translate_validation();
  Scored scored;
  for (const std::vector<int>& output : outputs) {
    ValidationText text = validation_text(target_.decode(output).words, config_.target_text);
    scored.outputs.push_back(std::move(text.words));
    scored.output_text.push_back(std::move(text.text));
  }
  ValidationResult result;
  result.update = cursor_.update;
  scored.loss = corpus_loss(*model_, data_.validation, 64, ranks_);
  if (!std::isfinite(scored.loss)) {
    throw Error("training", fmt::format("the validation loss is {} after update {}; try a lower lr",
                                        shown_number(scored.loss), cursor_.update));
  }
  scored.references = data_.references;
  scored.reference_text = data_.reference_texts;
  for (const Metric* metric : kept_metrics()) {
    const std::optional<Score> score = metric->compute(scored);
    result.scores[metric->keep] = score ? score->value : NAN;
  }
  if (const std::string& by = config_.train.stop_by; by == kAlignmentLoss) {
    result.stop_score = cursor_.aligned_sum / static_cast<double>(cursor_.aligned_tokens);
  } else if (by != kNoStopBy) {
    const std::optional<Score> score = find_stopping_metric(by).compute(scored);
    if (score) result.stop_score = score->value;
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
ValidationResult Trainer::validate() {
  ValidationResult result = measure();
  const KeptScores& scores = result.scores;
  result.best = beats(scores, best_);
  if (result.best) {
    const bool final_stays = final_.held() && !beats(scores, final_.scores);
    best_ = scores;
    cursor_.best_update = cursor_.update;
    cursor_.without_improvement = 0;
    if (!final_stays) final_ = {};
    if (writes())
      store_.put(Store::Need::before_state, "best", 1, model_->state_dict(),
                 [folder = folder_, final_stays](const NamedTensors& weights) {
                   save_safetensors(folder / (final_stays ? run_files::kSingle : run_files::kModel), weights,
                                    {{"format", "heed.model"}});
                   if (!final_stays) remove_file(folder / run_files::kSingle);
                 });
  } else {
    ++cursor_.without_improvement;
  }
  report(result);
  return result;
}

// The end of the run, which a longer run would not validate: the last weights off the schedule, or a mean.
// Better ones become the model, and the best of the schedule stay beside them.
ValidationResult Trainer::validate_at_end(int64_t averaged) {
  store_.require_written(Store::Need::before_state);
  ValidationResult result = measure();
  result.averaged = averaged;
  const KeptScores& scores = result.scores;
  // stopped behind it
  const bool again =
      final_.update == cursor_.update && final_.averaged == averaged && final_.scores == scores;
  result.best = beats(scores, best_) && (!final_.held() || beats(scores, final_.scores) || again);
  if (result.best) {
    const std::filesystem::path model = folder_ / run_files::kModel;
    if (writes() && !final_.held() && cursor_.best_update > 0)
      write_file_atomically(folder_ / run_files::kSingle, read_run_file(model));
    final_ = {scores, cursor_.update, averaged};
    std::map<std::string, std::string> about{{"format", "heed.model"},
                                             {"final_update", fmt::format("{}", final_.update)},
                                             {"final_averaged", fmt::format("{}", averaged)}};
    for (const auto& [keep, value] : scores) {
      if (!std::isnan(value)) about["final_" + keep] = fmt::format("{}", value);
    }
    if (writes()) save_safetensors(model, model_->state_dict(), about);
  }
  report(result);
  return result;
}

void Trainer::report(const ValidationResult& result) {
  std::string scores;
  const auto add = [&](const std::string& name, double value) {
    scores += fmt::format(R"("validation_{}":{},)", name, json_number(value));
  };
  for (const auto& [keep, value] : result.scores) add(keep, value);
  if (const std::string& by = config_.train.stop_by;
      by != kNoStopBy && by != kAlignmentLoss && !result.scores.contains(by))
    add(by, result.stop_score);
  append_metrics(fmt::format(R"({{"update":{},"epoch":{},{}"best":{},"averaged":{},"seconds":{}}})",
                             cursor_.update, cursor_.epoch, scores, result.best, result.averaged,
                             json_number(cursor_.seconds, 3)));
  if (callbacks_.validated) callbacks_.validated(result);
}

bool Trainer::validation_is_due() const {
  const int64_t every = config_.train.validate_every;
  return every > 0 ? cursor_.update % every == 0 : cursor_.batch == 0;
}

// What follows an update: a validation where one is due, the weights that are kept, a checkpoint. A
// validation that is left is due again when the training goes on.
Trainer::Followed Trainer::follow_up() {
  const bool scheduled = validation_is_due(), ends = cursor_.update == total_updates_;
  KeptScores scores;
  if (scheduled || ends) {
    cursor_.validates = 1;
    try {
      const ValidationResult result = scheduled ? validate() : validate_at_end(/*averaged=*/0);
      scores = result.scores;
      count_waiting(result);
    } catch (const LeftValidation&) {
      return {.saved = save_state(/*must=*/true), .left = true};
    }
    if (config_.train.average > 0 && writes()) keep_checkpoint();
  }
  cursor_.validates = 0;
  if (writes()) keep_run(scores, ends);
  const bool saves = checkpoint_is_due() || !scores.empty();
  if (patience_has_ended()) total_updates_ = cursor_.update;
  return {.saved = saves && save_state(/*must=*/cursor_.update == total_updates_), .left = false};
}

// How long the score of stop_by has waited for a better one. Before guided alignment sets in there is no
// alignment loss, and nothing waits for it.
void Trainer::count_waiting(const ValidationResult& result) {
  const std::string& by = config_.train.stop_by;
  cursor_.aligned_sum = 0;
  cursor_.aligned_tokens = 0;
  if (by == kNoStopBy || std::isnan(result.stop_score)) return;
  const bool better = std::isnan(best_stop_) ||
                      (by == kAlignmentLoss ? result.stop_score < best_stop_
                                            : find_stopping_metric(by).beats(result.stop_score, best_stop_));
  if (better) best_stop_ = result.stop_score;
  cursor_.stop_waits = better ? 0 : cursor_.stop_waits + 1;
}

bool Trainer::patience_has_ended() const {
  const int64_t patience = config_.train.patience;
  const bool own = config_.train.stop_by != kNoStopBy;
  return patience > 0 && (own ? cursor_.stop_waits : cursor_.without_improvement) >= patience;
}

// The weights of this update beside those of the validations before; the oldest goes.
void Trainer::keep_checkpoint() {
  const std::filesystem::path path = folder_ / run_files::checkpoint(cursor_.update);
  const auto most = static_cast<size_t>(config_.train.average);
  store_.put(Store::Need::before_state, "average", most, model_->state_dict(),
             [folder = folder_, path, most](const NamedTensors& weights) {
               std::vector<std::filesystem::path> all = kept_checkpoints(folder);
               save_safetensors(path, weights, {{"format", "heed.model"}});
               std::erase(all, path);
               for (size_t i = 0; i + most <= all.size(); ++i) remove_file(all[i]);
             });
}

// The weights of this update as a run of their own, where they count among the last or the best. Those that
// no longer do go when the state is saved.
void Trainer::keep_run(const KeptScores& scores, bool ends) {
  const TrainConfig& t = config_.train;
  const bool validated = validation_is_due();
  const bool scheduled = t.save_every > 0 ? cursor_.update % t.save_every == 0 : validated;
  KeptRun about{.update = cursor_.update,
                .scheduled = scheduled || validated,
                .scores = scheduled && !validated ? KeptScores{} : scores};
  const auto better = [this](const KeptScores& a, const KeptScores& b) { return beats(a, b); };
  const bool best =
      t.keep_best > 0 && !scores.empty() && is_among_best(kept_runs(folder_), scores, t.keep_best, better);
  const bool last = t.keep_last > 0 && (scheduled || ends);
  if (!last && !best) return;
  store_.put(Store::Need::beside, "kept", static_cast<size_t>(t.keep_last + t.keep_best),
             model_->state_dict(), [folder = folder_, config = config_, about](const NamedTensors& weights) {
               write_kept_run(folder, config, about, weights);
             });
}

void Trainer::prune_kept() const {
  const TrainConfig& t = config_.train;
  prune_kept_runs(folder_, {.keep_last = t.keep_last,
                            .keep_best = t.keep_best,
                            .every = t.save_every,
                            .end = t.keep_last > 0 ? total_updates_ : 0,
                            .beats = [this](const KeptScores& one, const KeptScores& other) {
                              return beats(one, other);
                            }});
}

// The mean of the kept checkpoints becomes the model if it validates better than the best single one.
void Trainer::average_checkpoints() {
  std::vector<std::filesystem::path> all;
  if (writes()) all = kept_checkpoints(folder_);
  double count = static_cast<double>(all.size());
  if (ranks_) ranks_->sum({&count, 1});  // the others have none
  if (count < 2) return;
  if (writes()) model_->load(mean_of_weights(all), folder_.string());
  share_weights();
  validate_at_end(static_cast<int64_t>(count));
}

}  // namespace heed::models
