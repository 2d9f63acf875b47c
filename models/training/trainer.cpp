#include "models/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/decoding/search.h"
#include "models/metrics/bleu.h"
#include "models/metrics/chrf.h"

namespace heed::models {
namespace {

constexpr const char* kWeights = "weights.";
constexpr const char* kCheckpoint = "checkpoint-";

// The kept checkpoints of a run, the oldest first.
std::vector<std::filesystem::path> checkpoints(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kCheckpoint) && name.ends_with(".safetensors")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Tensor take(std::map<std::string, Tensor>& tensors, const std::string& key, const Shape& shape, DType dtype, const std::string& file) {
  const auto found = tensors.find(key);
  if (found == tensors.end()) throw FormatError(fmt::format("load '{}': '{}' is missing", file, key));
  if (found->second.shape() != shape || found->second.dtype() != dtype) {
    throw FormatError(
        fmt::format("load '{}': '{}' is {} in the file, {}{} expected", file, key, found->second.describe(), name_of(dtype), shape.str()));
  }
  Tensor value = found->second;
  tensors.erase(found);
  return value;
}

// The best weights so far must be there and whole: a resumed run may end without better ones. Before the random numbers are set.
void load_best(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "model.safetensors";
  if (!std::filesystem::exists(path)) {
    throw IoError(fmt::format("resume '{}': '{}', the best weights so far, is missing; only --overwrite, a new start, helps",
                              folder.string(), path.string()));
  }
  load_run(folder);
}

}  // namespace

std::vector<std::vector<std::string>> tokenize_lines(std::span<const std::string> lines, const TextSettings& settings) {
  std::vector<std::vector<std::string>> result;
  for (const std::string& line : lines) {
    result.emplace_back();
    for (Token& token : tokenize(line, settings)) result.back().push_back(std::move(token.text));
  }
  return result;
}

std::vector<int> encode_source(const TextCodec& codec, std::span<const std::string> words) {
  std::vector<int> ids = codec.encode(words).ids;
  ids.push_back(Vocabulary::kEos);
  return ids;
}

std::string join(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

double corpus_loss(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size) {
  const NoGradGuard no_grad;
  double total = 0;
  int64_t tokens = 0;
  for (const std::vector<int64_t>& indices : epoch_batches(pairs, batch_size, 0, 0)) {
    const Batch batch = make_batch(pairs, indices);
    total += model.loss(batch, 0).item() * static_cast<double>(batch.target_tokens);
    tokens += batch.target_tokens;
  }
  return total / static_cast<double>(std::max<int64_t>(tokens, 1));
}

Trainer::TextFiles Trainer::learn_text(const RunConfig& config, const TokenisedCorpus& train) {
  check(config);
  TextFiles files;
  const auto limit = static_cast<size_t>(config.train.max_length);  // what is left out of the training teaches no words either
  using Lines = std::vector<std::vector<std::string>>;
  const auto build = [&](std::span<const Lines* const> texts, std::span<const char* const> sides) {
    Lines units;
    for (const Lines* text : texts) {
      for (size_t i = 0; i < text->size(); ++i) {
        if (train.source[i].size() <= limit && train.target[i].size() <= limit) units.push_back((*text)[i]);
      }
    }
    if (config.train.subwords != "none") {
      const std::string model = Subwords::train(units, config.train.subwords, config.train.subword_vocabulary);
      TextCodec codec{{}, std::make_shared<Subwords>(model, config.train.subwords)};
      for (std::vector<std::string>& line : units) line = codec.units(line);
      for (const char* side : sides) files[fmt::format("{}.spm", side)] = model;
    }
    const Vocabulary vocabulary = Vocabulary::build(units, config.train.min_count, config.train.max_vocabulary);
    for (const char* side : sides) files[fmt::format("{}.vocab", side)] = vocabulary.save();
  };
  if (config.train.joint) {
    build(std::array{&train.source, &train.target}, std::array{"source", "target"});
  } else {
    build(std::array{&train.source}, std::array{"source"});
    build(std::array{&train.target}, std::array{"target"});
  }
  return files;
}

void Trainer::start(const std::filesystem::path& folder, const RunConfig& config, const TextFiles& text) {
  for (const auto& [name, content] : text) write_file_atomically(folder / name, content);
  write_file_atomically(folder / "metrics.jsonl", "");
  write_file_atomically(folder / "config.toml", to_toml(config));  // last: with it the folder is a run
}

void Trainer::check_corpora(const RunConfig& config, const TokenisedCorpus& train, const TokenisedCorpus& validation) {
  check(config);
  const auto limit = static_cast<size_t>(config.train.max_length);
  const auto usable = [](const TokenisedCorpus& corpus, size_t most) {
    for (size_t i = 0; i < corpus.source.size(); ++i) {
      const size_t s = corpus.source[i].size(), t = corpus.target[i].size();
      if (s > 0 && t > 0 && s <= most && t <= most) return true;
    }
    return false;
  };
  if (!usable(train, limit)) throw ValueError(fmt::format("no training pair has between 1 and {} tokens on both sides", limit));
  if (!usable(validation, SIZE_MAX)) throw ValueError("no validation pair has words on both sides");
}

Trainer::Trainer(std::filesystem::path folder, RunConfig config, const TokenisedCorpus& train, const TokenisedCorpus& validation,
                 TrainCallbacks callbacks)
    : folder_(std::move(folder)), config_(std::move(config)), callbacks_(std::move(callbacks)) {
  std::tie(source_, target_) = load_codecs(folder_, config_);
  const auto limit = static_cast<size_t>(config_.train.max_length);
  for (size_t i = 0; i < train.source.size(); ++i) {
    EncodedPair pair{encode_source(source_, train.source[i]), target_.encode(train.target[i]).ids};
    const size_t s = pair.source.size() - 1, t = pair.target.size();
    if (s == 0 || t == 0 || s > limit || t > limit) {
      ++skipped_;
    } else {
      train_.push_back(std::move(pair));
    }
  }
  for (size_t i = 0; i < validation.source.size(); ++i) {
    if (validation.source[i].empty() || validation.target[i].empty()) continue;
    validation_.push_back({encode_source(source_, validation.source[i]), target_.encode(validation.target[i]).ids});
    validation_sources_.push_back(join(validation.source[i]));
    references_.push_back(join(validation.target[i]));
  }
  check_corpora(config_, train, validation);
  if (train_.empty()) throw ValueError(fmt::format("no training pair has between 1 and {} tokens on both sides", limit));
  const auto batches =
      config_.train.batch_tokens > 0
          ? static_cast<int64_t>(epoch_batches(train_, config_.train.batch_size, config_.train.seed, 0, config_.train.batch_tokens).size())
          : (static_cast<int64_t>(train_.size()) + config_.train.batch_size - 1) / config_.train.batch_size;
  total_updates_ = config_.train.updates > 0 ? config_.train.updates : config_.train.epochs * batches;
  manual_seed(config_.train.seed);
  model_ = make_model(config_.model, source_.vocabulary.size(), target_.vocabulary.size());
  for (size_t i = 0; i < validation_.size(); ++i) {
    const auto s = static_cast<int64_t>(validation_[i].source.size()), t = static_cast<int64_t>(validation_[i].target.size());
    if (s > model_->longest_source() || t > model_->longest_target()) {
      throw ValueError(fmt::format("validation pair {} has {} and {} units, positions end at {}: raise max-positions", i + 1, s, t,
                                   model_->longest_source()));
    }
  }
  optimizer_ = std::make_unique<nn::Adam>(model_->named_parameters(),
                                          nn::AdamOptions{.beta2 = config_.train.beta2, .weight_decay = config_.train.weight_decay});
}

void Trainer::resume() {
  const std::string name = (folder_ / "state.safetensors").string();
  if (!std::filesystem::exists(name)) return trim_metrics();
  SafetensorsFile file = parse_safetensors(read_file(name), name);
  const auto integers = take(file.tensors, "cursor", {8}, DType::i64, name).to_vector<int64_t>();
  const auto reals = take(file.tensors, "progress", {4}, DType::f64, name).to_vector<double>();
  const auto random = take(file.tensors, "random", {2}, DType::i64, name).to_vector<int64_t>();
  if (integers[5] != static_cast<int64_t>(train_.size()) || integers[6] != static_cast<int64_t>(validation_.size()) || integers[0] < 0 ||
      integers[1] < 0 || integers[2] < 0) {
    throw FormatError(fmt::format("resume '{}': was trained on {} and validated on {} pairs, given are {} and {}", folder_.string(),
                                  integers[5], integers[6], train_.size(), validation_.size()));
  }
  std::map<std::string, Tensor> weights;
  for (auto& [key, value] : file.tensors) {
    if (key.starts_with(kWeights)) weights.emplace(key.substr(std::string_view(kWeights).size()), value);
  }
  check_vocabularies(weights, source_.vocabulary, target_.vocabulary, folder_);
  model_->load(weights, name);
  optimizer_->load_state(file.tensors, name);
  if (integers[3] > 0) load_best(folder_);
  cursor_ = {integers[0], integers[1], integers[2], integers[3], integers[4], integers[7], reals[1], reals[2], reals[3]};
  best_ = {reals[0], -1, -INFINITY};  // of a run before the other two were kept: a tie in BLEU keeps the older weights, as it did then
  if (file.tensors.contains("best")) {
    const auto best = take(file.tensors, "best", {2}, DType::f64, name).to_vector<double>();
    best_ = {reals[0], best[0], best[1]};
  }
  default_generator().set_state({static_cast<uint64_t>(random[0]), static_cast<uint64_t>(random[1])});
  trim_metrics();
}

void Trainer::save_state() const {
  NamedTensors all = optimizer_->state();
  for (const auto& [key, value] : model_->state_dict()) all.emplace_back(kWeights + key, value);
  const Generator::State random = default_generator().state();
  all.emplace_back("cursor", from_vector(std::vector<int64_t>{cursor_.update, cursor_.epoch, cursor_.batch, cursor_.best_update,
                                                              cursor_.without_improvement, static_cast<int64_t>(train_.size()),
                                                              static_cast<int64_t>(validation_.size()), cursor_.loss_tokens},
                                         {8}));
  all.emplace_back("progress", from_vector(std::vector<double>{best_.bleu, cursor_.seconds, cursor_.loss_sum, cursor_.loss_seconds}, {4}));
  all.emplace_back("best", from_vector(std::vector<double>{best_.chrf, best_.loss}, {2}));
  all.emplace_back("random", from_vector(std::vector<int64_t>{static_cast<int64_t>(random.seed), static_cast<int64_t>(random.draws)}, {2}));
  save_safetensors(folder_ / "state.safetensors", all, {{"format", "heed.state"}});
}

void Trainer::append_metrics(const std::string& line) const {
  const std::filesystem::path path = folder_ / "metrics.jsonl";
  std::ofstream file(path, std::ios::app);
  file << line << '\n' << std::flush;
  if (!file) throw IoError(fmt::format("cannot write '{}'", path.string()));
}

// Lines of updates that the saved state does not know of would stand twice after a resume.
void Trainer::trim_metrics() const {
  const std::filesystem::path path = folder_ / "metrics.jsonl";
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_file(path));
  std::string kept, line;
  while (std::getline(lines, line)) {
    const auto record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (record.is_object() && record.value("update", int64_t{INT64_MAX}) <= cursor_.update && record.value("averaged", int64_t{0}) == 0) {
      kept += line + '\n';
    }
  }
  write_file_atomically(path, kept);
}

double Trainer::step(const Batch& batch, double lr) {
  const AutocastGuard autocast(config_.train.precision == "bf16");
  const Tensor loss = model_->loss(batch, config_.train.label_smoothing);
  const double value = loss.item();
  if (!std::isfinite(value)) throw Error(fmt::format("training: the loss is {} at update {}; try a lower lr", value, cursor_.update + 1));
  loss.backward();
  const double factor = nn::clip_factor(config_.train.clip > 0 ? nn::gradient_norm(model_->parameters()) : 0, config_.train.clip);
  optimizer_->step(lr, factor);
  optimizer_->zero_grad();
  return value;
}

ValidationResult Trainer::measure() const {
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : validation_) sources.push_back(pair.source);
  const std::vector<Hypothesis> outputs = search_best(*model_, sources, {.keep_attention = false});
  std::vector<std::string> lines;
  for (const Hypothesis& output : outputs) lines.push_back(join(target_.decode(output.ids).words));
  ValidationResult result;
  result.update = cursor_.update;
  result.loss = corpus_loss(*model_, validation_);
  result.bleu = corpus_bleu(lines, references_, {.tokenize = "none"}).score;
  result.chrf = corpus_chrf(lines, references_).score;
  const size_t shown = static_cast<size_t>(cursor_.update) % lines.size();
  result.sample_source = unescape(validation_sources_[shown]);
  result.sample_output = unescape(lines[shown]);
  return result;
}

bool Trainer::beats_best(const ValidationResult& result) const {
  const std::string by = metric_can_tell() ? config_.train.keep_best_by : "loss";
  const double score = by == "bleu" ? result.bleu : result.chrf, best = by == "bleu" ? best_.bleu : best_.chrf;
  if (by != "loss" && score != best) return score > best;
  return result.loss < best_.loss;
}

bool Trainer::metric_can_tell() const {
  if (config_.train.keep_best_by != "bleu") return true;
  return std::ranges::any_of(references_, [](const std::string& tokens) { return std::ranges::count(tokens, ' ') >= 3; });
}

void Trainer::validate(int64_t averaged) {
  model_->train(false);
  ValidationResult result = measure();
  result.averaged = averaged;
  result.best = beats_best(result);
  if (result.best) {
    best_ = {result.bleu, result.chrf, result.loss};
    cursor_.best_update = cursor_.update;
    cursor_.without_improvement = 0;
    save_safetensors(folder_ / "model.safetensors", model_->state_dict(), {{"format", "heed.model"}});
  } else {
    ++cursor_.without_improvement;
  }
  append_metrics(fmt::format(
      R"({{"update":{},"epoch":{},"validation_loss":{:.6f},"validation_bleu":{:.4f},"validation_chrf":{:.4f},"best":{},"averaged":{},"seconds":{:.3f}}})",
      cursor_.update, cursor_.epoch, result.loss, result.bleu, result.chrf, result.best, averaged, cursor_.seconds));
  model_->train(true);
  if (callbacks_.validated) callbacks_.validated(result);
}

// The weights of this update beside those of the validations before; the oldest goes.
void Trainer::keep_checkpoint() const {
  std::vector<std::filesystem::path> all = checkpoints(folder_);
  const std::filesystem::path path = folder_ / fmt::format("{}{:010}.safetensors", kCheckpoint, cursor_.update);
  save_safetensors(path, model_->state_dict(), {{"format", "heed.model"}});
  std::erase(all, path);
  for (size_t i = 0; i + static_cast<size_t>(config_.train.average) <= all.size(); ++i) std::filesystem::remove(all[i]);
}

// The mean of the kept checkpoints becomes the model if it validates better than the best single one.
void Trainer::average_checkpoints() {
  const std::vector<std::filesystem::path> all = checkpoints(folder_);
  if (all.size() < 2) return;
  std::map<std::string, Tensor> mean;
  for (const std::filesystem::path& path : all) {
    for (auto& [name, value] : parse_safetensors(read_file(path), path.string()).tensors) {
      const Tensor share = value.to(DType::f64) / static_cast<double>(all.size());
      Tensor& total = mean[name];
      total = total.defined() ? total + share : share;
    }
  }
  for (auto& [name, value] : mean) value = value.to(DType::f32);
  model_->load(mean, folder_.string());
  validate(static_cast<int64_t>(all.size()));
}

TrainResult Trainer::run() {
  const TrainConfig& t = config_.train;
  const nn::Schedule schedule(t.schedule, t.lr, t.warmup, total_updates_, t.lr_floor);
  if (t.patience > 0 && cursor_.without_improvement >= t.patience) total_updates_ = cursor_.update;  // had ended when it was stopped
  bool stopped = false, validated = true;
  const double first = callbacks_.clock();
  const int64_t update_before = cursor_.update;
  double overhead = 0;  // validation and saving
  while (cursor_.update < total_updates_ && !stopped) {
    const auto batches = epoch_batches(train_, t.batch_size, t.seed, cursor_.epoch, t.batch_tokens);
    while (cursor_.batch < static_cast<int64_t>(batches.size()) && cursor_.update < total_updates_ && !stopped) {
      const double begin = callbacks_.clock();
      const Batch batch = make_batch(train_, batches[static_cast<size_t>(cursor_.batch)]);
      const double lr = schedule(cursor_.update + 1), loss = step(batch, lr);
      const double end = callbacks_.clock();
      ++cursor_.update;
      ++cursor_.batch;
      cursor_.seconds += end - begin;
      cursor_.loss_seconds += end - begin;
      cursor_.loss_sum += loss * static_cast<double>(batch.target_tokens);
      cursor_.loss_tokens += batch.target_tokens;
      if (cursor_.batch == static_cast<int64_t>(batches.size())) ++cursor_.epoch, cursor_.batch = 0;
      TrainProgress progress{cursor_.update,
                             total_updates_,
                             cursor_.batch == 0 ? cursor_.epoch : cursor_.epoch + 1,
                             cursor_.loss_sum / static_cast<double>(cursor_.loss_tokens),
                             lr,
                             static_cast<double>(cursor_.loss_tokens) / cursor_.loss_seconds,
                             cursor_.seconds,
                             0};
      const double per_update = (end - first - overhead) / static_cast<double>(cursor_.update - update_before);
      progress.seconds_left = per_update * static_cast<double>(total_updates_ - cursor_.update);
      if (callbacks_.progress) callbacks_.progress(progress);
      if (cursor_.update % t.log_every == 0) {
        append_metrics(fmt::format(R"({{"update":{},"epoch":{},"loss":{:.6f},"lr":{:.6g},"tokens_per_second":{:.1f},"seconds":{:.3f}}})",
                                   cursor_.update, cursor_.epoch, progress.loss, lr, progress.tokens_per_second, cursor_.seconds));
        cursor_.loss_sum = cursor_.loss_seconds = 0;
        cursor_.loss_tokens = 0;
      }
      validated = false;
      const bool due = t.validate_every > 0 ? cursor_.update % t.validate_every == 0 : cursor_.batch == 0;
      if (due || cursor_.update == total_updates_) {
        validate();
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
  return {!stopped,   cursor_.update,      cursor_.seconds,          std::max(0.0, best_.bleu), std::max(0.0, best_.chrf),
          best_.loss, cursor_.best_update, model_->parameter_count()};
}

}  // namespace heed::models
