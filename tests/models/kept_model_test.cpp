// Which weights a training keeps: by the metric that was asked for, ties by the loss, and by the loss where
// the metric cannot tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/io/file.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/evaluation/evaluation.h"
#include "models/run/translator.h"
#include "models/training/session.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

RunConfig small(const std::string& keep_best_by) {
  RunConfig config;
  config.model = RecurrentOptions{
      .embedding = 32, .encoder_hidden = 32, .decoder_hidden = 32, .readout = 32, .attention_size = 32};
  config.train.updates = 150;
  config.train.validate_every = 6;
  config.train.keep_best_by = keep_best_by;
  return config;
}

TokenisedCorpus copies(
    const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>& pairs, int times) {
  TokenisedCorpus corpus;
  for (int i = 0; i < times; ++i) {
    for (const auto& [source, target] : pairs) {
      corpus.source.push_back(source);
      corpus.target.push_back(target);
    }
  }
  return corpus;
}

TrainResult train(const std::filesystem::path& folder, const RunConfig& config, const TokenisedCorpus& corpus,
                  bool* can_tell = nullptr) {
  const auto data = std::make_shared<const TrainingData>(corpus, corpus);
  const auto ready = [&](const Trainer& trainer) {
    if (can_tell) *can_tell = trainer.metric_can_tell();
  };
  return TrainingSession::start(folder, config, data).run({.ready = ready, .clock = [] { return 0.0; }});
}

const TokenisedCorpus kShort = copies({{{"red", "cat"}, {"chat", "rouge"}},
                                       {{"black", "dog"}, {"chien", "noir"}},
                                       {{"good", "day"}, {"bonjour"}}},
                                      50);
const TokenisedCorpus kUnspaced = copies({{{"我是学生"}, {"I", "am", "a", "student"}},
                                          {{"狗在跑"}, {"the", "dog", "runs"}},
                                          {{"猫睡了"}, {"the", "cat", "sleeps"}},
                                          {{"你好"}, {"hello"}},
                                          {{"再见"}, {"good", "bye"}}},
                                         10);

TEST(KeptModel, ShortAndUnspacedTextKeepsWeightsThatTranslateIt) {
  for (const TokenisedCorpus* corpus : {&kShort, &kUnspaced}) {
    for (const char* by : {"chrf", "loss", "bleu"}) {
      const TempDir folder;
      train(folder.path(), small(by), *corpus);
      const Translator translator(load_run(folder.path()));
      for (size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(translator.translate(std::vector{join(corpus->source[i])}).front().target.text,
                  detokenize(corpus->target[i]))
            << by;
      }
    }
  }
}

TEST(KeptModel, BleuWithoutFourTokensCannotTell) {
  bool can_tell = true;
  const TempDir first, second, third;
  train(first.path(), small("bleu"), kShort, &can_tell);
  EXPECT_FALSE(can_tell);
  train(second.path(), small("bleu"), kUnspaced, &can_tell);
  EXPECT_TRUE(can_tell);
  train(third.path(), small("chrf"), kShort, &can_tell);
  EXPECT_TRUE(can_tell);
}

// What metrics.jsonl says of each validation, against the rule.
TEST(KeptModel, EveryValidationIsJudgedByTheMetricAndTiesByTheLoss) {
  for (const std::string by : {"chrf", "loss", "bleu"}) {
    const TempDir folder;
    const TrainResult result = train(folder.path(), small(by), kUnspaced);
    std::istringstream lines(read_file(folder.path() / "metrics.jsonl"));
    double best_score = -INFINITY, best_loss = INFINITY;
    int64_t best_update = 0, ties = 0;
    for (std::string line; std::getline(lines, line);) {
      const auto record = nlohmann::json::parse(line);
      if (!record.contains("validation_loss")) continue;
      const double loss = record["validation_loss"],
                   score = by == "loss" ? -loss : double(record["validation_" + by]);
      const bool tie = score == best_score && by != "loss";
      ties += tie ? 1 : 0;
      EXPECT_EQ(record["best"], score > best_score || (tie && loss < best_loss)) << by << ' ' << line;
      if (!record["best"]) continue;
      best_score = score;
      best_loss = loss;
      best_update = record["update"];
    }
    EXPECT_EQ(result.best_update, best_update) << by;
    if (by == "chrf") {
      EXPECT_GT(ties, 0) << "the example shows no tie";
    }
  }
}

TEST(KeptModel, ARunFromBeforeItCouldBeSaidGoesOnByBleu) {
  std::string text = to_toml(small("chrf"));
  const size_t at = text.find("keep_best_by");
  text.erase(at, text.find('\n', at) - at + 1);
  EXPECT_EQ(parse_run_config(text, "config.toml").train.keep_best_by, "bleu");
  EXPECT_EQ(parse_run_config(to_toml(small("loss")), "config.toml").train.keep_best_by, "loss");
  EXPECT_THROW(check(small("rouge")), ValueError);
}

TEST(KeptModel, WordsOfPairsThatAreLeftOutAreNotLearnt) {
  TokenisedCorpus corpus = kShort;
  corpus.source.push_back(std::vector<std::string>(101, "never"));
  corpus.target.push_back({"jamais"});
  const auto text = learn_text(small("chrf"), PairsInMemory(corpus));
  EXPECT_EQ(text.at("source.vocab").find("never"), std::string::npos);
  EXPECT_EQ(text.at("target.vocab").find("jamais"), std::string::npos);
}

TEST(Evaluation, SaysWhatPerplexityAndCaseHide) {
  const TempDir folder;
  RunConfig config = small("chrf");
  config.source_text.lowercase = config.target_text.lowercase = true;
  train(folder.path(), config, kShort);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> right{"red cat", "good day"}, references{"Chat rouge", "bonjour"},
      none{"", ""};
  const auto clock = [] { return 0.0; };
  const Evaluation fair = evaluate(translator, right, references, clock),
                   swapped = evaluate(translator, references, right, clock);
  EXPECT_EQ(fair.value("source_unknown"), 0);
  EXPECT_EQ(fair.value("target_unknown"), 0);
  EXPECT_EQ(swapped.value("source_unknown"), 1);
  EXPECT_EQ(swapped.value("target_unknown"), 1);
  ASSERT_TRUE(fair.score("bleu_13a_no_case"));
  EXPECT_FALSE(swapped.score("bleu_13a_no_case"));  // no capitals there
  EXPECT_NEAR(fair.value("perplexity"), 1.1, 0.2);
  EXPECT_TRUE(std::isnan(evaluate(translator, none, none, clock).value("perplexity")));
}

TEST(Translator, ALineThatIsTooLongIsNamedAndTheOthersAreTranslated) {
  const TempDir folder;
  RunConfig config = small("chrf");
  config.model = TransformerOptions{
      .model_size = 32, .feed_forward = 64, .heads = 2, .positions = Positions::learned, .max_positions = 8};
  config.train.max_length = 7;
  train(folder.path(), config, kShort);
  const Translator translator(load_run(folder.path()));
  const std::string longer = "red cat red cat red cat red cat";
  const std::vector<std::string> lines{"red cat", longer, "good day"},
      targets{"chat rouge", "chat", "bonjour"};
  const auto outputs = translator.translate(lines);
  EXPECT_EQ(outputs[1].skipped, "9 words or pieces with the end mark, 8 are read at most");
  EXPECT_EQ(outputs[1].target.text, "");
  EXPECT_EQ(outputs[0].target.text, translator.translate(std::vector{lines[0]}).front().target.text);
  EXPECT_EQ(outputs[2].target.text, translator.translate(std::vector{lines[2]}).front().target.text);
  const auto forced = translator.force(lines, targets);
  EXPECT_FALSE(forced[1].skipped.empty());
  EXPECT_EQ(forced[2].target.text, "bonjour");
  EXPECT_TRUE(translator.translate(lines, {.max_source = 3})[0].skipped.empty());
  EXPECT_EQ(translator.translate(std::vector<std::string>{"red cat day"}, {.max_source = 3})[0].skipped,
            "4 words or pieces with the end mark, 3 are read at most");
  EXPECT_EQ(evaluate(translator, lines, targets, [] { return 0.0; }).translations.size(), 3U);
}

TEST(Translator, WithoutTokensOnlyTextScoreAndRankAreThere) {
  const TempDir folder;
  train(folder.path(), small("chrf"), kShort);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"red cat", "", "red cat red cat red cat", "good day"};
  TranslateOptions options{.max_source = 4};
  options.search.beam = options.search.n_best = 2;
  const auto whole = translator.translate(lines, options);
  options.tokens = false;
  const auto plain = translator.translate(lines, options);
  ASSERT_EQ(whole.size(), plain.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    Translation text;
    text.id = whole[i].id;
    text.rank = whole[i].rank;
    text.score = whole[i].score;
    text.skipped = whole[i].skipped;
    text.target.text = whole[i].target.text;
    if (!text.skipped.empty() || lines[static_cast<size_t>(text.id) - 1].empty()) {  // has no tokens anyway
      text.model = whole[i].model;
      text.source.text = whole[i].source.text;
    }
    EXPECT_EQ(plain[i], text) << i;
  }
  EXPECT_FALSE(plain[0].target.text.empty());
  std::vector<TranslateOptions> refused(6, options);
  refused[0].replace_unknown = true;
  refused[1].self_attention = true;
  refused[2].best_words = 1;
  refused[3].without_words = WithoutKind::drop;
  refused[4].vectors = true;
  refused[5].search.keep_tree = true;
  for (const TranslateOptions& one : refused)
    EXPECT_THAT([&] { translator.translate(lines, one); },
                testing::ThrowsMessage<ValueError>(testing::HasSubstr("without tokens there is no")));
}

TEST(Translator, PartsOfATextGiveWhatTheWholeGives) {
  const TempDir folder;
  train(folder.path(), small("chrf"), kUnspaced);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"我是学生", "狗在跑", "猫睡了 你好", "再见 你好"};
  for (const SearchOptions& search : {SearchOptions{}, SearchOptions{.beam = 3, .n_best = 2},
                                      SearchOptions{.n_best = 2, .temperature = 1.5}}) {
    TranslateOptions options{.search = search};
    const auto whole = translator.translate(lines, options);
    std::vector<Translation> parts;
    options.search.keep_attention = false;
    for (size_t i = 0; i < lines.size(); i += 2) {
      options.search.first = i;
      for (Translation& one : translator.translate(std::span(lines).subspan(i, 2), options))
        parts.push_back(std::move(one));
    }
    ASSERT_EQ(parts.size(), whole.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      EXPECT_EQ(parts[i].id, whole[i].id);
      EXPECT_EQ(parts[i].target.text, whole[i].target.text);
      EXPECT_TRUE(parts[i].attention.empty());
      EXPECT_FALSE(whole[i].attention.empty());
    }
  }
}

}  // namespace
}  // namespace heed::models
