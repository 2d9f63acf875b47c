// Hugging Face's Marian (OPUS-MT): config.json, model.safetensors, vocab.json, source.spm, target.spm.
// Post-norm layers, sinusoids in halves (first the sines, frequencies 10000^(-2i / D)), epsilon 1e-5, a bias
// of the logits, a decoder that starts from the row of <pad>, which is zero.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "framework/ops/ops.h"
#include "models/import/keys.h"
#include "models/import/parts.h"
#include "models/import/tensors.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostLayers = 1000, kMostWide = 1'000'000, kMostWords = 100'000'000;
constexpr double kHalfTolerance = 1e-3;  // of a table of positions that was stored as F16

// Families that look alike but compute differently.
constexpr std::array<std::pair<const char*, const char*>, 10> kFamilies{{{"bart", "BART"},
                                                                         {"mbart", "mBART"},
                                                                         {"plbart", "PLBART"},
                                                                         {"t5", "T5"},
                                                                         {"mt5", "mT5"},
                                                                         {"umt5", "UMT5"},
                                                                         {"m2m_100", "M2M-100 and NLLB"},
                                                                         {"nllb-moe", "NLLB-MoE"},
                                                                         {"fsmt", "FSMT"},
                                                                         {"pegasus", "PEGASUS"}}};

void check_family(const JsonKeys& config) {
  const std::string type = config.text("model_type", "");
  if (type == "marian") return;
  if (type.empty()) throw import_error(config.file(), "model_type is missing");
  const auto* const known =
      std::ranges::find_if(kFamilies, [&](const auto& family) { return type == family.first; });
  throw import_error(config.file(), known == kFamilies.end()
                                        ? fmt::format("model_type is '{}', heed reads 'marian'", type)
                                        : fmt::format("model_type is '{}': models of the family {} are not "
                                                      "read, heed reads 'marian'",
                                                      type, known->second));
}

void refuse(const JsonKeys& config, const char* key, bool wanted) {
  if (config.flag(key, wanted) != wanted)
    throw import_error(config.file(), fmt::format("{} is {}, which is not read", key, !wanted));
}

TransformerOptions read_options(const JsonKeys& config, Arithmetic arithmetic) {
  TransformerOptions o;
  o.model_size = config.integer("d_model", 1, kMostWide);
  o.encoder_layers = config.integer("encoder_layers", 1, kMostLayers);
  o.decoder_layers = config.integer("decoder_layers", 1, kMostLayers);
  o.heads = config.integer("encoder_attention_heads", 1, o.model_size);
  o.decoder_heads = config.integer("decoder_attention_heads", 1, o.model_size);
  o.feed_forward = config.integer("encoder_ffn_dim", 1, kMostWide);
  o.decoder_feed_forward = config.integer("decoder_ffn_dim", 1, kMostWide);
  for (const auto& [key, heads] : {std::pair("encoder_attention_heads", o.heads),
                                   std::pair("decoder_attention_heads", o.decoder_heads)}) {
    if (o.model_size % heads != 0)
      throw import_error(config.file(), fmt::format("{} is {}, which does not divide a d_model of {}", key,
                                                    heads, o.model_size));
  }
  const std::string activation = config.text("activation_function", "");
  if (activation == "swish" || activation == "silu") {
    o.activation = nn::FeedForwardActivation::swish;
  } else if (activation == "gelu") {
    o.activation = nn::FeedForwardActivation::gelu;
  } else if (activation != "relu") {
    throw import_error(
        config.file(),
        activation.empty()
            ? "activation_function is missing"
            : fmt::format("activation_function is '{}', heed reads swish, silu, relu and gelu", activation));
  }
  refuse(config, "static_position_embeddings", true);
  refuse(config, "normalize_before", false);
  refuse(config, "normalize_embedding", false);
  refuse(config, "add_final_layer_norm", false);
  o.scale_embedding = config.flag("scale_embedding", false);
  o.norm = NormPlace::post;
  o.positions = Positions::sinusoidal;
  const bool marian = arithmetic == Arithmetic::marian;
  o.sinusoids = marian ? nn::Sinusoids::halves_inclusive : nn::Sinusoids::halves;
  o.norm_eps = marian ? 1e-6 : 1e-5;
  o.tied_bias = true;
  o.dropout = std::clamp(config.number("dropout", 0.1), 0.0, 0.9);
  return o;
}

std::vector<std::string> read_vocabulary(const fs::path& path, int64_t rows, const std::string& key) {
  const std::string file = path.filename().string();
  const JsonKeys vocabulary(read_foreign_file(path), file);
  std::vector<std::string> tokens(static_cast<size_t>(rows));
  std::vector<bool> seen(tokens.size());
  for (const auto& [token, id] : vocabulary.json().items()) {
    if (!id.is_number_integer() || id < 0 || id >= rows) {
      throw import_error(file,
                         fmt::format("'{}' has the id {}, {} says 0 to {}", token, id.dump(), key, rows - 1));
    }
    const auto at = id.get<size_t>();
    if (seen[at])
      throw import_error(file, fmt::format("'{}' and '{}' have the id {}", tokens[at], token, at));
    seen[at] = true;
    tokens[at] = token;
  }
  const auto hole = std::ranges::find(seen, false);
  if (hole != seen.end()) {
    throw import_error(
        file, fmt::format("no token has the id {}, {} says {} of them", hole - seen.begin(), key, rows));
  }
  return tokens;
}

std::optional<int> id_of(const std::vector<std::string>& tokens, std::string_view token) {
  const auto found = std::ranges::find(tokens, token);
  if (found == tokens.end()) return std::nullopt;
  return static_cast<int>(found - tokens.begin());
}

// A special token has the id that the configuration says, where both say one.
void check_special(const JsonKeys& config, const std::string& key, int id,
                   const std::vector<std::string>& tokens, const char* token) {
  const std::optional<int> found = id_of(tokens, token);
  if (found && *found != id) {
    throw import_error(config.file(),
                       fmt::format("{} is {}, in the vocabulary '{}' has the id {}", key, id, token, *found));
  }
}

class Weights {
 public:
  Weights(ForeignTensors& tensors, const TransformerOptions& o, ForeignModel& model)
      : in_(tensors), o_(o), out_(model.weights), d_(o.model_size) {
    prefix_ = in_.has("shared.weight") || in_.has("encoder.layers.0.fc1.weight") ? "" : "model.";
  }

  void read_layers() {
    for (const bool decoder : {false, true}) {
      const int64_t layers = decoder ? o_.decoder_layers : o_.encoder_layers;
      const int64_t inner = decoder ? o_.decoder_feed_forward : o_.feed_forward;
      for (int64_t n = 0; n < layers; ++n) {
        const std::string from = fmt::format("{}{}.layers.{}.", prefix_, decoder ? "decoder" : "encoder", n);
        const std::string to = fmt::format("{}{}.", decoder ? "decoder" : "encoder", n);
        const std::string attention = to + (decoder ? "self_attention." : "attention.");
        put_joint(out_, attention + "joint",
                  {linear(from + "self_attn.q_proj", d_, d_), linear(from + "self_attn.k_proj", d_, d_),
                   linear(from + "self_attn.v_proj", d_, d_)});
        put_linear(out_, attention + "output", linear(from + "self_attn.out_proj", d_, d_));
        norm(to + "first.norm", from + "self_attn_layer_norm");
        if (decoder) {
          put_linear(out_, to + "cross_attention.query", linear(from + "encoder_attn.q_proj", d_, d_));
          put_joint(
              out_, to + "cross_attention.joint",
              {linear(from + "encoder_attn.k_proj", d_, d_), linear(from + "encoder_attn.v_proj", d_, d_)});
          put_linear(out_, to + "cross_attention.output", linear(from + "encoder_attn.out_proj", d_, d_));
          norm(to + "second.norm", from + "encoder_attn_layer_norm");
        }
        put_linear(out_, to + "feed_forward.first", linear(from + "fc1", inner, d_));
        put_linear(out_, to + "feed_forward.second", linear(from + "fc2", d_, inner));
        norm(to + (decoder ? "third.norm" : "second.norm"), from + "final_layer_norm");
      }
    }
  }

  // Tables: encoder.embed_tokens or shared, decoder.embed_tokens or shared, lm_head unless it is tied.
  Tie read_tables(int64_t source_rows, int64_t target_rows, bool tied) {
    const std::string shared = prefix_ + "shared.weight", source = prefix_ + "encoder.embed_tokens.weight",
                      target = prefix_ + "decoder.embed_tokens.weight";
    Tensor common;
    if (in_.has(shared)) common = in_.take(shared, {source_rows, d_});
    const auto table = [&](const std::string& name, int64_t rows) {
      if (in_.has(name)) {
        const Tensor own = in_.take(name, {rows, d_});
        return common.defined() && common.shape() == own.shape() && largest_difference(common, own) == 0
                   ? common
                   : own;
      }
      if (!common.defined()) in_.look(name);  // missing
      if (common.size(0) != rows)
        throw import_error(in_.file(), fmt::format("the tensor '{}' has {} rows, {} are wanted for '{}'",
                                                   shared, common.size(0), rows, name));
      return common;
    };
    const Tensor encoder = table(source, source_rows), decoder = table(target, target_rows);
    Tensor output = decoder;
    if (in_.has("lm_head.weight")) {
      const Tensor head = in_.take("lm_head.weight", {target_rows, d_});
      if (!tied && largest_difference(head, decoder) != 0) output = head;
    } else if (!tied) {
      in_.look("lm_head.weight");  // missing
    }
    const bool one_table = encoder.raw_data() == decoder.raw_data(),
               same = output.raw_data() == decoder.raw_data();
    out_["target_embedding.weight"] = decoder;
    const Tie tie = !same ? Tie::none : one_table ? Tie::all : Tie::output;
    if (tie != Tie::all) out_["source_embedding.weight"] = encoder;
    if (tie == Tie::none) out_["projection.weight"] = output;
    Tensor bias = zeros({target_rows});
    if (in_.has("final_logits_bias"))
      bias = reshape(in_.take("final_logits_bias", {1, target_rows}), {target_rows});
    out_[tie == Tie::none ? "projection.bias" : "bias"] = bias;
    return tie;
  }

  // Positions that old files hold beside the rule. Returns whether the rule does not give them.
  bool read_positions(TransformerOptions& options, int64_t positions) {
    std::vector<Tensor> stored;
    for (const char* side : {"encoder", "decoder"}) {
      const std::string name = fmt::format("{}{}.embed_positions.weight", prefix_, side);
      if (in_.has(name)) stored.push_back(in_.take(name, {positions, d_}));
    }
    if (stored.empty()) return false;
    if (stored.size() == 1)
      throw import_error(in_.file(), "one side alone has a tensor 'embed_positions.weight'");
    TransformerOptions found = options;
    const bool known = recognise_positions(stored[0], kHalfTolerance, found) &&
                       largest_difference(stored[0], stored[1]) <= kHalfTolerance;
    if (known && found.sinusoids == options.sinusoids && found.first_position == 0) return false;
    options.positions = Positions::learned;
    options.max_positions = positions;
    out_["source_embedding.positions.weight"] = stored[0];
    out_["target_embedding.positions.weight"] = stored[1];
    return true;
  }

 private:
  ForeignLinear linear(const std::string& name, int64_t out, int64_t in) {
    return {in_.take(name + ".weight", {out, in}), in_.take(name + ".bias", {out})};
  }
  void norm(const std::string& to, const std::string& from) {
    out_[to + ".gain"] = in_.take(from + ".weight", {d_});
    out_[to + ".bias"] = in_.take(from + ".bias", {d_});
  }

  ForeignTensors& in_;
  const TransformerOptions& o_;
  std::map<std::string, Tensor>& out_;
  int64_t d_;
  std::string prefix_;
};

bool is_zero_row(const Tensor& table, int64_t row) {
  const Tensor values = table.contiguous();
  const float* const at = values.data<float>() + row * values.size(1);
  return std::all_of(at, at + values.size(1), [](float x) { return x == 0; });
}

ForeignTensors read_tensors(const fs::path& folder) {
  const fs::path path = folder / "model.safetensors";
  const std::string name = path.filename().string();
  SafetensorsFile file = map_safetensors(path, name);
  for (const auto& [key, type] : file.types) {
    if (type != FileType::f32 && type != FileType::f16 && type != FileType::bf16) {
      throw import_error(
          name, fmt::format("the tensor '{}' is {}, F32, F16 or BF16 is wanted", key, name_of(type)));
    }
  }
  return {name, std::move(file.tensors)};
}

// Keys of generation: generation_config.json, where it has them, before config.json.
struct Generation {
  const JsonKeys& config;
  std::optional<JsonKeys> own;
  const JsonKeys& with(const std::string& key) const { return own && own->has(key) ? *own : config; }
};

void read_generation(const Generation& generation, int64_t words, ForeignModel& model) {
  const auto key = [&](const char* name) -> const JsonKeys& { return generation.with(name); };
  if (key("num_beams").has("num_beams")) model.beam = key("num_beams").integer("num_beams", 1, 1000);
  model.length_exponent = key("length_penalty").number("length_penalty", 1);
  model.rules.renormalise = key("renormalize_logits").flag("renormalize_logits", false);
  model.rules.end_at_limit = key("forced_eos_token_id").has("forced_eos_token_id");
  const JsonKeys& bad = key("bad_words_ids");
  if (!bad.has("bad_words_ids")) return;
  const auto wrong = [&] { return import_error(bad.file(), "bad_words_ids is no list of lists of ids"); };
  if (!bad.json().at("bad_words_ids").is_array()) throw wrong();
  for (const auto& ids : bad.json().at("bad_words_ids")) {
    if (!ids.is_array() || ids.empty()) throw wrong();
    if (ids.size() > 1) {
      model.notes.push_back(fmt::format("{}: bad_words_ids of several tokens are left out", bad.file()));
      continue;
    }
    if (!ids[0].is_number_integer() || ids[0] < 0 || ids[0] >= words) throw wrong();
    if (ids[0] != model.target.pad) model.banned.push_back(ids[0].get<int>());
  }
}

bool hugging_face_recognises(const fs::path& path) {
  return fs::is_directory(path) && file_exists(path / "config.json") && !file_exists(path / "model.bin");
}

std::string required(const fs::path& folder, const char* file) {
  if (!file_exists(folder / file))
    throw import_error(folder.string(), fmt::format("the file '{}' is missing", file));
  return read_foreign_file(folder / file);
}

ForeignModel read_hugging_face(const fs::path& folder, const ImportOptions& import) {
  const JsonKeys config(required(folder, "config.json"), "config.json");
  check_family(config);
  ForeignModel model;
  model.kind = "Hugging Face Marian";
  model.options = read_options(config, import.arithmetic);
  TransformerOptions& o = model.options;
  const int64_t source_rows = config.integer("vocab_size", 3, kMostWords);
  const int64_t target_rows =
      config.has("decoder_vocab_size") ? config.integer("decoder_vocab_size", 3, kMostWords) : source_rows;
  if (!file_exists(folder / "model.safetensors")) {
    if (file_exists(folder / "pytorch_model.bin")) {
      throw import_error(folder.string(),
                         fmt::format("pytorch_model.bin is not read, as that would mean to execute it; this "
                                     "converts it: python3 -c \"from transformers import MarianMTModel as M; "
                                     "M.from_pretrained('{0}').save_pretrained('{0}')\"",
                                     folder.string()));
    }
    required(folder, "model.safetensors");
  }
  ForeignTensors tensors = read_tensors(folder);
  Weights weights(tensors, o, model);
  weights.read_layers();
  o.tie = weights.read_tables(source_rows, target_rows, config.flag("tie_word_embeddings", true));
  o.tied_bias = o.tie != Tie::none;
  const int64_t positions =
      config.has("max_position_embeddings") ? config.integer("max_position_embeddings", 1, kMostWide) : 512;
  if (weights.read_positions(o, positions))
    model.notes.emplace_back("the positions that the file holds are not those of the rule: they are taken");
  tensors.finish();

  const JsonKeys tokenizer(file_exists(folder / "tokenizer_config.json")
                               ? read_foreign_file(folder / "tokenizer_config.json")
                               : "{}",
                           "tokenizer_config.json");
  const bool separate = tokenizer.flag("separate_vocabs", false);
  required(folder, "vocab.json");
  model.source.tokens = read_vocabulary(folder / "vocab.json", source_rows, "vocab_size");
  if (separate) required(folder, "target_vocab.json");
  model.target.tokens = separate
                            ? read_vocabulary(folder / "target_vocab.json", target_rows, "decoder_vocab_size")
                            : model.source.tokens;
  if (!separate && source_rows != target_rows) {
    throw import_error("config.json",
                       fmt::format("decoder_vocab_size is {} and vocab_size {}, with one vocabulary",
                                   target_rows, source_rows));
  }
  if (separate && o.tie == Tie::all) {
    throw import_error("tokenizer_config.json",
                       "separate_vocabs is true, and both sides have one table of word vectors");
  }
  const int pad = static_cast<int>(config.integer("pad_token_id", 0, target_rows - 1)),
            end = static_cast<int>(config.integer("eos_token_id", 0, target_rows - 1)),
            start = static_cast<int>(config.integer("decoder_start_token_id", 0, target_rows - 1));
  check_special(config, "eos_token_id", end, model.target.tokens, "</s>");
  check_special(config, "pad_token_id", pad, model.target.tokens, "<pad>");
  model.target.pad = pad;
  model.target.end = end;
  model.source.pad = id_of(model.source.tokens, "<pad>");
  model.source.end = id_of(model.source.tokens, "</s>").value_or(end);
  if (model.source.end >= source_rows) throw import_error("vocab.json", "'</s>' is missing");
  model.source.unknown = id_of(model.source.tokens, "<unk>");
  model.target.unknown = id_of(model.target.tokens, "<unk>");
  if (!model.source.unknown) throw import_error("vocab.json", "'<unk>' is missing");
  const Tensor& table = model.weights.at("target_embedding.weight");
  o.decoder_start = is_zero_row(table, start) ? DecoderStart::zero : DecoderStart::mark;
  if (o.decoder_start == DecoderStart::mark) model.target.start = start;
  if (start == pad && o.decoder_start == DecoderStart::mark)
    model.notes.emplace_back("the word vector of <pad> is not zero, as Marian's is: the file may be damaged");
  model.source_pieces = required(folder, "source.spm");
  model.target_pieces = required(folder, "target.spm");
  model.source_language = language_code_or_nothing(tokenizer.text("source_lang", ""));
  model.target_language = language_code_or_nothing(tokenizer.text("target_lang", ""));
  Generation generation{config, std::nullopt};
  if (file_exists(folder / "generation_config.json"))
    generation.own.emplace(read_foreign_file(folder / "generation_config.json"), "generation_config.json");
  read_generation(generation, target_rows, model);
  model.rules.unknown = import.unknown;
  model.rules.whole_lines = true;
  model.notes.push_back(
      fmt::format("trained on up to {} pieces: longer text is beyond what it has seen", positions));
  return model;
}

}  // namespace

ForeignFormat hugging_face_format() {
  return {"Hugging Face Marian", "config.json and model.safetensors", hugging_face_recognises,
          read_hugging_face};
}

}  // namespace heed::models
