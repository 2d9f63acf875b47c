// Marian's own model: NAME.npz with its options inside (special:model.yml), vocabularies named by decoder.yml
// or NAME.npz.yml. Matrices are [in, out], y = x W + b. Sinusoids in halves with frequencies 10000^(-i / (D/2
// - 1)), epsilon 1e-6, a decoder that starts from a zero vector.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>

#include "framework/io/file.h"
#include "framework/ops/ops.h"
#include "models/import/npz.h"
#include "models/import/parts.h"
#include "models/import/tensors.h"
#include "models/text/subwords.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOptionsInside = "special:model.yml";

YAML::Node parse_yaml(const std::string& text, const std::string& file) {
  try {
    YAML::Node node = YAML::Load(text);
    if (node.IsMap()) return node;
  } catch (const YAML::Exception& error) {
    throw import_error(file, fmt::format("it is not YAML: line {}, {}", error.mark.line + 1, error.msg));
  }
  throw import_error(file, "it is no YAML map");
}

// Keys of a YAML file, with errors that name them.
class YamlKeys {
 public:
  YamlKeys(const std::string& text, std::string file)
      : file_(std::move(file)), node_(parse_yaml(text, file_)) {}
  bool has(const std::string& key) const { return node_[key] && !node_[key].IsNull(); }
  template <class T>
  T get(const std::string& key, std::optional<T> otherwise, const char* kind) const {
    if (!has(key)) {
      if (otherwise) return *otherwise;
      throw import_error(file_, fmt::format("{} is missing", key));
    }
    try {
      return node_[key].as<T>();
    } catch (const YAML::Exception&) {
      throw import_error(file_, fmt::format("{} is no {}", key, kind));
    }
  }
  int64_t integer(const std::string& key, std::optional<int64_t> otherwise, int64_t least,
                  int64_t most) const {
    const auto value = get<int64_t>(key, otherwise, "whole number");
    if (value < least || value > most)
      throw import_error(file_, fmt::format("{} is {}, outside {} to {}", key, value, least, most));
    return value;
  }
  std::string text(const std::string& key, const std::string& otherwise) const {
    return get<std::string>(key, otherwise, "text");
  }
  bool flag(const std::string& key, bool otherwise) const {
    return get<bool>(key, otherwise, "true or false");
  }
  void refuse_unless(const std::string& key, const std::string& wanted) const {
    if (const std::string value = text(key, wanted); value != wanted)
      throw import_error(file_, fmt::format("{} is '{}', heed reads '{}'", key, value, wanted));
  }
  const YAML::Node& node() const { return node_; }
  const std::string& file() const { return file_; }

 private:
  std::string file_;
  YAML::Node node_;
};

TransformerOptions options_of(const YamlKeys& keys, Arithmetic arithmetic) {
  constexpr int64_t kMost = 1'000'000;
  keys.refuse_unless("type", "transformer");
  TransformerOptions o;
  o.model_size = keys.integer("dim-emb", std::nullopt, 2, kMost);
  o.heads = keys.integer("transformer-heads", std::nullopt, 1, o.model_size);
  o.encoder_layers = keys.integer("enc-depth", std::nullopt, 1, 1000);
  o.decoder_layers = keys.integer("dec-depth", std::nullopt, 1, 1000);
  o.feed_forward = keys.integer("transformer-dim-ffn", std::nullopt, 1, kMost);
  o.decoder_feed_forward = keys.integer("transformer-decoder-dim-ffn", 0, 0, kMost);
  if (o.decoder_feed_forward == 0) o.decoder_feed_forward = o.feed_forward;
  if (o.model_size % o.heads != 0 || o.model_size % 2 != 0)
    throw import_error(keys.file(),
                       fmt::format("dim-emb is {}, which {} transformer-heads do not divide, or odd",
                                   o.model_size, o.heads));
  for (const char* key : {"transformer-ffn-depth", "transformer-decoder-ffn-depth"}) {
    const int64_t depth = keys.integer(key, 2, 0, kMost);
    const bool as_encoder = depth == 0 && std::string_view(key) == "transformer-decoder-ffn-depth";
    if (depth != 2 && !as_encoder)
      throw import_error(keys.file(), fmt::format("{} is {}, heed reads 2", key, depth));
  }
  const std::string activation = keys.text("transformer-ffn-activation", "swish");
  if (activation != "swish" && activation != "relu")
    throw import_error(
        keys.file(),
        fmt::format("transformer-ffn-activation is '{}', heed reads swish and relu", activation));
  o.activation = activation == "swish" ? nn::FeedForwardActivation::swish : nn::FeedForwardActivation::relu;
  if (const std::string before = keys.text("transformer-preprocess", "");
      before.find('n') != std::string::npos)
    throw import_error(keys.file(),
                       fmt::format("transformer-preprocess is '{}': norms in front of the layers are "
                                   "not read, heed reads those behind them",
                                   before));
  const std::string after = keys.text("transformer-postprocess", "dan");
  if (after != "dan" && after != "an")
    throw import_error(keys.file(), fmt::format("transformer-postprocess is '{}', heed reads 'dan'", after));
  for (const char* key : {"transformer-postprocess-emb", "transformer-postprocess-top"}) {
    if (const std::string value = keys.text(key, ""); value != "" && value != "d")
      throw import_error(keys.file(), fmt::format("{} is '{}', heed reads '' and 'd'", key, value));
  }
  if (const std::string self = keys.text("transformer-decoder-autoreg", "self-attention");
      self != "self-attention")
    throw import_error(keys.file(),
                       fmt::format("transformer-decoder-autoreg is '{}', heed reads 'self-attention'", self));
  for (const char* key : {"transformer-train-position-embeddings", "transformer-train-positions",
                          "transformer-no-projection", "ulr"}) {
    if (keys.flag(key, false))
      throw import_error(keys.file(), fmt::format("{} is true, which is not read", key));
  }
  if (keys.has("transformer-tied-layers") && keys.node()["transformer-tied-layers"].size() > 0)
    throw import_error(keys.file(), "transformer-tied-layers are not read");
  o.norm = NormPlace::post;
  const bool by_hugging_face = arithmetic == Arithmetic::hugging_face;
  o.sinusoids = by_hugging_face ? nn::Sinusoids::halves : nn::Sinusoids::halves_inclusive;
  o.norm_eps = by_hugging_face ? 1e-5 : 1e-6;
  o.decoder_start = DecoderStart::zero;
  o.dropout = std::clamp(keys.get<double>("transformer-dropout", 0.1, "number"), 0.0, 0.9);
  return o;
}

class MarianWeights {
 public:
  MarianWeights(ForeignTensors& tensors, ForeignModel& model)
      : in_(tensors), out_(model.weights), options_(model.options), d_(model.options.model_size) {}

  void read_layers() {
    for (int64_t n = 0; n < options_.encoder_layers; ++n) {
      const std::string from = fmt::format("encoder_l{}_", n + 1), to = fmt::format("encoder{}.", n);
      self_attention(to + "attention.", from + "self_");
      norm(to + "first.norm", from + "self_Wo");
      feed_forward(to, from, options_.feed_forward, "second.norm");
    }
    for (int64_t n = 0; n < options_.decoder_layers; ++n) {
      const std::string from = fmt::format("decoder_l{}_", n + 1), to = fmt::format("decoder{}.", n);
      self_attention(to + "self_attention.", from + "self_");
      norm(to + "first.norm", from + "self_Wo");
      const std::string context = from + "context_", cross = to + "cross_attention.";
      put_linear(out_, cross + "query", linear(context, "q", d_, d_));
      put_joint(out_, cross + "joint", {linear(context, "k", d_, d_), linear(context, "v", d_, d_)});
      put_linear(out_, cross + "output", linear(context, "o", d_, d_));
      norm(to + "second.norm", context + "Wo");
      feed_forward(to, from, options_.decoder_feed_forward, "third.norm");
    }
  }

  void read_tables() {
    const auto table = [&](const std::string& name) {
      const Tensor& x = in_.look(name);
      return in_.take(name, {x.ndim() == 2 ? x.size(0) : 0, d_});
    };
    Tensor source, target;
    if (in_.has("Wemb")) {
      source = target = table("Wemb");
    } else {
      source = table("encoder_Wemb");
      target = table("decoder_Wemb");
    }
    const int64_t V = target.size(0);
    Tensor output = target;
    if (in_.has("decoder_ff_logit_out_Wt")) {
      output = in_.take("decoder_ff_logit_out_Wt", {V, d_});
    } else if (in_.has("decoder_ff_logit_out_W")) {
      output = transpose(in_.take("decoder_ff_logit_out_W", {d_, V})).contiguous();
    }
    const bool tied = output.raw_data() == target.raw_data(), one = source.raw_data() == target.raw_data();
    options_.tie = !tied ? Tie::none : one ? Tie::all : Tie::output;
    options_.tied_bias = tied;
    out_["target_embedding.weight"] = target;
    if (options_.tie != Tie::all) out_["source_embedding.weight"] = source;
    if (!tied) out_["projection.weight"] = output;
    out_[tied ? "bias" : "projection.bias"] = vector("decoder_ff_logit_out_b", V);
  }

 private:
  Tensor vector(const std::string& name, int64_t size) {
    const Tensor& x = in_.look(name);
    if (x.ndim() == 1) return in_.take(name, {size});
    return reshape(in_.take(name, {1, size}), {size});
  }
  // PREFIX + "W" + name and PREFIX + "b" + name.
  ForeignLinear linear(const std::string& prefix, const char* name, int64_t out, int64_t in) {
    return {transpose(in_.take(fmt::format("{}W{}", prefix, name), {in, out})).contiguous(),
            vector(fmt::format("{}b{}", prefix, name), out)};
  }
  void self_attention(const std::string& to, const std::string& from) {
    put_joint(out_, to + "joint",
              {linear(from, "q", d_, d_), linear(from, "k", d_, d_), linear(from, "v", d_, d_)});
    put_linear(out_, to + "output", linear(from, "o", d_, d_));
  }
  void feed_forward(const std::string& to, const std::string& from, int64_t inner, const char* norm_name) {
    put_linear(out_, to + "feed_forward.first", linear(from + "ffn_", "1", inner, d_));
    put_linear(out_, to + "feed_forward.second", linear(from + "ffn_", "2", d_, inner));
    norm(to + norm_name, from + "ffn_ffn");
  }
  void norm(const std::string& to, const std::string& from) {
    out_[to + ".gain"] = vector(from + "_ln_scale", d_);
    out_[to + ".bias"] = vector(from + "_ln_bias", d_);
  }

  ForeignTensors& in_;
  std::map<std::string, Tensor>& out_;
  TransformerOptions& options_;
  int64_t d_;
};

ForeignVocabulary read_marian_vocabulary(const fs::path& path, int64_t rows, std::string& pieces) {
  const std::string file = path.filename().string(), content = read_foreign_file(path);
  ForeignVocabulary vocabulary;
  vocabulary.tokens.resize(static_cast<size_t>(rows));
  std::vector<bool> seen(vocabulary.tokens.size());
  const auto put = [&](const std::string& token, int64_t id) {
    if (id < 0 || id >= rows)
      throw import_error(file, fmt::format("'{}' has the id {}, the table has {} rows", token, id, rows));
    const auto at = static_cast<size_t>(id);
    if (seen[at])
      throw import_error(file, fmt::format("'{}' and '{}' have the id {}", vocabulary.tokens[at], token, id));
    seen[at] = true;
    vocabulary.tokens[at] = token;
  };
  if (path.extension() == ".spm") {
    pieces = content;
    const std::vector<std::string> all = Subwords(content, file).table();
    for (size_t i = 0; i < all.size(); ++i) put(all[i], static_cast<int64_t>(i));
  } else {
    const YAML::Node map = parse_yaml(content, file);
    for (const auto& entry : map) {
      try {
        put(entry.first.as<std::string>(), entry.second.as<int64_t>());
      } catch (const YAML::Exception&) {
        throw import_error(file,
                           fmt::format("line {} is no token with its id", entry.second.Mark().line + 1));
      }
    }
  }
  if (const auto hole = std::ranges::find(seen, false); hole != seen.end()) {
    throw import_error(
        file, fmt::format("no token has the id {}, the table has {} rows", hole - seen.begin(), rows));
  }
  const auto id = [&](const char* token) {
    const auto found = std::ranges::find(vocabulary.tokens, token);
    if (found == vocabulary.tokens.end()) throw import_error(file, fmt::format("'{}' is missing", token));
    return static_cast<int>(found - vocabulary.tokens.begin());
  };
  vocabulary.end = id("</s>");
  vocabulary.unknown = id("<unk>");
  return vocabulary;
}

std::vector<fs::path> archives_in(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const fs::path& path : list_folder(folder)) {
    if (path.extension() == ".npz") found.push_back(path);
  }
  std::ranges::sort(found);
  return found;
}

bool marian_recognises(const fs::path& path) {
  return fs::is_directory(path) ? !archives_in(path).empty() : path.extension() == ".npz";
}

ForeignModel read_marian(const fs::path& path, const ImportOptions& import) {
  fs::path archive = path;
  if (fs::is_directory(path)) {
    const std::vector<fs::path> found = archives_in(path);
    if (found.size() > 1)
      throw import_error(path.string(),
                         fmt::format("it holds '{}' and '{}': name one of them", found[0].filename().string(),
                                     found[1].filename().string()));
    archive = found.front();
  }
  const fs::path folder = archive.has_parent_path() ? archive.parent_path() : fs::path(".");
  const std::string name = archive.filename().string();
  NpzFile npz = parse_npz(read_foreign_file(archive), name);

  // what its makers decode with, and which vocabularies it has
  fs::path settings;
  for (const std::string& candidate : {std::string("decoder.yml"), name + ".decoder.yml", name + ".yml"}) {
    if (settings.empty() && file_exists(folder / candidate)) settings = folder / candidate;
  }
  if (settings.empty())
    throw import_error(folder.string(),
                       fmt::format("neither decoder.yml nor '{0}.decoder.yml' nor '{0}.yml' is there", name));
  const YamlKeys decoder(read_foreign_file(settings), settings.filename().string());
  const auto inside = npz.texts.find(kOptionsInside);
  std::string options = inside == npz.texts.end() ? "" : inside->second;
  if (inside != npz.texts.end()) npz.texts.erase(inside);
  while (!options.empty() && options.back() == '\0') options.pop_back();
  if (options.empty() && !file_exists(folder / (name + ".yml")))
    throw import_error(name,
                       fmt::format("the array '{}' is missing, and so is '{}.yml'", kOptionsInside, name));
  const YamlKeys keys(options.empty() ? read_foreign_file(folder / (name + ".yml")) : options,
                      options.empty() ? name + ".yml" : fmt::format("{} in {}", kOptionsInside, name));
  if (!npz.texts.empty())
    throw import_error(name, fmt::format("the array '{}' is of bytes: quantised models are not read",
                                         npz.texts.begin()->first));
  ForeignModel model;
  model.kind = "Marian";
  model.options = options_of(keys, import.arithmetic);
  ForeignTensors tensors(name, std::move(npz.tensors));
  MarianWeights weights(tensors, model);
  weights.read_layers();
  weights.read_tables();
  tensors.finish();

  const YAML::Node vocabularies = decoder.node()["vocabs"];
  if (!vocabularies || !vocabularies.IsSequence() || vocabularies.size() != 2)
    throw import_error(decoder.file(), "vocabs is no list of two files");
  const int64_t target_rows = model.weights.at("target_embedding.weight").size(0);
  const int64_t source_rows =
      model.options.tie == Tie::all ? target_rows : model.weights.at("source_embedding.weight").size(0);
  const auto side = [&](int i, int64_t rows, std::string& pieces) {
    const std::string file = vocabularies[i].IsScalar() ? vocabularies[i].as<std::string>() : "";
    fs::path found = folder / file;
    if (!file_exists(found)) found = folder / fs::path(file).filename();
    if (file.empty() || !file_exists(found))
      throw import_error(decoder.file(), fmt::format("the vocabulary '{}' is not there", file));
    return read_marian_vocabulary(found, rows, pieces);
  };
  model.source = side(0, source_rows, model.source_pieces);
  model.target = side(1, target_rows, model.target_pieces);
  if (model.options.tie == Tie::all && model.source.tokens != model.target.tokens)
    throw import_error(decoder.file(), "vocabs are two, and both sides have one table of word vectors");
  if (model.source_pieces.empty() && file_exists(folder / "source.spm") &&
      file_exists(folder / "target.spm")) {
    model.source_pieces = read_foreign_file(folder / "source.spm");
    model.target_pieces = read_foreign_file(folder / "target.spm");
  }
  if (model.source_pieces.empty() != model.target_pieces.empty())
    throw import_error(decoder.file(), "vocabs: one side alone has a SentencePiece model");
  model.rules.whole_lines = !model.source_pieces.empty();
  if (!model.rules.whole_lines)
    model.notes.emplace_back(
        "no source.spm and target.spm lie beside it: it reads tokens with spaces between them");
  model.rules.unknown = import.unknown || decoder.flag("allow-unk", false);
  model.rules.renormalise = false;
  model.beam = decoder.integer("beam-size", 0, 0, 1000);
  const std::string normalize = decoder.text("normalize", "0");
  try {
    model.length_exponent = normalize == "true" ? 1 : normalize == "false" ? 0 : std::stod(normalize);
  } catch (const std::exception&) {
    model.length_exponent = NAN;
  }
  if (!std::isfinite(model.length_exponent))
    throw import_error(decoder.file(), fmt::format("normalize is '{}', no number", normalize));
  if (const std::string guided = keys.text("guided-alignment", "none"); guided != "none") {
    const std::string layer = keys.text("transformer-guided-alignment-layer", "last");
    model.notes.push_back(fmt::format("head 0 of decoder layer {} was trained on alignments", layer));
  }
  return model;
}

}  // namespace

ForeignFormat marian_format() {
  return {"Marian", "NAME.npz with decoder.yml or NAME.npz.yml", marian_recognises, read_marian};
}

}  // namespace heed::models
