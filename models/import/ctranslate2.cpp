// CTranslate2's model.bin, versions 1 to 6: a list of named arrays (f32, f16, bf16, int16, int8), aliases
// behind it, and vocabularies, one token a line or a list of JSON. Queries, keys and values are one matrix,
// as in heed. Positions count from 1 with frequencies 10000^(-i / (D/2 - 1)), unless the file holds a table
// of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "framework/core/half.h"
#include "framework/io/file.h"
#include "framework/ops/ops.h"
#include "models/import/keys.h"
#include "models/import/parts.h"
#include "models/import/tensors.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kNewestVersion = 6;
constexpr int64_t kMostElements = int64_t{1} << 40;  // of an array
constexpr uint32_t kNewestRevision = 7;              // of the Transformer's spec
constexpr double kMostHeads = 1e6;
constexpr double kStoredTolerance = 4e-3;  // of a table of positions that was stored as bf16

// Reads little-endian values; the file's end is an error.
class BinaryFile {
 public:
  BinaryFile(std::string_view bytes, std::string file) : rest_(bytes), file_(std::move(file)) {}
  std::string_view bytes(size_t count) {
    if (count > rest_.size()) throw import_error(file_, "the file is cut off");
    const std::string_view part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }
  template <class T>
  T value() {
    T result;
    std::memcpy(&result, bytes(sizeof result).data(), sizeof result);
    return result;
  }
  std::string text() {  // its length counts the zero at its end
    std::string result(bytes(value<uint16_t>()));
    if (result.empty() || result.back() != '\0') throw import_error(file_, "a name has no end");
    result.pop_back();
    return result;
  }
  bool ended() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::string file_;
};

enum class ArrayType : uint8_t { f32, i8, i16, i32, f16, bf16 };
constexpr std::array<size_t, 6> kArrayBytes{4, 1, 2, 4, 2, 2};

struct Array {
  ArrayType type = ArrayType::f32;
  Shape shape;
  std::string_view data;
};

template <class T, class Convert>
Tensor converted(const Array& array, const Convert& convert) {
  const Tensor x = empty(array.shape);
  for (int64_t i = 0; i < x.numel(); ++i) {
    T value;
    std::memcpy(&value, array.data.data() + static_cast<size_t>(i) * sizeof value, sizeof value);
    x.data<float>()[i] = static_cast<float>(convert(value));
  }
  return x;
}

Tensor values_of(const Array& array) {
  const auto same = [](auto value) { return value; };
  switch (array.type) {
    case ArrayType::f32:
      return converted<float>(array, same);
    case ArrayType::i8:
      return converted<int8_t>(array, same);
    case ArrayType::i16:
      return converted<int16_t>(array, same);
    case ArrayType::i32:
      return converted<int32_t>(array, same);
    case ArrayType::f16:
      return converted<uint16_t>(array, from_f16);
    case ArrayType::bf16:
      break;
  }
  return converted<uint16_t>(array, from_bf16);
}

struct ModelBinary {
  std::string spec;
  std::map<std::string, Array> arrays;
};

ModelBinary read_binary(const std::string& bytes, const std::string& file) {
  BinaryFile in(bytes, file);
  ModelBinary model;
  const auto version = in.value<uint32_t>();
  if (version < 1 || version > kNewestVersion)
    throw import_error(file,
                       fmt::format("it has version {}, CTranslate2's are 1 to {}", version, kNewestVersion));
  if (version >= 2) {
    model.spec = in.text();
    const auto revision = in.value<uint32_t>();
    if (revision < 1 || revision > kNewestRevision)
      throw import_error(file, fmt::format("its spec '{}' has revision {}, heed reads 1 to {}", model.spec,
                                           revision, kNewestRevision));
  }
  const auto count = in.value<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name = in.text();
    const auto wrong = [&](const std::string& what) {
      return import_error(file, fmt::format("the tensor '{}' {}", name, what));
    };
    Array array;
    const auto rank = in.value<uint8_t>();
    if (rank > kMaxDims) throw wrong(fmt::format("has {} dimensions", rank));
    int64_t most = 1;  // elements, were no extent 0
    for (int d = 0; d < rank; ++d) {
      const auto extent = in.value<uint32_t>();
      array.shape.push_back(extent);
      if (__builtin_mul_overflow(most, std::max<int64_t>(extent, 1), &most) || most > kMostElements)
        throw wrong("is too large");
    }
    const auto elements = static_cast<uint64_t>(array.shape.numel());
    uint64_t size = 0;
    if (version >= 4) {
      const auto type = in.value<uint8_t>();
      if (type >= kArrayBytes.size()) throw wrong(fmt::format("is of type {}, which is not known", type));
      array.type = static_cast<ArrayType>(type);
      size = in.value<uint32_t>();
    } else {
      const auto item = in.value<uint8_t>();
      if (item != 1 && item != 2 && item != 4) throw wrong(fmt::format("has elements of {} bytes", item));
      array.type = item == 4 ? ArrayType::f32 : item == 2 ? ArrayType::i16 : ArrayType::i8;
      size = uint64_t{in.value<uint32_t>()} * item;
    }
    if (size != elements * kArrayBytes[static_cast<size_t>(array.type)])
      throw wrong("has a number of bytes that does not fit its shape");
    array.data = in.bytes(size);
    if (!model.arrays.emplace(name, array).second) throw wrong("is there twice");
  }
  if (version >= 3) {
    const auto aliases = in.value<uint32_t>();
    for (uint32_t i = 0; i < aliases; ++i) {
      const std::string alias = in.text(), target = in.text();
      const auto found = model.arrays.find(target);
      if (found == model.arrays.end())
        throw import_error(file,
                           fmt::format("'{}' is another name of '{}', which is missing", alias, target));
      if (!model.arrays.emplace(alias, Array(found->second)).second)
        throw import_error(file, fmt::format("the tensor '{}' is there twice", alias));
    }
  }
  if (!in.ended()) throw import_error(file, "there are bytes after the last tensor");
  return model;
}

// The arrays as f32, with scales applied. Attributes are numbers without a shape.
class Variables {
 public:
  Variables(ModelBinary model, std::string file) : model_(std::move(model)), file_(std::move(file)) {}

  // An attribute, taken; nothing if it is absent.
  std::optional<double> attribute(const std::string& name) {
    const auto found = model_.arrays.find(name);
    if (found == model_.arrays.end()) return std::nullopt;
    if (found->second.shape.numel() != 1)
      throw import_error(file_, fmt::format("the attribute '{}' is {}", name, found->second.shape.str()));
    const double value = values_of(found->second).item();
    model_.arrays.erase(found);
    return value;
  }
  void ignore_attributes(std::string_view ending) {
    std::erase_if(model_.arrays, [&](const auto& entry) {
      return entry.first.ends_with(ending) && entry.second.shape.numel() == 1;
    });
  }
  ForeignTensors tensors() {
    std::map<std::string, Tensor> result;
    for (const auto& [name, array] : model_.arrays) {
      if (is_scale(name)) continue;
      Tensor x = values_of(array);
      const bool quantised = array.type == ArrayType::i8 || array.type == ArrayType::i16;
      if (quantised) x = dequantised(name, array, x);
      result.emplace(name, std::move(x));
    }
    return {file_, std::move(result)};
  }
  const std::string& spec() const { return model_.spec; }
  const std::map<std::string, Array>& arrays() const { return model_.arrays; }

 private:
  static constexpr std::string_view kScale = "_scale";
  bool is_scale(const std::string& name) const {
    if (!name.ends_with(kScale)) return false;
    const auto of = model_.arrays.find(name.substr(0, name.size() - kScale.size()));
    return of != model_.arrays.end() &&
           (of->second.type == ArrayType::i8 || of->second.type == ArrayType::i16);
  }
  // int8: each row by its scale; int16: all by one, 1000 where none is stored.
  Tensor dequantised(const std::string& name, const Array& array, const Tensor& x) const {
    const auto found = model_.arrays.find(name + std::string(kScale));
    const auto wrong = [&](const std::string& what) {
      return import_error(file_, fmt::format("the tensor '{}{}' {}", name, kScale, what));
    };
    if (found == model_.arrays.end() && array.type == ArrayType::i8) throw wrong("is missing");
    Tensor scale = full({1}, 1000);
    if (found != model_.arrays.end()) scale = values_of(found->second);
    const int64_t rows = array.shape.ndim() == 0 ? 1 : array.shape[0];
    if (scale.numel() != 1 && scale.numel() != rows)
      throw wrong(fmt::format("has {} values for {} rows", scale.numel(), rows));
    const int64_t columns = rows == 0 ? 0 : x.numel() / rows;
    for (int64_t r = 0; r < rows; ++r) {
      const float by = scale.data<float>()[scale.numel() == 1 ? 0 : r];
      if (!(by > 0)) throw wrong("is not above 0");
      for (int64_t c = 0; c < columns; ++c) x.data<float>()[r * columns + c] /= by;
    }
    return x;
  }

  ModelBinary model_;
  std::string file_;
};

std::vector<std::string> read_tokens(const fs::path& folder, const char* side) {
  for (const std::string& name : {fmt::format("{}_vocabulary", side), std::string("shared_vocabulary")}) {
    const std::string text = name + ".txt", json = name + ".json";
    if (file_exists(folder / text)) {
      std::vector<std::string> tokens;
      const std::string content = read_foreign_file(folder / text);
      for (size_t at = 0; at < content.size();) {
        const size_t end = std::min(content.find('\n', at), content.size());
        tokens.push_back(content.substr(at, end - at));
        at = end + 1;
      }
      return tokens;
    }
    if (file_exists(folder / json)) {
      const auto list = parse_json(read_foreign_file(folder / json));
      const bool texts =
          list.is_array() && std::ranges::all_of(list, [](const auto& x) { return x.is_string(); });
      if (!texts) throw import_error(json, "it is no list of texts");
      return list.get<std::vector<std::string>>();
    }
  }
  throw import_error(folder.string(), fmt::format("the file '{}_vocabulary.txt' is missing", side));
}

class Layers {
 public:
  Layers(ForeignTensors& tensors, const TransformerOptions& o, std::map<std::string, Tensor>& out)
      : in_(tensors), out_(out), d_(o.model_size), pre_(o.norm == NormPlace::pre) {}

  void encoder(int64_t n, int64_t inner) {
    const std::string from = fmt::format("encoder/layer_{}/", n), to = fmt::format("encoder{}.", n);
    linear(to + "attention.joint", from + "self_attention/linear_0", 3 * d_, d_);
    linear(to + "attention.output", from + "self_attention/linear_1", d_, d_);
    norm(to + "first.norm", from + "self_attention/layer_norm");
    feed_forward(to, from, inner, "second.norm");
  }
  void decoder(int64_t n, int64_t inner) {
    const std::string from = fmt::format("decoder/layer_{}/", n), to = fmt::format("decoder{}.", n);
    linear(to + "self_attention.joint", from + "self_attention/linear_0", 3 * d_, d_);
    linear(to + "self_attention.output", from + "self_attention/linear_1", d_, d_);
    norm(to + "first.norm", from + "self_attention/layer_norm");
    linear(to + "cross_attention.query", from + "attention/linear_0", d_, d_);
    linear(to + "cross_attention.joint", from + "attention/linear_1", 2 * d_, d_);
    linear(to + "cross_attention.output", from + "attention/linear_2", d_, d_);
    norm(to + "second.norm", from + "attention/layer_norm");
    feed_forward(to, from, inner, "third.norm");
  }
  void ends() {
    if (!pre_) return;
    norm("encoder_norm", "encoder/layer_norm");
    norm("decoder_norm", "decoder/layer_norm");
  }

 private:
  void feed_forward(const std::string& to, const std::string& from, int64_t inner, const char* norm_name) {
    linear(to + "feed_forward.first", from + "ffn/linear_0", inner, d_);
    linear(to + "feed_forward.second", from + "ffn/linear_1", d_, inner);
    norm(to + norm_name, from + "ffn/layer_norm");
  }
  void linear(const std::string& to, const std::string& from, int64_t out, int64_t in) {
    put_linear(out_, to, {in_.take(from + "/weight", {out, in}), in_.take(from + "/bias", {out})});
  }
  void norm(const std::string& to, const std::string& from) {
    out_[to + ".gain"] = in_.take(from + "/gamma", {d_});
    out_[to + ".bias"] = in_.take(from + "/beta", {d_});
  }
  ForeignTensors& in_;
  std::map<std::string, Tensor>& out_;
  int64_t d_;
  bool pre_;
};

int64_t count_layers(const Variables& variables, const std::string& side, const std::string& file) {
  int64_t layers = 0;
  const auto has = [&](int64_t n) {
    const std::string start = fmt::format("{}/layer_{}/", side, n);
    const auto found = variables.arrays().lower_bound(start);
    return found != variables.arrays().end() && found->first.starts_with(start);
  };
  while (has(layers)) ++layers;
  if (layers == 0) throw import_error(file, fmt::format("the tensor '{}/layer_0/...' is missing", side));
  return layers;
}

nn::FeedForwardActivation activation_of(const std::string& name, double value, const std::string& file) {
  if (value == 0) return nn::FeedForwardActivation::relu;
  if (value == 2) return nn::FeedForwardActivation::swish;
  if (value == 3) return nn::FeedForwardActivation::gelu;
  throw import_error(file, fmt::format("{} is {}, heed reads 0 (relu), 2 (swish) and 3 (gelu)", name, value));
}

// What both sides say for themselves and must agree on.
double agreed(Variables& variables, const char* key, std::optional<double> otherwise,
              const std::string& file) {
  std::optional<double> common = variables.attribute(key);
  for (const char* side : {"encoder", "decoder"}) {
    const std::optional<double> own = variables.attribute(fmt::format("{}/{}", side, key));
    if (own && common && *own != *common)
      throw import_error(
          file, fmt::format("the attribute '{}' differs between the sides: {} and {}", key, *common, *own));
    if (own) common = own;
  }
  if (!common) common = otherwise;
  if (!common) throw import_error(file, fmt::format("the attribute '{}' is missing", key));
  return *common;
}

int64_t read_heads(Variables& variables, const char* side, const std::string& file) {
  const std::string name = fmt::format("{}/num_heads", side);
  if (const auto heads = variables.attribute(name)) {
    if (!(*heads >= 1 && *heads <= kMostHeads))
      throw import_error(file, fmt::format("the attribute '{}' is {}", name, *heads));
    return static_cast<int64_t>(*heads);
  }
  if (variables.spec() == "TransformerBase") return 8;
  if (variables.spec() == "TransformerBig") return 16;
  throw import_error(
      file, fmt::format("the attribute '{}' is missing, and the spec '{}' says no number of heads", name,
                        variables.spec()));
}

void read_positions(ForeignTensors& tensors, ForeignModel& model, const std::string& file) {
  TransformerOptions& o = model.options;
  o.positions = Positions::sinusoidal;
  o.sinusoids = nn::Sinusoids::halves_inclusive;
  o.first_position = 1;
  const std::string names[] = {"encoder/position_encodings/encodings",
                               "decoder/position_encodings/encodings"};
  if (!tensors.has(names[0]) && !tensors.has(names[1])) return;
  const Tensor source = tensors.look(names[0]);
  if (source.ndim() != 2)
    throw import_error(file, fmt::format("the tensor '{}' is {}", names[0], source.shape().str()));
  tensors.take(names[0], {source.size(0), o.model_size});
  const Tensor target = tensors.take(names[1], source.shape());
  if (recognise_positions(source, kStoredTolerance, o) &&
      largest_difference(source, target) <= kStoredTolerance)
    return;
  o.positions = Positions::learned;
  o.max_positions = source.size(0);
  o.first_position = 0;
  model.weights["source_embedding.positions.weight"] = source;
  model.weights["target_embedding.positions.weight"] = target;
}

bool same_values(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && largest_difference(a, b) == 0;
}

void read_tables(ForeignTensors& tensors, ForeignModel& model, const std::string& source_table) {
  const int64_t d = model.options.model_size;
  const Tensor source = tensors.take(source_table, {tensors.look(source_table).size(0), d});
  const std::string target_table = "decoder/embeddings/weight";
  const Tensor target = tensors.take(target_table, {tensors.look(target_table).size(0), d});
  const Tensor output = tensors.take("decoder/projection/weight", target.shape());
  Tensor bias;
  if (tensors.has("decoder/projection/bias"))
    bias = tensors.take("decoder/projection/bias", {target.size(0)});
  Tie& tie = model.options.tie;
  tie = !same_values(target, output) ? Tie::none : same_values(source, target) ? Tie::all : Tie::output;
  model.options.tied_bias = tie != Tie::none && bias.defined();
  model.weights["target_embedding.weight"] = target;
  if (tie != Tie::all) model.weights["source_embedding.weight"] = source;
  if (tie == Tie::none) model.weights["projection.weight"] = output;
  if (tie == Tie::none && !bias.defined()) bias = zeros({target.size(0)});
  if (bias.defined()) model.weights[tie == Tie::none ? "projection.bias" : "bias"] = bias;
}

ForeignVocabulary vocabulary_of(const fs::path& folder, const char* side, int64_t rows,
                                const JsonKeys& config, const std::string& file) {
  ForeignVocabulary vocabulary;
  vocabulary.tokens = read_tokens(folder, side);
  const auto find = [&](const std::string& token) -> std::optional<int> {
    const auto found = std::ranges::find(vocabulary.tokens, token);
    if (found == vocabulary.tokens.end()) return std::nullopt;
    return static_cast<int>(found - vocabulary.tokens.begin());
  };
  const std::string unknown = config.text("unk_token", "<unk>"), end = config.text("eos_token", "</s>");
  const std::vector<std::string> open_nmt{"<blank>", "<s>", "</s>"};  // how those without an <unk> begin
  if (!find(unknown) && std::ranges::mismatch(open_nmt, vocabulary.tokens).in1 == open_nmt.end())
    vocabulary.tokens.push_back(unknown);  // which has the last row
  if (static_cast<int64_t>(vocabulary.tokens.size()) != rows) {
    throw import_error(file, fmt::format("the table of the {} has {} rows, its vocabulary {} tokens", side,
                                         rows, vocabulary.tokens.size()));
  }
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i) {
    const auto [first, is_new] = places.emplace(vocabulary.tokens[i], i + 1);
    if (!is_new)
      throw import_error(folder.string(),
                         fmt::format("the vocabulary of the {} has '{}' twice, as tokens {} and {}", side,
                                     vocabulary.tokens[i], first->second, i + 1));
  }
  vocabulary.unknown = find(unknown);
  if (!vocabulary.unknown)
    throw import_error(folder.string(), fmt::format("the vocabulary of the {} has no '{}'", side, unknown));
  vocabulary.pad = find("<blank>");
  if (!vocabulary.pad) vocabulary.pad = find("<pad>");
  const auto last = find(end);
  if (!last)
    throw import_error(folder.string(), fmt::format("the vocabulary of the {} has no '{}'", side, end));
  vocabulary.end = *last;
  return vocabulary;
}

fs::path folder_of_binary(const fs::path& path) {
  if (fs::is_directory(path)) return path;
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool ctranslate2_recognises(const fs::path& path) {
  return fs::is_directory(path) ? file_exists(path / "model.bin") : path.filename() == "model.bin";
}

ForeignModel read_ctranslate2(const fs::path& path, const ImportOptions& import) {
  const fs::path folder = folder_of_binary(path);
  const std::string file = "model.bin";
  const JsonKeys config(
      file_exists(folder / "config.json") ? read_foreign_file(folder / "config.json") : "{}", "config.json");
  const std::string bytes = read_foreign_file(folder / file);
  Variables variables(read_binary(bytes, file), file);
  const std::string& spec = variables.spec();
  if (!spec.empty() && spec != "TransformerSpec" && spec != "TransformerBase" && spec != "TransformerBig")
    throw import_error(file, fmt::format("the spec '{}' is not read, heed reads TransformerSpec", spec));
  ForeignModel model;
  model.kind = "CTranslate2";
  TransformerOptions& o = model.options;
  o.encoder_layers = count_layers(variables, "encoder", file);
  o.decoder_layers = count_layers(variables, "decoder", file);
  o.heads = read_heads(variables, "encoder", file);
  o.decoder_heads = read_heads(variables, "decoder", file);
  o.norm = agreed(variables, "pre_norm", 1, file) != 0 ? NormPlace::pre : NormPlace::post;
  o.activation = activation_of("activation", agreed(variables, "activation", 0, file), file);
  const double scaled = agreed(variables, "scale_embeddings", 1, file);
  const bool zero_start = variables.attribute("decoder/start_from_zero_embedding").value_or(0) != 0;
  model.rules.source_end =
      config.flag("add_source_eos", variables.attribute("with_source_eos").value_or(0) != 0);
  if (config.flag("add_source_bos", variables.attribute("with_source_bos").value_or(0) != 0))
    throw import_error("config.json", "add_source_bos is true, which is not read");
  if (variables.attribute("with_target_bos").value_or(1) == 0)
    throw import_error(file, "with_target_bos is 0, which is not read");
  for (const char* flag : {"decoder/alibi", "decoder/alibi_use_positive_positions", "decoder/scale_alibi"}) {
    if (variables.attribute(flag).value_or(0) != 0 && std::string_view(flag) == "decoder/alibi")
      throw import_error(file, "the attribute 'decoder/alibi' is 1, which is not read");
  }
  for (const char* ending : {"/keep_in_float32", "/alignment_layer", "/alignment_heads", "/embeddings_merge",
                             "/multi_query_attention"})
    variables.ignore_attributes(ending);
  ForeignTensors tensors = variables.tensors();
  const std::string source_table = tensors.has("encoder/embeddings_0/weight") ? "encoder/embeddings_0/weight"
                                                                              : "encoder/embeddings/weight";
  const auto extent = [&](const std::string& name, int dim) {
    const Tensor& x = tensors.look(name);
    if (x.ndim() != 2) throw import_error(file, fmt::format("the tensor '{}' is {}", name, x.shape().str()));
    return x.size(dim);
  };
  o.model_size = extent(source_table, 1);
  extent("decoder/embeddings/weight", 1);
  o.feed_forward = extent("encoder/layer_0/ffn/linear_0/weight", 0);
  o.decoder_feed_forward = extent("decoder/layer_0/ffn/linear_0/weight", 0);
  for (const int64_t heads : {o.heads, o.decoder_heads}) {
    if (heads < 1 || o.model_size % heads != 0)
      throw import_error(file, fmt::format("{} heads do not divide a width of {}", heads, o.model_size));
  }
  const double root = std::sqrt(static_cast<double>(o.model_size));
  o.scale_embedding = scaled != 0 && (scaled == 1 || std::abs(scaled - root) < 1e-3 * root);
  if (scaled != 0 && !o.scale_embedding)
    throw import_error(
        file, fmt::format("scale_embeddings is {}, heed reads 0, 1 and the root of the width", scaled));
  o.norm_eps = config.number("layer_norm_epsilon", 1e-5);
  Layers layers(tensors, o, model.weights);
  for (int64_t n = 0; n < o.encoder_layers; ++n) layers.encoder(n, o.feed_forward);
  for (int64_t n = 0; n < o.decoder_layers; ++n) layers.decoder(n, o.decoder_feed_forward);
  layers.ends();
  read_positions(tensors, model, file);
  read_tables(tensors, model, source_table);
  tensors.finish();
  if (import.arithmetic != Arithmetic::automatic) {
    const bool marian = import.arithmetic == Arithmetic::marian;
    o.norm_eps = marian ? 1e-6 : 1e-5;
    if (o.positions == Positions::sinusoidal) {
      o.sinusoids = marian ? nn::Sinusoids::halves_inclusive : nn::Sinusoids::halves;
      o.first_position = 0;
    }
  }
  const int64_t target_rows = model.weights.at("target_embedding.weight").size(0);
  const int64_t source_rows =
      o.tie == Tie::all ? target_rows : model.weights.at("source_embedding.weight").size(0);
  model.source = vocabulary_of(folder, "source", source_rows, config, file);
  model.target = vocabulary_of(folder, "target", target_rows, config, file);
  if (o.tie == Tie::all && model.source.tokens != model.target.tokens)
    throw import_error(folder.string(), "both sides have one table of word vectors and two vocabularies");
  o.decoder_start = zero_start ? DecoderStart::zero : DecoderStart::mark;
  if (!zero_start) {
    const std::string start = config.text("decoder_start_token", "<s>");
    const auto found = std::ranges::find(model.target.tokens, start);
    if (found == model.target.tokens.end())
      throw import_error(folder.string(),
                         fmt::format("the vocabulary of the target has no '{}' to start with", start));
    model.target.start = static_cast<int>(found - model.target.tokens.begin());
  }
  if (file_exists(folder / "source.spm") && file_exists(folder / "target.spm")) {
    model.source_pieces = read_foreign_file(folder / "source.spm");
    model.target_pieces = read_foreign_file(folder / "target.spm");
    model.rules.whole_lines = true;
  } else {
    model.notes.emplace_back(
        "no source.spm and target.spm lie beside it: it reads tokens with spaces between them");
  }
  model.rules.unknown = import.unknown;
  model.beam = 2;  // CTranslate2's default
  return model;
}

}  // namespace

ForeignFormat ctranslate2_format() {
  return {"CTranslate2", "model.bin", ctranslate2_recognises, read_ctranslate2};
}

}  // namespace heed::models
