// Importing other programs' translators: the arithmetic against reference numbers in double precision, each
// slip that a loader could make caught by them, three formats of one model, and files that are damaged.
#include "models/import/import.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "models/architectures/transformer/transformer.h"
#include "models/decoding/repetition.h"
#include "models/run/files.h"
#include "models/run/translator.h"
#include "models/training/session.h"
#include "tests/models/marian_fixture.h"
#include "tests/testing/parameters.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using Rows = std::vector<std::vector<double>>;

// Source 7 3 5 2 0, decoder input 10 3 5, by the rules of Hugging Face.
const std::vector<int> kSource{7, 3, 5, 2, 0};
const std::vector<int> kInput{10, 3, 5};
const Rows kLogits{{-1.076045, 1.569432, 0.661194, -0.549935, -1.521699, -1.815767, -1.295491, -0.189426,
                    1.008913, 1.761186, 0.000000},
                   {-1.257380, 1.361118, 0.519404, -0.561554, -1.397932, -1.612170, -1.103451, -0.095144,
                    0.963117, 1.595869, 0.000000},
                   {-1.196561, 1.513644, 0.695174, -0.441438, -1.387387, -1.715928, -1.274939, -0.257387,
                    0.882945, 1.633755, 0.000000}};
const std::vector<double> kEncoder0{-0.388322, 1.137668, 0.954057, -0.649106,
                                    0.093569,  1.208125, 0.032060, -1.554705};
const std::vector<double> kEncoder4{-0.338802, 1.188210, 0.756135,  -0.664102,
                                    0.053861,  1.326209, -0.006450, -1.534798};
constexpr double kDigits = 6e-7;     // of the numbers above
constexpr double kTolerance = 5e-6;  // by which every slip is caught

// The heed id of each of the model's own ids.
std::vector<int> own_ids(const LoadedRun& run, const MarianFixture& fixture, size_t count) {
  std::vector<int> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(run.target.vocabulary.id(fixture.tokens[i]));
  return ids;
}

struct Computed {
  Rows encoder;  // [S][D]
  Rows logits;   // [step][own id]
  Rows cross;    // [map][S], at the last step
  Rows self;     // decoder, layer 0, head 0: [t][u]
};

// Everything in double precision; with pads behind the source where `longest` is above its length.
Computed compute(LoadedRun& run, const MarianFixture& fixture, size_t words, int64_t longest = 5) {
  const NoGradGuard no_grad;
  std::vector<Tensor> exact;
  for (const auto& [name, p] : run.model->named_parameters()) exact.push_back(p.detach().to(DType::f64));
  substitute_parameters(*run.model, exact);
  const std::vector<int> ids = own_ids(run, fixture, words);
  std::vector<int> source;
  for (const int id : kSource) source.push_back(ids[static_cast<size_t>(id)]);
  std::vector<std::vector<int>> sources{source};
  if (longest > 5) sources.emplace_back(static_cast<size_t>(longest), Vocabulary::kUnk);  // pads the first
  std::vector<int64_t> rows;
  for (size_t i = 0; i < sources.size(); ++i) rows.push_back(static_cast<int64_t>(i));
  const Batch batch = make_source_batch(sources, rows);
  Computed result;
  const Tensor encoded = dynamic_cast<Transformer&>(*run.model).encode(batch.source, batch.source_lengths);
  const std::vector<double> flat = encoded.contiguous().to_vector<double>();
  for (int64_t s = 0; s < longest; ++s)
    result.encoder.emplace_back(flat.begin() + s * 8, flat.begin() + (s + 1) * 8);
  const auto state = run.model->begin(batch);
  for (size_t step = 0; step < kInput.size(); ++step) {
    const int64_t word = step == 0 ? Vocabulary::kBos : ids[static_cast<size_t>(kInput[step])];
    const Decoding::Step seen = state->step(
        from_vector(std::vector<int64_t>(sources.size(), word), {static_cast<int64_t>(sources.size())}));
    const std::vector<double> logits = seen.logits.contiguous().to_vector<double>();
    auto& row = result.logits.emplace_back();
    for (const int id : ids) row.push_back(logits[static_cast<size_t>(id)]);
    if (step + 1 < kInput.size()) continue;
    const std::vector<double> weights = seen.weights.contiguous().to_vector<double>();
    const int64_t maps = seen.weights.size(1), S = seen.weights.size(2);
    for (int64_t m = 0; m < maps; ++m)
      result.cross.emplace_back(weights.begin() + m * S, weights.begin() + (m + 1) * S);
  }
  const std::vector<EncodedPair> pair{{source, {ids[3], ids[5]}}};
  const Tensor self =
      run.model->self_attention(make_batch(pair, std::vector<int64_t>{0})).decoder.contiguous();
  const std::vector<double> weights = self.to_vector<double>();
  for (int64_t t = 0; t < 3; ++t)
    result.self.emplace_back(weights.begin() + t * 3, weights.begin() + (t + 1) * 3);
  return result;
}

double distance(const Rows& a, const Rows& b) {
  double most = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    for (size_t j = 0; j < b[i].size(); ++j) most = std::max(most, std::abs(a.at(i).at(j) - b[i][j]));
  }
  return most;
}

LoadedRun imported(const std::filesystem::path& from, const std::filesystem::path& to,
                   const ImportOptions& options = {}) {
  import_run(from, to, options, /*overwrite=*/true);
  return load_run(to);
}

// How far the logits of a changed fixture are from those of the reference.
double slip(const std::function<void(MarianFixture&)>& change,
            const std::function<void(RunConfig&)>& config = {}) {
  const TempDir dir;
  MarianFixture fixture;
  change(fixture);
  write_hugging_face(dir / "hf", fixture);
  LoadedRun run = imported(dir / "hf", dir / "run");
  if (config) {
    config(run.config);
    write_file_atomically(dir / "run" / "config.toml", to_toml(run.config));
    run = load_run(dir / "run");
  }
  return distance(compute(run, fixture, 11).logits, kLogits);
}

TEST(ImportHuggingFace, HasTheNumbersOfTheReference) {
  const TempDir dir;
  const MarianFixture fixture;
  write_hugging_face(dir / "hf", fixture);
  const ImportReport report = import_run(dir / "hf", dir / "run");
  EXPECT_EQ(report.kind, "Hugging Face Marian");
  EXPECT_EQ(report.target_vocabulary, 12);  // and <s>, which it does not have
  EXPECT_EQ(report.beam, 4);
  EXPECT_THAT(report.target_codes, testing::ElementsAre(">>xx<<"));
  LoadedRun run = load_run(dir / "run");
  const Computed seen = compute(run, fixture, 11);
  EXPECT_LT(distance(seen.logits, kLogits), kDigits);
  EXPECT_LT(distance({seen.encoder[0], seen.encoder[4]}, {kEncoder0, kEncoder4}), kDigits);
  EXPECT_LT(distance({seen.cross[2], seen.cross[3]}, {{0.198701, 0.199300, 0.175741, 0.208712, 0.217546},
                                                      {0.198884, 0.199424, 0.178176, 0.207832, 0.215683}}),
            kDigits);
  EXPECT_LT(distance({seen.self[2]}, {{0.043288, 0.011920, 0.944793}}), kDigits);
}

TEST(ImportHuggingFace, SinglePrecisionKeepsToTheTolerance) {
  const TempDir dir;
  const MarianFixture fixture;
  for (const auto& [stored, tolerance] :
       {std::pair(FileType::f32, kTolerance), std::pair(FileType::f16, 2e-2)}) {
    write_hugging_face(dir / "hf", fixture, stored);
    const LoadedRun run = imported(dir / "hf", dir / "run");
    const std::vector<int> ids = own_ids(run, fixture, 11);
    std::vector<int> source;
    for (const int id : kSource) source.push_back(ids[static_cast<size_t>(id)]);
    const NoGradGuard no_grad;
    const auto state =
        run.model->begin(make_source_batch(std::vector<std::vector<int>>{source}, std::vector<int64_t>{0}));
    Rows logits;
    for (const int64_t word : {int64_t{Vocabulary::kBos}, int64_t{ids[3]}, int64_t{ids[5]}}) {
      const auto row = state->step(from_vector(std::vector<int64_t>{word}, {1})).logits.to_vector<float>();
      auto& own = logits.emplace_back();
      for (const int id : ids) own.push_back(static_cast<double>(row[static_cast<size_t>(id)]));
    }
    EXPECT_LT(distance(logits, kLogits), tolerance);
    for (size_t i = 0; i < logits.size(); ++i)
      EXPECT_EQ(std::ranges::max_element(logits[i]) - logits[i].begin(),
                std::ranges::max_element(kLogits[i]) - kLogits[i].begin());
  }
}

TEST(ImportHuggingFace, GreedySearchWithPaddingBanned) {
  const TempDir dir;
  const MarianFixture fixture;
  write_hugging_face(dir / "hf", fixture);
  const LoadedRun run = imported(dir / "hf", dir / "run", {.unknown = true});
  const std::vector<int> ids = own_ids(run, fixture, 11);
  std::vector<int> source;
  for (const int id : kSource) source.push_back(ids[static_cast<size_t>(id)]);
  const Hypothesis output =
      search_best(*run.model, std::vector<std::vector<int>>{source}, {.max_length = 5}).front();
  EXPECT_EQ(output.ids, (std::vector<int>{ids[9], ids[1], ids[1], ids[1], ids[1]}));
  EXPECT_TRUE(output.ended);  // forced_eos_token_id
  const LoadedRun strict = imported(dir / "hf", dir / "run");
  const Hypothesis without =
      search_best(*strict.model, std::vector<std::vector<int>>{source}, {.max_length = 5}).front();
  EXPECT_EQ(without.ids.size(), 5U);
  for (const int id : without.ids) EXPECT_NE(id, Vocabulary::kUnk);
}

TEST(ImportHuggingFace, PaddingBehindTheSourceChangesNothing) {
  const TempDir dir;
  const MarianFixture fixture;
  write_hugging_face(dir / "hf", fixture);
  LoadedRun run = imported(dir / "hf", dir / "run");
  const Computed alone = compute(run, fixture, 11), padded = compute(run, fixture, 11, 7);
  EXPECT_LT(distance(padded.logits, alone.logits), 1e-12);  // unmasked they move by 4e-2
  // the decoder sees no later word, and one that did would move by 0.2
  for (size_t t = 0; t < 3; ++t) {
    for (size_t u = t + 1; u < 3; ++u) EXPECT_EQ(alone.self[t][u], 0);
  }
  // the whole target at once gives what the steps give
  const LoadedRun single = load_run(dir / "run");
  const std::vector<int> ids = own_ids(single, fixture, 11);
  std::vector<int> source;
  for (const int id : kSource) source.push_back(ids[static_cast<size_t>(id)]);
  const std::vector<EncodedPair> pair{{source, {ids[3], ids[5]}}};
  const NoGradGuard no_grad;
  const auto forced =
      single.model->forced(make_batch(pair, std::vector<int64_t>{0})).log_probabilities.to_vector<float>();
  const std::vector<size_t> wanted{3, 5, 0};
  for (size_t t = 0; t < 3; ++t) {
    double total = 0;
    for (const double logit : kLogits[t]) total += std::exp(logit);
    EXPECT_NEAR(forced[t], kLogits[t][wanted[t]] - std::log(total), kTolerance);
  }
}

// Slips that loaders of this format have made, each with the change of a logit that the reference gives for
// it.
TEST(ImportHuggingFace, EverySlipIsCaught) {
  const auto none = [](MarianFixture&) {};
  const auto options = [](RunConfig& config) -> TransformerOptions& {
    return config.model.as<TransformerOptions>();
  };
  const auto transposed = [](MarianFixture& f) {
    for (auto& [name, value] : f.weights) {
      if (name.find("_proj.weight") != std::string::npos) value = transpose(value).contiguous();
    }
  };
  const auto candle = [](MarianFixture& f) {
    for (const int layer : {0, 1}) {
      for (const char* part : {"weight", "bias"}) {
        const std::string p = fmt::format("model.decoder.layers.{}.", layer);
        f.at(p + "encoder_attn_layer_norm." + part) = f.at(p + "self_attn_layer_norm." + part);
      }
    }
  };
  const std::vector<std::pair<double, double>> seen{
      {slip(none, [&](RunConfig& c) { options(c).norm_eps = 1e-6; }), 1.6e-5},
      {slip(none, [&](RunConfig& c) { options(c).sinusoids = nn::Sinusoids::halves_inclusive; }), 4.7e-2},
      {slip([](MarianFixture& f) { f.config["scale_embedding"] = false; }), 0.18},
      {slip(none, [&](RunConfig& c) { options(c).first_position = 1; }), 0.29},
      {slip(none, [&](RunConfig& c) { options(c).sinusoids = nn::Sinusoids::interleaved; }), 1.5},
      {slip([](MarianFixture& f) { f.swap_parts(".k_proj", ".v_proj"); }), 0.55},
      {slip([](MarianFixture& f) { f.swap_parts(".q_proj", ".k_proj"); }), 0.41},
      {slip([](MarianFixture& f) { f.erase("final_logits_bias"); }), 3.0},
      {slip(candle), 0.41},
      {slip([](MarianFixture& f) { std::fill_n(f.at("model.shared.weight").data<float>() + 80, 8, 0.1F); }),
       0.15},
      {slip(transposed), 2.3},
      {slip([](MarianFixture& f) {
         f.config["encoder_attention_heads"] = 1;
         f.config["decoder_attention_heads"] = 1;
       }),
       0.07},
      {slip([](MarianFixture& f) { f.config["activation_function"] = "gelu"; }), 0.11}};
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_GT(seen[i].first, kTolerance) << i;
    EXPECT_NEAR(seen[i].first, seen[i].second, 0.08 * seen[i].second) << i;
  }
}

TEST(ImportHuggingFace, TablesMayBeSeparate) {
  const TempDir dir;
  // own tables for both sides and a projection of its own, and names without their prefix
  MarianFixture fixture;
  const Tensor table = fixture.at("model.shared.weight");
  fixture.erase("model.shared.weight");
  fixture.weights.emplace_back("model.encoder.embed_tokens.weight", table.clone());
  fixture.weights.emplace_back("model.decoder.embed_tokens.weight", table.clone());
  fixture.weights.emplace_back("lm_head.weight", table.clone() * 2.0);
  fixture.config["share_encoder_decoder_embeddings"] = false;
  fixture.config["tie_word_embeddings"] = false;
  write_hugging_face(dir / "hf", fixture);
  LoadedRun run = imported(dir / "hf", dir / "run");
  EXPECT_EQ(run.config.model.as<TransformerOptions>().tie, Tie::none);
  const MarianFixture plain;
  Rows doubled = kLogits;  // without the bias it is twice as much
  for (auto& row : doubled) {
    for (size_t v = 0; v < row.size(); ++v) {
      const auto bias =
          static_cast<double>(const_cast<MarianFixture&>(plain).at("final_logits_bias").data<float>()[v]);
      row[v] = 2 * (row[v] - bias) + bias;
    }
  }
  EXPECT_LT(distance(compute(run, fixture, 11).logits, doubled), 3 * kDigits);
  MarianFixture base;
  for (auto& [name, value] : base.weights) {
    if (name.starts_with("model.")) name.erase(0, 6);
  }
  write_hugging_face(dir / "base", base);
  run = imported(dir / "base", dir / "run");
  EXPECT_LT(distance(compute(run, base, 11).logits, kLogits), kDigits);
}

// separate_vocabs: the source's words in another order and one more of them, its table to match.
TEST(ImportHuggingFace, VocabulariesMayBeSeparate) {
  const TempDir dir;
  MarianFixture fixture;
  const Tensor table = fixture.at("model.shared.weight");
  const auto of_source = [&](const Tensor& rows) {
    fixture.erase("model.shared.weight");
    fixture.erase("model.encoder.embed_tokens.weight");
    fixture.weights.emplace_back("model.encoder.embed_tokens.weight", rows.clone());
  };
  of_source(table);
  fixture.weights.emplace_back("model.decoder.embed_tokens.weight", table.clone());
  fixture.weights.emplace_back("lm_head.weight", table.clone());
  fixture.config["share_encoder_decoder_embeddings"] = false;
  fixture.config["tie_word_embeddings"] = false;
  write_hugging_face(dir / "one", fixture);
  of_source(concat({flip(table, {0}), ones({1, 8})}, 0));
  fixture.config["vocab_size"] = 12;
  write_hugging_face(dir / "two", fixture);
  nlohmann::json source;
  for (size_t i = 0; i < fixture.tokens.size(); ++i) source[fixture.tokens[10 - i]] = i;
  source["further"] = 11;
  std::filesystem::rename(dir / "two" / "vocab.json", dir / "two" / "target_vocab.json");
  write_file_atomically(dir / "two" / "vocab.json", source.dump());
  write_file_atomically(dir / "two" / "tokenizer_config.json",
                        R"({"source_lang": "en", "target_lang": "de", "separate_vocabs": true})");
  const auto translated = [&](const char* name) {
    const Translator translator(imported(dir / name, dir / "run"));
    return translator.translate(std::vector<std::string>{"a b c", ">>xx<< ad be", "cde abf"},
                                {.search = {.max_length = 4}});
  };
  const std::vector<Translation> one = translated("one"), two = translated("two");
  const LoadedRun run = load_run(dir / "run");
  EXPECT_EQ(run.source.vocabulary.size(), run.target.vocabulary.size() + 1);
  EXPECT_NE(run.source.vocabulary.id("further"), Vocabulary::kUnk);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(two[i].target.text, one[i].target.text);
    EXPECT_EQ(two[i].score, one[i].score);
    EXPECT_EQ(two[i].source.tokens.size(), one[i].source.tokens.size());
  }
  EXPECT_NE(one[0].score, one[2].score);
  std::filesystem::remove(dir / "two" / "target_vocab.json");
  EXPECT_THAT([&] { import_run(dir / "two", dir / "run", {}, /*overwrite=*/true); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("target_vocab.json")));
}

TEST(ImportHuggingFace, RefusalsNameTheKeyOrTheTensor) {
  const TempDir dir;
  const auto refused = [&](const std::function<void(MarianFixture&)>& change) {
    MarianFixture fixture;
    change(fixture);
    write_hugging_face(dir / "hf", fixture);
    try {
      import_run(dir / "hf", dir / "run");
    } catch (const Error& error) {
      EXPECT_FALSE(file_exists(dir / "run" / "config.toml"));
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const auto with = [&](const char* key, const nlohmann::json& value) {
    return refused([&](MarianFixture& f) { f.config[key] = value; });
  };
  for (const char* key :
       {"model_type", "d_model", "encoder_layers", "decoder_layers", "encoder_attention_heads",
        "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim", "vocab_size", "activation_function",
        "pad_token_id", "eos_token_id", "decoder_start_token_id"}) {
    EXPECT_EQ(refused([&](MarianFixture& f) { f.config.erase(key); }),
              fmt::format("import 'config.json': {} is missing", key));
  }
  EXPECT_EQ(with("model_type", "bart"),
            "import 'config.json': model_type is 'bart': models of the family BART are not read, heed reads "
            "'marian'");
  EXPECT_EQ(
      with("model_type", "t5"),
      "import 'config.json': model_type is 't5': models of the family T5 are not read, heed reads 'marian'");
  EXPECT_EQ(with("model_type", "m2m_100"),
            "import 'config.json': model_type is 'm2m_100': models of the family M2M-100 "
            "and NLLB are not read, heed reads 'marian'");
  EXPECT_EQ(with("model_type", "bert"), "import 'config.json': model_type is 'bert', heed reads 'marian'");
  EXPECT_EQ(with("activation_function", "tanh"),
            "import 'config.json': activation_function is 'tanh', heed reads swish, silu, relu and gelu");
  EXPECT_EQ(with("normalize_before", true),
            "import 'config.json': normalize_before is true, which is not read");
  EXPECT_EQ(with("normalize_embedding", true),
            "import 'config.json': normalize_embedding is true, which is not read");
  EXPECT_EQ(with("add_final_layer_norm", true),
            "import 'config.json': add_final_layer_norm is true, which is not read");
  EXPECT_EQ(with("static_position_embeddings", false),
            "import 'config.json': static_position_embeddings is false, which is not read");
  EXPECT_EQ(with("d_model", "8"), "import 'config.json': d_model is no whole number");
  EXPECT_EQ(with("d_model", -8), "import 'config.json': d_model is -8, outside 1 to 1000000");
  EXPECT_EQ(with("encoder_attention_heads", 3),
            "import 'config.json': encoder_attention_heads is 3, which does not divide a d_model of 8");
  EXPECT_EQ(with("encoder_ffn_dim", 12),
            "import 'model.safetensors': the tensor 'model.encoder.layers.0.fc1.weight' is "
            "[16, 8], [12, 8] is wanted");
  EXPECT_EQ(with("vocab_size", 12),
            "import 'model.safetensors': the tensor 'model.shared.weight' is [11, 8], [12, 8] is wanted");
  EXPECT_EQ(with("encoder_layers", 1),
            "import 'model.safetensors': the tensor 'model.encoder.layers.1.fc1.bias' is no part of the "
            "model, nor are "
            "15 others");
  EXPECT_EQ(with("decoder_layers", 3),
            "import 'model.safetensors': the tensor "
            "'model.decoder.layers.2.self_attn.q_proj.weight' is missing");
  EXPECT_EQ(with("eos_token_id", 5),
            "import 'config.json': eos_token_id is 5, in the vocabulary '</s>' has the id 0");
  EXPECT_EQ(with("pad_token_id", 3),
            "import 'config.json': pad_token_id is 3, in the vocabulary '<pad>' has the id 10");
  EXPECT_EQ(with("tie_word_embeddings", false),
            "import 'model.safetensors': the tensor 'lm_head.weight' is missing");
  EXPECT_EQ(with("bad_words_ids", {{{"a", 1}}}),
            "import 'config.json': bad_words_ids is no list of lists of ids");
  EXPECT_EQ(refused([](MarianFixture& f) { f.erase("model.decoder.layers.1.encoder_attn_layer_norm.bias"); }),
            "import 'model.safetensors': the tensor 'model.decoder.layers.1.encoder_attn_layer_norm.bias' is "
            "missing");
  EXPECT_EQ(refused([](MarianFixture& f) { f.weights.emplace_back("model.extra", ones({1})); }),
            "import 'model.safetensors': the tensor 'model.extra' is no part of the model");
  EXPECT_EQ(refused([](MarianFixture& f) { f.weights.emplace_back("model.ids", ones({1}, DType::i64)); }),
            "import 'model.safetensors': the tensor 'model.ids' is I64, F32, F16 or BF16 is wanted");
  EXPECT_EQ(refused([](MarianFixture& f) { f.at("final_logits_bias").data<float>()[2] = NAN; }),
            "import 'model.safetensors': the tensor 'final_logits_bias' holds NaN or infinity");
  EXPECT_EQ(refused([](MarianFixture& f) {
              f.tokens[3] = "more";
              f.tokens.emplace_back("still");
            }),
            "import 'vocab.json': 'still' has the id 11, vocab_size says 0 to 10");
  EXPECT_EQ(refused([](MarianFixture& f) { f.tokens[4] = f.tokens[3]; }),
            "import 'vocab.json': no token has the id 3, vocab_size says 11 of them");
  for (const char* file : {"config.json", "vocab.json", "source.spm", "target.spm", "model.safetensors"}) {
    write_hugging_face(dir / "hf", MarianFixture());
    remove_file(dir / "hf" / file);
    EXPECT_THROW(import_run(dir / "hf", dir / "run"), FormatError) << file;
  }
  write_hugging_face(dir / "hf", MarianFixture());
  remove_file(dir / "hf" / "model.safetensors");
  write_file_atomically(dir / "hf" / "pytorch_model.bin", "pickle");
  EXPECT_THAT([&] { import_run(dir / "hf", dir / "run"); },
              testing::ThrowsMessage<FormatError>(testing::AllOf(
                  testing::HasSubstr("pytorch_model.bin is not read"), testing::HasSubstr("save_pretrained("),
                  testing::Not(testing::HasSubstr("\n")))));
  make_folder(dir / "nothing");
  EXPECT_THAT([&] { import_run(dir / "nothing", dir / "run"); },
              testing::ThrowsMessage<FormatError>(
                  testing::HasSubstr("it is none of CTranslate2 (model.bin), Marian")));
  EXPECT_ERROR(IoError, fmt::format("import: there is no '{}'", (dir / "no").string()),
               import_run(dir / "no", dir / "run"));
}

TEST(ImportHuggingFace, GenerationConfigComesFirst) {
  const TempDir dir;
  MarianFixture fixture;
  fixture.config["bad_words_ids"] = {{10}, {3}, {4, 5}};
  write_hugging_face(dir / "hf", fixture);
  write_file_atomically(dir / "hf" / "generation_config.json",
                        R"({"num_beams": 6, "renormalize_logits": true, "length_penalty": 0.5})");
  const ImportReport report = import_run(dir / "hf", dir / "run");
  EXPECT_EQ(report.beam, 6);
  EXPECT_EQ(report.length_exponent, 0.5);
  const LoadedRun run = load_run(dir / "run");
  EXPECT_TRUE(run.model->output_rules().renormalise);
  EXPECT_THAT(run.model->output_rules().banned,
              testing::UnorderedElementsAre(Vocabulary::kUnk, run.target.vocabulary.id(fixture.tokens[3])));
  EXPECT_EQ(run.config.source_text.language, "en");
  EXPECT_EQ(run.config.target_text.language, "de");
}

TEST(ImportMarian, HasItsOwnArithmeticOrThatOfHuggingFace) {
  const TempDir dir;
  const MarianFixture fixture;
  write_marian(dir / "m", fixture);
  const ImportReport report = import_run(dir / "m", dir / "own");
  EXPECT_EQ(report.kind, "Marian");
  EXPECT_EQ(report.beam, 6);
  EXPECT_EQ(report.length_exponent, 0.6);
  LoadedRun run = load_run(dir / "own");
  EXPECT_NEAR(compute(run, fixture, 10).encoder[0][0], -0.399897, kDigits);
  run = imported(dir / "m" / "model.npz", dir / "run", {.arithmetic = Arithmetic::hugging_face});
  Rows wanted = kLogits;
  for (auto& row : wanted) row.pop_back();  // it has no <pad>
  EXPECT_LT(distance(compute(run, fixture, 10).logits, wanted), kDigits);
  write_hugging_face(dir / "hf", fixture);
  run = imported(dir / "hf", dir / "run", {.arithmetic = Arithmetic::marian});
  EXPECT_NEAR(compute(run, fixture, 11).encoder[0][0], -0.399897, kDigits);
}

TEST(ImportMarian, WhatIsAbsentTakesNoProbability) {
  const TempDir dir;
  write_marian(dir / "m", MarianFixture());
  const LoadedRun run = imported(dir / "m", dir / "run", {.arithmetic = Arithmetic::hugging_face});
  EXPECT_EQ(run.target.vocabulary.size(), 12);  // <pad> and <s> are heed's
  const NoGradGuard no_grad;
  const std::vector<std::vector<int>> source{{5, 2}};
  const auto logits = run.model->begin(make_source_batch(source, std::vector<int64_t>{0}))
                          ->step(from_vector(std::vector<int64_t>{Vocabulary::kBos}, {1}))
                          .logits.to_vector<float>();
  EXPECT_EQ(logits[Vocabulary::kPad], kAbsentBias);
  EXPECT_EQ(logits[Vocabulary::kBos], kAbsentBias);
}

TEST(ImportMarian, RefusalsNameTheOption) {
  const TempDir dir;
  const auto refused = [&](const std::string& more) {
    write_marian(dir / "m", MarianFixture(), more);
    try {
      import_run(dir / "m", dir / "run");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const std::string at = "import 'special:model.yml in model.npz': ";
  EXPECT_EQ(refused("transformer-train-position-embeddings: true\n"),
            at + "transformer-train-position-embeddings is true, which is not read");
  EXPECT_EQ(refused("transformer-postprocess-top: n\n"),
            at + "transformer-postprocess-top is 'n', heed reads '' and 'd'");
  EXPECT_EQ(refused("transformer-decoder-ffn-depth: 3\n"),
            at + "transformer-decoder-ffn-depth is 3, heed reads 2");
  EXPECT_EQ(refused("ulr: maybe\n"), at + "ulr is no true or false");
  // options that stand there already, in place
  const auto replaced = [&](const std::string& from, const std::string& to) {
    write_marian(dir / "m", MarianFixture());
    std::string bytes = read_file(dir / "m" / "model.npz");
    const size_t found = bytes.rfind(from);  // of a name the one in the list of files
    EXPECT_NE(found, std::string::npos);
    EXPECT_EQ(from.size(), to.size());
    write_file_atomically(dir / "m" / "model.npz", bytes.replace(found, to.size(), to));
    try {
      import_run(dir / "m", dir / "run");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(replaced("type: transformer", "type: s2s        "),
            at + "type is 's2s', heed reads 'transformer'");
  EXPECT_EQ(replaced("self-attention", "average-attent"),
            at + "transformer-decoder-autoreg is 'average-attent', heed reads 'self-attention'");
  EXPECT_EQ(replaced("dim-emb: 8", "dim-emb: 9"),
            at + "dim-emb is 9, which 2 transformer-heads do not divide, or odd");
  EXPECT_EQ(replaced("activation: swish", "activation: gelu "),
            at + "transformer-ffn-activation is 'gelu', heed reads swish and relu");
  EXPECT_EQ(replaced("enc-depth: 2", "enc-depth: 1"),
            "import 'model.npz': the tensor 'encoder_l2_ffn_W1' is no part of the model, nor are 15 others");
  EXPECT_EQ(replaced("decoder_l1_context_Wk.npy", "decoder_l1_context_Wx.npy"),
            "import 'model.npz': the tensor 'decoder_l1_context_Wk' is missing");
  for (const char* normalize : {"nan", "-inf", "1e999", "much"}) {
    write_marian(dir / "m", MarianFixture());
    write_file_atomically(dir / "m" / "decoder.yml",
                          fmt::format("vocabs:\n  - vocab.yml\n  - vocab.yml\nnormalize: {}\n", normalize));
    EXPECT_ERROR(FormatError, fmt::format("import 'decoder.yml': normalize is '{}', no number", normalize),
                 import_run(dir / "m", dir / "run"));
  }
}

TEST(ImportCTranslate2, EveryVersionAndTypeIsRead) {
  const TempDir dir;
  const MarianFixture fixture;
  for (const uint32_t version : {1U, 2U, 3U, 4U, 5U, 6U}) {
    SCOPED_TRACE(version);
    write_ctranslate2(dir / "ct", fixture, CtType::f32, version);
    if (version == 1) {  // without a spec the heads are said by their attribute
      LoadedRun run = imported(dir / "ct" / "model.bin", dir / "run");
      EXPECT_LT(distance(compute(run, fixture, 11).logits, kLogits), kDigits);
      continue;
    }
    LoadedRun run = imported(dir / "ct", dir / "run");
    EXPECT_EQ(run.config.model.as<TransformerOptions>().sinusoids, nn::Sinusoids::halves);
    EXPECT_LT(distance(compute(run, fixture, 11).logits, kLogits), kDigits);
  }
  // 0.35 is the largest weight: half a step of each type
  for (const auto& [type, step] : {std::pair(CtType::f16, 2.5e-4), std::pair(CtType::bf16, 2e-3),
                                   std::pair(CtType::i16, 5.1e-4), std::pair(CtType::i8, 1.4e-3)}) {
    SCOPED_TRACE(static_cast<int>(type));
    write_ctranslate2(dir / "ct", fixture, type);
    const LoadedRun run = imported(dir / "ct", dir / "run");
    write_ctranslate2(dir / "exact", fixture);
    const LoadedRun exact = imported(dir / "exact", dir / "run2");
    const NamedTensors got = run.model->state_dict(), wanted = exact.model->state_dict();
    double most = 0;
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const auto a = got[i].second.to_vector<float>(), b = wanted[i].second.to_vector<float>();
      for (size_t k = 0; k < a.size(); ++k) {
        if (b[k] > kAbsentBias && std::abs(b[k]) < 0.4)
          most = std::max(most, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
      }
    }
    EXPECT_LT(most, step);
    EXPECT_GT(most, 0);
  }
}

TEST(ImportCTranslate2, RefusalsNameTheTensor) {
  const TempDir dir;
  const auto refused = [&](const std::function<void(std::string&)>& change) {
    write_ctranslate2(dir / "ct", MarianFixture());
    std::string bytes = read_file(dir / "ct" / "model.bin");
    change(bytes);
    write_file_atomically(dir / "ct" / "model.bin", bytes);
    try {
      import_run(dir / "ct", dir / "run");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const auto renamed = [&](const std::string& from, const std::string& to) {
    return refused([&](std::string& bytes) { bytes.replace(bytes.find(from), to.size(), to); });
  };
  EXPECT_EQ(renamed("TransformerSpec", "WhisperSpec____"),
            "import 'model.bin': the spec 'WhisperSpec____' is not read, heed reads TransformerSpec");
  EXPECT_EQ(renamed("encoder/layer_1/ffn/linear_0/bias", "encoder/layer_1/ffn/linear_0/bia_"),
            "import 'model.bin': the tensor 'encoder/layer_1/ffn/linear_0/bias' is missing");
  for (const auto& [heads, said] :
       {std::pair(NAN, "nan"), {INFINITY, "inf"}, {-3e30F, "-2.99"}, {0.5F, "0.5"}}) {
    const std::string message =
        refused([&](std::string& bytes) {  // the attribute as f32 in the place of an int8
          const std::string name = "encoder/num_heads";
          std::string value("\0\4\0\0\0", 5);
          put_bytes(value, heads);
          bytes.replace(bytes.find(name) + name.size() + 2, 6, value);
        });
    EXPECT_TRUE(
        message.starts_with(fmt::format("import 'model.bin': the attribute 'encoder/num_heads' is {}", said)))
        << message;
  }
  for (const uint32_t extent :
       {4'160'749'576U, UINT32_MAX, 1U << 31}) {  // whose product is beyond i64, or 2^40
    const std::string name = "encoder/layer_1/ffn/linear_0/weight";
    EXPECT_EQ(refused([&](std::string& bytes) {
                std::string extents;
                put_bytes(extents, extent);
                put_bytes(extents, uint32_t{2'668'904'102U});
                bytes.replace(bytes.find(name) + name.size() + 2, extents.size(), extents);
              }),
              fmt::format("import 'model.bin': the tensor '{}' is too large", name));
  }
  EXPECT_EQ(refused([](std::string& bytes) { bytes.resize(bytes.size() - 3); }),
            "import 'model.bin': the file is cut off");
  EXPECT_EQ(refused([](std::string& bytes) { bytes += "x"; }),
            "import 'model.bin': there are bytes after the last tensor");
  EXPECT_EQ(refused([](std::string& bytes) { bytes[0] = 9; }),
            "import 'model.bin': it has version 9, CTranslate2's are 1 to 6");
  for (const char revision : {'\0', '\x08'}) {
    EXPECT_EQ(refused([&](std::string& bytes) { bytes[bytes.find("TransformerSpec") + 16] = revision; }),
              fmt::format("import 'model.bin': its spec 'TransformerSpec' has revision {}, heed reads 1 to 7",
                          static_cast<int>(revision)));
  }
}

TEST(ImportCTranslate2, AVocabularyThatDoesNotFitIsRefused) {
  const TempDir dir;
  const MarianFixture fixture;
  write_ctranslate2(dir / "ct", fixture);
  const auto refused = [&](const std::function<void(std::vector<std::string>&)>& change) {
    std::vector<std::string> tokens = fixture.tokens;
    change(tokens);
    write_file_atomically(dir / "ct" / "shared_vocabulary.txt", fmt::format("{}\n", fmt::join(tokens, "\n")));
    try {
      import_run(dir / "ct", dir / "run");
    } catch (const Error& error) {
      EXPECT_FALSE(is_run_folder(dir / "run"));
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const auto place = [&](const std::string& token) {
    return std::ranges::find(fixture.tokens, token) - fixture.tokens.begin();
  };
  const std::string at = fmt::format("import '{}': the vocabulary of the source has ", (dir / "ct").string());
  EXPECT_EQ(refused([&](auto& tokens) { tokens[static_cast<size_t>(place("e"))] = "d"; }),
            at + "'d' twice, as tokens 6 and 7");
  EXPECT_EQ(refused([&](auto& tokens) { tokens[static_cast<size_t>(place("<unk>"))] = "x"; }),
            at + "no '<unk>'");
  EXPECT_EQ(refused([&](auto& tokens) { tokens[static_cast<size_t>(place("</s>"))] = "x"; }),
            at + "no '</s>'");
  const std::string sizes =
      "import 'model.bin': the table of the source has 11 rows, its vocabulary {} tokens";
  EXPECT_EQ(refused([&](auto& tokens) { tokens.erase(tokens.begin() + place("d")); }),
            fmt::format(fmt::runtime(sizes), 10));
  // one less is only right where <unk> is meant, which OpenNMT's vocabularies do not list
  EXPECT_EQ(refused([&](auto& tokens) { tokens.erase(tokens.begin() + place("<unk>")); }),
            fmt::format(fmt::runtime(sizes), 10));
  EXPECT_EQ(refused([&](auto& tokens) { tokens.push_back(""); }), fmt::format(fmt::runtime(sizes), 12));
  EXPECT_EQ(refused([](auto& tokens) { tokens.clear(); }), fmt::format(fmt::runtime(sizes), 1));
}

// Damaged files are read or refused by one line; what is written is a run or nothing.
TEST(ImportDamage, IsReadOrRefused) {
  const TempDir dir;
  std::mt19937 random(7);
  const auto write = [&](int format) {
    if (format == 0) write_hugging_face(dir / "m", MarianFixture());
    if (format == 1) write_marian(dir / "m", MarianFixture());
    if (format == 2) write_ctranslate2(dir / "m", MarianFixture(), CtType::i8);
  };
  for (int format = 0; format < 3; ++format) {
    int refused = 0, read = 0;
    std::filesystem::remove_all(dir / "m");
    write(format);
    for (const std::filesystem::path& path : list_folder(dir / "m")) {
      const std::string good = read_file(path);
      for (int round = 0; round < 25; ++round) {
        std::string bad = good;
        const size_t at = random() % bad.size();
        if (round % 5 == 0) bad.resize(at);
        if (round % 5 == 1) bad.erase(at, 1 + random() % 8);
        if (round % 5 >= 2)
          bad[round < 13 ? at : at % std::min<size_t>(bad.size(), 600)] ^=
              static_cast<char>(1 << random() % 8);
        write_file_atomically(path, bad);
        try {
          import_run(dir / "m", dir / "run", {}, /*overwrite=*/true);
          ++read;
          EXPECT_TRUE(is_run_folder(dir / "run"));
        } catch (const Error& error) {
          ++refused;
          EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
          EXPECT_FALSE(is_run_folder(dir / "run")) << error.what();
        }
        std::filesystem::remove_all(dir / "run");
      }
      write_file_atomically(path, good);
    }
    EXPECT_GT(refused, 30) << format;
    EXPECT_GT(read, 5) << format;
  }
}

TEST(ImportedRun, TranslatesTextWithAPrefixAndKeepsItsWords) {
  const TempDir dir;
  const MarianFixture fixture;
  write_hugging_face(dir / "hf", fixture);
  const Translator translator(imported(dir / "hf", dir / "run"));
  const std::vector<std::string> lines{">>xx<<  a b", "a"};
  const std::vector<Translation> seen = translator.translate(lines, {.search = {.max_length = 4}});
  ASSERT_EQ(seen[0].source.tokens.size(), 4U);
  EXPECT_EQ(seen[0].source.tokens[0].text, ">>xx<<");
  EXPECT_FALSE(seen[0].source.tokens[0].unk);
  EXPECT_EQ(seen[0].source.tokens[1].text, "a");
  EXPECT_EQ(*seen[0].source.tokens[2].span, (std::pair<size_t, size_t>(10, 11)));
  EXPECT_TRUE(seen[0].source.tokens[3].eos);
  EXPECT_EQ(seen[0].attention.size(), 4U);
  for (const AttentionWeights& map : seen[0].attention) {
    for (const auto& row : map.weights) {
      double total = 0;
      for (const float weight : row) total += static_cast<double>(weight);
      EXPECT_NEAR(total, 1, 1e-5);
    }
  }
  EXPECT_THAT([&] { translator.translate(std::vector<std::string>{">>yy<< a"}); },
              testing::ThrowsMessage<ValueError>(
                  "translate: '>>yy<<' is no target language of the model, which has >>xx<<"));
  // pieces are those of the model's own SentencePiece on the whole line
  const LoadedRun& run = translator.run();
  const std::vector<std::string> words{"a", "be"};
  const auto encoded = run.source.encode(words);
  EXPECT_EQ(encoded.word_of.front(), 0);
  EXPECT_EQ(encoded.word_of.back(), 1);
  EXPECT_EQ(run.source.vocabulary.token(encoded.ids.front()), fixture.tokens[2]);
}

TEST(ImportedRun, IsATrainersBeginning) {
  const TempDir dir;
  const MarianFixture fixture;
  write_hugging_face(dir / "hf", fixture);
  const LoadedRun run = imported(dir / "hf", dir / "run");
  RunConfig config = run.config;
  config.train.updates = 60;
  config.train.validate_every = 20;
  config.train.batch_size = 4;
  config.train.lr = 3e-3;
  config.train.label_smoothing = 0;
  config.train.keep_best_by = "loss";
  config.model.as<TransformerOptions>().dropout = 0;
  const ParallelLines lines{{"a b", "b c", "c", "a a f", "b d"}, {"b a", "c b", "c", "f a a", "d b"}};
  std::map<std::string, Tensor> weights;
  for (const auto& [name, value] : run.model->state_dict()) weights.emplace(name, value.detach());
  double first = 0, last = 0;
  double now = 0;
  const TrainCallbacks callbacks{.clock = [&] { return now += 0.01; }};
  auto session = TrainingSession::start(dir / "tuned", config, prepare(config, lines, lines),
                                        {.text = text_of_run(dir / "run", config), .weights = weights});
  EXPECT_TRUE(file_exists(dir / "tuned" / run_files::kInitial));
  session.run(callbacks);
  EXPECT_FALSE(file_exists(dir / "tuned" / run_files::kInitial));  // the state has taken its place
  const LoadedRun tuned = load_run(dir / "tuned");
  EXPECT_EQ(tuned.target.vocabulary, run.target.vocabulary);
  const auto loss = [&](const LoadedRun& of) {
    std::vector<EncodedPair> pairs;
    const TokenisedCorpus words = prepare(config, lines, lines)->validation;
    for (size_t i = 0; i < lines.source.size(); ++i)
      pairs.push_back({encode_source(of.source, words.source[i]), of.target.encode(words.target[i]).ids});
    const NoGradGuard no_grad;
    return of.model->loss(make_batch(pairs, std::vector<int64_t>{0, 1, 2, 3, 4}), 0).item();
  };
  first = loss(run);
  last = loss(tuned);
  EXPECT_LT(last, first - 0.2);
  // the decoder still starts from zeros: the row of <s> has no gradient as a word vector
  EXPECT_EQ(tuned.config.model.as<TransformerOptions>().decoder_start, DecoderStart::zero);
  // weights under other names are refused before anything is written
  weights.erase(weights.begin());
  EXPECT_THROW(TrainingSession::start(dir / "none", config, prepare(config, lines, lines),
                                      {.text = text_of_run(dir / "run", config), .weights = weights}),
               FormatError);
  EXPECT_FALSE(file_exists(dir / "none"));
}

TEST(Repetition, IsOneWordForEverySentence) {
  const auto says = [](const std::vector<std::vector<int>>& outputs) {
    return repeat_one_word(std::span<const std::vector<int>>(outputs));
  };
  const std::vector<int> often(20, 7), some(19, 7);
  EXPECT_TRUE(says({often, {4, 4, 4}}));
  EXPECT_FALSE(says({often, {4, 4, 5}}));
  EXPECT_FALSE(says({some}));
  EXPECT_FALSE(says({}));
  EXPECT_FALSE(says({{}, {}}));
  const TempDir dir;
  MarianFixture fixture;  // whatever it reads, it writes one word
  fixture.at("final_logits_bias").data<float>()[4] = 50;
  write_hugging_face(dir / "hf", fixture);
  EXPECT_THAT(import_run(dir / "hf", dir / "run").notes,
              testing::Contains(testing::HasSubstr("probably broken")));
}

TEST(ImportedRun, IsStoredInHalves) {
  const TempDir dir;
  write_hugging_face(dir / "hf", MarianFixture());
  import_run(dir / "hf", dir / "full");
  import_run(dir / "hf", dir / "half", {}, false, WeightType::bf16);
  const SafetensorsFile half = load_safetensors(dir / "half" / "model.safetensors");
  for (const auto& [name, type] : half.types) EXPECT_EQ(type, FileType::bf16) << name;
  EXPECT_EQ(load_run(dir / "half").model->state_dict().size(),
            load_run(dir / "full").model->state_dict().size());
}

}  // namespace
}  // namespace heed::models
