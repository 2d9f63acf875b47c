#include "models/run/folder.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <sstream>

namespace heed::models {
namespace {

// One visitor names every field once: writing, reading and the check for unknown keys all go through it.
template <class Config, class Visit>
void visit_model(Config& c, const Visit& visit) {
  visit("architecture", c.architecture);
  visit("cell", c.cell);
  visit("residual", c.residual);
  visit("attention", c.attention);
  visit("embedding", c.embedding);
  visit("encoder_hidden", c.encoder_hidden);
  visit("encoder_layers", c.encoder_layers);
  visit("decoder_hidden", c.decoder_hidden);
  visit("attention_size", c.attention_size);
  visit("readout", c.readout);
  visit("dropout", c.dropout);
  visit("coverage", c.coverage);
  visit("input_feeding", c.input_feeding);
  visit("bidirectional", c.bidirectional);
  visit("attention_window", c.attention_window);
  visit("attention_max_source", c.attention_max_source);
  visit("decoder_layers", c.decoder_layers);
  visit("model_size", c.model_size);
  visit("feed_forward", c.feed_forward);
  visit("heads", c.heads);
  visit("norm", c.norm);
  visit("positions", c.positions);
  visit("max_positions", c.max_positions);
  visit("tie", c.tie);
}
template <class Config, class Visit>
void visit_train(Config& c, const Visit& visit) {
  visit("batch_size", c.batch_size);
  visit("batch_tokens", c.batch_tokens);
  visit("epochs", c.epochs);
  visit("updates", c.updates);
  visit("max_length", c.max_length);
  visit("lr", c.lr);
  visit("schedule", c.schedule);
  visit("warmup", c.warmup);
  visit("lr_floor", c.lr_floor);
  visit("label_smoothing", c.label_smoothing);
  visit("clip", c.clip);
  visit("on_bad_gradient", c.on_bad_gradient);
  visit("weight_decay", c.weight_decay);
  visit("beta2", c.beta2);
  visit("average", c.average);
  visit("precision", c.precision);
  visit("subwords", c.subwords);
  visit("subword_vocabulary", c.subword_vocabulary);
  visit("joint", c.joint);
  visit("min_count", c.min_count);
  visit("max_vocabulary", c.max_vocabulary);
  visit("validate_every", c.validate_every);
  visit("keep_best_by", c.keep_best_by);
  visit("patience", c.patience);
  visit("log_every", c.log_every);
  visit("seed", c.seed);
}
template <class Config, class Visit>
void visit_text(Config& c, const Visit& visit) {
  visit("tokenizer", c.tokenizer);
  visit("lowercase", c.lowercase);
  visit("normalise", c.normalise);
  visit("escape", c.escape);
  visit("language", c.language);
}

struct Writer {
  toml::table& table;
  void operator()(const char* key, const std::string& v) const { table.insert(key, v); }
  void operator()(const char* key, bool v) const { table.insert(key, v); }
  void operator()(const char* key, double v) const { table.insert(key, v); }
  void operator()(const char* key, int64_t v) const { table.insert(key, v); }
  void operator()(const char* key, uint64_t v) const { table.insert(key, static_cast<int64_t>(v)); }
};

struct Reader {
  const toml::table& table;
  std::string section, file;
  template <class T>
  void operator()(const char* key, T& value) const {
    const toml::node* node = table.get(key);
    if (!node) return;  // a run of an older heed: the default is what it did
    if constexpr (std::is_same_v<T, uint64_t>) {
      if (const auto found = node->value<int64_t>(); found && *found >= 0) return void(value = static_cast<uint64_t>(*found));
    } else if constexpr (std::is_same_v<T, double>) {
      if (const auto found = node->value<double>()) return void(value = *found);  // a whole number is one as well
    } else {
      if (const auto found = node->value_exact<T>()) return void(value = *found);
    }
    throw FormatError(fmt::format("'{}': [{}] {} has a value of the wrong type", file, section, key));
  }
};

template <class Visitor>
toml::table write_section(const Visitor& visitor) {
  toml::table table;
  visitor(Writer{table});
  return table;
}

template <class Visitor>
void read_section(const toml::table& root, const char* name, const std::string& file, const Visitor& visitor) {
  const toml::table* const table = root[name].as_table();
  if (!table) throw FormatError(fmt::format("'{}': the section [{}] is missing", file, name));
  visitor(Reader{*table, name, file});
  toml::table known;
  for (const auto& [key, node] : *table) {
    bool expected = false;
    visitor([&expected, name_of_key = key.str()](const char* field, auto&) { expected = expected || name_of_key == field; });
    if (!expected) throw FormatError(fmt::format("'{}': [{}] {} is not known", file, name, std::string(key.str())));
  }
}

constexpr int64_t kFormatVersion = 1;

constexpr int kMaxKeyParts = 100;  // of a dotted key

// Floats with all exponent bits set are NaN or infinite. Without a branch in the loop, so that it is vectorised.
template <class Bits>
bool exponents_are_finite(const void* data, size_t count, Bits exponent) {
  const auto* const values = static_cast<const char*>(data);
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, values + i * sizeof bits, sizeof bits);
    bad |= static_cast<uint32_t>((bits & exponent) == exponent);
  }
  return bad == 0;
}

}  // namespace

void check_sizes(const ModelConfig& c, const std::map<std::string, Tensor>& weights, const std::string& file) {
  double held = 0;
  for (const auto& [name, value] : weights) held += static_cast<double>(value.numel());
  const auto require = [&](const char* key, double least, double most) {
    if (least > most) throw FormatError(fmt::format("'{}': [model] {} describes a larger model than the file of weights holds", file, key));
  };
  const auto real = [](int64_t n) { return static_cast<double>(n); };
  const auto tensors = static_cast<double>(weights.size());
  require("encoder_layers", real(c.encoder_layers), tensors);
  if (c.architecture == "transformer") {
    require("decoder_layers", real(c.decoder_layers), tensors);
    require("model_size", real(c.model_size) * real(c.model_size), held);
    require("feed_forward", real(c.model_size) * real(c.feed_forward), held);
    if (c.positions == "learned") require("max_positions", real(c.model_size) * real(c.max_positions), held);
  } else {
    require("embedding", real(c.embedding) * Vocabulary::kSpecials, held);
    require("encoder_hidden", real(c.encoder_hidden) * real(c.encoder_hidden), held);
    require("decoder_hidden", real(c.decoder_hidden) * real(c.decoder_hidden), held);
    constexpr std::array kSized = {"additive", "concat", "scaled_dot", "multi_head", "local_p"};
    if (std::ranges::find(kSized, c.attention) != kSized.end()) {
      require("attention_size", real(c.attention_size) * real(c.decoder_hidden), held);
    }
    if (c.attention == "location") require("attention_max_source", real(c.attention_max_source) * real(c.decoder_hidden), held);
    require("readout", real(c.readout) * Vocabulary::kSpecials, held);
  }
}

void check(const RunConfig& config) {
  check(config.model);
  check(config.source_text);
  check(config.target_text);
  const TrainConfig& t = config.train;
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw ValueError(what);
  };
  visit_train(t, [&](std::string name, const auto& value) {  // so that sums and products of them stay within 64 bits
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>) {
      constexpr int64_t kMost = 1'000'000'000;
      std::ranges::replace(name, '_', '-');
      require(value <= kMost, fmt::format("{}: must be at most {}, got {}", name, kMost, value));
    }
  });
  require(t.batch_size >= 1, fmt::format("batch-size: must be at least 1, got {}", t.batch_size));
  require(t.batch_tokens >= 0, fmt::format("batch-tokens: must not be negative, got {}", t.batch_tokens));
  require(t.beta2 > 0 && t.beta2 < 1, fmt::format("beta2: {} is outside (0, 1)", t.beta2));
  require(t.average == 0 || t.average >= 2, fmt::format("average: must be 0 or at least 2, got {}", t.average));
  require(t.precision == "f32" || t.precision == "bf16", fmt::format("precision: '{}' is not known (f32, bf16)", t.precision));
  require(t.subwords == "none" || t.subwords == "bpe" || t.subwords == "unigram",
          fmt::format("subwords: '{}' is not known (none, bpe, unigram)", t.subwords));
  require(t.subword_vocabulary >= 1, fmt::format("subword-vocabulary: must be at least 1, got {}", t.subword_vocabulary));
  require(config.model.tie != "all" || t.joint, "tie: 'all' needs --joint, one vocabulary for both sides");
  require(t.updates >= 0, fmt::format("updates: must not be negative, got {}", t.updates));
  require(t.epochs >= 1 || t.updates >= 1, fmt::format("epochs: must be at least 1, got {}", t.epochs));
  require(t.max_length >= 1, fmt::format("max-length: must be at least 1, got {}", t.max_length));
  require(config.model.architecture != "transformer" || config.model.positions != "learned" || t.max_length < config.model.max_positions,
          fmt::format("max-length: {} tokens and the end of the sentence do not fit {} learned positions", t.max_length,
                      config.model.max_positions));
  require(t.lr > 0 && std::isfinite(t.lr), fmt::format("lr: must be above 0, got {}", t.lr));
  require(t.lr_floor >= 0 && std::isfinite(t.lr_floor), fmt::format("lr-floor: must not be negative, got {}", t.lr_floor));
  require(t.weight_decay >= 0 && std::isfinite(t.weight_decay), fmt::format("weight-decay: must not be negative, got {}", t.weight_decay));
  require(t.label_smoothing >= 0 && t.label_smoothing < 1, fmt::format("label-smoothing: {} is outside [0, 1)", t.label_smoothing));
  require(t.clip >= 0, fmt::format("clip: must not be negative, got {}", t.clip));
  require(t.on_bad_gradient == "stop" || t.on_bad_gradient == "skip",
          fmt::format("on-bad-gradient: '{}' is not known (stop, skip)", t.on_bad_gradient));
  require(t.min_count >= 1, fmt::format("min-count: must be at least 1, got {}", t.min_count));
  require(t.log_every >= 1, fmt::format("log-every: must be at least 1, got {}", t.log_every));
  require(t.max_vocabulary == 0 || t.max_vocabulary > Vocabulary::kSpecials,
          fmt::format("max-vocabulary: must be 0 or above {}, got {}", Vocabulary::kSpecials, t.max_vocabulary));
  require(t.seed <= INT64_MAX, fmt::format("seed: must be at most {}, got {}", INT64_MAX, t.seed));
  require(t.keep_best_by == "loss" || t.keep_best_by == "bleu" || t.keep_best_by == "chrf",
          fmt::format("keep-best-by: '{}' is not known (loss, bleu, chrf)", t.keep_best_by));
  require(t.warmup >= 0 && t.validate_every >= 0 && t.patience >= 0, "warmup, validate-every and patience must not be negative");
  nn::Schedule(t.schedule, t.lr, t.warmup, 1);  // throws for an unknown kind
}

std::string to_toml(const RunConfig& config) {
  toml::table root;
  root.insert("format", "heed.run");
  root.insert("version", kFormatVersion);
  root.insert("model", write_section([&](const auto& v) { visit_model(config.model, v); }));
  root.insert("train", write_section([&](const auto& v) { visit_train(config.train, v); }));
  root.insert("source_text", write_section([&](const auto& v) { visit_text(config.source_text, v); }));
  root.insert("target_text", write_section([&](const auto& v) { visit_text(config.target_text, v); }));
  std::ostringstream out;
  out << root << '\n';
  return out.str();
}

RunConfig parse_run_config(const std::string& text, const std::string& name) {
  check_toml_depth(text, name);
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw FormatError(fmt::format("'{}' line {}: {}", name, error.source().begin.line, error.description()));
  }
  if (root["format"].value_or(std::string{}) != "heed.run") throw FormatError(fmt::format("'{}' is not the config of a heed run", name));
  if (const int64_t version = root["version"].value_or(int64_t{0}); version != kFormatVersion) {
    throw FormatError(fmt::format("'{}' has version {}, this heed reads {}", name, version, kFormatVersion));
  }
  RunConfig config;
  config.train.keep_best_by = "bleu";  // what a run did before it could say
  read_section(root, "model", name, [&](const auto& v) { visit_model(config.model, v); });
  read_section(root, "train", name, [&](const auto& v) { visit_train(config.train, v); });
  read_section(root, "source_text", name, [&](const auto& v) { visit_text(config.source_text, v); });
  read_section(root, "target_text", name, [&](const auto& v) { visit_text(config.target_text, v); });
  try {
    check(config);
  } catch (const ValueError& error) {
    throw FormatError(fmt::format("'{}': {}", name, error.what()));
  }
  return config;
}

std::pair<TextCodec, TextCodec> load_codecs(const std::filesystem::path& folder, const RunConfig& config) {
  const auto load = [&](const std::string& side) {
    const std::filesystem::path path = folder / (side + ".vocab"), pieces = folder / (side + ".spm");
    TextCodec codec;
    codec.vocabulary = Vocabulary::parse(read_run_file(path), path.string());
    if (config.train.subwords != "none") codec.subwords = std::make_shared<Subwords>(read_run_file(pieces), pieces.string());
    return codec;
  };
  return {load("source"), load("target")};
}

void check_vocabularies(const std::map<std::string, Tensor>& weights, const Vocabulary& source, const Vocabulary& target,
                        const std::filesystem::path& folder) {
  const auto compare = [&](const char* key, const char* file, const Vocabulary& vocabulary) {
    const auto found = weights.find(key);
    if (found != weights.end() && found->second.ndim() == 2 && found->second.size(0) != vocabulary.size()) {
      throw FormatError(
          fmt::format("'{}' has {} words, the weights have {}", (folder / file).string(), vocabulary.size(), found->second.size(0)));
    }
  };
  compare("encoder.embedding.weight", "source.vocab", source);
  compare("decoder.embedding.weight", "target.vocab", target);
  compare("source_embedding.weight", "source.vocab", source);
  compare("target_embedding.weight", "target.vocab", target);
}

std::string read_run_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw IoError(fmt::format("cannot read '{}': {}", path.string(),
                              std::filesystem::is_directory(status) ? "Is a directory" : "it is a pipe or a device and no file"));
  }
  return read_file(path);
}

bool all_finite(const Tensor& x) {
  const Tensor dense = x.detach().contiguous();
  const auto count = static_cast<size_t>(dense.numel());
  if (dense.dtype() == DType::f32) return exponents_are_finite<uint32_t>(dense.raw_data(), count, 0x7F800000U);
  if (dense.dtype() == DType::f64) return exponents_are_finite<uint64_t>(dense.raw_data(), count, 0x7FF0000000000000U);
  return true;
}

void check_finite(const std::map<std::string, Tensor>& tensors, const std::string& file) {
  for (const auto& [name, value] : tensors) {
    if (!all_finite(value)) throw FormatError(fmt::format("load '{}': '{}' holds NaN or infinity", file, name));
  }
}

void check_toml_depth(std::string_view text, const std::string& name) {
  int parts = 0;
  int64_t line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#') i = std::min(text.find('\n', i), text.size()) - 1;
    if (c == '"' || c == '\'') {
      const std::string triple(3, c);
      const bool lines = text.substr(i, 3) == triple;
      for (i += lines ? 3 : 1; i < text.size(); ++i) {  // to the quote that ends it
        if (text[i] == '\n') ++line;
        if (c == '"' && text[i] == '\\') {
          ++i;
        } else if (lines ? text.substr(i, 3) == triple : text[i] == c || text[i] == '\n') {
          break;
        }
      }
      if (lines) i += 2;
      continue;
    }
    if (c == '\n') ++line;
    if (std::string_view("\n=,[]{}").find(c) != std::string_view::npos) parts = 0;
    if (c == '.' && ++parts > kMaxKeyParts)
      throw FormatError(fmt::format("'{}' line {}: a key of more than {} parts", name, line, kMaxKeyParts));
  }
}

LoadedRun load_run(const std::filesystem::path& folder) {
  if (!file_exists(folder)) throw IoError(fmt::format("there is no run '{}'", folder.string()));
  if (!std::filesystem::is_directory(folder)) throw IoError(fmt::format("'{}' is not a run folder", folder.string()));
  const auto path = [&](const char* file) { return folder / file; };
  LoadedRun run;
  run.config = parse_run_config(read_run_file(path("config.toml")), path("config.toml").string());
  std::tie(run.source, run.target) = load_codecs(folder, run.config);
  const std::string name = path("model.safetensors").string();
  if (!file_exists(name)) {
    throw IoError(fmt::format("'{}' is missing: the run was stopped before its first validation; train on with --resume", name));
  }
  const SafetensorsFile file = parse_safetensors(read_run_file(name), name);
  check_finite(file.tensors, name);
  check_vocabularies(file.tensors, run.source.vocabulary, run.target.vocabulary, folder);
  check_sizes(run.config.model, file.tensors, path("config.toml").string());
  run.model = make_model(run.config.model, run.source.vocabulary.size(), run.target.vocabulary.size());
  run.model->load(file.tensors, name);
  run.model->train(false);
  return run;
}

}  // namespace heed::models
