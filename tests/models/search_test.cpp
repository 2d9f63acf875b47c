// Decoding of every kind of model: batches, forcing, beams against brute force, sampling, ensembles.
#include "models/decoding/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "models/decoding/best_words.h"
#include "models/decoding/forced.h"
#include "models/text/vocabulary.h"
#include "tests/models/translation_model.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

constexpr int kEos = Vocabulary::kEos;

std::vector<EncodedPair> pairs() {
  return {{{5, 6, 7, 2}, {4, 5, 6}}, {{8, 2}, {7}}, {{9, 4, 5, 6, 2}, {5, 4, 4, 8, 9}}};
}

std::vector<std::vector<int>> sources() {
  std::vector<std::vector<int>> result;
  for (const EncodedPair& pair : pairs()) result.push_back(pair.source);
  return result;
}

std::vector<std::vector<Hypothesis>> search_one(const TranslationModel& model, const SearchOptions& options,
                                                const std::vector<std::vector<int>>& wanted = sources()) {
  const TranslationModel* const models[] = {&model};
  return search(models, wanted, options);
}

class EveryModel : public testing::TestWithParam<NamedConfig> {
 protected:
  std::unique_ptr<TranslationModel> make(uint64_t seed) const {
    manual_seed(seed);
    auto model = make_model(GetParam().config, 12, 12);
    model->train(false);
    return model;
  }
};

TEST_P(EveryModel, LossIsTheMeanOverRealTokens) {
  const auto model = make(2);
  const NoGradGuard no_grad;
  const Batch batch = make_batch(pairs(), std::vector<int64_t>{0, 1, 2});
  EXPECT_NEAR(model->loss(batch, 0).item(),
              -sum(model->forced(batch).log_probabilities).item() / static_cast<double>(batch.target_tokens),
              1e-5);
}

TEST_P(EveryModel, EveryParameterGetsAGradient) {
  const auto model = make(3);
  model->loss(make_batch(pairs(), std::vector<int64_t>{0, 1, 2}), 0.1).backward();
  for (const auto& [name, p] : model->named_parameters()) {
    ASSERT_TRUE(p.grad().defined()) << name;
    double total = 0;
    for (const float g : p.grad().to_vector<float>()) total += std::abs(static_cast<double>(g));
    EXPECT_TRUE(std::isfinite(total)) << name;
    const bool may_rest = name == "attention.energy_coverage";
    if (!may_rest) {
      EXPECT_GT(total, 0) << name;
    }
  }
}

TEST_P(EveryModel, ABatchGivesWhatItsSentencesGiveAlone) {
  const auto model = make(3);
  for (SearchOptions options : {SearchOptions{}, SearchOptions{.beam = 3, .n_best = 2},
                                SearchOptions{.n_best = 2, .temperature = 1.0}}) {
    const auto together = search_one(*model, options);
    options.batch_size = 1;
    const auto alone = search_one(*model, options);
    for (size_t i = 0; i < together.size(); ++i) {
      ASSERT_EQ(together[i].size(), alone[i].size());
      for (size_t k = 0; k < alone[i].size(); ++k) {
        EXPECT_EQ(together[i][k].ids, alone[i][k].ids);
        EXPECT_NEAR(together[i][k].score, alone[i][k].score, 1e-4);
        ASSERT_EQ(together[i][k].attention.size(), model->attention_maps().size());
        for (size_t m = 0; m < alone[i][k].attention.size(); ++m) {
          ASSERT_EQ(alone[i][k].attention[m].size(), alone[i][k].ids.size() + (alone[i][k].ended ? 1 : 0));
          for (size_t t = 0; t < alone[i][k].attention[m].size(); ++t) {
            double total = 0;
            for (size_t s = 0; s < sources()[i].size(); ++s) {
              EXPECT_NEAR(together[i][k].attention[m][t][s], alone[i][k].attention[m][t][s], 1e-5);
              total += alone[i][k].attention[m][t][s];
            }
            EXPECT_LE(total, 1 + 1e-5);
            if (!GetParam().name.starts_with("local_p")) {
              EXPECT_NEAR(total, 1, 1e-5);
            }
          }
        }
      }
    }
  }
}

// Steps with their caches and states against the whole target at once.
TEST_P(EveryModel, ForcingTheOutputGivesItsScoreAndAttention) {
  const auto model = make(4);
  const auto greedy = search_one(*model, {});
  std::vector<EncodedPair> forced_pairs = pairs();
  for (size_t i = 0; i < forced_pairs.size(); ++i) forced_pairs[i].target = greedy[i].front().ids;
  const auto forced = forced_decoding(*model, forced_pairs);
  for (size_t i = 0; i < forced_pairs.size(); ++i) {
    const Hypothesis& output = greedy[i].front();
    if (output.ended) {
      EXPECT_NEAR(forced[i].score, output.score, 1e-4);
    }
    ASSERT_EQ(forced[i].attention.size(), output.attention.size());
    for (size_t m = 0; m < output.attention.size(); ++m) {
      for (size_t t = 0; t < output.attention[m].size(); ++t) {
        for (size_t s = 0; s < forced_pairs[i].source.size(); ++s) {
          EXPECT_NEAR(forced[i].attention[m][t][s], output.attention[m][t][s], 1e-5);
        }
      }
    }
  }
}

// What attention may not look at has no weight, and the search is that of the whole target at once.
TEST_P(EveryModel, HiddenUnitsHaveNoWeight) {
  const auto model = make(4);
  const NoGradGuard no_grad;
  const TranslationModel* const models[] = {model.get()};
  const std::vector<std::vector<int>> hidden{{1}, {}, {0, 3}};
  for (const SearchOptions& options : {SearchOptions{}, SearchOptions{.beam = 3, .n_best = 2},
                                       SearchOptions{.n_best = 2, .temperature = 1.0}}) {
    const auto free = search(models, sources(), options), found = search(models, sources(), options, hidden);
    for (size_t i = 0; i < found.size(); ++i) {
      if (!model->has_attention() || hidden[i].empty()) {
        EXPECT_EQ(found[i].front().ids, free[i].front().ids);
        EXPECT_NEAR(found[i].front().score, free[i].front().score, 1e-4);
        continue;
      }
      EXPECT_NE(found[i].front().score, free[i].front().score);
      for (const Hypothesis& output : found[i]) {
        const EncodedPair pair{sources()[i], output.ids};
        Batch batch = make_batch(std::span(&pair, 1), std::vector<int64_t>{0});
        batch.source_seen =
            make_source_batch(sources(), std::vector{static_cast<int64_t>(i)}, hidden).source_seen;
        const TranslationModel::Forced forced = model->forced(batch);
        if (output.ended) {
          EXPECT_NEAR(sum(forced.log_probabilities).item(), output.score, 1e-4);
        }
        const auto wanted = forced.weights.contiguous().to_vector<float>();  // [1, maps, T, S]
        const size_t S = pair.source.size(), T = output.ids.size() + 1;
        for (size_t m = 0; m < output.attention.size(); ++m) {
          for (size_t t = 0; t < output.attention[m].size(); ++t) {
            const std::vector<float>& row = output.attention[m][t];
            for (size_t s = 0; s < S; ++s) EXPECT_NEAR(row[s], wanted[(m * T + t) * S + s], 1e-5);
            for (const int unit : hidden[i]) EXPECT_EQ(row[static_cast<size_t>(unit)], 0.0F);
            const double total = std::accumulate(row.begin(), row.end(), 0.0);
            EXPECT_LE(total, 1 + 1e-5);
            if (!GetParam().name.starts_with("local_p")) {
              EXPECT_NEAR(total, 1, 1e-5);
            }
          }
        }
      }
    }
  }
}

// A recurrent encoder has read what is hidden; of the others nothing depends on it.
TEST_P(EveryModel, WhatIsHiddenIsReadByARecurrentEncoderAlone) {
  const auto model = make(4);
  const TranslationModel* const models[] = {model.get()};
  std::vector<std::vector<int>> others = sources();
  others[0][1] = 11;
  others[2][0] = 11;
  const std::vector<std::vector<int>> hidden{{1}, {}, {0}};
  const auto a = search(models, sources(), {}, hidden), b = search(models, others, {}, hidden);
  const bool recurrent = GetParam().config.architecture().name == "recurrent";
  for (const size_t i : {0, 2}) {
    if (recurrent) {
      EXPECT_NE(a[i].front().score, b[i].front().score);
    } else {
      EXPECT_EQ(a[i].front().ids, b[i].front().ids);
      EXPECT_EQ(a[i].front().score, b[i].front().score);
    }
  }
}

// Each step's probabilities are those of the search: they sum to the score, and a greedy output is what was
// most probable.
TEST_P(EveryModel, BestWordsAreThoseOfTheSearch) {
  const auto model = make(4);
  const TranslationModel* const models[] = {model.get()};
  const auto greedy = search_one(*model, {});
  std::vector<FinishedOutput> outputs;
  for (size_t i = 0; i < greedy.size(); ++i)
    outputs.push_back({sources()[i], greedy[i].front().ids, greedy[i].front().ended});
  const auto steps = best_words(models, outputs, 3, 2);
  ASSERT_EQ(steps.size(), greedy.size());
  for (size_t i = 0; i < greedy.size(); ++i) {
    const Hypothesis& output = greedy[i].front();
    ASSERT_EQ(steps[i].size(), output.ids.size() + (output.ended ? 1 : 0));
    double score = 0;
    for (size_t t = 0; t < steps[i].size(); ++t) {
      score += steps[i][t].log_probability;
      ASSERT_EQ(steps[i][t].best.size(), 3U);
      EXPECT_EQ(steps[i][t].best[0].id,
                t < output.ids.size() ? output.ids[t] : static_cast<int>(Vocabulary::kEos));
      EXPECT_GE(steps[i][t].best[0].log_probability, steps[i][t].best[1].log_probability);
    }
    EXPECT_NEAR(score, output.score, 1e-4);
  }
}

// The tree holds every output with its score, and changes none.
TEST_P(EveryModel, ABeamsTreeHoldsWhatItFound) {
  const auto model = make(6);
  SearchOptions options{.max_length = 6, .beam = 3, .n_best = 3};
  const auto without = search_one(*model, options);
  options.keep_tree = true;
  const auto found = search_one(*model, options);
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].size(), without[i].size());
    EXPECT_TRUE(without[i].front().tree.empty());
    const std::vector<BeamNode>& tree = found[i].front().tree;
    std::map<std::vector<int>, double> ended;
    for (size_t n = 0; n < tree.size(); ++n) {
      ASSERT_LT(tree[n].parent, static_cast<int64_t>(n));
      std::vector<int> path;
      for (auto at = static_cast<int64_t>(n); at >= 0; at = tree[static_cast<size_t>(at)].parent)
        path.insert(path.begin(), tree[static_cast<size_t>(at)].id);
      if (tree[n].fate == BeamFate::ended) ended[path] = tree[n].score;
      if (tree[n].parent >= 0) {
        EXPECT_EQ(tree[static_cast<size_t>(tree[n].parent)].fate, BeamFate::kept);
        EXPECT_LE(tree[n].score, tree[static_cast<size_t>(tree[n].parent)].score + 1e-6);
      }
    }
    for (size_t k = 0; k < found[i].size(); ++k) {
      EXPECT_EQ(found[i][k].ids, without[i][k].ids);
      std::vector<int> path = found[i][k].ids;
      if (found[i][k].ended) path.push_back(Vocabulary::kEos);
      ASSERT_TRUE(ended.contains(path));
      EXPECT_EQ(ended[path], found[i][k].score);
    }
  }
}

// All outputs of up to `most` units, ranked as the options say: a beam as wide as the tree must find the best
// of them in order.
TEST_P(EveryModel, AWideBeamFindsWhatBruteForceFinds) {
  manual_seed(5);
  ModelConfig config = GetParam().config;
  if (config.architecture().one_vocabulary(config.options())) {  // there are two
    find_option(config, "tie")->set(config.options(), std::string("output"));
  }
  auto model = make_model(config, 12, 6);  // <unk> and two words
  model->train(false);
  constexpr int64_t kMost = 3;
  const std::vector<int> source{9, 4, 2};
  std::vector<EncodedPair> all;
  std::vector<std::vector<int>> grown{{}};
  for (size_t i = 0; i < grown.size(); ++i) {
    all.push_back({source, grown[i]});
    if (grown[i].size() == kMost) continue;
    for (int word = Vocabulary::kUnk; word < 6; ++word) {
      grown.push_back(grown[i]);
      grown.back().push_back(word);
    }
  }
  const std::vector<Hypothesis> forced = forced_decoding(*model, all);
  for (const SearchOptions& options :
       {SearchOptions{.max_length = kMost, .beam = 50, .n_best = 8, .length_penalty = LengthPenalty::none},
        SearchOptions{.max_length = kMost,
        .beam = 50,
        .n_best = 8,
        .length_penalty = LengthPenalty::average,
        .alpha = 0.7},
        SearchOptions{.max_length = kMost,
        .min_length = 1,
        .beam = 50,
        .n_best = 8,
        .length_penalty = LengthPenalty::wu,
        .coverage = 0.3}}) {
    std::map<double, std::vector<int>, std::greater<>> ranked;
    for (size_t i = 0; i < all.size(); ++i) {
      const auto n = static_cast<int64_t>(all[i].target.size());
      if (n < options.min_length || n == kMost) continue;  // at the limit nothing ends: below
      const auto units = static_cast<double>(n + 1);
      double score = forced[i].score;
      if (options.length_penalty == LengthPenalty::average) score /= std::pow(units, options.alpha);
      if (options.length_penalty == LengthPenalty::wu) score /= std::pow((5 + units) / 6, options.alpha);
      if (options.coverage > 0 && !forced[i].attention.empty()) {
        for (size_t s = 0; s < source.size(); ++s) {
          double covered = 0;
          for (const auto& map : forced[i].attention) {
            for (const auto& row : map)
              covered += static_cast<double>(row[s]) / static_cast<double>(forced[i].attention.size());
          }
          score += options.coverage * std::log(std::clamp(covered, 1e-9, 1.0));
        }
      }
      ranked.emplace(score, all[i].target);
    }
    const std::vector<Hypothesis> found = search_one(*model, options, {source}).front();
    ASSERT_EQ(found.size(), 8U);
    auto wanted = ranked.begin();
    double last = INFINITY;
    for (const Hypothesis& hypothesis : found) {
      EXPECT_LE(hypothesis.ranking_score, last);
      last = hypothesis.ranking_score;
      if (!hypothesis.ended) continue;  // cut at the limit
      EXPECT_EQ(hypothesis.ids, wanted->second);
      EXPECT_NEAR(hypothesis.ranking_score, wanted->first, 1e-4);
      ++wanted;
    }
    EXPECT_NE(wanted, ranked.begin());
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryModel, testing::ValuesIn(all_models()),
                         [](const testing::TestParamInfo<NamedConfig>& model) { return model.param.name; });

std::unique_ptr<TranslationModel> transformer(uint64_t seed) {
  manual_seed(seed);
  auto model = make_model(tiny_transformer(), 12, 12);
  model->train(false);
  return model;
}

TEST(Search, LengthLimitsHold) {
  const auto model = transformer(6);
  for (const SearchOptions& options : {SearchOptions{.max_length = 7, .min_length = 5},
                                       SearchOptions{.max_length = 7, .min_length = 5, .beam = 4},
                                       SearchOptions{.max_length = 7, .min_length = 5, .temperature = 2.0}}) {
    for (const auto& outputs : search_one(*model, options)) {
      EXPECT_GE(outputs.front().ids.size(), 5U);
      EXPECT_LE(outputs.front().ids.size(), 7U);
      EXPECT_THAT(outputs.front().ids, testing::Each(testing::Gt(kEos)));  // never <pad>, <s> or </s>
    }
  }
}

// Products in 8 bits: other numbers, hardly other; a model whose weights are stored so has them by itself.
TEST(Search, ProductsInInt8) {
  manual_seed(12);
  TransformerOptions options = tiny_transformer();
  options.model_size = 64;
  options.feed_forward = 128;
  auto model = make_model(options, 40, 40);
  model->train(false);
  const auto scores = [&](Products products) {
    std::vector<double> found;
    for (const auto& outputs : search_one(*model, {.products = products, .max_length = 6, .min_length = 6}))
      found.push_back(outputs.front().score);
    return found;
  };
  const auto plain = scores(Products::stored), rounded = scores(Products::int8);
  EXPECT_EQ(model->packed_weights().type(), ProductType::int8);
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_NE(rounded[i], plain[i]);
    EXPECT_NEAR(rounded[i], plain[i], 0.02 * std::abs(plain[i]));
  }
  EXPECT_EQ(scores(Products::stored), plain);
  model->set_products(ProductType::int8);
  EXPECT_EQ(scores(Products::stored), rounded);
  EXPECT_EQ(scores(Products::f32), plain);
}

// Workers share one model and change nothing but the time.
TEST(Search, WorkersGiveWhatOneGives) {
  const auto model = transformer(3);
  std::vector<std::vector<int>> many;
  for (int i = 0; i < 70; ++i) {
    many.emplace_back();
    for (int k = 0; k < 1 + i % 7; ++k) many.back().push_back(4 + (i * 5 + k * 3) % 8);
    many.back().push_back(kEos);
  }
  const int threads = num_threads();
  for (SearchOptions options :
       {SearchOptions{.batch_size = 8}, SearchOptions{.batch_size = 8, .beam = 3, .n_best = 2},
        SearchOptions{.batch_size = 8, .n_best = 3, .temperature = 1}, SearchOptions{}}) {
    set_num_threads(1);
    const auto wanted = search_one(*model, options, many);
    for (const int64_t workers : {0, 1, 3, 100}) {
      set_num_threads(3);
      options.workers = workers;
      const auto found = search_one(*model, options, many);
      ASSERT_EQ(found.size(), wanted.size());
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i].size(), wanted[i].size());
        for (size_t k = 0; k < found[i].size(); ++k) {
          EXPECT_EQ(found[i][k].ids, wanted[i][k].ids) << i;
          EXPECT_NEAR(found[i][k].score, wanted[i][k].score, 1e-4);
        }
      }
    }
  }
  // what a worker throws comes out
  EXPECT_ERROR(IndexError, "embedding: index 99 out of range for 12 rows",
               search_one(*model, {.batch_size = 1}, {{4, 2}, {99, 2}, {5, 2}}));
  set_num_threads(threads);
  EXPECT_ERROR(ValueError, "workers: must not be negative, got -1", search_one(*model, {.workers = -1}));
}

// A batch that is alone has one thread, and all of them where one worker is asked for.
TEST(Search, OneSentenceHasOneThreadUnlessAllAreAskedFor) {
  const auto model = transformer(3);
  const int threads = num_threads();
  set_num_threads(3);
  for (const auto& [workers, wanted] : std::map<int64_t, int>{{0, 1}, {1, 3}, {2, 1}}) {
    std::set<int> seen;
    model->on_output([&](const std::string&, const Tensor&) { seen.insert(num_threads()); });
    search_one(*model, {.workers = workers}, {{4, 5, 2}});
    EXPECT_EQ(seen, std::set{wanted}) << workers;
    EXPECT_EQ(num_threads(), 3);
  }
  model->on_output({});
  set_num_threads(threads);
}

// Patience ends a beam: what it finds is at most as good, and with much of it the same as without.
TEST(Search, PatienceEndsABeam) {
  bool worse = false;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const auto model = transformer(seed);
    const SearchOptions exact{.max_length = 30, .beam = 2};
    SearchOptions hasty = exact, patient = exact;
    hasty.patience = 0.5;  // the first that ends
    patient.patience = 1000;
    const auto best = search_one(*model, exact), first = search_one(*model, hasty),
               late = search_one(*model, patient);
    for (size_t i = 0; i < best.size(); ++i) {
      EXPECT_EQ(late[i].front().ids, best[i].front().ids);
      EXPECT_LE(first[i].front().ranking_score, best[i].front().ranking_score + 1e-6);
      worse |= first[i].front().ranking_score < best[i].front().ranking_score - 1e-6;
    }
  }
  EXPECT_TRUE(worse);
  for (const auto& outputs :
       search_one(*transformer(1), {.max_length = 30, .beam = 5, .n_best = 5, .patience = 0.1}))
    EXPECT_EQ(outputs.size(), 5U);  // no fewer than were asked for
  EXPECT_ERROR(ValueError, "beam-patience: must not be negative, got -1",
               search_one(*transformer(1), {.beam = 2, .patience = -1}));
  EXPECT_ERROR(ValueError, "beam-patience: is of a beam, which is 2 or wider",
               search_one(*transformer(1), {.patience = 1}));
}

TEST(Search, SamplingFollowsTheModelsProbabilities) {
  const auto model = transformer(7);
  const std::vector<int> source{5, 6, 2};
  const NoGradGuard no_grad;
  // probability and word, the most probable first; </s> is not allowed yet
  std::vector<std::pair<double, int>> words;
  for (int word = Vocabulary::kUnk; word < 12; ++word) {
    if (word == kEos) continue;
    const std::vector<EncodedPair> one{{source, {word}}};
    const Tensor log_probability = model->forced(make_batch(one, std::vector<int64_t>{0})).log_probabilities;
    words.emplace_back(std::exp(static_cast<double>(log_probability.data<float>()[0])), word);
  }
  std::ranges::sort(words, std::greater{});
  // of the words in their order
  const auto check = [&](SearchOptions options, const std::vector<double>& weights) {
    constexpr int kSamples = 4000;
    options.max_length = options.min_length = 1;
    options.n_best = kSamples;
    std::map<int, int> counts;
    const auto outputs = search_one(*model, options, {source}).front();
    for (const Hypothesis& output : outputs) ++counts[output.ids.front()];
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (size_t i = 0; i < words.size(); ++i) {
      const double wanted = i < weights.size() ? weights[i] / total : 0,
                   deviation = std::sqrt(wanted * (1 - wanted) / kSamples);
      EXPECT_NEAR(counts[words[i].second] / static_cast<double>(kSamples), wanted, 4.5 * deviation)
          << "word " << i;
    }
  };
  std::vector<double> all, flatter, nucleus;
  double total = 0, covered = 0;
  for (const auto& [p, word] : words) {
    all.push_back(p);
    flatter.push_back(std::sqrt(p));
    total += p;
  }
  for (size_t i = 0; covered < 0.6 * total; ++i) {
    nucleus.push_back(all[i]);
    covered += all[i];
  }
  ASSERT_GT(nucleus.size(), 1U);
  ASSERT_LT(nucleus.size(), all.size());
  check({.temperature = 1}, all);
  check({.temperature = 2}, flatter);
  check({.temperature = 1, .top_k = 3}, {all[0], all[1], all[2]});
  check({.temperature = 1, .top_p = 0.6}, nucleus);
}

TEST(Search, NarrowSamplingIsGreedyAndSeedsMatter) {
  const auto model = transformer(8);
  const auto greedy = search_one(*model, {});
  for (const SearchOptions& options :
       {SearchOptions{.temperature = 1.0, .top_k = 1}, SearchOptions{.temperature = 1.0, .top_p = 1e-9},
        SearchOptions{.temperature = 1e-3}}) {
    const auto sampled = search_one(*model, options);
    for (size_t i = 0; i < greedy.size(); ++i) {
      EXPECT_EQ(sampled[i].front().ids, greedy[i].front().ids);
      // the model's own probability, whatever the temperature
      EXPECT_NEAR(sampled[i].front().score, greedy[i].front().score, 1e-4);
    }
  }
  const auto ids = [&](uint64_t seed) {
    std::vector<std::vector<int>> all;
    for (const auto& outputs : search_one(*model, {.n_best = 4, .temperature = 1.5, .seed = seed})) {
      for (const Hypothesis& output : outputs) all.push_back(output.ids);
    }
    return all;
  };
  EXPECT_EQ(ids(1), ids(1));
  EXPECT_NE(ids(1), ids(2));
}

TEST(Search, AnEnsembleAveragesProbabilities) {
  const auto a = transformer(9), b = transformer(10);
  const TranslationModel* const twice[] = {a.get(), a.get()};
  const TranslationModel* const both[] = {a.get(), b.get()};
  const auto alone = search_one(*a, {.beam = 3}), doubled = search(twice, sources(), {.beam = 3});
  for (size_t i = 0; i < alone.size(); ++i) {
    EXPECT_EQ(alone[i].front().ids, doubled[i].front().ids);
    EXPECT_NEAR(alone[i].front().score, doubled[i].front().score, 1e-4);
  }
  const auto mixed = search(both, sources(), {.beam = 2});
  for (size_t i = 0; i < mixed.size(); ++i) {
    const Hypothesis& output = mixed[i].front();
    const std::vector<EncodedPair> one{{sources()[i], output.ids}};
    const Batch batch = make_batch(one, std::vector<int64_t>{0});
    const NoGradGuard no_grad;
    const auto p = a->forced(batch).log_probabilities.to_vector<float>(),
               q = b->forced(batch).log_probabilities.to_vector<float>();
    double score = 0;
    for (size_t t = 0; t < output.ids.size() + (output.ended ? 1 : 0); ++t) {
      score += std::log((std::exp(static_cast<double>(p[t])) + std::exp(static_cast<double>(q[t]))) / 2);
    }
    EXPECT_NEAR(output.score, score, 1e-4);
  }
}

TEST(Search, WhatIsBannedIsNeverWritten) {
  const auto model = transformer(12);
  const std::vector<SearchOptions> all{{.length_extra = 20},
                                       {.length_extra = 20, .beam = 4, .n_best = 4},
                                       {.length_extra = 20, .n_best = 20, .temperature = 2.0}};
  for (const SearchOptions& options : all) {
    model->set_output_rules({});
    std::map<int, int> before;
    for (const auto& outputs : search_one(*model, options)) {
      for (const Hypothesis& output : outputs) {
        for (const int id : output.ids) ++before[id];
      }
    }
    ASSERT_FALSE(before.empty());
    std::vector<int> banned{Vocabulary::kUnk};  // and the two that it likes best
    for (int k = 0; k < 2 && before.size() > 1; ++k) {
      const auto most = std::ranges::max_element(before, {}, [](const auto& entry) { return entry.second; });
      banned.push_back(most->first);
      before.erase(most);
    }
    model->set_output_rules({.banned = banned});
    for (const auto& outputs : search_one(*model, options)) {
      for (const Hypothesis& output : outputs) {
        for (const int id : output.ids) EXPECT_THAT(banned, testing::Not(testing::Contains(id)));
      }
    }
  }
}

// The score of a greedy output: of the model's own probabilities, or of those that remain.
TEST(Search, BannedProbabilityIsLostOrSpread) {
  const auto model = transformer(13);
  for (const int64_t beam : {1, 3}) {
    for (const bool renormalise : {false, true}) {
      model->set_output_rules({.banned = {3, 5, 6}, .end_at_limit = false, .renormalise = renormalise});
      const Hypothesis output =
          search_one(*model, {.max_length = 3, .beam = beam, .alpha = 0}).front().front();
      double score = 0;
      const NoGradGuard no_grad;
      const auto state = model->begin(make_source_batch(sources(), std::vector<int64_t>{0}));
      std::vector<int> path = output.ids;
      if (output.ended) path.push_back(kEos);
      int64_t before = Vocabulary::kBos;
      for (const int id : path) {
        const std::vector<float> logits =
            state->step(from_vector(std::vector<int64_t>{before}, {1})).logits.to_vector<float>();
        double total = 0;
        for (int v = 0; v < static_cast<int>(logits.size()); ++v) {
          const bool out = v < 2 || v == 3 || v == 5 || v == 6;
          if (!renormalise || !out) total += std::exp(static_cast<double>(logits[static_cast<size_t>(v)]));
        }
        score += static_cast<double>(logits[static_cast<size_t>(id)]) - std::log(total);
        before = id;
      }
      EXPECT_NEAR(output.score, score, 1e-4) << beam << renormalise;
    }
  }
}

TEST(Search, AnOutputAtItsLimitEndsWhereTheModelSaysSo) {
  const auto model = transformer(14);
  for (const SearchOptions& options : {SearchOptions{.max_length = 2, .min_length = 2},
                                       SearchOptions{.max_length = 2, .min_length = 2, .beam = 3}}) {
    model->set_output_rules({});
    const Hypothesis open = search_one(*model, options).front().front();
    model->set_output_rules({.end_at_limit = true});
    const Hypothesis closed = search_one(*model, options).front().front();
    EXPECT_FALSE(open.ended);
    EXPECT_TRUE(closed.ended);
    EXPECT_EQ(closed.ids, open.ids);
    EXPECT_EQ(closed.ids.size(), 2U);
    EXPECT_NEAR(closed.score, open.score, 1e-6);     // the end costs nothing
    ASSERT_EQ(closed.attention.front().size(), 3U);  // and has its row
  }
}

TEST(Search, RefusesWhatMakesNoSense) {
  const auto model = transformer(11);
  EXPECT_ERROR(ValueError, "beam: must be at least 1, got 0", search_one(*model, {.beam = 0}));
  EXPECT_ERROR(ValueError, "n-best: 3 outputs need a beam as wide, got 2",
               search_one(*model, {.beam = 2, .n_best = 3}));
  EXPECT_ERROR(ValueError, "temperature: sampling and a beam exclude each other",
               search_one(*model, {.beam = 2, .temperature = 1}));
  EXPECT_ERROR(ValueError, "top-p: 0 is outside (0, 1]", search_one(*model, {.temperature = 1, .top_p = 0}));
  EXPECT_ERROR(ValueError, "top-k: is of sampling, which needs a temperature above 0",
               search_one(*model, {.top_k = 3}));
  EXPECT_ERROR(ValueError, "top-p: is of sampling, which needs a temperature above 0",
               search_one(*model, {.beam = 2, .top_p = 0.5}));
  EXPECT_ERROR(ValueError, "beam: must be at most 1000, got 100000", search_one(*model, {.beam = 100000}));
  EXPECT_ERROR(ValueError, "search: there is no model", search({}, sources()));
}

}  // namespace
}  // namespace heed::models
