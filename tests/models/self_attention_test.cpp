// Self-attention of finished pairs: the values of nn's layers, causality, batches.
#include "models/decoding/self_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "models/architectures/transformer/transformer.h"
#include "models/text/vocabulary.h"
#include "tests/models/translation_model.h"
#include "tests/testing/close.h"
#include "tests/testing/parameters.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

constexpr int64_t kVocabulary = 12;

std::vector<EncodedPair> pairs() {
  return {{{5, 6, 7, 2}, {4, 5, 6}}, {{8, 2}, {7, 9, 10, 4, 5}}, {{9, 4, 5, 6, 2}, {}}};
}

std::vector<NamedConfig> transformers() {
  std::vector<NamedConfig> all;
  for (NamedConfig& model : all_models()) {
    if (model.config.architecture().name == "transformer") all.push_back(std::move(model));
  }
  all.push_back(all.front());
  all.back().name = "transformer_one_and_three_layers";
  all.back().config.as<TransformerOptions>().encoder_layers = 1;
  all.back().config.as<TransformerOptions>().decoder_layers = 3;
  return all;
}

class EveryTransformer : public testing::TestWithParam<NamedConfig> {
 protected:
  void SetUp() override {
    manual_seed(3);
    model_ = make_model(GetParam().config, kVocabulary, kVocabulary);
    model_->train(false);
  }
  // Gives a layer of its own the model's parameters whose names begin with `prefix`.
  void load(nn::Module& layer, const std::string& prefix) const {
    std::map<std::string, Tensor> values;
    for (const auto& [name, value] : parameters_by_name(*model_)) {
      if (name.starts_with(prefix + ".")) values.emplace(name.substr(prefix.size() + 1), value);
    }
    layer.load(values, "model");
    layer.train(false);
  }
  // Word vectors and positions of a side.
  Tensor embed(const std::string& side, const Tensor& ids, int64_t first = 0) const {
    auto named = parameters_by_name(*model_);
    const bool shared = named.find(side + ".weight") == named.end();
    const auto& config = GetParam().config.as<TransformerOptions>();
    PositionedEmbedding embedding(
        config, kVocabulary, shared ? named.at("target_embedding.weight") : Tensor{},
        /*zero_start=*/side == "target_embedding" && config.decoder_start == DecoderStart::zero);
    load(embedding, side);
    return embedding(ids, first);
  }
  nn::TransformerOptions layer_options() const {
    const auto& c = GetParam().config.as<TransformerOptions>();
    return {.size = c.model_size,
            .feed_forward = c.feed_forward,
            .heads = c.heads,
            .pre_norm = c.norm == NormPlace::pre,
            .rotary = c.positions == Positions::rotary,
            .activation = c.activation,
            .eps = c.norm_eps};
  }
  nn::TransformerOptions decoder_layer_options() const {
    const auto& c = GetParam().config.as<TransformerOptions>();
    nn::TransformerOptions options = layer_options();
    if (c.decoder_heads > 0) options.heads = c.decoder_heads;
    if (c.decoder_feed_forward > 0) options.feed_forward = c.decoder_feed_forward;
    return options;
  }
  std::unique_ptr<TranslationModel> model_;
};

// The decoder's layers are run word by word on their caches, which know no mask.
TEST_P(EveryTransformer, ValuesAreThoseOfTheLayers) {
  const NoGradGuard no_grad;
  const auto& config = GetParam().config.as<TransformerOptions>();
  const auto heads = static_cast<size_t>(config.heads),
             decoder_heads = static_cast<size_t>(decoder_layer_options().heads);
  const std::vector<EncodedPair> all = pairs();
  const auto found = self_attention(*model_, all);
  for (size_t i = 0; i < all.size(); ++i) {
    const Batch batch = make_batch(all, std::vector<int64_t>{static_cast<int64_t>(i)});
    const size_t S = all[i].source.size(), T = all[i].target.size() + 1;
    ASSERT_EQ(found[i].encoder.size(), heads * static_cast<size_t>(config.encoder_layers));
    ASSERT_EQ(found[i].decoder.size(), decoder_heads * static_cast<size_t>(config.decoder_layers));
    Tensor memory = embed("source_embedding", batch.source);
    for (int64_t l = 0; l < config.encoder_layers; ++l) {
      nn::TransformerEncoderLayer layer(layer_options());
      load(layer, "encoder" + std::to_string(l));
      Tensor weights;
      memory = layer(memory, batch.source_lengths, &weights);
      const auto wanted = weights.to_vector<float>();
      for (size_t at = 0; at < wanted.size(); ++at) {
        const auto& map = found[i].encoder[static_cast<size_t>(l) * heads + at / (S * S)];
        ASSERT_EQ(map.size(), S);
        EXPECT_NEAR(map[at / S % S][at % S], wanted[at], 1e-5);
      }
    }
    if (config.norm == NormPlace::pre) {
      nn::LayerNorm norm(config.model_size);
      load(norm, "encoder_norm");
      memory = norm(memory);
    }
    std::vector<std::unique_ptr<nn::TransformerDecoderLayer>> layers;
    std::vector<nn::KeyValuePool> pools(static_cast<size_t>(config.decoder_layers));
    nn::DecodingHistory history;
    for (size_t l = 0; l < pools.size(); ++l) {
      layers.push_back(std::make_unique<nn::TransformerDecoderLayer>(decoder_layer_options()));
      load(*layers.back(), "decoder" + std::to_string(l));
    }
    for (size_t t = 0; t < T; ++t) {
      const auto at = static_cast<int64_t>(t);
      Tensor x = squeeze(embed("target_embedding", slice(batch.target_in, 1, at, at + 1), at), 1);
      history.advance(1);
      for (size_t l = 0; l < layers.size(); ++l) {
        const nn::KeyValue source = layers[l]->prepare(memory);
        const auto seen =
            layers[l]->step(x, pools[l], history, {squeeze(source.key, 0), squeeze(source.value, 0)},
                            unsqueeze(arange(memory.size(1)), 0), batch.source_lengths);
        x = seen.output;
        const auto wanted = seen.self_weights.to_vector<float>();  // [1, heads, t + 1]
        ASSERT_EQ(wanted.size(), decoder_heads * (t + 1));
        for (size_t h = 0; h < decoder_heads; ++h) {
          ASSERT_EQ(found[i].decoder[l * decoder_heads + h].size(), T);
          for (size_t u = 0; u <= t; ++u)
            EXPECT_NEAR(found[i].decoder[l * decoder_heads + h][t][u], wanted[h * (t + 1) + u], 1e-5);
        }
      }
    }
  }
}

// What is hidden is as if its row, with its position, were not there: layers without a mask read the others.
TEST_P(EveryTransformer, AHiddenUnitIsAsIfItsRowWereNotThere) {
  const NoGradGuard no_grad;
  const auto& config = GetParam().config.as<TransformerOptions>();
  if (config.positions == Positions::rotary) GTEST_SKIP() << "positions are counted by the layers";
  const std::vector<int64_t> rest{0, 2, 3, 4};  // of five units the second is hidden
  const std::vector<int> source{9, 4, 5, 6, Vocabulary::kEos}, target{5, 4, 8};
  const EncodedPair pair{source, target};
  Batch batch = make_batch(std::span(&pair, 1), std::vector<int64_t>{0});
  batch.source_seen = make_source_batch(std::vector<std::vector<int>>{source}, std::vector<int64_t>{0},
                                        std::vector<std::vector<int>>{{1}})
                          .source_seen;
  Tensor memory = index_select(embed("source_embedding", batch.source), 1, from_vector(rest, {4}));
  for (int64_t l = 0; l < config.encoder_layers; ++l) {
    nn::TransformerEncoderLayer layer(layer_options());
    load(layer, "encoder" + std::to_string(l));
    memory = layer(memory, {});
  }
  if (config.norm == NormPlace::pre) {
    nn::LayerNorm norm(config.model_size);
    load(norm, "encoder_norm");
    memory = norm(memory);
  }
  Tensor x = embed("target_embedding", batch.target_in);
  const Tensor found = model_->forced(batch).weights;  // [1, maps, T, S]
  const int64_t heads = decoder_layer_options().heads;
  for (int64_t l = 0; l < config.decoder_layers; ++l) {
    nn::TransformerDecoderLayer layer(decoder_layer_options());
    load(layer, "decoder" + std::to_string(l));
    const auto seen = layer(x, layer.prepare(memory), {});
    x = seen.output;
    const Tensor maps = slice(found, 1, l * heads, (l + 1) * heads);
    EXPECT_TRUE(all_close(index_select(maps, 3, from_vector(rest, {4})), seen.cross_weights, 1e-5, 1e-5));
    EXPECT_EQ(sum(abs(slice(maps, 3, 1, 2))).item(), 0);
  }
}

TEST_P(EveryTransformer, RowsSumToOneAndTheDecoderLooksBackOnly) {
  for (const SelfAttentionMaps& maps : self_attention(*model_, pairs())) {
    for (const auto& map : maps.encoder) {
      for (const auto& row : map) EXPECT_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1, 1e-5);
    }
    for (const auto& map : maps.decoder) {
      for (size_t t = 0; t < map.size(); ++t) {
        EXPECT_NEAR(std::accumulate(map[t].begin(), map[t].end(), 0.0), 1, 1e-5);
        for (size_t u = t + 1; u < map[t].size(); ++u) EXPECT_EQ(map[t][u], 0.0F);
      }
    }
  }
}

TEST_P(EveryTransformer, ABatchGivesWhatItsSentencesGiveAlone) {
  const auto together = self_attention(*model_, pairs()), alone = self_attention(*model_, pairs(), 1);
  const auto compare = [](const auto& a, const auto& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t m = 0; m < a.size(); ++m) {
      ASSERT_EQ(a[m].size(), b[m].size());
      for (size_t i = 0; i < a[m].size(); ++i) {
        ASSERT_EQ(a[m][i].size(), b[m][i].size());
        for (size_t j = 0; j < a[m][i].size(); ++j) EXPECT_NEAR(a[m][i][j], b[m][i][j], 1e-5);
      }
    }
  };
  for (size_t i = 0; i < together.size(); ++i) {
    compare(together[i].encoder, alone[i].encoder);
    compare(together[i].decoder, alone[i].decoder);
  }
}

// softmax(q k / sqrt(d)) of the vectors is the map, and no vectors are given where positions turn them.
TEST_P(EveryTransformer, MapsFollowFromTheVectors) {
  const NoGradGuard no_grad;
  const auto& config = GetParam().config.as<TransformerOptions>();
  for (const EncodedPair& pair : pairs()) {
    const Batch batch = make_batch(std::span(&pair, 1), std::vector<int64_t>{0});
    const auto layers = model_->attention_vectors(batch);
    if (config.positions == Positions::rotary) {
      EXPECT_TRUE(layers.empty());
      continue;
    }
    ASSERT_EQ(layers.size(), static_cast<size_t>(config.encoder_layers + 2 * config.decoder_layers));
    const auto own = model_->self_attention(batch);
    const Tensor maps[] = {model_->forced(batch).weights, own.encoder, own.decoder};
    for (const auto& layer : layers) {
      const int64_t heads = layer.kind == 1 ? config.heads : decoder_layer_options().heads;
      const int64_t rows = layer.query.size(1), columns = layer.key.size(1), d = layer.query.size(2) / heads;
      EXPECT_EQ(layer.value.shape(), layer.key.shape());
      const auto q = layer.query.to_vector<float>(), k = layer.key.to_vector<float>();
      const auto map = maps[layer.kind].contiguous().to_vector<float>();
      for (int64_t h = 0; h < heads; ++h) {
        for (int64_t r = 0; r < rows; ++r) {
          std::vector<double> weights;
          double sum = 0;
          for (int64_t c = 0; c < columns; ++c) {
            double score = 0;
            for (int64_t i = 0; i < d; ++i)
              score += double(q[(r * heads + h) * d + i]) * k[(c * heads + h) * d + i];
            weights.push_back(layer.kind == 2 && c > r ? 0 : std::exp(score / std::sqrt(double(d))));
            sum += weights.back();
          }
          for (int64_t c = 0; c < columns; ++c)
            EXPECT_NEAR(map[((layer.layer * heads + h) * rows + r) * columns + c], weights[c] / sum, 1e-5);
        }
      }
    }
  }
}

TEST_P(EveryTransformer, MapsAreNamedByLayerAndHead) {
  const auto& encoder = model_->encoder_self_maps();
  const auto& decoder = model_->decoder_self_maps();
  EXPECT_TRUE(model_->has_self_attention());
  EXPECT_EQ(
      encoder.back(),
      (AttentionMap{static_cast<int>(GetParam().config.as<TransformerOptions>().encoder_layers) - 1, 1}));
  EXPECT_EQ(decoder.back(),
            (AttentionMap{static_cast<int>(GetParam().config.as<TransformerOptions>().decoder_layers) - 1,
                          static_cast<int>(decoder_layer_options().heads) - 1}));
  EXPECT_EQ(encoder[1], (AttentionMap{0, 1}));
}

INSTANTIATE_TEST_SUITE_P(Models, EveryTransformer, testing::ValuesIn(transformers()),
                         [](const testing::TestParamInfo<NamedConfig>& model) { return model.param.name; });

TEST(SelfAttention, RecurrentModelsHaveNone) {
  const auto model = make_model(tiny_model(), kVocabulary, kVocabulary);
  EXPECT_FALSE(model->has_self_attention());
  EXPECT_TRUE(model->encoder_self_maps().empty());
  EXPECT_ERROR(ValueError, "self-attention: 'additive attention, LSTM 8' has none",
               self_attention(*model, pairs()));
}

}  // namespace
}  // namespace heed::models
