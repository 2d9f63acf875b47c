// translator, run as a user runs it: arguments, exit codes, files, bad input.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>

#include "framework/core/parallel.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kHeatmap = HEED_BIN_DIR "/heatmap";

// One tiny corpus and one trained run for all tests of this file.
class Translator : public WithCorpus {
 protected:
  static void SetUpTestSuite() {
    make_corpus(120, 10, 20);
    const ProcessResult trained = translator(train_command("run"));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static std::vector<std::string> train_command(const std::string& run, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"train",
                                        "-s",
                                        at("corpus/train.en"),
                                        "-t",
                                        at("corpus/train.de"),
                                        "--valid-source",
                                        at("corpus/valid.en"),
                                        "--valid-target",
                                        at("corpus/valid.de"),
                                        "-r",
                                        at(run),
                                        "--updates",
                                        "12",
                                        "--validate-every",
                                        "6",
                                        "--batch-size",
                                        "10",
                                        "--log-every",
                                        "3"};
    if (std::ranges::find(more, "--architecture") == more.end()) {
      command.insert(command.end(), {"--embedding", "8", "--encoder-hidden", "8", "--decoder-hidden", "12",
                                     "--attention-size", "8", "--readout", "12"});
    }
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
};

TEST_F(Translator, WritesTheRunFolder) {
  for (const char* file : {"config.toml", "model.safetensors", "state.safetensors", "source.vocab",
                           "target.vocab", "metrics.jsonl"}) {
    EXPECT_GT(std::filesystem::file_size(at("run/") + file), 0U) << file;
  }
  std::ifstream metrics(at("run/metrics.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(metrics, line); ++lines)
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_EQ(lines, 12 / 3 + 12 / 6);
}

TEST_F(Translator, TranslatesLineByLineAndAnEmptyLineToAnEmptyLine) {
  const ProcessResult result =
      translator({"translate", "-r", at("run")}, "I am a student .\n\nThe man sleeps .\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
  const size_t first = result.out.find('\n');
  EXPECT_EQ(result.out[first + 1], '\n');
  EXPECT_EQ(translator({"translate", "-r", at("run")}, "").out, "");
}

// What it counts: tests/models/failures_test.cpp.
TEST_F(Translator, EvaluateReportsFailuresOfRunsSideBySide) {
  const auto evaluate = [&](const std::string& file) {
    return translator({"evaluate", "-r", at("run"), "--beside", at("run"), "-s", at("corpus/test.en"), "-t",
                       at("corpus/test.de"), "--report", file});
  };
  const ProcessResult result = evaluate(at("failures.json"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              testing::AllOf(HasSubstr("BLEU "), HasSubstr("\nnegation\n  lost (of sentences whose"),
                             HasSubstr("\ngrammar\n  ")));
  const auto report = nlohmann::json::parse(content(at("failures.json")));
  EXPECT_EQ(report["format"], "heed.failures");
  ASSERT_EQ(report["runs"].size(), 2U);
  EXPECT_EQ(report["runs"][0], report["runs"][1]);
  int examples = 0;
  for (const auto& rate : report["runs"][0]["rates"]) {
    EXPECT_LE(rate["failures"], rate["cases"]) << rate;
    if (rate["cases"] == 0) {
      EXPECT_TRUE(rate["rate"].is_null()) << rate;
    } else {
      EXPECT_LE(rate["low"], rate["rate"]) << rate;
      EXPECT_LE(rate["rate"], rate["high"]) << rate;
    }
    EXPECT_LE(rate["examples"].size(), 3U);
    for (const auto& example : rate["examples"]) {
      EXPECT_NE(example["source"], "");
      ++examples;
    }
  }
  EXPECT_GT(examples, 5);
  ASSERT_EQ(evaluate(at("failures.html")).exit_code, 0);
  EXPECT_THAT(content(at("failures.html")),
              testing::AllOf(testing::StartsWith("<!doctype html>"), HasSubstr("<td>grammar</td>")));
  ASSERT_EQ(evaluate("-").exit_code, 0);
  EXPECT_THAT(evaluate("-").out,
              testing::AllOf(testing::StartsWith("# Failures"), HasSubstr("| grammar | ")));
  expect_failure(evaluate(at("failures.txt")), "must end in .html, .md or .json", 2);
  expect_failure(evaluate(at("no/failures.md")), "--report: cannot write");
  const std::vector<std::string> files = {"-s", at("corpus/test.en"), "-t", at("corpus/test.de")};
  const auto with_files = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), files.begin(), files.end());
    return translator(arguments);
  };
  expect_failure(with_files({"evaluate", "-r", at("run"), "--beside", at("run")}),
                 "--beside requires --report", 2);
  expect_failure(with_files({"evaluate", "-r", at("run"), "--report", at("x.md"), "--beside", at("none")}),
                 "none'");
  expect_failure(with_files({"evaluate", "--hypotheses", at("corpus/test.de"), "--report", at("x.md")}),
                 "--report: is of a run", 2);
  EXPECT_FALSE(std::filesystem::exists(at("x.md")));
}

// -r takes one run, so that what follows it is a sentence.
TEST_F(Translator, TranslatesTheSentenceOfTheCommandLine) {
  const std::string line = translator({"translate", "-r", at("run")}, "The man sleeps .\n").out;
  EXPECT_EQ(translator({"translate", "-r", at("run"), "The man sleeps ."}).out, line);
  EXPECT_EQ(translator({"translate", "-r", at("run"), "The", "man", "sleeps", "."}).out, line);
  EXPECT_EQ(translator({"translate", "The man sleeps .", "-r", at("run"), "-r", at("run")}).out, line);
  expect_failure(translator({"translate", "-r", at("run"), "The man", "-s", at("corpus/test.en")}),
                 "excludes", 2);
  expect_failure(translator({"translate", "-r", at("run"), "\xff"}), "UTF-8");
  EXPECT_THAT(translator({"look", "-r", at("run"), "The", "man", "sleeps", ".", "-o", at("looked")}).out,
              HasSubstr("The man sleeps ."));
  const std::string coloured =
      translator({"look", "-r", at("run"), "The man sleeps .", "-o", at("looked"), "--colour", "greys"}).out;
  EXPECT_THAT(coloured, HasSubstr("\x1b[48;2;"));
}

TEST_F(Translator, OrdinaryTextHasNoUnknownWords) {
  const ProcessResult result =
      translator({"translate", "-r", at("run"), "--records", at("plain.jsonl")}, "I am a student.\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto record = nlohmann::json::parse(content(at("plain.jsonl")));
  EXPECT_EQ(record["source"]["tokens"].size(), 6U);
  for (const auto& token : record["source"]["tokens"]) EXPECT_FALSE(token.contains("unk")) << token;
  EXPECT_EQ(record["source"]["tokens"][4]["span"], nlohmann::json::parse("[14, 15]"));
}

TEST_F(Translator, AttentionRecordsFitTheirSentences) {
  const ProcessResult result =
      translator({"translate", "-r", at("run"), "-s", at("corpus/test.en"), "-o", at("test.out"), "--records",
                  at("test.jsonl"), "--json", at("speed.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::ifstream records(at("test.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(records, line); ++lines) {
    const auto record = nlohmann::json::parse(line);
    EXPECT_EQ(record["id"], lines + 1);
    const auto& weights = record["attention"][0]["weights"];
    ASSERT_EQ(weights.size(), record["target"]["tokens"].size());
    for (const auto& row : weights) {
      double total = 0;
      for (const auto& weight : row) total += weight.get<double>();
      EXPECT_EQ(row.size(), record["source"]["tokens"].size());
      EXPECT_NEAR(total, 1, 1e-4);
    }
  }
  EXPECT_EQ(lines, 20);
  EXPECT_EQ(nlohmann::json::parse(content(at("speed.json")))["sentences"], 20);
  const auto picture =
      run_process({kHeatmap, "--records", at("test.jsonl"), "--line", "3", "-o", at("third.svg")});
  EXPECT_EQ(picture.exit_code, 0) << picture.err;
  const auto drawn = run_process({kHeatmap, "-r", at("run"), "I am a student.", "-o", at("s.png")});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(content(at("s.png")), StartsWith("\x89PNG"));
}

TEST_F(Translator, EvaluatesWithAlignments) {
  const ProcessResult result =
      translator({"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de"),
                  "--gold", at("corpus/test.gold"), "--json", at("eval.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("tok:none"), HasSubstr("tok:13a"), HasSubstr("alignment error rate")));
  const auto report = nlohmann::json::parse(content(at("eval.json")));
  EXPECT_EQ(report["sentences"], 20);
  EXPECT_EQ(report["bleu_by_length"].size(), 7U);
  EXPECT_GT(report["aer"].get<double>(), report["aer_perfect"].get<double>());
  // the corpus has sure links alone
  const double precision = report["alignment_precision"], recall = report["alignment_recall"];
  // a few links are possible only
  EXPECT_NEAR(report["aer"].get<double>(), 100 * (1 - 2 * precision * recall / (precision + recall)), 1);
  EXPECT_GE(report["exact_match"].get<double>(), 0);
  EXPECT_LE(report["exact_match"].get<double>(), 100);
  EXPECT_GT(report["chrf_pp"].get<double>(), 0);
  // twelve updates: fewer words right than letters
  EXPECT_LT(report["chrf_pp"].get<double>(), report["chrf2"].get<double>());
  EXPECT_GT(report["perplexity"].get<double>(), 1);
}

TEST_F(Translator, ForcedDecodingKeepsTheGivenTranslation) {
  write(at("two.en"), "I am a student .\nI am a student .\n");
  write(at("two.de"), "Ich bin ein Student .\nbin\n");
  const ProcessResult result = translator({"translate", "-r", at("run"), "-s", at("two.en"), "-t",
                                           at("two.de"), "--records", at("forced.jsonl")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "Ich bin ein Student .\nbin\n");
}

TEST_F(Translator, InterruptedTrainingResumesToTheSameWeights) {
  const pid_t child = ::fork();  // exec follows at once
  const auto command = train_command("stopped", {"--updates", "400"});
  if (child == 0) {
    std::vector<char*> argv{const_cast<char*>(kTranslator.c_str())};
    for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    ::freopen("/dev/null", "w", stderr);
    ::freopen("/dev/null", "w", stdout);
    ::execv(kTranslator.c_str(), argv.data());
    ::_exit(127);
  }
  for (int i = 0; i < 600 && !std::filesystem::exists(at("stopped/state.safetensors")); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(std::filesystem::exists(at("stopped/state.safetensors")));
  EXPECT_EQ(translator({"translate", "-r", at("stopped")}, "I am .\n").exit_code, 0);
  auto resumed = command;
  resumed.push_back("--resume");
  const ProcessResult again = translator(resumed);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  ASSERT_EQ(translator(train_command("whole", {"--updates", "400"})).exit_code, 0);
  EXPECT_EQ(content(at("stopped/model.safetensors")), content(at("whole/model.safetensors")));
}

TEST_F(Translator, ControlCSavesAndLeavesCleanly) {
  const auto command = train_command("interrupted", {"--updates", "100000", "--validate-every", "100000"});
  std::string line = "exec " + kTranslator;
  for (const std::string& a : command) line += " " + a;
  const ProcessResult result =
      run_process({"bash", "-c", "(" + line + ") & child=$!; sleep 3; kill -INT $child; wait $child"});
  EXPECT_EQ(result.exit_code, 130) << result.err;  // 128 + SIGINT, as a shell reports it
  EXPECT_THAT(result.out, HasSubstr("--resume goes on"));
  EXPECT_TRUE(std::filesystem::exists(at("interrupted/state.safetensors")));
}

TEST_F(Translator, WrongUsageGivesStatusTwo) {
  expect_failure(translator(train_command("x", {"--no-such-option"})), "--no-such-option", 2);
  expect_failure(translator({}), "subcommand", 2);
  expect_failure(translator({"translate"}), "--run", 2);
  EXPECT_EQ(translator({"--help"}).exit_code, 0);
  EXPECT_THAT(translator({"--version"}).out,
              AllOf(HasSubstr("heed"), HasSubstr("OpenBLAS"), HasSubstr("oneDNN")));
  // although it stays on one CPU while libraries are loaded
  EXPECT_THAT(translator({"--version"}).out, HasSubstr(fmt::format("threads: {}", available_threads())));
}

TEST_F(Translator, BadFilesAreNamed) {
  expect_failure(translator(with(train_command("x"), "-s", at("nowhere.en"))), "nowhere.en");
  write(at("short.de"), "Ich .\n");
  expect_failure(translator(with(train_command("x"), "-t", at("short.de"))), "train.en' has 120 lines");
  write(at("empty"), "");
  expect_failure(translator(with(with(train_command("x"), "-s", at("empty")), "-t", at("empty"))), "empty");
  write(at("latin1.en"), content(at("corpus/train.en")).replace(20, 1, "\xE4"));
  expect_failure(translator(with(train_command("x"), "-s", at("latin1.en"))),
                 "latin1.en' line 2 is not UTF-8");
  EXPECT_FALSE(std::filesystem::exists(at("x")));  // nothing half-written
}

TEST_F(Translator, BadValuesAreNamed) {
  expect_failure(translator(train_command("x", {"--attention", "magic"})),
                 "--attention: 'magic' is not known (none, ", 2);
  expect_failure(translator(train_command("x", {"--dropout", "1.5"})), "dropout: 1.5", 2);
  expect_failure(translator(train_command("x", {"--schedule", "stairs"})),
                 "--schedule: 'stairs' is not known (constant, ", 2);
  expect_failure(translator(train_command("x", {"--cell", "rnn"})), "--cell: 'rnn' is not known (lstm, gru)",
                 2);
  expect_failure(translator(train_command("x", {"--architecture", "transformer", "--attention", "dot"})),
                 "--attention: is of --architecture recurrent, and this one is transformer", 2);
  EXPECT_FALSE(std::filesystem::exists(at("x")));
}

TEST_F(Translator, APresetSetsOptionsAndTheCommandLineWins) {
  write(at("preset.toml"), "[train]\nreadout = 7\nembedding = 9\nupdates = 1\n");
  auto command = train_command("preset", {"--config", at("preset.toml")});
  command.erase(std::find(command.begin(), command.end(), "--readout"),
                std::find(command.begin(), command.end(), "--readout") + 2);
  const ProcessResult result = translator(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(content(at("preset/config.toml")),
              AllOf(HasSubstr("readout = 7"), HasSubstr("embedding = 8"), HasSubstr("updates = 12")));
  expect_failure(translator(train_command("x", {"--config", at("no.toml")})), "no.toml", 2);
}

TEST_F(Translator, AWrongPresetIsOneLineWithFileAndKey) {
  const auto refused = [](const std::string& text, const std::string& message) {
    write(at("wrong.toml"), text);
    const ProcessResult result = translator(train_command("x", {"--config", at("wrong.toml")}));
    expect_failure(result, at("wrong.toml"), 2);
    expect_failure(result, message, 2);
    EXPECT_TRUE(std::all_of(result.err.begin(), result.err.end(),
                            [](unsigned char c) { return c == '\n' || (c >= 0x20 && c < 0x7F); }));
  };
  refused("[train]\n\nembeding = 7\n", "wrong.toml line 3: unknown key 'embeding'");
  refused("[trian]\nembedding = 7\n",
          "line 1: unknown section [trian] (look, models, prepare, data, train, plot, translate, ");
  refused("embedding = 7\n", "line 1: 'embedding' stands in no section");
  refused("[train]\nembedding = 3 4\n", "line 2: ");
  refused("[train]\nembedding = 3\nembedding = 4\n", "line 3: ");
  refused("[train]\nattention = \"additive\nembedding = 4\n", "line 2: ");
  refused("[train]\nembedding = \"big\"\n", "line 2: 'embedding' takes a whole number");
  refused("[train]\nseed = -1\n", "line 2: 'seed' takes a whole number from 0");
  refused("[train]\nlowercase = 1\n", "line 2: 'lowercase' takes true or false");
  // a section that is not used is checked as well
  refused("[translate]\nbeem = 1\n", "line 2: unknown key 'beem'");
  refused("\x7F\x02ELF\x1B[31m\xFF\xFE", "is not a TOML file");
  EXPECT_FALSE(std::filesystem::exists(at("x")));
  for (const auto& preset : std::filesystem::directory_iterator(HEED_SOURCE_DIR "/presets")) {
    expect_failure(
        translator(with(train_command("x", {"--config", preset.path().string()}), "-s", at("nowhere.en"))),
        "nowhere.en");
  }
}

TEST_F(Translator, AnExistingRunIsRefusedUnlessOverwritten) {
  expect_failure(translator(train_command("run")), "exists already");
  std::filesystem::create_directory(at("mine"));
  write(at("mine/thesis.txt"), "years of work");
  expect_failure(translator(train_command("mine", {"--overwrite"})), "thesis.txt");
  EXPECT_EQ(content(at("mine/thesis.txt")), "years of work");
  EXPECT_EQ(translator(train_command("again")).exit_code, 0);
  EXPECT_EQ(translator(train_command("again", {"--overwrite"})).exit_code, 0);
  expect_failure(
      translator(train_command("again", {"--resume", "--lr", "0.5"})),
      "resume: --lr is not what '" + at("again") + "' was started with: 0.5 is given, and it has ");
  expect_failure(translator(train_command("never", {"--resume"})), "never");
}

TEST_F(Translator, ARefusedTrainingLeavesTheOldRunAsItIs) {
  std::filesystem::copy(at("run"), at("kept"));
  const std::string before = content(at("kept/model.safetensors"));
  write(at("blank"), "\n\n");
  expect_failure(
      translator(with(with(train_command("kept", {"--overwrite"}), "-s", at("blank")), "-t", at("blank"))),
      "no training pair");
  expect_failure(translator(train_command("kept", {"--overwrite", "--max-vocabulary", "3"})),
                 "max-vocabulary", 2);
  expect_failure(translator(train_command("kept", {"--overwrite", "--seed", "18446744073709551615"})), "seed",
                 2);
  const ProcessResult pieces =
      translator(train_command("kept", {"--overwrite", "--subwords", "bpe", "--subword-vocabulary", "10"}));
  // found by SentencePiece, which learns from all of the corpus
  expect_failure(pieces, "10 pieces do not hold the ");
  EXPECT_TRUE(content(at("kept/model.safetensors")) == before);
  const std::string config = content(at("kept/config.toml"));
  write(at("short.en"), "I am a student .\n");
  write(at("short.de"), "Ich bin Student .\n");
  expect_failure(
      translator(with(with(train_command("kept", {"--resume", "--updates", "900"}), "-s", at("short.en")),
                      "-t", at("short.de"))),
      "short.en' is not what");
  EXPECT_EQ(content(at("kept/config.toml")), config);
}

TEST_F(Translator, ATrainingThatDivergesIsTold) {
  const ProcessResult result = translator(train_command("diverged", {"--lr", "100"}));
  EXPECT_THAT(result.err, HasSubstr("warning: training diverged: its validation loss ended at "));
  EXPECT_THAT(translator(train_command("sound")).err, Not(HasSubstr("diverged")));
}

TEST_F(Translator, DevicesAreWrittenAndNotReplaced) {
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", "/dev/null"}, "I .\n").exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const ProcessResult full =
      run_process({"bash", "-c",
                   kTranslator + " evaluate -r " + at("run") + " -s " + at("corpus/test.en") + " -t " +
                       at("corpus/test.de") + " > /dev/full"});
  expect_failure(full, "cannot write standard output");
  std::filesystem::create_symlink(at("linked.out"), at("link.out"));
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", at("link.out")}, "I .\n").exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(at("link.out")));
  EXPECT_TRUE(std::filesystem::exists(at("linked.out")));
}

TEST_F(Translator, AnOutputThatIsAnInputIsRefused) {
  const std::string text = "I am a student .\n";
  write(at("mine.en"), text);
  std::filesystem::create_symlink(at("mine.en"), at("alias.en"));
  const auto refused = [](const std::vector<std::string>& more, const std::string& message) {
    std::vector<std::string> command = {"translate", "-r", at("run"), "-s", at("mine.en")};
    command.insert(command.end(), more.begin(), more.end());
    expect_failure(translator(command), message);
  };
  refused({"-o", at("mine.en")}, "--output: '" + at("mine.en") + "' is also an input (--source)");
  refused({"-o", at("./corpus/../mine.en")}, "is also an input (--source)");
  refused({"-o", at("alias.en")}, "is also an input (--source)");
  refused({"-o", at("same"), "--records", at("same")},
          "--records: '" + at("same") + "' is also an output (--output)");
  refused({"-o", at("run/model.safetensors")}, "model.safetensors' is a file of a run");
  refused({"--json", at("run/config.toml")}, "config.toml' is a file of a run");
  std::filesystem::copy(at("run"), at("other"));  // a run that the command has nothing to do with
  refused({"--json", at("other/config.toml")}, "config.toml' is a file of a run");
  refused({"-o", at("")}, "is a directory, not a file");
  refused({"--records", at("corpus")}, "--records: '" + at("corpus") + "' is a directory, not a file");
  expect_failure(run_process({"bash", "-c",
                              kTranslator + " translate -r " + at("run") + " -o " + at("mine.en") + " < " +
                                  at("mine.en")}),
                 "is also an input (standard input)");
  EXPECT_EQ(content(at("mine.en")), text);
  expect_failure(translator({"evaluate", "-r", at("run"), "-s", at("mine.en"), "-t", at("mine.en"), "--json",
                             at("mine.en")}),
                 "is also an input (--source)");
  expect_failure(translator(train_command("x", {"--json", at("corpus/train.en")})),
                 "--json: '" + at("corpus/train.en") + "' is also an input");
  expect_failure(translator({"corpus", "-o", at("x"), "--json", at("x/train.de")}),
                 "is also an output (--json)");
  const std::string config = content(at("run/config.toml"));
  expect_failure(translator(with(train_command("run", {"--overwrite"}), "-s", at("run/config.toml"))),
                 "file of the run that is to be written");
  EXPECT_EQ(content(at("run/config.toml")), config);
  EXPECT_FALSE(std::filesystem::exists(at("same")) || std::filesystem::exists(at("x")));
}

TEST_F(Translator, OutputsAreProbedBeforeTheWork) {
  expect_failure(translator(train_command("x", {"--json", at("no/such/x.json")})),
                 "--json: cannot write '" + at("no/such/x.json") + "'");
  expect_failure(translator(train_command("x", {"--json", at("corpus/train.en/x.json")})), "Not a directory");
  expect_failure(translator(train_command("corpus/train.en")), "train.en' is a file, not a folder");
  expect_failure(translator(train_command("x", {"--json", at("x")})), "is also the folder to write (--run)");
  EXPECT_FALSE(std::filesystem::exists(at("x")));
  expect_failure(translator({"demo", "-o", at("x"), "--json", at("no/such/x.json")}), "cannot write");
  expect_failure(translator({"demo", "-o", at("x"), "--json", at("x/additive/model.safetensors")}),
                 "cannot write");
  write(at("old.json"), "old");
  expect_failure(translator(with(train_command("x", {"--json", at("old.json")}), "-s", at("nowhere.en"))),
                 "nowhere.en");
  EXPECT_EQ(content(at("old.json")), "old");  // probed, not truncated
  EXPECT_EQ(translator(train_command("within", {"--json", at("within/result.json")})).exit_code, 0);
  EXPECT_TRUE(nlohmann::json::accept(content(at("within/result.json"))));
}

TEST_F(Translator, StandardOutputMayBeNamedAsAFile) {
  for (const char* stdout_is : {" | cat", ""}) {  // a pipe, a file
    const ProcessResult result = run_process(
        {"bash", "-c",
         "echo I . | " + kTranslator + " translate -r " + at("run") + " -o /dev/stdout" + stdout_is});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << stdout_is;
  }
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", "/dev/null", "--records", "/dev/null"}, "I .\n")
                .exit_code,
            0);
  const ProcessResult both = translator({"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t",
                                         at("corpus/test.de"), "--json", "/dev/stdout"});
  // one behind the other
  EXPECT_THAT(both.out,
              AllOf(StartsWith("BLEU "), HasSubstr("\"bleu_by_length\":"), testing::EndsWith("}\n")));
}

TEST_F(Translator, EvaluateScoresInTheFormAskedFor) {
  const auto evaluate = [&](std::vector<std::string> more) {
    more.insert(more.begin(),
                {"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")});
    return translator(more);
  };
  EXPECT_THAT(evaluate({}).out, Not(HasSubstr("as asked for")));
  const ProcessResult floor = evaluate({"--tokenize", "char", "--smooth", "floor", "--smooth-value", "0.2",
                                        "--ignore-case", "--effective-order"});
  ASSERT_EQ(floor.exit_code, 0) << floor.err;
  EXPECT_THAT(floor.out, HasSubstr("BLEU|nrefs:1|case:lc|eff:yes|tok:char|smooth:floor[0.20]|version:heed-"));
  // What the run itself puts out as a second reference: every n-gram is found.
  ASSERT_EQ(
      translator({"translate", "-r", at("run"), "-s", at("corpus/test.en"), "-o", at("second.de")}).exit_code,
      0);
  EXPECT_THAT(evaluate({"--reference", at("second.de")}).out, HasSubstr("BLEU 100.00  BLEU|nrefs:2|"));
  EXPECT_EQ(evaluate({"-o", at("kept.de")}).exit_code, 0);
  EXPECT_EQ(content(at("kept.de")), content(at("second.de")));
  EXPECT_THAT(evaluate({"--lengths", "5,9"}).out,
              AllOf(HasSubstr("\n         1-4 "), HasSubstr("\n         5-8 "), HasSubstr("\n          9+ "),
                    Not(HasSubstr("10-19"))));
  expect_failure(evaluate({"--lengths", "9,5"}), "--lengths: must rise from 2 on, and 5 follows 9", 2);
  write(at("short.de"), "ja\n");
  expect_failure(evaluate({"--reference", at("short.de")}), "short.de' has 1 line,");
  expect_failure(evaluate({"--reference", at("none.de")}), "none.de");
  expect_failure(evaluate({"--tokenize", "words"}),
                 "--tokenize: 'words' is not known (13a, none, intl, char)", 2);
  expect_failure(evaluate({"--smooth", "butter"}),
                 "--smooth: 'butter' is not known (exp, floor, add-k, none)", 2);
}

TEST_F(Translator, EvaluateScoresHypothesesOfAnySystem) {
  const auto score = [&](const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"evaluate", "--hypotheses", at(file), "-t", at("refs.de")});
    return translator(more);
  };
  write(at("refs.de"), "Der Hund läuft schnell.\nEin Mann sieht das große Haus.\nJa.\n");
  write(at("hyps.de"), "Der Hund rennt schnell.\nEin Mann sieht das große Haus.\n\n");
  write(at("srcs.en"), "The dog runs fast.\nA man sees the large house.\nYes.\n");
  const ProcessResult plain = score("hyps.de");
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_THAT(plain.out, AllOf(StartsWith("BLEU "), HasSubstr("\nchrF2 "), HasSubstr("exact matches 33.33 %"),
                               HasSubstr("3 sentences\n"), Not(HasSubstr("source words")),
                               Not(HasSubstr("perplexity")), Not(HasSubstr("nan"))));
  EXPECT_THAT(plain.err, HasSubstr("1 of 3 hypotheses are empty"));
  const ProcessResult all =
      score("hyps.de", {"-s", at("srcs.en"), "--lengths", "5,6", "--json", at("h.json")});
  ASSERT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("\n         1-4          2 "),  // without the full stop
                             HasSubstr("\n          6+          1              100.00\n")));
  const auto json = nlohmann::json::parse(content(at("h.json")));
  EXPECT_EQ(json["hypotheses"], at("hyps.de"));
  EXPECT_EQ(json["sentences"], 3);
  EXPECT_EQ(json["bleu"], json["bleu_13a"]);
  EXPECT_TRUE(json["perplexity"].is_null());
  EXPECT_EQ(json["bleu_by_length"][2]["sentences"], 1);
  // a further reference that is the hypothesis itself, and BLEU by character
  EXPECT_THAT(score("hyps.de", {"--reference", at("hyps.de")}).out, HasSubstr("BLEU 100.00  BLEU|nrefs:2|"));
  EXPECT_THAT(score("hyps.de", {"--target-language", "zh"}).out, HasSubstr("|tok:char|"));
  write(at("pieces.de"), "Der Hu@@ nd\nEin Mann\nJa .\n");
  EXPECT_THAT(score("pieces.de").err, HasSubstr("1 of 3 hypotheses hold pieces of words"));
  write(at("two.de"), "Ja.\nNein.\n");
  expect_failure(score("two.de"), "two.de' has 2 lines, '" + at("refs.de") + "' has 3");
  expect_failure(score("hyps.de", {"-s", at("two.de")}), "two.de' has 2 lines");
  expect_failure(score("nowhere.de"), "nowhere.de");
  expect_failure(score("hyps.de", {"--lengths", "4"}), "--lengths: needs the sentences", 2);
  for (const std::vector<std::string>& of_run : std::vector<std::vector<std::string>>{
           {"--run", at("run")}, {"--beam", "3"}, {"-o", at("x")}, {"--gold", at("x")}, {"--keep-scores"}})
    expect_failure(score("hyps.de", of_run), "with --hypotheses nothing is translated", 2);
  expect_failure(translator({"evaluate", "-s", at("srcs.en"), "-t", at("refs.de")}), "--run or --hypotheses",
                 2);
  expect_failure(translator({"evaluate", "-r", at("run"), "-t", at("refs.de")}), "--source", 2);
}

TEST_F(Translator, TheFirstLinesSayWhatATrainingIsAbout) {
  const ProcessResult result = translator(train_command("facts", {"--json", at("facts.json")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              testing::ContainsRegex("^120 pairs to train on \\([0-9]+ and [0-9]+ words\\), 10 to validate "
                                     "with\nvocabulary: [0-9]+ and [0-9]+ entries; unknown: 0.00 % and "
                                     "0.00 % of the words in training, [0-9.]+ % and [0-9.]+ % in "
                                     "validation\nmodel: [0-9]+ parameters; weights [0-9.]+ MB, state of "
                                     "the training [0-9.]+ MB\nlength: 12 updates, 1 epoch of 12\n"));
  EXPECT_THAT(result.err, Not(HasSubstr("size:")));  // its dimensions are given
  const auto facts = nlohmann::json::parse(content(at("facts.json")))["facts"];
  EXPECT_EQ(facts["train_pairs"], 120);
  EXPECT_EQ(facts["updates"], 12);
  EXPECT_EQ(facts["source"]["unknown"], 0);
  EXPECT_EQ(facts["weight_bytes"].get<int64_t>(), 4 * facts["parameters"].get<int64_t>());
}

TEST_F(Translator, TheSizeFollowsThePairsUnlessSomethingSaysIt) {
  const auto train = [&](const std::string& run, std::vector<std::string> more) {
    more.insert(more.begin(), {"train", "-s", at("corpus/train.en"), "-t", at("corpus/train.de"),
                               "--valid-source", at("corpus/valid.en"), "--valid-target",
                               at("corpus/valid.de"), "-r", at(run), "--updates", "1"});
    return translator(more);
  };
  const auto config = [&](const std::string& run) { return content(at(run + "/config.toml")); };
  EXPECT_THAT(train("by-pairs", {}).err,
              HasSubstr("size: tiny, for 120 training pairs (--size tiny, small or base chooses another)\n"));
  EXPECT_THAT(config("by-pairs"), AllOf(HasSubstr("embedding = 64\n"), HasSubstr("decoder_hidden = 128\n")));
  EXPECT_THAT(train("asked", {"--size", "small", "--embedding", "48"}).err,
              HasSubstr("size: small, as asked for, with --embedding as given\n"));
  EXPECT_THAT(config("asked"), AllOf(HasSubstr("embedding = 48\n"), HasSubstr("decoder_hidden = 256\n")));
  EXPECT_THAT(train("given", {"--embedding", "48"}).err, Not(HasSubstr("size:")));
  EXPECT_THAT(config("given"), AllOf(HasSubstr("embedding = 48\n"), HasSubstr("decoder_hidden = 512\n")));
  write(at("plain.toml"), "[train]\nlr = 0.002\n");
  EXPECT_THAT(train("plain", {"--config", at("plain.toml")}).err, Not(HasSubstr("size:")));
  EXPECT_THAT(config("plain"), HasSubstr("decoder_hidden = 512\n"));
  write(at("sized.toml"), "[train]\nsize = \"tiny\"\narchitecture = \"transformer\"\n");
  EXPECT_THAT(train("sized", {"--config", at("sized.toml")}).err, HasSubstr("size: tiny, as asked for"));
  EXPECT_THAT(config("sized"), AllOf(HasSubstr("model_size = 64\n"), HasSubstr("encoder_layers = 2\n")));
  EXPECT_THAT(train("sized-again", {"--config", at("asked/config.toml")}).err, Not(HasSubstr("size:")));
  EXPECT_THAT(config("sized-again"), HasSubstr("decoder_hidden = 256\n"));
  expect_failure(train("asked", {"--resume", "--size", "small"}), "resume: --size is of a new model");
  expect_failure(train("from", {"--init-from", at("asked"), "--size", "small"}),
                 "init-from: --size is of a new model");
  expect_failure(train("huge", {"--size", "huge"}), "--size: 'huge' is not known (auto, tiny, small, base)",
                 2);
}

TEST_F(Translator, ATrainingSaysWhatGoesWrong) {
  const ProcessResult result = translator(train_command(
      "goes-wrong", {"--min-count", "30", "--validate-every", "1", "--updates", "4", "--lr", "1e-9"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("warning: many tokens are unknown: "));
  EXPECT_THAT(result.err, HasSubstr("; --subwords bpe leaves nothing unknown"));
  EXPECT_THAT(result.err, HasSubstr("warning: BLEU tells nothing: it was "));
}

TEST_F(Translator, OnlyAScheduleWithoutAnEndTrainsOn) {
  ASSERT_EQ(translator(train_command("longer")).exit_code, 0);
  expect_failure(translator(train_command("longer", {"--resume", "--updates", "6"})),
                 "--updates can only grow");
  expect_failure(translator(train_command("longer", {"--resume", "--epochs", "99"})),
                 "was given in --updates");
  const ProcessResult longer = translator(train_command("longer", {"--resume", "--updates", "24"}));
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_THAT(longer.out, HasSubstr("trained 24 updates"));
  ASSERT_EQ(translator(train_command("at_once", {"--updates", "24"})).exit_code, 0);
  for (const char* file : {"model.safetensors", "config.toml"}) {
    EXPECT_EQ(content(at("longer/") + file), content(at("at_once/") + file)) << file;
  }
  ASSERT_EQ(translator(train_command("ending", {"--schedule", "cosine"})).exit_code, 0);
  expect_failure(translator(train_command("ending", {"--resume", "--updates", "24"})),
                 "the length is part of the schedule 'cosine'");
}

TEST_F(Translator, ProgressCountsEpochsFromOne) {  // 12 batches an epoch
  EXPECT_THAT(translator(train_command("epochs", {"--updates", "5"})).err,
              HasSubstr("update 5/5  epoch 1  "));
  EXPECT_THAT(translator(train_command("epochs", {"--resume", "--updates", "12"})).err,
              HasSubstr("update 12/12  epoch 1  "));
  EXPECT_THAT(translator(train_command("epochs", {"--resume", "--updates", "13"})).err,
              HasSubstr("update 13/13  epoch 2  "));
}

TEST_F(Translator, ResumingNeedsTheBestWeightsWhole) {
  std::filesystem::copy(at("run"), at("hurt"));
  write(at("hurt/model.safetensors"), content(at("run/model.safetensors")).substr(0, 2000));
  expect_failure(translator(train_command("hurt", {"--resume"})), "hurt/model.safetensors': ");
  std::filesystem::remove(at("hurt/model.safetensors"));
  expect_failure(translator(train_command("hurt", {"--resume"})),
                 "hurt/model.safetensors', the best weights so far, is missing");
}

TEST_F(Translator, TheCorpusReplacesItsOwnFilesAlone) {
  const std::vector<std::string> small = {"corpus",       "-o", at("own"), "--train", "20",
                                          "--validation", "2",  "--test",  "2",       "--overwrite"};
  ASSERT_EQ(translator(small).exit_code, 0);
  ASSERT_EQ(translator(with(small, "--train", "30")).exit_code, 0);
  const std::string sentences = content(at("own/train.en"));
  EXPECT_EQ(std::count(sentences.begin(), sentences.end(), '\n'), 30);
  write(at("own/valid.en"), "my own sentences\n");  // edited since
  expect_failure(translator(small), "valid.en' was not written by translator corpus, or was changed since");
  EXPECT_EQ(content(at("own/valid.en")), "my own sentences\n");
  EXPECT_EQ(content(at("own/train.en")), sentences);
  std::filesystem::create_directory(at("foreign"));
  write(at("foreign/train.en"), "mine\n");
  expect_failure(translator(with(small, "-o", at("foreign"))),
                 "train.en' was not written by translator corpus");
  EXPECT_EQ(content(at("foreign/train.en")), "mine\n");
}

TEST_F(Translator, UsageErrorsNameTheWordAndTheHelp) {
  expect_failure(
      translator({"trian", "-o", "x"}),
      "'trian' is not a subcommand (look, models, prepare, data, train, plot, translate, evaluate, corpus, "
      "export, quantize, average, align, compare, import, serve, demo, doctor)",
      2);
  expect_failure(translator({"train", "-o", "x"}), "(see translator train --help)", 2);
  expect_failure(translator({"corpus", "-o", at("x"), "--seed", "-1"}),
                 "--seed: must be a whole number from 0, got '-1'", 2);
  expect_failure(translator(train_command("x", {"--seed", "-1"})),
                 "--seed: must be a whole number from 0, got '-1'", 2);
  expect_failure(translator(train_command("x", {"--source-language", "english"})),
                 "'english' is not a language code", 2);
  EXPECT_FALSE(std::filesystem::exists(at("x")));
}

TEST_F(Translator, ForcingNeedsAFile) {
  expect_failure(translator({"translate", "-r", at("run"), "-t", "x"}, "I .\n"), "--source", 2);
}

TEST_F(Translator, ABrokenRunIsNamed) {
  std::filesystem::copy(at("run"), at("broken"));
  write(at("broken/model.safetensors"), content(at("run/model.safetensors")).substr(0, 2000));
  expect_failure(translator({"translate", "-r", at("broken")}, "I .\n"), "model.safetensors");
  std::filesystem::remove(at("broken/model.safetensors"));
  expect_failure(translator({"translate", "-r", at("broken")}, "I .\n"), "model.safetensors");
  expect_failure(translator({"translate", "-r", at("nowhere")}, "I .\n"), "nowhere");
}

TEST_F(Translator, UnwritableOutputAndFullDiskLeaveNothingHalfWritten) {
  expect_failure(translator({"translate", "-r", at("run"), "-o", at("no/such/folder.txt")}, "I .\n"),
                 "folder.txt");
  // A file size limit stands for a full disk: the write fails in its middle.
  const ProcessResult result = run_process({"bash", "-c",
                                            "ulimit -f 4; " + kTranslator + " translate -r " + at("run") +
                                                " -s " + at("corpus/train.en") + " -o " + at("full.out")});
  expect_failure(result, "full.out");
  for (const auto& entry : std::filesystem::directory_iterator(at(""))) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(StartsWith("full.out")));
  }
  expect_failure(translator({"translate", "-r", at("run")}, "I\xFF .\n"),
                 "standard input' line 1 is not UTF-8");
}

TEST_F(Translator, DemoWritesItsReportAndReplacesOnlyItsOwn) {
  const std::vector<std::string> command = {"demo",      "--output",  at("unused"), "-o",  at("demo"),
                                            "--updates", "4",         "--train",    "200", "--test",
                                            "200",       "--threads", "1"};
  ASSERT_EQ(translator(command).exit_code, 0);
  write(at("demo/notes.txt"), "mine");
  const ProcessResult again = translator(command);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(content(at("demo/notes.txt")), "mine");
  const auto report = nlohmann::json::parse(content(at("demo/report.json")));
  ASSERT_EQ(report["models"].size(), 2U);
  EXPECT_EQ(report["models"][0]["name"], "no attention");
  EXPECT_TRUE(report["models"][0]["aer"].is_null());
  EXPECT_EQ(report["models"][1]["name"], "additive");
  EXPECT_TRUE(report["models"][1]["aer"].is_number());
  EXPECT_EQ(report["models"][1]["bleu_by_length"].size(), 7U);
  EXPECT_EQ(report["models"][0]["updates"], report["models"][1]["updates"]);
  const double none = report["models"][0]["parameters"], additive = report["models"][1]["parameters"];
  EXPECT_LT(std::abs(additive / none - 1), 0.05);
  EXPECT_GE(report["heatmaps"].size(), 8U);
  EXPECT_THAT(content(at("demo/report.html")),
              AllOf(HasSubstr("no attention"), HasSubstr("<g class=\"cells\">")));
  std::vector<std::string> resumed = command;
  resumed.emplace_back("--resume");
  std::filesystem::remove_all(at("demo/additive"));  // as where the demo was stopped behind the first model
  const auto trained = std::filesystem::last_write_time(at("demo/none/model.safetensors"));
  ASSERT_EQ(translator(resumed).exit_code, 0);
  EXPECT_EQ(std::filesystem::last_write_time(at("demo/none/model.safetensors")), trained);
  const auto once_more = nlohmann::json::parse(content(at("demo/report.json")));
  for (const size_t model : {0, 1})
    EXPECT_EQ(once_more["models"][model]["bleu"], report["models"][model]["bleu"]);
  resumed.insert(resumed.end(), {"--seed", "9"});
  expect_failure(translator(resumed), "resume: --seed is not what '");
  for (const auto& path : report["heatmaps"])
    EXPECT_GT(std::filesystem::file_size(path.get<std::string>()), 1000U);
}

// What makes train_command's run a small Transformer.
const std::vector<std::string> kTransformer = {"--architecture",
                                               "transformer",
                                               "--model-size",
                                               "16",
                                               "--feed-forward",
                                               "24",
                                               "--heads",
                                               "2",
                                               "--encoder-layers",
                                               "1",
                                               "--decoder-layers",
                                               "2",
                                               "--subwords",
                                               "bpe",
                                               "--subword-vocabulary",
                                               "400",
                                               "--joint",
                                               "--tie",
                                               "all",
                                               "--average",
                                               "2"};

TEST_F(Translator, TransformerOnSubwordsTrainsTranslatesAndIsDrawn) {
  std::vector<std::string> command = train_command("transformer", kTransformer);
  const ProcessResult trained = translator(command);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(std::filesystem::exists(at("transformer/source.spm")));
  const ProcessResult best = translator({"translate", "-r", at("transformer"), "--beam", "3", "--n-best", "2",
                                         "--max-output", "20", "--records", at("nbest.jsonl")},
                                        "I am a student.\nThe man sleeps.\n");
  ASSERT_EQ(best.exit_code, 0) << best.err;
  EXPECT_EQ(std::count(best.out.begin(), best.out.end(), '\n'), 4);
  std::istringstream outputs(best.out);  // sentence ||| translation ||| score
  for (const char* sentence : {"1 ||| ", "1 ||| ", "2 ||| ", "2 ||| "}) {
    std::string line;
    std::getline(outputs, line);
    EXPECT_THAT(
        line, AllOf(testing::StartsWith(sentence), testing::ContainsRegex(" \\|\\|\\| -[0-9]+\\.[0-9]{4}$")));
  }
  std::ifstream records(at("nbest.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(records, line); ++lines) {
    const auto record = nlohmann::json::parse(line);
    EXPECT_EQ(record["id"], lines / 2 + 1);
    EXPECT_EQ(record["rank"], lines % 2 + 1);
    EXPECT_EQ(record["attention"].size(), 4U);  // two layers of two heads
  }
  EXPECT_EQ(lines, 4);
  EXPECT_EQ(run_process({kHeatmap, "-r", at("transformer"), "The man sleeps.", "--layer", "1", "--head", "1",
                         "-o", at("head.svg")})
                .exit_code,
            0);
  for (const std::vector<std::string>& from :
       {std::vector<std::string>{"-r", at("transformer"), "The man sleeps."},
        {"--records", at("nbest.jsonl")}}) {
    std::vector<std::string> draw{kHeatmap, "--pieces", "-o", at("pieces.svg")};
    draw.insert(draw.end(), from.begin(), from.end());
    EXPECT_EQ(run_process(draw).exit_code, 0);
    EXPECT_THAT(content(at("pieces.svg")), HasSubstr("\u2581"));
  }
  write(at("two.en"), "The man sleeps.\n\n");
  write(at("two.de"), "Der Mann schl\u00E4ft.\n\n");
  const ProcessResult pieces =
      translator({"translate", "-r", at("transformer"), "--pieces", "-s", at("two.en"), "-t", at("two.de")});
  EXPECT_THAT(pieces.out, AllOf(testing::StartsWith("\u2581"), testing::EndsWith(".\n\n")));
  expect_failure(translator({"translate", "-r", at("run"), "--pieces"}, "a\n"),
                 "--pieces: '" + at("run") + "' has none: its vocabulary has whole words");
  command.push_back("--overwrite");
  EXPECT_EQ(translator(command).exit_code, 0);  // its files are known as those of a run
}

TEST_F(Translator, AWordIsMaskedWhereEveryModelHasAttention) {
  const std::string box = HEED_SOURCE_DIR "/translators/", with = box + "en-fr-additive",
                    none = box + "en-fr-none";
  const auto kind = [&](std::vector<std::string> runs, const std::string& option) {
    std::vector<std::string> command{"translate", "--records", at("w.jsonl"), option, "--threads", "1"};
    for (const std::string& run : runs) command.insert(command.end(), {"-r", run});
    command.emplace_back("The dog is big.");
    EXPECT_EQ(translator(command).exit_code, 0);
    const auto record = nlohmann::json::parse(content(at("w.jsonl")));
    EXPECT_EQ(record["without"].size(), 4U);
    return record["without_kind"].get<std::string>();
  };
  EXPECT_EQ(kind({with}, "--without-words"), "mask");
  EXPECT_EQ(kind({with}, "--without-words=drop"), "drop");
  EXPECT_EQ(kind({with, with}, "--without-words"), "mask");
  EXPECT_EQ(kind({with, none}, "--without-words"), "drop");
  EXPECT_EQ(kind({none, with}, "--without-words"), "drop");
}

// What is exported translates as the run does, up to the rounding, and says what it was trained on without
// paths.
TEST_F(Translator, ExportsARunForUse) {
  const auto translated = [&](const std::string& run) {
    return translator({"translate", "-r", run, "-s", at("corpus/test.en")}).out;
  };
  for (const char* type : {"f32", "f16", "bf16", "int8"}) {
    const std::string out = at(std::string("as_") + type);
    const ProcessResult result = translator({"export", "-r", at("run"), "-o", out, "--weights", type});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_FALSE(std::filesystem::exists(out + "/state.safetensors"));
    EXPECT_EQ(content(out + "/config.toml"), content(at("run/config.toml")));
    EXPECT_THAT(content(out + "/data.json"), AllOf(HasSubstr("\"train.en\""), Not(HasSubstr(at("corpus")))));
    const std::string text = translated(out), before = translated(at("run"));
    EXPECT_EQ(std::ranges::count(text, '\n'), std::ranges::count(before, '\n'));
  }
  EXPECT_EQ(translated(at("as_f32")), translated(at("run")));
  EXPECT_LT(std::filesystem::file_size(at("as_int8/model.safetensors")) * 2,
            std::filesystem::file_size(at("run/model.safetensors")));
  expect_failure(translator({"export", "-r", at("run"), "-o", at("as_f16")}), "exists already");
  EXPECT_EQ(translator({"export", "-r", at("run"), "-o", at("as_f16"), "--overwrite"}).exit_code, 0);
  expect_failure(translator({"export", "-r", at("none"), "-o", at("new")}), "there is no run");
  expect_failure(translator({"train", "-r", at("as_int8"), "--resume"}), "train.en");
  // never onto itself, under whatever name: the state of its training would be gone
  std::filesystem::create_directory_symlink(at("run"), at("link"));
  std::filesystem::create_directory(at("sub"));
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(at("run")))
      names.insert(entry.path().filename());
    return names;
  };
  const std::set<std::string> before = files();
  for (const std::string& same : {at("run"), at("run/"), at("sub/../run"), at("link"), at("link/.")}) {
    for (const std::string& from : {at("run"), at("link")}) {
      expect_failure(translator({"export", "-r", from, "-o", same, "--overwrite"}),
                     "--output: '" + same + "' is also what it is made from (--run)");
      expect_failure(translator({"export", "-r", from, "-o", same}), "is also what it is made from (--run)");
    }
  }
  expect_failure(translator({"export", "-r", at("run"), "-o", at(""), "--overwrite"}),
                 "holds what it is made from (--run '" + at("run") + "')");
  EXPECT_EQ(files(), before);
  EXPECT_FALSE(std::filesystem::exists(at("new")));
}

// The run knows its files: --resume by itself goes on, to the same bits, until one of them has changed.
TEST_F(Translator, ResumeAloneGoesOnWithTheFilesOfTheRun) {
  for (const char* side : {"en", "de"})
    std::filesystem::copy(at(std::string("corpus/train.") + side), at(std::string("own.") + side));
  const std::vector<std::string> command =
      with(with(train_command("alone"), "-s", at("own.en")), "-t", at("own.de"));
  ASSERT_EQ(translator(command).exit_code, 0);
  ASSERT_EQ(translator({"train", "-r", at("alone"), "--resume", "--updates", "18"}).exit_code, 0);
  ASSERT_EQ(translator(train_command("told", {"--updates", "18"})).exit_code, 0);
  EXPECT_TRUE(content(at("alone/model.safetensors")) == content(at("told/model.safetensors")));
  const std::string data = content(at("alone/data.json"));
  EXPECT_THAT(data, HasSubstr(at("own.en")));
  write(at("own.en"), content(at("own.en")) + "one more\n");
  write(at("own.de"), content(at("own.de")) + "noch eine\n");
  expect_failure(translator({"train", "-r", at("alone"), "--resume"}),
                 "own.en' is not what '" + at("alone") + "' was started with: 121 lines");
  std::filesystem::remove(at("alone/data.json"));
  expect_failure(translator({"train", "-r", at("alone"), "--resume"}),
                 "give --source, --target, --valid-source and --valid-target");
  // a run of before there was one
  EXPECT_EQ(translator(train_command("alone", {"--resume", "--updates", "18"})).exit_code, 0);
  for (const char* damaged : {"", "[]", "{\"format\":\"heed.data\",\"source\":1}"}) {
    write(at("alone/data.json"), damaged);
    expect_failure(translator({"train", "-r", at("alone"), "--resume"}),
                   "data.json' does not say what the run was trained on");
  }
  // Files that were moved are named once more, and the run knows them from then on.
  std::filesystem::remove(at("alone/data.json"));
  const std::vector<std::string> files{
      "--source",       at("corpus/train.en"), "--target",       at("corpus/train.de"),
      "--valid-source", at("corpus/valid.en"), "--valid-target", at("corpus/valid.de")};
  std::vector<std::string> named{"train", "-r", at("alone"), "--resume"};
  named.insert(named.end(), files.begin(), files.end());
  expect_failure(translator({"train", "-r", at("alone"), "--resume"}),
                 "does not say what it was trained on; give --source");
  ASSERT_EQ(translator(named).exit_code, 0);
  EXPECT_EQ(translator({"train", "-r", at("alone"), "--resume"}).exit_code, 0);
  expect_failure(translator({"train", "-r", at("nowhere"), "--resume"}), "nowhere' is not a run");
}

TEST_F(Translator, ARunsConfigIsAPreset) {
  std::vector<std::string> command = train_command("by_config");
  // all that makes the run comes from the config
  command.erase(std::ranges::find(command, "--updates"), command.end());
  command.insert(command.end(), {"--config", at("run/config.toml")});
  ASSERT_EQ(translator(command).exit_code, 0);
  EXPECT_EQ(content(at("by_config/config.toml")), content(at("run/config.toml")));
  EXPECT_TRUE(content(at("by_config/model.safetensors")) == content(at("run/model.safetensors")));
  command = with(command, "-r", at("by_config_2"));
  command.insert(command.end(), {"--updates", "6"});
  ASSERT_EQ(translator(command).exit_code, 0);
  EXPECT_THAT(content(at("by_config_2/config.toml")), HasSubstr("updates = 6"));
  expect_failure(translator({"translate", "-r", at("run"), "--config", at("run/config.toml")}),
                 "is the config of a run", 2);
  // read once, it counts all the same
  const std::string piped = "cat " + at("run/config.toml") + " | " + kTranslator;
  std::vector<std::string> words = with(command, "--config", "/dev/stdin");
  words = with(words, "-r", at("by_config_3"));
  std::string line = piped;
  for (const std::string& word : words) line += " '" + word + "'";
  ASSERT_EQ(run_process({"sh", "-c", line}).exit_code, 0);
  EXPECT_EQ(content(at("by_config_3/config.toml")), content(at("by_config_2/config.toml")));
  expect_failure(
      translator({"train", "-r", at("by_config_2"), "--resume", "--config", at("run/config.toml")}),
      "--config is not what '" + at("by_config_2") + "' was started with: updates 12 is given, and it has 6");
  std::filesystem::copy(at("by_config_2/config.toml"), at("same.toml"));
  EXPECT_EQ(translator({"train", "-r", at("by_config_2"), "--resume", "--config", at("same.toml")}).exit_code,
            0);
}

// What older versions called something is answered with its name of today.
TEST_F(Translator, OldSpellingsAreAnsweredWithTheNewOnes) {
  const auto answers = [](const std::vector<std::string>& command, const std::string& message) {
    expect_failure(translator(command), message, 2);
  };
  answers({"train", "-o", at("x")}, "-o is now -r (--run)");
  answers({"train", "--bidirectional", "false"}, "--no-bidirectional turns it off");
  answers({"translate", "-r", at("run"), "--input", "x"}, "--input is now --source");
  answers({"translate", "-r", at("run"), "-i", "x"}, "-i is now -s (--source)");
  answers({"translate", "-r", at("run"), "--force", "x"}, "--force is now --target");
  answers({"translate", "-r", at("run"), "--max-length", "9"}, "--max-length is now --max-output");
  answers({"evaluate", "-r", at("run"), "--attention", "x"}, "--attention is now --records");
  answers({"evaluate", "-r", at("run"), "--coverage", "0.2"}, "--coverage is now --coverage-penalty");
  answers({"compare", "--decode-max-length", "9"}, "--decode-max-length is now --max-output");
  answers({"compare", "--out", at("x")}, "--out is now --output");
  answers({"demo", "--out", at("x")}, "--out is now --output");
  write(at("old.toml"), "[translate]\nmax-length = 9\n");
  answers({"translate", "-r", at("run"), "--config", at("old.toml")}, "'max-length' is now 'max-output'");
  const ProcessResult picture = run_process({kHeatmap, "-r", at("run"), "-s", "I am", "-o", at("x.svg")});
  EXPECT_THAT(picture.err, HasSubstr("heatmap -r RUN \"A dog runs.\""));
}

TEST_F(Translator, ConvolutionalTrainsGoesOnTranslatesAndIsDrawnByLayer) {
  const std::vector<std::string> sizes = {"--architecture",   "convolutional",
                                          "--embedding",      "12",
                                          "--hidden",         "16",
                                          "--encoder-layers", "2",
                                          "--decoder-layers", "2",
                                          "--kernel-width",   "3",
                                          "--threads",        "1"};
  ASSERT_EQ(translator(train_command("convolutional", sizes)).exit_code, 0);
  ASSERT_EQ(translator(train_command("parts", sizes)).exit_code, 0);
  for (const char* run : {"convolutional", "parts"}) {
    std::vector<std::string> longer = train_command(run, sizes);
    longer.insert(longer.end(), {"--resume", "--updates", "18"});
    ASSERT_EQ(translator(longer).exit_code, 0);
  }
  EXPECT_TRUE(content(at("convolutional/model.safetensors")) == content(at("parts/model.safetensors")));
  // its own options alone
  EXPECT_THAT(content(at("convolutional/config.toml")), Not(HasSubstr("encoder_hidden")));
  const ProcessResult made =
      translator({"translate", "-r", at("convolutional"), "--beam", "2", "--records", at("conv.jsonl")},
                 "I am a student.\n");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto record = nlohmann::json::parse(content(at("conv.jsonl")));
  ASSERT_EQ(record["attention"].size(), 2U);
  EXPECT_EQ(record["attention"][1]["layer"], 1);
  EXPECT_THAT(record["model"].get<std::string>(), testing::StartsWith("convolutional 2+2, 16 wide"));
  EXPECT_EQ(
      run_process({kHeatmap, "--records", at("conv.jsonl"), "--layer", "1", "-o", at("conv.svg")}).exit_code,
      0);
  expect_failure(translator(train_command("x", {"--architecture", "convolutional", "--heads", "2"})),
                 "--heads: is of --architecture recurrent, transformer, and this one is convolutional", 2);
}

TEST_F(Translator, SelfAttentionOnRequest) {
  std::vector<std::string> command = train_command("small", kTransformer);
  command.insert(command.end(), {"--threads", "1"});
  const ProcessResult trained = translator(command);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto translated = [&](const std::string& records, std::vector<std::string> more) {
    if (more.front() != "-t") more.insert(more.end(), {"--max-output", "20"});
    more.insert(more.begin(), {"translate", "-r", at("small"), "-s", at("three.en"), "--threads", "1",
                               "--records", at(records)});
    const ProcessResult result = translator(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  write(at("three.en"), "I am a student.\n\nThe man sleeps.\n");
  EXPECT_EQ(translated("plain.jsonl", {"--beam", "3", "--n-best", "2"}),
            translated("own.jsonl", {"--beam", "3", "--n-best", "2", "--self-attention"}));
  EXPECT_THAT(content(at("plain.jsonl")), testing::Not(HasSubstr("self_attention")));
  std::ifstream plain(at("plain.jsonl")), own(at("own.jsonl"));
  int lines = 0;
  for (std::string before, line; std::getline(plain, before) && std::getline(own, line); ++lines) {
    auto record = nlohmann::json::parse(line);
    const size_t words = record["source"]["tokens"].size();
    if (words > 0) {
      ASSERT_EQ(record["encoder_self_attention"].size(), 2U);  // one layer of two heads
      ASSERT_EQ(record["decoder_self_attention"].size(), 4U);
      const auto& last = record["decoder_self_attention"][3];
      EXPECT_EQ(last["layer"], 1);
      EXPECT_EQ(last["head"], 1);
      EXPECT_EQ(last["weights"].size(), record["target"]["tokens"].size());
      // <s> and the word's own pieces
      EXPECT_NEAR(last["weights"][0][0].get<double>() + last["weights"][0][1].get<double>(), 1, 1e-5);
      for (const auto& row : record["encoder_self_attention"][1]["weights"]) {
        EXPECT_EQ(row.size(), words);
        EXPECT_NEAR(
            std::accumulate(row.begin(), row.end(), 0.0,
                            [](double total, const auto& w) { return total + w.template get<double>(); }),
            1, 1e-4);
      }
    }
    record.erase("encoder_self_attention");
    record.erase("decoder_self_attention");
    EXPECT_EQ(record.contains("pieces"), words > 0);
    for (const char* list : {"encoder_self_attention", "decoder_self_attention"}) {
      if (words == 0) continue;
      EXPECT_FALSE(record["pieces"][list].empty());
      record["pieces"].erase(list);
    }
    EXPECT_EQ(record, nlohmann::json::parse(before));
  }
  EXPECT_EQ(lines, 5);
  const auto drawn = [&](std::vector<std::string> arguments, const std::string& to) {
    arguments.insert(arguments.begin(), kHeatmap);
    arguments.insert(arguments.end(), {"-o", at(to)});
    const ProcessResult result = run_process(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return content(at(to));
  };
  EXPECT_THAT(drawn({"--records", at("own.jsonl"), "--which", "encoder", "--grid"}, "encoder.svg"),
              HasSubstr(">encoder layer 0, head 1<"));
  for (const char* which : {"encoder", "decoder"}) {
    EXPECT_EQ(
        drawn({"-r", at("small"), "The man sleeps.", "--translation", "Der Mann schläft.", "--which", which},
              "a.svg"),
        drawn({"-r", at("small"), "The man sleeps.", "--translation", "Der Mann schläft.", "--which", which,
               "--json", at("a.json")},
              "b.svg"));
    EXPECT_EQ(drawn({"--records", at("a.json"), "--which", which}, "b.svg"), content(at("a.svg")));
  }
  EXPECT_THAT(content(at("a.svg")),
              testing::AllOf(HasSubstr(">output so far, attended to<"), HasSubstr(">schläft.<")));
  EXPECT_THAT(drawn({"-r", at("small"), "The man sleeps.", "--which", "encoder", "--mean"}, "mean.png"),
              StartsWith("\x89PNG"));
  write(at("three.de"), "Ich bin Student.\n\nDer Mann schläft.\n");
  EXPECT_EQ(translated("forced.jsonl", {"-t", at("three.de"), "--self-attention"}), content(at("three.de")));
  EXPECT_THAT(content(at("forced.jsonl")), HasSubstr("decoder_self_attention"));
}

TEST_F(Translator, SelfAttentionNeedsATransformerAndRecords) {
  expect_failure(
      translator({"translate", "-r", at("run"), "-s", at("nothing.en"), "--records", at("x.jsonl"),
                  "--self-attention"}),
      "--self-attention: '" + at("run") + "': 'additive attention, LSTM 12' has no self-attention");
  EXPECT_FALSE(std::filesystem::exists(at("x.jsonl")));
  expect_failure(translator({"translate", "-r", at("run"), "--self-attention"}, "a\n"), "--records", 2);
  const ProcessResult drawn =
      run_process({kHeatmap, "-r", at("run"), "a", "--which", "decoder", "-o", at("x.svg")});
  EXPECT_EQ(drawn.exit_code, 1);
  EXPECT_EQ(drawn.err,
            "heatmap: --which: '" + at("run") + "': 'additive attention, LSTM 12' has no self-attention\n");
}

TEST_F(Translator, SamplesAreTheSameForASeed) {
  const auto sample = [&](const std::string& seed) {
    return translator(
               {"translate", "-r", at("run"), "--temperature", "1", "--n-best", "3", "--sample-seed", seed},
               "The man sleeps .\n")
        .out;
  };
  EXPECT_EQ(sample("1"), sample("1"));
  EXPECT_NE(sample("1"), sample("2"));
  expect_failure(translator({"translate", "-r", at("run"), "--beam", "2", "--n-best", "3"}, "a\n"),
                 "n-best: 3 outputs need a beam as wide, got 2", 2);
}

TEST_F(Translator, EvaluatesAnEnsemble) {
  const ProcessResult result =
      translator({"evaluate", "-r", at("run"), "-r", at("run"), "-s", at("corpus/test.en"), "-t",
                  at("corpus/test.de"), "--json", at("ensemble.json")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto report = nlohmann::json::parse(content(at("ensemble.json")));
  EXPECT_LE(report["bleu_low"], report["bleu"]);
  EXPECT_GE(report["bleu_high"], report["bleu"]);
  EXPECT_GT(report["chrf2"], 0);
  EXPECT_GT(report["attention_entropy"], 0);
}

TEST_F(Translator, AlignsGivenPairs) {
  const ProcessResult one = translator({"align", "-r", at("run"), "-s", at("corpus/test.en"), "-t",
                                        at("corpus/test.de"), "--json", at("align.json")});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 20);
  std::istringstream words(content(at("corpus/test.de")));
  const auto report = nlohmann::json::parse(content(at("align.json")));
  // one a target word
  EXPECT_EQ(report["links"], std::distance(std::istream_iterator<std::string>(words), {}));
  auto back = with(with(train_command("back"), "-s", at("corpus/train.de")), "-t", at("corpus/train.en"));
  back = with(with(back, "--valid-source", at("corpus/valid.de")), "--valid-target", at("corpus/valid.en"));
  ASSERT_EQ(translator(back).exit_code, 0);
  const auto links = [&](const std::string& method) {
    const ProcessResult both =
        translator({"align", "-r", at("run"), "--reverse", at("back"), "--symmetrise", method, "-s",
                    at("corpus/test.en"), "-t", at("corpus/test.de"), "-o", at(method + ".align")});
    EXPECT_EQ(both.exit_code, 0) << both.err;
    return content(at(method + ".align")).size();
  };
  EXPECT_LT(links("intersection"), links("union"));
  EXPECT_GT(links("product"), links("intersection"));
  // what the directions agree on is kept in both, for these weights
  const ProcessResult chosen =
      translator({"align", "-r", at("run"), "--reverse", at("back"), "--choose", "-s", at("corpus/test.en"),
                  "-t", at("corpus/test.de"), "--gold", at("corpus/test.gold"), "--json", at("choose.json")});
  ASSERT_EQ(chosen.exit_code, 0) << chosen.err;
  EXPECT_THAT(chosen.err, AllOf(HasSubstr("the directions agree on"), HasSubstr("alignment error ")));
  for (const char* name : {"run", "back"})
    EXPECT_EQ(nlohmann::json::parse(content(at(std::string(name) + "/attention.json")))["sentences"], 20);
  const auto choice = nlohmann::json::parse(content(at("choose.json")));
  EXPECT_GE(choice["alignment_error_rate"], 0);
  EXPECT_LE(choice["alignment_error_rate"], 1);
  EXPECT_GT(choice["agreement"], 0);
  expect_failure(translator({"align", "-r", at("run"), "--choose", "-s", at("corpus/test.en"), "-t",
                             at("corpus/test.de")}),
                 "--choose requires --reverse", 2);
  write(at("run/attention.json"), "{}");
  expect_failure(
      translator({"align", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
      "is not the choice of a run's attention");
  std::filesystem::remove(at("run/attention.json"));
  const std::vector<std::string> itself = {"align",
                                           "-r",
                                           at("run"),
                                           "--reverse",
                                           at("run"),
                                           "-s",
                                           at("corpus/test.en"),
                                           "-t",
                                           at("corpus/test.de")};
  expect_failure(translator(itself), "is --run itself");
  for (const auto& [run, command] :
       {std::pair{"named", train_command("named")}, std::pair{"named-back", train_command("named-back")}}) {
    std::vector<std::string> training = command;
    training.insert(training.end(), {"--source-language", "en", "--target-language", "de"});
    ASSERT_EQ(translator(training).exit_code, 0) << run;
  }
  expect_failure(translator(with(with(itself, "-r", at("named")), "--reverse", at("named-back"))),
                 "named-back' translates en to de; the other direction is de to en");
  ASSERT_EQ(translator(train_command("blind", {"--attention", "none"})).exit_code, 0);
  expect_failure(
      translator({"align", "-r", at("blind"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
      "is a model without attention");
}

}  // namespace
}  // namespace heed
