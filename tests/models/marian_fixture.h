// A tiny Marian model whose weights follow a rule, and files of it in three formats. Its numbers were
// computed by a reference in plain Python and, independently, with PyTorch's own modules in double precision.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/half.h"
#include "framework/framework.h"
#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "models/text/subwords.h"
#include "nn/positional.h"

namespace heed::models {

/// The model: d 8, 2 heads, 2 + 2 layers, feed-forward 16 and 12, 11 words.
struct MarianFixture {
  nlohmann::json config = {{"model_type", "marian"},
                           {"d_model", 8},
                           {"encoder_layers", 2},
                           {"decoder_layers", 2},
                           {"encoder_attention_heads", 2},
                           {"decoder_attention_heads", 2},
                           {"encoder_ffn_dim", 16},
                           {"decoder_ffn_dim", 12},
                           {"vocab_size", 11},
                           {"decoder_vocab_size", 11},
                           {"activation_function", "swish"},
                           {"scale_embedding", true},
                           {"share_encoder_decoder_embeddings", true},
                           {"tie_word_embeddings", true},
                           {"static_position_embeddings", true},
                           {"normalize_before", false},
                           {"normalize_embedding", false},
                           {"add_final_layer_norm", false},
                           {"max_position_embeddings", 64},
                           {"num_beams", 4},
                           {"pad_token_id", 10},
                           {"eos_token_id", 0},
                           {"decoder_start_token_id", 10},
                           {"forced_eos_token_id", 0},
                           {"bad_words_ids", {{10}}}};
  std::vector<std::string> tokens{"</s>",
                                  "<unk>",
                                  "\xE2\x96\x81"
                                  "a",
                                  "\xE2\x96\x81"
                                  "b",
                                  "\xE2\x96\x81"
                                  "c",
                                  "d",
                                  "e",
                                  ">>xx<<",
                                  "\xE2\x96\x81",
                                  "f",
                                  "<pad>"};
  NamedTensors weights;  // in the order of the rule

  MarianFixture() {
    const auto attention = [&](const std::string& prefix) {
      for (const char* part : {"k_proj", "v_proj", "q_proj", "out_proj"}) {
        add(prefix + part + ".weight", {8, 8});
        add(prefix + part + ".bias", {8});
      }
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {8});
      add(name + ".bias", {8});
    };
    add("model.shared.weight", {11, 8});
    for (const bool decoder : {false, true}) {
      const int64_t inner = decoder ? 12 : 16;
      for (int layer = 0; layer < 2; ++layer) {
        const std::string p = fmt::format("model.{}.layers.{}.", decoder ? "decoder" : "encoder", layer);
        attention(p + "self_attn.");
        norm(p + "self_attn_layer_norm");
        if (decoder) {
          attention(p + "encoder_attn.");
          norm(p + "encoder_attn_layer_norm");
        }
        add(p + "fc1.weight", {inner, 8});
        add(p + "fc1.bias", {inner});
        add(p + "fc2.weight", {8, inner});
        add(p + "fc2.bias", {8});
        norm(p + "final_layer_norm");
      }
    }
    add("final_logits_bias", {1, 11});
    at("model.shared.weight").data<float>();
    std::fill_n(at("model.shared.weight").data<float>() + 80, 8, 0.0F);
    at("final_logits_bias").data<float>()[10] = 0;
    at("final_logits_bias").data<float>()[0] = -3;
  }

  Tensor& at(const std::string& name) {
    for (auto& [key, value] : weights) {
      if (key == name) return value;
    }
    throw std::out_of_range(name);
  }
  void erase(const std::string& name) {
    std::erase_if(weights, [&](const auto& entry) { return entry.first == name; });
  }
  void swap_parts(const std::string& a, const std::string& b) {
    for (auto& [key, value] : weights) {
      if (const size_t found = key.find(a); found != std::string::npos) {
        std::string other = key;
        std::swap(value, at(other.replace(found, a.size(), b)));
      }
    }
  }

 private:
  // The k-th number of all is 0.35 sin(1 + 0.7 k), and 1 more in the gain of a norm.
  void add(const std::string& name, const Shape& shape) {
    const Tensor x = empty(shape);
    for (int64_t i = 0; i < x.numel(); ++i, ++count_) {
      double value = 0.35 * std::sin(1.0 + 0.7 * static_cast<double>(count_));
      if (name.find("layer_norm.weight") != std::string::npos) value += 1;
      x.data<float>()[i] = static_cast<float>(value);
    }
    weights.emplace_back(name, x);
  }
  int64_t count_ = 0;
};

/// A SentencePiece model for texts of the fixture's words.
inline std::string fixture_pieces() {
  static const std::string model = [] {
    std::vector<std::vector<std::string>> lines;
    for (const char* words : {"a b c", "ad be cf", "ade bed", "a c ef", "cde abf"}) {
      std::vector<std::string> line;
      std::string word;
      for (const char* at = words;; ++at) {
        if (*at != ' ' && *at != 0) {
          word += *at;
          continue;
        }
        line.push_back(word);
        word.clear();
        if (*at == 0) break;
      }
      lines.push_back(line);
    }
    return Subwords::train(lines, {.kind = SubwordKind::unigram, .size = 12});
  }();
  return model;
}

/// Writes the fixture as Hugging Face's files.
inline void write_hugging_face(const std::filesystem::path& folder, const MarianFixture& fixture,
                               FileType stored = FileType::f32) {
  make_folder(folder);
  nlohmann::json vocabulary;
  for (size_t i = 0; i < fixture.tokens.size(); ++i) vocabulary[fixture.tokens[i]] = i;
  write_file_atomically(folder / "config.json", fixture.config.dump(1));
  write_file_atomically(folder / "vocab.json", vocabulary.dump());
  save_safetensors(folder / "model.safetensors", fixture.weights, {}, floats_as(stored));
  write_file_atomically(folder / "source.spm", fixture_pieces());
  write_file_atomically(folder / "target.spm", fixture_pieces());
  write_file_atomically(folder / "tokenizer_config.json", R"({"source_lang": "en", "target_lang": "de"})");
}

template <class T>
void put_bytes(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// An array of numpy, version 1.0 of its format.
inline std::string npy(const std::string& type, const Shape& shape, const std::string& data) {
  std::string extents;
  for (const int64_t extent : shape) extents += fmt::format("{}, ", extent);
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, extents);
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  put_bytes(bytes, static_cast<uint16_t>(header.size()));
  return bytes + header + data;
}

/// A zip archive whose files are stored as they are.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string bytes, directory;
  for (const auto& file : files) {
    const std::string &name = file.first, &data = file.second;
    const auto offset = static_cast<uint32_t>(bytes.size()), size = static_cast<uint32_t>(data.size());
    const auto common = [&](std::string& to) {
      put_bytes<uint16_t>(to, 20);  // version
      put_bytes<uint16_t>(to, 0);   // flags
      put_bytes<uint16_t>(to, 0);   // stored
      put_bytes<uint32_t>(to, 0);   // time and date
      put_bytes<uint32_t>(to, 0);   // checksum, which is not looked at
      put_bytes<uint32_t>(to, size);
      put_bytes<uint32_t>(to, size);
      put_bytes<uint16_t>(to, static_cast<uint16_t>(name.size()));
      put_bytes<uint16_t>(to, 0);  // extra
    };
    put_bytes<uint32_t>(bytes, 0x04034B50);
    common(bytes);
    bytes += name + data;
    put_bytes<uint32_t>(directory, 0x02014B50);
    put_bytes<uint16_t>(directory, 20);
    common(directory);
    directory.append(10, '\0');  // comment, disk, attributes
    put_bytes<uint32_t>(directory, offset);
    directory += name;
  }
  const auto start = static_cast<uint32_t>(bytes.size());
  bytes += directory;
  put_bytes<uint32_t>(bytes, 0x06054B50);
  put_bytes<uint32_t>(bytes, 0);
  put_bytes<uint16_t>(bytes, static_cast<uint16_t>(files.size()));
  put_bytes<uint16_t>(bytes, static_cast<uint16_t>(files.size()));
  put_bytes<uint32_t>(bytes, static_cast<uint32_t>(directory.size()));
  put_bytes<uint32_t>(bytes, start);
  put_bytes<uint16_t>(bytes, 0);
  return bytes;
}

inline std::string values(const Tensor& x) {
  const Tensor dense = x.contiguous();
  return {static_cast<const char*>(dense.raw_data()), static_cast<size_t>(x.numel()) * sizeof(float)};
}

/// Hugging Face's name of a tensor as Marian's.
inline std::string marian_name(std::string name) {
  const auto replace = [&](const std::string& from, const std::string& to) {
    if (const size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
  };
  for (const char* side : {"encoder", "decoder"}) {
    for (const int layer : {0, 1})
      replace(fmt::format("model.{}.layers.{}.", side, layer), fmt::format("{}_l{}_", side, layer + 1));
  }
  for (const char* attention : {"self_attn", "encoder_attn"}) {
    const std::string to = std::string(attention) == "self_attn" ? "self" : "context";
    for (const auto& [end, mark] : {std::pair(".weight", "_W"), std::pair(".bias", "_b")}) {
      for (const char part : std::string("qkvo"))
        replace(fmt::format("{}.{}_proj{}", attention,
                            part == 'o' ? std::string("out") : std::string(1, part), end),
                fmt::format("{}{}{}", to, mark, part));
    }
    replace(std::string(attention) + "_layer_norm.weight", to + "_Wo_ln_scale");
    replace(std::string(attention) + "_layer_norm.bias", to + "_Wo_ln_bias");
  }
  replace("final_layer_norm.weight", "ffn_ffn_ln_scale");
  replace("final_layer_norm.bias", "ffn_ffn_ln_bias");
  for (const char n : {'1', '2'}) {
    replace(fmt::format("fc{}.weight", n), fmt::format("ffn_W{}", n));
    replace(fmt::format("fc{}.bias", n), fmt::format("ffn_b{}", n));
  }
  if (name == "model.shared.weight") name = "Wemb";
  if (name == "final_logits_bias") name = "decoder_ff_logit_out_b";
  return name;
}

/// Writes the fixture as Marian's files, without <pad>.
inline void write_marian(const std::filesystem::path& folder, const MarianFixture& fixture,
                         const std::string& more = "") {
  make_folder(folder);
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, value] : fixture.weights) {
    const std::string own = marian_name(name);
    Tensor x = value;
    if (own == "Wemb") {
      x = slice(x, 0, 0, 10).contiguous();
    } else if (own == "decoder_ff_logit_out_b") {
      x = slice(x, 1, 0, 10).contiguous();
    } else if (x.ndim() == 2) {
      x = transpose(x).contiguous();
    } else {
      x = reshape(x, {1, x.numel()});
    }
    files.emplace_back(own + ".npy", npy("<f4", x.shape(), values(x)));
  }
  std::string options =
      "type: transformer\ndim-emb: 8\ntransformer-heads: 2\nenc-depth: 2\ndec-depth: 2\ntransformer-dim-ffn: "
      "16\n"
      "transformer-decoder-dim-ffn: 12\ntransformer-ffn-depth: 2\ntransformer-ffn-activation: swish\n"
      "transformer-preprocess: \"\"\ntransformer-postprocess: dan\ntransformer-postprocess-emb: d\n"
      "transformer-decoder-autoreg: self-attention\ntransformer-tied-layers:\n  []\ntied-embeddings-all: "
      "true\n"
      "guided-alignment: none\n" +
      more;
  options += '\0';
  files.emplace_back("special:model.yml.npy", npy("|i1", {static_cast<int64_t>(options.size())}, options));
  write_file_atomically(folder / "model.npz", zip(files));
  std::string vocabulary;
  for (size_t i = 0; i < 10; ++i) vocabulary += fmt::format("\"{}\": {}\n", fixture.tokens[i], i);
  write_file_atomically(folder / "vocab.yml", vocabulary);
  write_file_atomically(
      folder / "decoder.yml",
      "models:\n  - model.npz\nvocabs:\n  - vocab.yml\n  - vocab.yml\nbeam-size: 6\nnormalize: 0.6\n");
  write_file_atomically(folder / "source.spm", fixture_pieces());
  write_file_atomically(folder / "target.spm", fixture_pieces());
}

/// How CTranslate2's file holds its matrices.
enum class CtType : uint8_t { f32, i8, i16, i32, f16, bf16 };

/// Writes the fixture as CTranslate2's files, with Hugging Face's table of positions.
inline void write_ctranslate2(const std::filesystem::path& folder, MarianFixture fixture,
                              CtType type = CtType::f32, uint32_t version = 6) {
  make_folder(folder);
  struct Variable {
    std::string name;
    Shape shape;
    CtType type;
    std::string data;
  };
  std::vector<Variable> variables;
  const auto put = [&](const std::string& name, const Tensor& x) {
    const Tensor dense = x.contiguous();
    const float* const v = dense.data<float>();
    const auto n = dense.numel();
    std::string data;
    const bool matrix = x.ndim() == 2 && name.ends_with("weight");
    const CtType own = type == CtType::i8 || type == CtType::i16 ? (matrix ? type : CtType::f32) : type;
    if (own == CtType::i8) {
      std::string scales;
      for (int64_t r = 0; r < x.size(0); ++r) {
        float most = 0;
        for (int64_t c = 0; c < x.size(1); ++c) most = std::max(most, std::abs(v[r * x.size(1) + c]));
        const float scale = 127 / (most == 0 ? 127 : most);
        put_bytes(scales, scale);
        for (int64_t c = 0; c < x.size(1); ++c)
          put_bytes(data, static_cast<int8_t>(std::lround(v[r * x.size(1) + c] * scale)));
      }
      variables.push_back({name + "_scale", {x.size(0)}, CtType::f32, scales});
    } else if (own == CtType::i16) {
      for (int64_t i = 0; i < n; ++i) put_bytes(data, static_cast<int16_t>(std::lround(v[i] * 1000)));
    } else if (own == CtType::f16 || own == CtType::bf16) {
      for (int64_t i = 0; i < n; ++i) put_bytes(data, own == CtType::f16 ? to_f16(v[i]) : to_bf16(v[i]));
    } else {
      data = values(dense);
    }
    variables.push_back({name, x.shape(), own, data});
  };
  const auto attribute = [&](const std::string& name, int8_t value) {
    variables.push_back({name, {}, CtType::i8, std::string(1, static_cast<char>(value))});
  };
  const auto linear = [&](const std::string& name, const std::vector<std::string>& from) {
    std::vector<Tensor> matrices, biases;
    for (const std::string& part : from) {
      matrices.push_back(fixture.at(part + ".weight"));
      biases.push_back(fixture.at(part + ".bias"));
    }
    put(name + "/weight", concat(matrices, 0));
    put(name + "/bias", concat(biases, 0));
  };
  const auto norm = [&](const std::string& name, const std::string& from) {
    put(name + "/gamma", fixture.at(from + ".weight"));
    put(name + "/beta", fixture.at(from + ".bias"));
  };
  const Tensor positions = nn::sinusoidal_positions(64, 8, 0, DType::f32, nn::Sinusoids::halves);
  for (const char* side : {"encoder", "decoder"}) {
    const std::string s = side;
    attribute(s + "/num_heads", 2);
    attribute(s + "/pre_norm", 0);
    attribute(s + "/activation", 2);
    attribute(s + "/scale_embeddings", 1);
    put(s + (s == "encoder" ? "/embeddings_0/weight" : "/embeddings/weight"),
        fixture.at("model.shared.weight"));
    put(s + "/position_encodings/encodings", positions);
    for (int layer = 0; layer < 2; ++layer) {
      const std::string to = fmt::format("{}/layer_{}/", s, layer),
                        from = fmt::format("model.{}.layers.{}.", s, layer);
      linear(to + "self_attention/linear_0",
             {from + "self_attn.q_proj", from + "self_attn.k_proj", from + "self_attn.v_proj"});
      linear(to + "self_attention/linear_1", {from + "self_attn.out_proj"});
      norm(to + "self_attention/layer_norm", from + "self_attn_layer_norm");
      if (s == "decoder") {
        linear(to + "attention/linear_0", {from + "encoder_attn.q_proj"});
        linear(to + "attention/linear_1", {from + "encoder_attn.k_proj", from + "encoder_attn.v_proj"});
        linear(to + "attention/linear_2", {from + "encoder_attn.out_proj"});
        norm(to + "attention/layer_norm", from + "encoder_attn_layer_norm");
      }
      linear(to + "ffn/linear_0", {from + "fc1"});
      linear(to + "ffn/linear_1", {from + "fc2"});
      norm(to + "ffn/layer_norm", from + "final_layer_norm");
    }
  }
  attribute("decoder/start_from_zero_embedding", 1);
  attribute("decoder/alignment_layer", -1);
  put("decoder/projection/bias", reshape(fixture.at("final_logits_bias"), {11}));
  const bool aliases = version >= 3;
  if (!aliases) put("decoder/projection/weight", fixture.at("model.shared.weight"));
  std::string bytes;
  const auto text = [&](const std::string& t) {
    put_bytes(bytes, static_cast<uint16_t>(t.size() + 1));
    bytes += t + '\0';
  };
  put_bytes(bytes, version);
  if (version >= 2) {
    text("TransformerSpec");
    put_bytes<uint32_t>(bytes, 7);
  }
  put_bytes(bytes, static_cast<uint32_t>(variables.size()));
  for (const Variable& v : variables) {
    text(v.name);
    put_bytes(bytes, static_cast<uint8_t>(v.shape.ndim()));
    for (const int64_t extent : v.shape) put_bytes(bytes, static_cast<uint32_t>(extent));
    if (version >= 4) {
      put_bytes(bytes, static_cast<uint8_t>(v.type));
      put_bytes(bytes, static_cast<uint32_t>(v.data.size()));
    } else {
      const uint8_t item = v.type == CtType::i8 ? 1 : v.type == CtType::i16 ? 2 : 4;
      put_bytes(bytes, item);
      put_bytes(bytes, static_cast<uint32_t>(v.data.size() / item));
    }
    bytes += v.data;
  }
  if (aliases) {
    const bool scaled = type == CtType::i8;
    put_bytes<uint32_t>(bytes, scaled ? 2 : 1);
    text("decoder/projection/weight");
    text("decoder/embeddings/weight");
    if (scaled) {
      text("decoder/projection/weight_scale");
      text("decoder/embeddings/weight_scale");
    }
  }
  write_file_atomically(folder / "model.bin", bytes);
  std::string vocabulary;
  for (const std::string& token : fixture.tokens) vocabulary += token + '\n';
  write_file_atomically(folder / "shared_vocabulary.txt", vocabulary);
  write_file_atomically(folder / "config.json", R"({"add_source_eos": true, "unk_token": "<unk>"})");
  write_file_atomically(folder / "source.spm", fixture_pieces());
  write_file_atomically(folder / "target.spm", fixture_pieces());
}

}  // namespace heed::models
