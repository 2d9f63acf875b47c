// Training: it learns, it resumes bit for bit, the run folder says what is wrong with it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <optional>
#include <regex>
#include <set>

#include "framework/io/file.h"
#include "models/architectures/recurrent/options.h"
#include "models/architectures/transformer/options.h"
#include "models/corpus/pharaoh.h"
#include "models/decoding/forced.h"
#include "models/evaluation/evaluation.h"
#include "models/grammar/demo_corpus.h"
#include "models/metrics/loss.h"
#include "models/text/unicode.h"
#include "models/training/session.h"
#include "models/training/spacing.h"
#include "tests/models/copy_task.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

// `loss` is a mean since the last report, `update_loss` that of the update.
TEST(Trainer, ReportsTheLossOfEachUpdate) {
  const TempDir folder;
  RunConfig config = tiny_config();
  config.train.epochs = 1;
  int equal = 0, other = 0;
  TrainingSession session = TrainingSession::start(folder.path(), config, copy_data());
  session.run({.progress =
                   [&](const TrainProgress& p) {
                     if (p.update % config.train.log_every == 1) {
                       EXPECT_NEAR(p.loss, p.update_loss, 1e-9);
                       ++equal;
                     } else {
                       other += std::abs(p.loss - p.update_loss) > 1e-4;
                     }
                   },
               .clock = fake_clock});
  EXPECT_GE(equal, 3);
  EXPECT_GE(other, 15);
}

TEST(Trainer, LearnsATaskThatChanceCannotSolve) {
  const TempDir folder;
  RunConfig config = tiny_config();
  config.train.epochs = 30;
  const TrainResult result = train(folder.path(), config);
  EXPECT_TRUE(result.finished);
  EXPECT_GT(result.best.at("bleu"), 60);
  const LoadedRun run = load_run(folder.path());
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"w3 w1 w7", "", "w2 w2"};
  const auto outputs = translator.translate(lines);
  EXPECT_EQ(outputs[1].target.text, "");
  EXPECT_EQ(outputs[0].source.tokens.size(), 4U);
  EXPECT_TRUE(outputs[0].source.tokens.back().eos);
  const auto pairs = copy_corpus(30, 3);
  std::vector<AlignedPair> gold;
  for (size_t i = 0; i < pairs.source.size(); ++i) {
    gold.push_back({pairs.source[i], pairs.target[i], {}, {}, {}});
    for (int k = 0; k < static_cast<int>(pairs.source[i].size()); ++k) gold.back().sure.push_back({k, k});
  }
  const auto alignment = evaluate_alignment(translator, gold);
  ASSERT_TRUE(alignment);
  EXPECT_EQ(alignment->perfect.error_rate(), 0);
  EXPECT_LT(alignment->attention.error_rate(), 0.5);  // a random link is wrong in three of four cases
}

TEST(Translator, AnUnknownWordIsReplacedByTheSourceWordThatAttentionRestsOn) {
  const TempDir folder;
  TokenisedCorpus corpus = copy_corpus(300, 4);
  // a word of its own in each pair: unknown on both sides
  for (size_t i = 0; i < corpus.source.size(); ++i) {
    const size_t at = i % corpus.source[i].size();
    corpus.source[i][at] = "w" + std::to_string(1000 + i);
    corpus.target[i][at] = "v" + std::to_string(1000 + i);
  }
  RunConfig config = tiny_config();
  config.train.min_count = 2;
  config.train.epochs = 25;
  const auto data = std::make_shared<const TrainingData>(corpus, copy_corpus(20, 2));
  TrainingSession::start(folder.path(), config, data).run({.clock = fake_clock});
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"w3 W777 w5", "w1 w4 Zoe", "Bob w2 w2 w9"};
  const auto plain = translator.translate(lines),
             replaced = translator.translate(lines, {.replace_unknown = true});
  int found = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(plain[i].target.tokens.size(), replaced[i].target.tokens.size());
    for (size_t t = 0; t < plain[i].target.tokens.size(); ++t) {
      const TranslationToken &before = plain[i].target.tokens[t], &after = replaced[i].target.tokens[t];
      EXPECT_EQ(before.text == after.text, !before.unk);
      if (!before.unk) continue;
      ++found;
      const auto row = mean_attention(plain[i])[t];
      const auto best = std::max_element(row.begin(), row.end() - 1) - row.begin();  // </s> is no word
      EXPECT_EQ(after.text, plain[i].source.tokens[static_cast<size_t>(best)].text);
      EXPECT_NE(replaced[i].target.text.find(after.text), std::string::npos);
    }
  }
  EXPECT_GE(found, 2);
}

TEST(Trainer, ResumedTrainingEqualsUninterruptedBitForBit) {
  const TempDir whole, parts;
  train(whole.path(), tiny_config());
  train(parts.path(), tiny_config(), {1, 13, 25, 60});  // within epochs and at their ends
  const auto bytes = [](const TempDir& dir, const char* file) { return read_file(dir.path() / file); };
  EXPECT_EQ(bytes(whole, "model.safetensors"), bytes(parts, "model.safetensors"));
  const auto a = load_safetensors(whole.path() / "state.safetensors"),
             b = load_safetensors(parts.path() / "state.safetensors");
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, x] : a.tensors) {
    if (name.ends_with("seconds")) continue;
    EXPECT_EQ(x.to(DType::f64).to_vector<double>(), b.tensors.at(name).to(DType::f64).to_vector<double>())
        << name;
  }
  const auto losses = [&](const TempDir& dir) {
    std::vector<std::string> kept;
    std::ifstream file(dir.path() / "metrics.jsonl");
    for (std::string line; std::getline(file, line);)
      kept.push_back(line.substr(0, line.find("\"tokens_per_second\"")));
    for (std::string& line : kept) line = line.substr(0, line.find(",\"seconds\""));
    return kept;
  };
  EXPECT_EQ(losses(whole), losses(parts));
}

TEST(RunConfig, NumbersOutsideTheirRangesAreRefused) {
  const auto with = [](double TrainConfig::*field, double value) {
    RunConfig config = tiny_config();
    config.train.*field = value;
    check(config);
  };
  EXPECT_ERROR(ValueError, "lr: must be above 0, got inf", with(&TrainConfig::lr, INFINITY));
  EXPECT_ERROR(ValueError, "lr-floor: must not be negative, got -0.5", with(&TrainConfig::lr_floor, -0.5));
  EXPECT_ERROR(ValueError, "lr-floor: must not be negative, got nan", with(&TrainConfig::lr_floor, NAN));
  EXPECT_ERROR(ValueError, "weight-decay: must not be negative, got -0.1",
               with(&TrainConfig::weight_decay, -0.1));
}

// A state as heed 0.1.0 wrote it: numbers by their place in vectors, one counter of Adam's for all
// parameters.
NamedTensors as_version_1(std::map<std::string, Tensor> tensors, int64_t updates) {
  const auto whole = [&](const char* name) {
    return tensors.at(std::string("training.") + name).to_vector<int64_t>()[0];
  };
  const auto real = [&](const char* name) {
    return tensors.at(std::string("training.") + name).to_vector<double>()[0];
  };
  NamedTensors old{
      {"adam.steps", from_vector<int64_t>({updates}, {1})},
      {"cursor", from_vector<int64_t>({whole("update"), whole("epoch"), whole("batch"), whole("best_update"),
                                       whole("without_improvement"), whole("train_pairs"),
                                       whole("validation_pairs"), whole("loss_tokens")},
                                      {8})},
      {"progress", from_vector<double>(
                       {real("best.bleu"), real("seconds"), real("loss_sum"), real("loss_seconds")}, {4})},
      {"skipped", from_vector<int64_t>({whole("skipped")}, {1})},
      {"best", from_vector<double>({real("best.chrf"), real("best.loss")}, {2})},
      {"random", from_vector<int64_t>({whole("random_seed"), whole("random_draws")}, {2})}};
  for (const auto& [name, value] : tensors) {
    if (!name.starts_with("adam.steps.") && !name.starts_with("training.")) old.emplace_back(name, value);
  }
  return old;
}

TEST(Trainer, ARunOfAnOlderHeedIsResumed) {
  const TempDir whole, parts;
  const RunConfig config = tiny_config();
  train(whole.path(), config);
  int64_t asked = 0;
  const TrainCallbacks stopping{.should_stop = [&] { return ++asked == 13; }, .clock = fake_clock};
  EXPECT_FALSE(TrainingSession::start(parts.path(), config, copy_data()).run(stopping).finished);
  const std::filesystem::path path = parts.path() / "state.safetensors";
  save_safetensors(path, as_version_1(load_safetensors(path).tensors, 13), {{"format", "heed.state"}});
  EXPECT_TRUE(TrainingSession::resume(parts.path(), config, copy_data()).run({.clock = fake_clock}).finished);
  EXPECT_EQ(read_file(whole.path() / "model.safetensors"), read_file(parts.path() / "model.safetensors"));
}

// bf16 belongs to the updates: validation, what is stored and whoever trains next are in f32.
TEST(Trainer, Bf16StaysInsideTheUpdates) {
  RunConfig config = tiny_config();
  RecurrentOptions& model = config.model.as<RecurrentOptions>();
  model.encoder_hidden = model.embedding = model.attention_size = 64;  // sizes at which products go to bf16
  model.decoder_hidden = 128;
  config.train.batch_size = 64;
  config.train.epochs = 3;
  const TempDir f32, bf16, parts;
  train(f32.path(), config);
  config.train.precision = Precision::bf16;
  const TrainResult result = train(bf16.path(), config);
  EXPECT_FALSE(AutocastGuard::active());
  train(parts.path(), config, {2, 5});
  const auto weights = [](const TempDir& dir) { return read_file(dir.path() / "model.safetensors"); };
  EXPECT_EQ(weights(bf16), weights(parts));  // and it resumes bit for bit
  if (has_bf16_products()) {
    EXPECT_NE(weights(bf16), weights(f32));
  } else {
    EXPECT_EQ(weights(bf16), weights(f32));
  }
  // The last validation again, by a model in f32 on the weights of the last update.
  const SafetensorsFile state = load_safetensors(bf16.path() / "state.safetensors");
  std::map<std::string, Tensor> last;
  for (const auto& [name, value] : state.tensors) {
    if (name.starts_with("weights.")) last.emplace(name.substr(8), value);
  }
  const LoadedRun run = load_run(bf16.path());
  run.model->load(last, "state");
  std::vector<EncodedPair> pairs;
  const TokenisedCorpus validation = copy_corpus(20, 2);
  for (size_t i = 0; i < validation.source.size(); ++i) {
    pairs.push_back(
        {encode_source(run.source, validation.source[i]), run.target.encode(validation.target[i]).ids});
  }
  const std::string metrics = read_file(bf16.path() / "metrics.jsonl");
  const std::string last_line =
      metrics.substr(metrics.rfind("{\"update\":" + std::to_string(result.updates)));
  EXPECT_THAT(last_line,
              testing::HasSubstr(fmt::format("\"validation_loss\":{:.6f}", corpus_loss(*run.model, pairs))));
}

RunConfig tiny_transformer() {
  RunConfig config = tiny_config();
  config.model = TransformerOptions{
      .decoder_layers = 1, .model_size = 24, .feed_forward = 32, .heads = 2, .tie = Tie::all, .dropout = 0.0};
  config.train.subwords = SubwordKind::bpe;
  config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
  config.train.subword_vocabulary = 20;  // w, v, digits and few of their pairs: some words are two pieces
  config.train.joint = true;
  config.train.batch_tokens = 90;
  config.train.validate_every = 20;
  config.train.average = 3;
  return config;
}

TEST(Trainer, ATransformerOnSubwordsLearnsAndItsRecordsAreOfWords) {
  const TempDir folder;
  RunConfig config = tiny_transformer();
  config.train.epochs = 25;
  EXPECT_GT(train(folder.path(), config).best.at("bleu"), 15);  // words at random give 2
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"w3 w11 w7 w10"};
  ASSERT_GT(translator.run().source.encode(std::vector<std::string>{"w3", "w11", "w7", "w10"}).ids.size(),
            4U);
  for (const Translation& output : translator.translate(lines, {.search = {.beam = 3, .n_best = 2}})) {
    ASSERT_EQ(output.source.tokens.size(), 5U);
    EXPECT_EQ(output.source.tokens[1].text, "w11");
    ASSERT_EQ(output.attention.size(), 2U);
    for (const AttentionWeights& map : output.attention) {
      ASSERT_EQ(map.weights.size(), output.target.tokens.size());
      for (const auto& row : map.weights) {
        ASSERT_EQ(row.size(), 5U);
        EXPECT_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1, 1e-5);
      }
    }
  }
  const std::vector<std::string> target{"v3 v11 v7 v10"};
  const Translation forced = translator.force(lines, target).front();
  ASSERT_EQ(forced.target.tokens.size(), 5U);
  EXPECT_EQ(forced.target.tokens[1].text, "v11");
  EXPECT_EQ(forced.attention.front().weights.size(), 5U);
}

TEST(Translator, SelfAttentionOfPiecesBecomesThatOfWords) {
  const TempDir folder;
  RunConfig config = tiny_transformer();
  config.train.epochs = 2;
  train(folder.path(), config);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::vector<std::string>> sources{{"w3", "w11", "w7", "w10"}, {"w5"}},
      outputs{{"v3", "v11", "v7", "v10"}, {"v5"}};
  const std::vector<std::string> lines{join(sources[0]), join(sources[1])},
      targets{join(outputs[0]), join(outputs[1])};
  const auto forced = translator.force(lines, targets, {.self_attention = true});
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto source = translator.run().source.encode(sources[i]),
               target = translator.run().target.encode(outputs[i]);
    std::vector<int> source_ids = source.ids, source_word = source.word_of, written = target.word_of, read{0};
    const size_t words = sources[i].size();  // as many on both sides
    ASSERT_GT(target.ids.size(), i == 0 ? words : 0);
    source_ids.push_back(Vocabulary::kEos);
    source_word.push_back(static_cast<int>(words));
    written.push_back(static_cast<int>(words));
    for (const int word : target.word_of) read.push_back(word + 1);
    const std::vector<EncodedPair> pair{{source_ids, target.ids}};
    const SelfAttentionMaps units = self_attention(*translator.run().model, pair).front();
    const auto compare = [&](const std::vector<AttentionWeights>& found, const auto& maps,
                             const std::vector<int>& row_of, const std::vector<int>& column_of) {
      ASSERT_EQ(found.size(), maps.size());
      for (size_t m = 0; m < maps.size(); ++m) {
        ASSERT_EQ(found[m].weights.size(), words + 1);
        for (size_t r = 0; r <= words; ++r) {
          ASSERT_EQ(found[m].weights[r].size(), words + 1);
          for (size_t c = 0; c <= words; ++c) {
            double total = 0, rows = 0;
            for (size_t u = 0; u < row_of.size(); ++u) {
              if (row_of[u] != static_cast<int>(r)) continue;
              ++rows;
              for (size_t v = 0; v < column_of.size(); ++v)
                total += column_of[v] == static_cast<int>(c) ? maps[m][u][v] : 0.0F;
            }
            EXPECT_NEAR(found[m].weights[r][c], total / rows, 1e-6);
          }
        }
      }
    };
    compare(forced[i].encoder_self_attention, units.encoder, source_word, source_word);
    compare(forced[i].decoder_self_attention, units.decoder, written, read);
  }
}

// Scripts with and without spaces and cases, from either side, through pieces and bytes.
TEST(Translator, FiveScriptsComeBackAsTheyAreWritten) {
  const TempDir folder;
  const std::vector<std::string> written{
      "Le Fran\u00E7ais, d\u00E9j\u00E0 l\u00E0\u00A0!",                            // Latin
      "\u041F\u0440\u0438\u0432\u0435\u0442, \u041C\u0438\u0440!",                  // Cyrillic
      "\u0643\u064A\u0641 \u062D\u0627\u0644\u0643\u061F",                          // Arabic
      "\u6211\u662F\u5B66\u751F\uFF0C\u4F60\u5462\uFF1F",                           // Han
      "\u3042\u308A\u304C\u3068\u3046\u3001\u30A2\u30F3\u30CA\u3055\u3093\u3002"};  // kana
  ParallelLines lines{written, written};
  std::ranges::rotate(lines.target, lines.target.begin() + 1);
  RunConfig config = tiny_config();
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 400;
  config.train.joint = true;
  config.train.epochs = 300;
  TrainingSession::start(folder.path(), config, prepare(config, lines, lines)).run({.clock = [] {
    return 0.0;
  }});
  const Translator translator(load_run(folder.path()));
  const std::vector<Translation> outputs = translator.translate(lines.source);
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].source.text, lines.source[i]);
    EXPECT_EQ(outputs[i].target.text, lines.target[i]);
  }
}

// White space that the training text has comes back, and a run whose text has none is given single spaces.
TEST(Translator, SpacingIsKeptOnTheSidesThatHaveAny) {
  const std::vector<std::string> plain{"my dog", "the red cat", "we run", "no fish here"},
      spaced{"mon  chien", "le\tchat  rouge ", " nous courons", "aucun poisson   ici"};
  for (const bool source_side : {false, true}) {
    const TempDir folder;
    const ParallelLines lines = source_side ? ParallelLines{spaced, plain} : ParallelLines{plain, spaced};
    RunConfig config = tiny_config();
    config.train.subwords = SubwordKind::bpe;
    config.train.subword_vocabulary = 320;
    config.train.joint = true;
    config.train.epochs = 300;
    config = with_spacing_of(config, lines);
    EXPECT_EQ(config.source_text.spacing, source_side ? Spacing::kept : Spacing::one);
    EXPECT_EQ(config.target_text.spacing, source_side ? Spacing::one : Spacing::kept);
    EXPECT_EQ(spacing_text(config), std::string("white space is kept as it is written in ") +
                                        (source_side ? "sources" : "targets"));
    TrainingSession::start(folder.path(), config, prepare(config, lines, lines)).run({.clock = [] {
      return 0.0;
    }});
    const Translator translator(load_run(folder.path()));
    const std::vector<Translation> outputs = translator.translate(lines.source);
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].source.text, lines.source[i]);
      EXPECT_EQ(outputs[i].target.text, lines.target[i]);
      for (const TranslationToken& token : outputs[i].target.tokens) {
        if (token.eos) continue;
        EXPECT_EQ(token.text,
                  lines.target[i].substr(token.span->first, token.span->second - token.span->first));
      }
    }
    if (source_side) continue;
    const std::vector<std::string> typed{"my   dog"};
    EXPECT_EQ(translator.translate(typed).front().target.text, lines.target.front());
  }
}

// Of characters, whose vocabulary has no white space either.
TEST(Translator, SpacingOfCharactersIsKept) {
  const TempDir folder;
  const ParallelLines lines{{"ab", "ba", "aab"}, {" a\tb", "b\u00A0 a ", "a  \u3000\u2581b"}};
  RunConfig config = tiny_config();
  config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::characters;
  config.train.epochs = 300;
  config = with_spacing_of(config, lines);
  EXPECT_EQ(config.source_text.spacing, Spacing::one);
  EXPECT_EQ(config.target_text.spacing, Spacing::kept);
  TrainingSession::start(folder.path(), config, prepare(config, lines, lines)).run({.clock = [] {
    return 0.0;
  }});
  const std::vector<Translation> outputs = Translator(load_run(folder.path())).translate(lines.source);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i].target.text, lines.target[i]);
}

TEST(Spacing, IsKeptWhereOneLineInAThousandHasSome) {
  RunConfig config = tiny_config();
  config.train.subwords = SubwordKind::bpe;
  const auto spacing = [&](size_t lines, size_t other, const RunConfig& of) {
    std::vector<std::string> text(lines, "a b");
    std::fill_n(text.begin(), other, "a  b");
    const RunConfig in_memory = with_spacing_of(of, {text, std::vector<std::string>(lines, " x y ")});
    EXPECT_EQ(in_memory.target_text.spacing, Spacing::one);
    const TempDir folder;
    std::string all;
    for (const std::string& line : text) all += line + "\n";
    write_file_atomically(folder / "a", all);
    write_file_atomically(folder / "b", "x y\n");
    EXPECT_EQ(with_spacing_of(of, folder / "a", folder / "b"), in_memory);
    return in_memory.source_text.spacing;
  };
  EXPECT_EQ(spacing(1000, 0, config), Spacing::one);
  EXPECT_EQ(spacing(1000, 1, config), Spacing::kept);
  EXPECT_EQ(spacing(1001, 1, config), Spacing::one);
  EXPECT_EQ(spacing(3, 3, tiny_config()), Spacing::one);  // words of Moses' rules
  config.source_text.spacing = Spacing::one;
  EXPECT_EQ(spacing(3, 3, config), Spacing::one);
  RunConfig words = tiny_config();
  words.source_text = {.tokenizer = Tokenizer::none, .spacing = Spacing::kept};
  EXPECT_ERROR(ValueError,
               "spacing: kept is of text as it is, of subwords with --tokenizer none or of characters",
               check(words));
  words.source_text.tokenizer = Tokenizer::characters;
  check(words);
  // what a run of an older version did, which says nothing
  std::string toml = to_toml(resolved(words));
  for (size_t at; (at = toml.find("spacing = ")) != toml.npos;) toml.erase(at, toml.find('\n', at) + 1 - at);
  EXPECT_EQ(parse_run_config(toml, "c").source_text.spacing, Spacing::one);
  EXPECT_EQ(parse_run_config(to_toml(words), "c").source_text.spacing, Spacing::kept);
}

// Raw text: nothing is unknown, the output is spelt as the corpus is, white space of print included.
TEST(Translator, ARunOnRawTextReadsAnythingAndWritesWhatItLearned) {
  const TempDir folder;
  ParallelLines lines;
  for (const char* name : {"Anna", "Otto", "Ida"}) {
    for (const char* what : {"Ça va", "Où", "Non"}) {
      lines.source.push_back(std::string(name) + ", " + what + "?");
      lines.target.push_back("\u00AB\u00A0" + std::string(what) + "\u202F?\u00A0\u00BB " + name);
    }
  }
  RunConfig config = tiny_config();
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 300;
  config.train.joint = true;
  config.train.epochs = 150;
  const auto data = prepare(config, lines, lines);
  TrainingSession session = TrainingSession::start(folder.path(), config, data);
  EXPECT_EQ(session.config().source_text.tokenizer, Tokenizer::none);
  session.run({.clock = [] { return 0.0; }});
  const Translator translator(load_run(folder.path()));
  const std::vector<Translation> outputs = translator.translate(lines.source);
  for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i].target.text, lines.target[i]);
  const std::string strange = "\u6211 \u0645\u0631 \U0001F468\u200D\U0001F469 &amp;";
  const Translation translation = translator.translate(std::vector<std::string>{strange}).front();
  ASSERT_EQ(translation.source.tokens.size(), 5U);
  EXPECT_EQ(translation.source.tokens[3].text, "&amp;");
  for (const TranslationToken& token : translation.source.tokens) EXPECT_FALSE(token.unk) << token.text;
  EXPECT_FALSE(first_invalid_utf8(translation.target.text));
}

// A recurrent model on pieces of vocabularies of their own: a word's attention is the mean of its target
// pieces' over the sum of the source's.
TEST(Translator, CrossAttentionOfPiecesBecomesThatOfWords) {
  for (const SubwordKind kind : {SubwordKind::unigram, SubwordKind::bpe}) {
    const TempDir folder;
    RunConfig config = tiny_config();
    config.train.subwords = kind;
    config.source_text.tokenizer = config.target_text.tokenizer = Tokenizer::words;
    config.train.subword_vocabulary = 20;
    config.train.joint = false;
    config.train.epochs = 2;
    train(folder.path(), config);
    EXPECT_NE(read_file(folder.path() / "source.spm"), read_file(folder.path() / "target.spm"))
        << name_of_choice(kind);
    const Translator translator(load_run(folder.path()));
    const std::vector<std::string> words{"w3", "w11", "w7", "w10"}, output{"v3", "v11", "v7", "v10"};
    const auto source = translator.run().source.encode(words),
               target = translator.run().target.encode(output);
    ASSERT_GT(target.ids.size(), output.size()) << name_of_choice(kind);
    std::vector<int> source_ids = source.ids, column_of = source.word_of, row_of = target.word_of;
    source_ids.push_back(Vocabulary::kEos);
    column_of.push_back(static_cast<int>(words.size()));
    row_of.push_back(static_cast<int>(output.size()));
    const std::vector<EncodedPair> pair{{source_ids, target.ids}};
    const auto units = forced_decoding(*translator.run().model, pair).front().attention.front();
    const std::vector<std::string> line{join(words)}, given{join(output)};
    const Translation forced = translator.force(line, given).front();
    const auto found = forced.attention.front().weights;
    ASSERT_TRUE(forced.pieces);
    EXPECT_EQ(forced.pieces->attention.front().weights, units);
    EXPECT_EQ(forced.pieces->source.size(), source_ids.size());
    EXPECT_EQ(parse_translation(to_json_line(forced), "x", 1).pieces->target, forced.pieces->target);
    ASSERT_EQ(found.size(), output.size() + 1) << name_of_choice(kind);
    ASSERT_EQ(units.size(), row_of.size()) << name_of_choice(kind);
    for (size_t r = 0; r < found.size(); ++r) {
      ASSERT_EQ(found[r].size(), words.size() + 1) << name_of_choice(kind);
      for (size_t c = 0; c < found[r].size(); ++c) {
        double total = 0, rows = 0;
        for (size_t u = 0; u < row_of.size(); ++u) {
          if (row_of[u] != static_cast<int>(r)) continue;
          ++rows;
          for (size_t v = 0; v < column_of.size(); ++v)
            total += column_of[v] == static_cast<int>(c) ? static_cast<double>(units[u][v]) : 0.0;
        }
        EXPECT_NEAR(found[r][c], total / rows, 1e-5) << name_of_choice(kind);
      }
    }
  }
}

// Column c is word c - 1 of the output: a row ends with its own word, of which only the earlier pieces were
// read.
void expect_looks_back(const Translation& output) {
  for (const AttentionWeights& map : output.decoder_self_attention) {
    ASSERT_EQ(map.weights.size(), output.target.tokens.size());
    for (size_t t = 0; t < map.weights.size(); ++t) {
      ASSERT_EQ(map.weights[t].size(), decoder_columns(output));
      EXPECT_NEAR(std::accumulate(map.weights[t].begin(), map.weights[t].end(), 0.0), 1, 1e-5);
      for (size_t c = t + 2; c < map.weights[t].size(); ++c) EXPECT_EQ(map.weights[t][c], 0);
    }
  }
}

TEST(Translator, SelfAttentionOfEveryHypothesisOnRequest) {
  const TempDir folder;
  RunConfig config = tiny_transformer();
  config.train.epochs = 10;
  train(folder.path(), config);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"w3 w11 w7 w10", "", "w5 w2"};
  const auto& model = translator.run().config.model.as<TransformerOptions>();
  const auto encoder_maps = static_cast<size_t>(model.heads * model.encoder_layers),
             decoder_maps = static_cast<size_t>(model.heads * model.decoder_layers);
  for (const SearchOptions& search :
       {SearchOptions{.beam = 3, .n_best = 2}, SearchOptions{.n_best = 2, .temperature = 1.0},
        SearchOptions{.max_length = 2}}) {
    const auto plain = translator.translate(lines, {.search = search});
    auto outputs = translator.translate(lines, {.search = search, .self_attention = true});
    ASSERT_EQ(plain.size(), outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      Translation& output = outputs[i];
      EXPECT_TRUE(plain[i].encoder_self_attention.empty() && plain[i].decoder_self_attention.empty());
      if (!output.source.text.empty()) {
        EXPECT_EQ(output.encoder_self_attention.size(), encoder_maps);
        EXPECT_EQ(output.decoder_self_attention.size(), decoder_maps);
      }
      for (const AttentionWeights& map : output.encoder_self_attention) {
        ASSERT_EQ(map.weights.size(), output.source.tokens.size());
        for (const auto& row : map.weights)
          EXPECT_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1, 1e-5);
      }
      expect_looks_back(output);
      const Translation read_back = parse_translation(to_json_line(output), "x", 1);
      EXPECT_EQ(read_back.decoder_self_attention.size(), output.decoder_self_attention.size());
      output.encoder_self_attention.clear();
      output.decoder_self_attention.clear();
      if (output.pieces) output.pieces->encoder_self_attention = output.pieces->decoder_self_attention = {};
      EXPECT_EQ(output, plain[i]);
    }
  }
}

TEST(Translator, SelfAttentionOfARecurrentModelIsRefused) {
  const TempDir folder;
  RunConfig config = tiny_config();
  config.train.epochs = 1;
  train(folder.path(), config);
  const Translator translator(load_run(folder.path()));
  const std::vector<std::string> lines{"w3"};
  const std::string none = "'additive attention, LSTM 48' has no self-attention";
  EXPECT_ERROR(ValueError, "translate: " + none, translator.translate(lines, {.self_attention = true}));
  EXPECT_ERROR(ValueError, "forced decoding: " + none,
               translator.force(lines, lines, {.self_attention = true}));
}

TEST(Trainer, ResumedTransformerEqualsUninterruptedAndCheckpointsAreAveraged) {
  const TempDir whole, parts;
  const TrainResult result = train(whole.path(), tiny_transformer());
  train(parts.path(), tiny_transformer(), {1, 20, 33});
  EXPECT_EQ(read_file(whole.path() / "model.safetensors"), read_file(parts.path() / "model.safetensors"));
  std::vector<std::filesystem::path> kept;
  for (const auto& entry : std::filesystem::directory_iterator(whole.path())) {
    if (entry.path().filename().string().starts_with("checkpoint-")) kept.push_back(entry.path());
  }
  ASSERT_EQ(kept.size(), 3U);
  std::string last;
  std::ifstream metrics(whole.path() / "metrics.jsonl");
  for (std::string line; std::getline(metrics, line);) last = line;
  ASSERT_NE(last.find("\"averaged\":3"), std::string::npos) << last;
  if (last.find("\"best\":true") == std::string::npos) return;  // a single one validated better and was kept
  EXPECT_EQ(result.best_update, result.updates);
  const auto model = load_safetensors(whole.path() / "model.safetensors").tensors;
  for (const auto& [name, value] : model) {
    Tensor total;
    for (const auto& path : kept) {
      const Tensor x = load_safetensors(path).tensors.at(name).to(DType::f64);
      total = total.defined() ? total + x : x;
    }
    const auto mean = (total / 3.0).to_vector<double>();
    const auto found = value.to(DType::f64).to_vector<double>();
    for (size_t i = 0; i < mean.size(); ++i) ASSERT_NEAR(found[i], mean[i], 1e-6) << name;
  }
}

TEST(Trainer, ResumeRefusesAnotherCorpus) {
  const TempDir folder;
  RunConfig config = tiny_config();
  config.train.updates = 2;
  train(folder.path(), config);
  const auto other = std::make_shared<const TrainingData>(copy_corpus(150, 9), copy_corpus(20, 2));
  EXPECT_THAT([&] { TrainingSession::resume(folder.path(), config, other).run({.clock = fake_clock}); },
              testing::ThrowsMessage<FormatError>(
                  testing::HasSubstr("was trained on 200 and validated on 20 pairs")));
}

TEST(Trainer, StopsEarlyWhenPatienceEnds) {
  const TempDir folder;
  RunConfig config = tiny_config();
  config.train.lr = 1e-12;  // never better after the first time, but for the last digits of the loss
  config.train.keep_best_by = "bleu";
  config.train.patience = 2;
  const TrainResult result = train(folder.path(), config);
  EXPECT_TRUE(result.finished);
  EXPECT_LT(result.updates, config.train.epochs * 25);
  EXPECT_EQ(result.updates, result.best_update + 2 * 25);
}

// Makes the first cotangent of chosen backward passes NaN: a gradient that is none, of a loss that is finite.
class BadGradients : public BackwardHook {
 public:
  explicit BadGradients(std::set<int64_t> updates) : updates_(std::move(updates)) {}
  void before(Node& node) override {
    if (update == seen_) return;
    seen_ = update;
    if (!updates_.contains(update)) return;
    for (int i = 0; i < node.output_count(); ++i) {
      if (node.cotangents[i].defined()) node.cotangents[i] = node.cotangents[i] * static_cast<double>(NAN);
    }
  }
  int64_t update = 1;  // the one that is computed

 private:
  std::set<int64_t> updates_;
  int64_t seen_ = 0;
};

TEST(Trainer, ABadGradientStopsTheTrainingOrItsUpdateIsLeftOut) {
  for (const double clip : {0.0, 1.0}) {
    RunConfig config = tiny_config();
    config.train.clip = clip;
    config.train.updates = 20;
    config.train.log_every = 1;
    const auto run = [&](const std::filesystem::path& folder, const std::set<int64_t>& bad, int64_t stop,
                         bool resume) {
      BadGradients hook(bad);
      TrainingSession session = resume ? TrainingSession::resume(folder, config, copy_data())
                                       : TrainingSession::start(folder, config, copy_data());
      return session.run({.ready = [&](const Trainer& trainer) { hook.update = trainer.update() + 1; },
                          .progress = [&](const TrainProgress& p) { hook.update = p.update + 1; },
                          .should_stop = [&] { return hook.update > stop; },
                          .clock = fake_clock});
    };
    const TempDir stopped, whole, parts;
    config.train.on_bad_gradient = BadGradient::stop;
    EXPECT_ERROR(Error, "training: the norm of the gradient is nan at update 3; try a lower lr",
                 run(stopped.path(), {3}, INT64_MAX, false));
    EXPECT_FALSE(std::filesystem::exists(stopped.path() / "model.safetensors"));

    config.train.on_bad_gradient = BadGradient::skip;
    const TrainResult result = run(whole.path(), {1, 3, 11}, INT64_MAX, false);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.updates, 20);
    EXPECT_EQ(result.skipped, 3);
    std::ifstream metrics(whole.path() / "metrics.jsonl");
    std::vector<std::string> lines;
    for (std::string line; std::getline(metrics, line);) {
      if (line.find("validation") == std::string::npos) lines.push_back(line);
    }
    ASSERT_EQ(lines.size(), 20U);
    EXPECT_THAT(lines[0],
                testing::AllOf(testing::HasSubstr("\"loss\":null"), testing::HasSubstr("\"skipped\":1,")));
    EXPECT_THAT(lines[1], testing::Not(testing::HasSubstr("null")));
    EXPECT_THAT(lines[19], testing::HasSubstr("\"skipped\":3,"));

    run(parts.path(), {1, 3, 11}, 7, false);  // the count goes on with the run, and so do its bits
    EXPECT_EQ(run(parts.path(), {1, 3, 11}, INT64_MAX, true).skipped, 3);
    EXPECT_EQ(read_file(whole.path() / "model.safetensors"), read_file(parts.path() / "model.safetensors"));
  }
  const std::string text = std::regex_replace(to_toml(tiny_config()), std::regex("on_bad_gradient = 'stop'"),
                                              "on_bad_gradient = 'ignore'");
  EXPECT_ERROR(FormatError, "'config.toml': on-bad-gradient: 'ignore' is not known (stop, skip)",
               parse_run_config(text, "config.toml"));
}

class BrokenRun : public testing::Test {
 protected:
  void SetUp() override {
    RunConfig config = tiny_config();
    config.train.updates = 2;
    train(folder.path(), config);
  }
  void write(const char* file, const std::string& content) const {
    std::ofstream(folder.path() / file, std::ios::binary) << content;
  }
  std::string load_error() const {
    try {
      load_run(folder.path());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  TempDir folder;
};

TEST_F(BrokenRun, LoadsWhileItIsWhole) { EXPECT_EQ(load_error(), ""); }

TEST_F(BrokenRun, NamesAMissingFile) {
  for (const char* file : {"config.toml", "source.vocab", "target.vocab", "model.safetensors"}) {
    const std::string before = read_file(folder.path() / file);
    std::filesystem::remove(folder.path() / file);
    EXPECT_THAT(load_error(),
                testing::AllOf(testing::HasSubstr(file), testing::AnyOf(testing::HasSubstr("No such file"),
                                                                        testing::HasSubstr("is missing"))))
        << file;
    write(file, before);
  }
}

TEST_F(BrokenRun, NamesATruncatedOrForeignFile) {
  const std::string weights = read_file(folder.path() / "model.safetensors");
  for (const size_t size : {size_t{0}, size_t{5}, size_t{100}, weights.size() / 2, weights.size() - 1}) {
    write("model.safetensors", weights.substr(0, size));
    EXPECT_THAT(load_error(), testing::HasSubstr("model.safetensors")) << size;
  }
  write("model.safetensors", "This is not what it says.");
  EXPECT_THAT(load_error(), testing::HasSubstr("model.safetensors"));
  write("model.safetensors", weights);
  const std::string config = read_file(folder.path() / "config.toml");
  write("config.toml", "[model]\nattention = 3\n");
  EXPECT_THAT(load_error(), testing::HasSubstr("is not the config of a heed run"));
  write("config.toml", "a b c");
  EXPECT_THAT(load_error(), testing::HasSubstr("config.toml"));
  write("config.toml", config.substr(0, config.size() / 2));
  EXPECT_THAT(load_error(), testing::HasSubstr("config.toml"));
}

TEST_F(BrokenRun, NamesAVocabularyThatDoesNotFit) {
  const std::string words = read_file(folder.path() / "source.vocab");
  write("source.vocab", words + "extra\n");
  EXPECT_THAT(load_error(), testing::HasSubstr("source.vocab' has 17 words, the weights have 16"));
}

TEST(RunConfig, GoesThroughTomlUnchanged) {
  RunConfig config = tiny_config();
  config.source_text.language = "en";
  config.source_text.lowercase = true;
  config.train.seed = 77;
  EXPECT_EQ(parse_run_config(to_toml(config), "c"), resolved(config));
  EXPECT_EQ(parse_run_config(to_toml(resolved(config)), "c"), resolved(config));
}

// `auto` is what goes with the vocabulary, and what older versions meant by `none` has a name of its own.
TEST(RunConfig, TheTokenizerGoesWithTheVocabularyAndTheVersion) {
  const auto read = [](int version, const std::string& subwords, const std::string& tokenizer) {
    const std::string text = "format = 'heed.run'\nversion = " + std::to_string(version) +
                             "\n[model]\narchitecture = 'recurrent'\n[train]\nsubwords = '" + subwords +
                             "'\n[source_text]\n" + tokenizer + "\n[target_text]\n";
    return parse_run_config(text, "c").source_text.tokenizer;
  };
  EXPECT_EQ(read(3, "none", ""), Tokenizer::words);
  EXPECT_EQ(read(3, "bpe", ""), Tokenizer::none);
  EXPECT_EQ(read(3, "bpe", "tokenizer = 'words'"), Tokenizer::words);
  EXPECT_EQ(read(3, "bpe", "tokenizer = 'none'"), Tokenizer::none);
  EXPECT_EQ(read(3, "none", "tokenizer = 'characters'"), Tokenizer::characters);
  EXPECT_EQ(read(2, "bpe", ""), Tokenizer::words);
  EXPECT_EQ(read(2, "bpe", "tokenizer = 'none'"), Tokenizer::whitespace);
  EXPECT_ERROR(FormatError, "'c': tokenizer: characters are units already, subwords of them make no sense",
               read(3, "unigram", "tokenizer = 'characters'"));
}

// What heed 0.1 wrote: [model] has the options of both architectures that there were.
TEST(RunConfig, ReadsTheFirstVersion) {
  const std::string model =
      "attention = 'dot'\nattention_max_source = 128\nattention_size = 64\nattention_window = "
      "10\nbidirectional = true\ncell = 'gru'\n"
      "coverage = false\ndecoder_hidden = 128\ndecoder_layers = 3\ndropout = 0.25\nembedding = "
      "48\nencoder_hidden = 64\n"
      "encoder_layers = 2\nfeed_forward = 256\nheads = 8\ninput_feeding = true\nmax_positions = "
      "512\nmodel_size = 128\nnorm = 'post'\n"
      "positions = 'rotary'\nreadout = 96\nresidual = false\ntie = 'none'\n";
  const std::string text =
      "[source_text]\nlanguage = 'en'\n[target_text]\nlowercase = true\n[train]\nlr = 0.5\nsubwords = "
      "'bpe'\n";
  const auto read = [&](const std::string& architecture, const std::string& more = "") {
    return parse_run_config("format = 'heed.run'\nversion = 1\n[model]\narchitecture = '" + architecture +
                                "'\n" + more + model + text,
                            "c");
  };
  const RunConfig recurrent = read("recurrent"), transformer = read("transformer");
  RunConfig wanted;
  wanted.model = RecurrentOptions{.cell = Cell::gru,
                                  .encoder_layers = 2,
                                  .embedding = 48,
                                  .encoder_hidden = 64,
                                  .decoder_hidden = 128,
                                  .readout = 96,
                                  .attention = "dot",
                                  .attention_size = 64,
                                  .heads = 8,
                                  .dropout = 0.25};
  wanted.train.lr = 0.5;
  wanted.train.subwords = SubwordKind::bpe;
  wanted.train.keep_best_by = "bleu";  // which that version did not say
  wanted.source_text.language = "en";
  wanted.target_text.lowercase = true;
  wanted.source_text.tokenizer = wanted.target_text.tokenizer = Tokenizer::words;
  wanted.source_text.spacing = wanted.target_text.spacing = Spacing::one;
  EXPECT_EQ(recurrent, wanted);
  wanted.model = TransformerOptions{.encoder_layers = 2,
                                    .decoder_layers = 3,
                                    .model_size = 128,
                                    .feed_forward = 256,
                                    .heads = 8,
                                    .norm = NormPlace::post,
                                    .positions = Positions::rotary,
                                    .dropout = 0.25};
  EXPECT_EQ(transformer, wanted);
  EXPECT_EQ(parse_run_config(to_toml(transformer), "c"), wanted);
  EXPECT_ERROR(FormatError, "'c': [model] magic is not known", read("recurrent", "magic = 1\n"));
}

// Each option alone goes through config.toml, is refused outside its values, and stands once in the table.
TEST(RunOptions, EveryRowIsReadWrittenAndChecked) {
  std::set<std::string> seen;
  for (const RunOption& row : run_options()) {
    SCOPED_TRACE(row.section + "." + row.key + " " + row.architecture);
    EXPECT_TRUE(seen.insert(row.section + "." + row.key + " " + row.architecture).second);
    EXPECT_FALSE(row.help.empty());
    RunConfig config;
    config.train.joint = true;  // for tie = all
    if (!row.architecture.empty()) config.model = ModelConfig(find_architecture(row.architecture));
    ASSERT_TRUE(row.applies(config));
    const OptionValue before = row.get(config);
    OptionValue other = before;
    if (auto* const on = std::get_if<bool>(&other)) *on = !*on;
    if (auto* const whole = std::get_if<int64_t>(&other)) *whole = *whole > 8 ? *whole - 2 : *whole + 4;
    if (auto* const number = std::get_if<double>(&other)) *number = *number / 2 + 0.01;
    if (auto* const name = std::get_if<std::string>(&other))
      *name = row.values.choices.empty() ? "xy" : row.values.choices.back();
    if (other == before) other = row.values.choices.front();
    row.check(other);
    row.set(config, other);
    EXPECT_EQ(row.get(config), other);
    const std::string text = to_toml(config);
    EXPECT_THAT(text, testing::HasSubstr("\n" + row.key + " = "));
    std::optional<RunConfig> back;
    try {
      back = parse_run_config(text, "c");
    } catch (const FormatError& error) {  // what goes with other options alone, such as coverage
      EXPECT_THROW(check(config), ValueError) << error.what();
    }
    if (back) {
      EXPECT_EQ(*back, resolved(config));
    }
    if (std::holds_alternative<int64_t>(before) && std::isfinite(row.values.most)) {
      EXPECT_THROW(row.check(static_cast<int64_t>(row.values.most) + 1), ValueError);
      EXPECT_THROW(row.check(static_cast<int64_t>(row.values.least) - 1), ValueError);
    }
    if (!row.values.choices.empty()) {
      EXPECT_THROW(row.check(std::string("magic")), ValueError);
    }
  }
  EXPECT_GT(seen.size(), 60U);
}

TEST(RunConfig, NamesWhatIsUnknownOrOfTheWrongType) {
  const std::string good = to_toml(RunConfig{});
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_THAT([&] { parse_run_config(replaced("readout = 512", "readout = 'big'"), "c"); },
              testing::ThrowsMessage<FormatError>("'c': [model] readout has a value of the wrong type"));
  EXPECT_THAT([&] { parse_run_config(replaced("readout = 512", "redout = 512"), "c"); },
              testing::ThrowsMessage<FormatError>("'c': [model] redout is not known"));
  EXPECT_THAT([&] { parse_run_config(replaced("readout = 512", "readout = 512\nmagic = 1"), "c"); },
              testing::ThrowsMessage<FormatError>("'c': [model] magic is not known"));
  for (const auto& [good_line, bad_line] : {std::pair{"bidirectional = true", "bidirectional = -1"},
                                            {"readout = 512", "readout = true"},
                                            {"readout = 512", "readout = 512.0"},
                                            {"lowercase = false", "lowercase = 1000000"},
                                            {"cell = 'lstm'", "cell = 1"},
                                            {"lr = 0.001", "lr = 'fast'"}}) {
    const std::string text = replaced(good_line, bad_line);
    EXPECT_THAT([&text] { parse_run_config(text, "c"); },
                testing::ThrowsMessage<FormatError>(testing::HasSubstr("has a value of the wrong type")))
        << text;
  }
  EXPECT_EQ(parse_run_config(replaced("lr = 0.001", "lr = 1"), "c").train.lr, 1.0);
  EXPECT_THAT([&] { parse_run_config(replaced("readout = 512", "readout = -4"), "c"); },
              testing::ThrowsMessage<FormatError>("'c': readout: must be at least 1, got -4"));
}

TEST(Gold, LineRoundTripAndErrors) {
  const AlignedPair pair{{"a", "b"}, {"c", "d"}, {{0, 1}, {1, 0}}, {{1, 1}}, {}};
  EXPECT_EQ(gold_line(pair), "0-1 1-0 1?1");
  const GoldAlignment gold = parse_gold_line("0-1 1-0 1?1", "g", 1);
  EXPECT_EQ(gold.sure, pair.sure);
  EXPECT_EQ(gold.possible, pair.possible);
  for (const char* bad : {"1", "1-", "-1", "1-x", "1-2x", "1--2", "a-b"}) {
    EXPECT_THAT([&] { parse_gold_line(bad, "g", 3); },
                testing::ThrowsMessage<FormatError>(testing::StartsWith("'g' line 3: ")))
        << bad;
  }
}

}  // namespace
}  // namespace heed::models
