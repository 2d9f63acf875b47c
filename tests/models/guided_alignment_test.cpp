// Guided alignment: its loss, and trainings in which a head learns links, given or the run's own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "framework/autograd/gradcheck.h"
#include "framework/io/file.h"
#include "models/architectures/convolutional/options.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/corpus/pharaoh.h"
#include "models/run/attention_choice.h"
#include "models/run/files.h"
#include "models/training/guided.h"
#include "models/training/session.h"
#include "tests/models/tokens_of.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

using testing::HasSubstr;

// Three target tokens and the end: the first has one link, the second two, the third none.
Batch linked_batch() {
  const std::vector<EncodedPair> pairs{{{5, 6, 7, 2}, {8, 9, 10}, {{1, 0}, {0, 1}, {2, 1}}},
                                       {{5, 2}, {8}, {}}};
  return make_batch(pairs, std::vector<int64_t>{0, 1});
}

TEST(GuidedAlignment, LossIsTheMeanOverLinkedTokens) {
  const Batch batch = linked_batch();
  EXPECT_EQ(batch.linked_tokens, 2);
  manual_seed(3);
  const Tensor weights = softmax(randn({2, 4, 4}, DType::f64));
  const auto w = weights.to_vector<double>();
  const double expected = -(std::log(w[1]) + (std::log(w[4]) + std::log(w[6])) / 2) / 2;
  EXPECT_NEAR(guided_alignment_loss(weights, batch).item(), expected, 1e-7);
  Tensor scores = randn({2, 4, 4}, DType::f64);
  const auto checked = gradcheck(
      [&](const std::vector<Tensor>& x) { return std::vector{guided_alignment_loss(softmax(x[0]), batch)}; },
      {scores});
  EXPECT_TRUE(checked) << checked.message;
}

TEST(GuidedAlignment, AWeightOfZeroCostsAFiniteAmountAndABatchNeedsLinks) {
  const Batch batch = linked_batch();
  EXPECT_NEAR(guided_alignment_loss(zeros({2, 4, 4}), batch).item(), -std::log(1e-9), 1e-3);
  const std::vector<EncodedPair> none{{{5, 2}, {8}, {}}};
  EXPECT_ERROR(ValueError, "guided_alignment_loss: the batch has no links",
               guided_alignment_loss(zeros({1, 2, 2}), make_batch(none, std::vector<int64_t>{0})));
}

// Words that are copied.
std::shared_ptr<const TrainingData> data_of(int count) {
  Generator generator(1);
  const auto corpus = [&](int pairs) {
    TokenisedCorpus made;
    for (int i = 0; i < pairs; ++i) {
      std::vector<std::string> words;
      for (uint64_t k = 0, length = 2 + generator.next_below(4); k < length; ++k)
        words.push_back("w" + std::to_string(generator.next_below(8)));
      made.source.push_back(words);
      made.target.push_back(words);
    }
    return made;
  };
  return std::make_shared<const TrainingData>(corpus(count), corpus(10));
}

// Each target word is linked to the source word behind the one that it copies: attention does not find that
// by itself.
WordLinks shifted(const TrainingData& data) {
  WordLinks links;
  for (const auto& words : tokens_of(*data.train).source) {
    links.emplace_back();
    const int n = static_cast<int>(words.size());
    for (int t = 0; t < n; ++t) links.back().push_back({std::min(t + 1, n - 1), t});
  }
  return links;
}

RunConfig config_of(const ModelConfig& model) {
  RunConfig config;
  config.model = model;
  config.train.batch_size = 10;
  config.train.updates = 150;
  config.train.validate_every = 50;
  config.train.keep_best_by = "loss";
  config.train.lr = 5e-3;
  config.train.log_every = 5;
  config.train.guided_alignment = 5;
  return config;
}

std::vector<std::pair<std::string, ModelConfig>> small_models() {
  TransformerOptions transformer{
      .encoder_layers = 2, .decoder_layers = 2, .model_size = 16, .feed_forward = 16, .heads = 2};
  RecurrentOptions recurrent{
      .embedding = 16, .encoder_hidden = 16, .decoder_hidden = 16, .readout = 16, .attention_size = 16};
  RecurrentOptions heads = recurrent;
  heads.attention = "multi_head";
  ConvolutionalOptions convolutional{.encoder_layers = 2, .decoder_layers = 2, .embedding = 16, .hidden = 16};
  return {{"transformer", transformer},
          {"recurrent", recurrent},
          {"heads", heads},
          {"convolutional", convolutional}};
}

double fake_clock() {
  static double now = 0;
  return now += 0.01;
}

TrainResult finish(TrainingSession session, int64_t stop = INT64_MAX) {
  int64_t update = 0;
  return session.run({.progress = [&](const TrainProgress& p) { update = p.update; },
                      .should_stop = [&] { return update >= stop; },
                      .clock = fake_clock});
}

// The mean weight that the guided map gives to the links of the pairs, in forced decoding.
double weight_on_links(const std::filesystem::path& folder, const TrainingData& data,
                       const WordLinks& links) {
  const LoadedRun run = load_run(folder);
  const EncodedData encoded = encode(run.config, run.source, run.target, data, &links);
  const AttentionMap map = guided_map(run.config.train, *run.model);
  const NoGradGuard no_grad;
  double sum = 0, count = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    const Batch batch = make_batch(encoded.train, std::vector<uint32_t>{i});
    const auto losses = run.model->losses(batch, 0, map);
    sum += std::exp(-losses.alignment.item());
    ++count;
  }
  return sum / count;
}

TEST(GuidedAlignment, AHeadOfEveryArchitectureLearnsTheLinks) {
  const auto data = data_of(100);
  const WordLinks links = shifted(*data);
  for (const auto& [name, model] : small_models()) {
    SCOPED_TRACE(name);
    const TempDir dir;
    RunConfig config = config_of(model);
    finish(TrainingSession::start(dir.path() / "guided", config, data, {.links = links}));
    EXPECT_TRUE(file_exists(dir.path() / "guided" / run_files::kGuided));
    config.train.guided_alignment = 0;
    finish(TrainingSession::start(dir.path() / "plain", config, data));
    const double guided = weight_on_links(dir.path() / "guided", *data, links),
                 plain = weight_on_links(dir.path() / "plain", *data, links);
    EXPECT_GT(guided, 0.6);
    EXPECT_LT(plain, 0.45);
    const LoadedRun run = load_run(dir.path() / "guided");
    const AttentionMap map = guided_map(run.config.train, *run.model);
    EXPECT_EQ(usual_attention(dir.path() / "guided", run.config, *run.model),
              (AttentionChoice{.layer = map.layer, .head = map.head}));
    const LoadedRun other = load_run(dir.path() / "plain");
    EXPECT_EQ(usual_attention(dir.path() / "plain", other.config, *other.model), AttentionChoice{});
  }
}

// The files of two folders that a training leaves, times left out.
void expect_same_run(const std::filesystem::path& one, const std::filesystem::path& other) {
  for (const char* file : {run_files::kModel, run_files::kGuided})
    EXPECT_EQ(read_file(one / file), read_file(other / file)) << file;
}

TEST(GuidedAlignment, ARunMakesItsOwnLinksAndResumesToTheSameBits) {
  const auto data = data_of(60);
  RunConfig config = config_of(small_models()[0].second);
  config.train.guided_from = 25;
  const TempDir dir;
  const auto at = [&](const char* name) { return dir.path() / name; };
  finish(TrainingSession::start(at("whole"), config, data));
  for (const int64_t stop : {24, 25, 26, 40}) {
    SCOPED_TRACE(stop);
    const auto folder = at(fmt::format("stopped{}", stop).c_str());
    finish(TrainingSession::start(folder, config, data), stop);
    EXPECT_EQ(file_exists(folder / run_files::kGuided), stop > 25);
    finish(TrainingSession::resume(folder, config, data));
    expect_same_run(at("whole"), folder);
  }
  const std::string metrics = read_file(at("whole") / run_files::kMetrics);
  EXPECT_EQ(metrics.substr(0, metrics.find("\"update\":25,")).find("alignment_loss"), std::string::npos);
  EXPECT_THAT(metrics, HasSubstr("\"alignment_loss\":"));
  const std::string path = (at("stopped40") / run_files::kGuided).string();
  std::filesystem::remove(path);
  config.train.updates = 200;
  EXPECT_ERROR(IoError,
               fmt::format("resume '{}': '{}', the links that its attention is guided by, is missing; it can "
                           "only be started anew",
                           at("stopped40").string(), path),
               finish(TrainingSession::resume(at("stopped40"), config, data)));
  std::ofstream(path) << "0-0\n";
  EXPECT_ERROR(FormatError, fmt::format("'{}' has 1 line, the training uses 60 pairs", path),
               finish(TrainingSession::resume(at("stopped40"), config, data)));
  std::string far;
  for (int i = 0; i < 60; ++i) far += i == 2 ? "0-99\n" : "\n";
  std::ofstream(path) << far;
  EXPECT_ERROR(
      FormatError,
      fmt::format("'{}' line 3: 0-99 is in no pair of {} and {} tokens", path,
                  tokens_of(*data->train).source[2].size() + 1, tokens_of(*data->train).target[2].size()),
      finish(TrainingSession::resume(at("stopped40"), config, data)));
}

TEST(GuidedAlignment, GivenLinksThatAreLostAreNotReplacedByOwnOnes) {
  const auto data = data_of(20);
  const TempDir dir;
  const auto folder = dir.path() / "run";
  const RunConfig config = config_of(small_models()[0].second);
  { const auto started = TrainingSession::start(folder, config, data, {.links = shifted(*data)}); }
  const std::string path = (folder / run_files::kGuided).string();
  std::filesystem::remove(path);
  EXPECT_ERROR(
      IoError,
      fmt::format("resume '{}': '{}', the links that its attention is guided by, is missing; it can only be "
                  "started anew",
                  folder.string(), path),
      finish(TrainingSession::resume(folder, config, data)));
}

TEST(GuidedAlignment, WhatDoesNotGoTogetherIsRefusedBeforeAnythingIsWritten) {
  const auto data = data_of(20);
  const WordLinks links = shifted(*data);
  const TempDir dir;
  const auto start = [&](const RunConfig& config, const std::optional<WordLinks>& given) {
    TrainingSession::start(dir.path() / "run", config, data, {.links = given});
  };
  RunConfig config = config_of(small_models()[0].second);
  EXPECT_ERROR(ValueError,
               "guided-alignment: where no alignments are given the run makes its own, when it is told at "
               "which update: --guided-from",
               start(config, std::nullopt));
  config.train.guided_from = 5;  // a file is given, and has nothing: not the run's own
  EXPECT_ERROR(ValueError, "alignments: 0 lines of 20 training pairs", start(config, WordLinks{}));
  EXPECT_ERROR(ValueError, "alignments: no training pair has a link", start(config, WordLinks(20)));
  config.train.guided_from = config.train.updates;
  EXPECT_ERROR(ValueError, "guided-from: 150 is not before the end, update 150", start(config, links));
  config.train.guided_from = 0;
  config.train.guided_layer = 2;
  EXPECT_ERROR(ValueError,
               "guided-alignment: 'Transformer 2+2, 16 wide, 2 heads' has no layer 2 with a head 0",
               start(config, links));
  config.train.guided_layer = 1;
  config.train.guided_head = 2;
  EXPECT_ERROR(ValueError,
               "guided-alignment: 'Transformer 2+2, 16 wide, 2 heads' has no layer 1 with a head 2",
               start(config, links));
  config.train.guided_head = 0;
  WordLinks wrong = links;
  wrong.pop_back();
  EXPECT_ERROR(ValueError, "alignments: 19 lines of 20 training pairs", start(config, wrong));
  wrong = links;
  wrong[4] = {{0, 9}};
  EXPECT_ERROR(ValueError,
               fmt::format("alignments: line 5 links 0-9, the pair has {0} and {0} words",
                           tokens_of(*data->train).source[4].size()),
               start(config, wrong));
  config.train.guided_alignment = 0;
  EXPECT_ERROR(ValueError, "alignments: are of --guided-alignment, which is 0", start(config, links));
  config = config_of(RecurrentOptions{.attention = "none"});
  EXPECT_ERROR(ValueError, "guided-alignment: 'no attention, LSTM 512' has no attention",
               start(config, links));
  EXPECT_FALSE(file_exists(dir.path() / "run"));
}

TEST(GuidedAlignment, LinksOfWordsBecomeLinksOfAllTheirPieces) {
  RunConfig config;
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 270;
  config.train.joint = true;
  const TokenisedCorpus corpus{{{"abcab", "bca"}, {"cab", "abc", "bcabc"}},
                               {{"bca", "abcab"}, {"abc", "cab"}}};
  const TextFiles text = learn_text(config, PairsInMemory(corpus));
  const auto [source, target] = codecs_of(config, [&](const std::string& name) {
    return NamedContent{name, text.at(name)};
  });
  const WordLinks words{{{0, 1}, {1, 0}}, {{2, 0}}};
  const EncodedData data = encode(config, source, target, TrainingData(corpus, corpus), &words);
  for (size_t i = 0; i < 2; ++i) {
    const auto from = source.encode(corpus.source[i]), to = target.encode(corpus.target[i]);
    std::vector<AlignmentLink> expected;
    for (size_t t = 0; t < to.ids.size(); ++t)
      for (size_t s = 0; s < from.ids.size(); ++s) {
        const int a = from.word_of[s], b = to.word_of[t];
        if (i == 0 ? a + b == 1 : a == 2 && b == 0)
          expected.push_back({static_cast<int>(s), static_cast<int>(t)});
      }
    EXPECT_EQ(data.train[static_cast<int64_t>(i)].links, expected);
  }
}

}  // namespace
}  // namespace heed::models
