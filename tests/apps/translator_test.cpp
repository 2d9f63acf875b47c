// translator, run as a user runs it: arguments, exit codes, files, bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/testing/process.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kTranslator = HEED_BIN_DIR "/translator";
const std::string kHeatmap = HEED_BIN_DIR "/heatmap";

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

ProcessResult translator(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), kTranslator);
  return run_process(arguments, input);
}

// One tiny corpus and one trained run for all tests of this file.
class Translator : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    ASSERT_EQ(translator({"corpus", "-o", at("corpus"), "--train", "120", "--validation", "10", "--test", "20"}).exit_code, 0);
    const ProcessResult trained = translator(train_command("run"));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  static std::string at(const std::string& name) { return *dir_ / name; }
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
                                        "-o",
                                        at(run),
                                        "--embedding",
                                        "8",
                                        "--encoder-hidden",
                                        "8",
                                        "--decoder-hidden",
                                        "12",
                                        "--attention-size",
                                        "8",
                                        "--readout",
                                        "12",
                                        "--updates",
                                        "12",
                                        "--validate-every",
                                        "6",
                                        "--batch-size",
                                        "10",
                                        "--log-every",
                                        "3"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  static std::vector<std::string> with(std::vector<std::string> command, const std::string& option, const std::string& value) {
    for (size_t i = 0; i + 1 < command.size(); ++i) {
      if (command[i] == option) command[i + 1] = value;
    }
    return command;
  }
  static void expect_failure(const ProcessResult& result, const std::string& message, int code = 1) {
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_THAT(result.err, AllOf(StartsWith("translator: "), HasSubstr(message)));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  static TempDir* dir_;
};
TempDir* Translator::dir_ = nullptr;

TEST_F(Translator, WritesTheRunFolder) {
  for (const char* file : {"config.toml", "model.safetensors", "state.safetensors", "source.vocab", "target.vocab", "metrics.jsonl"}) {
    EXPECT_GT(std::filesystem::file_size(at("run/") + file), 0U) << file;
  }
  std::ifstream metrics(at("run/metrics.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(metrics, line); ++lines) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_EQ(lines, 12 / 3 + 12 / 6);
}

TEST_F(Translator, TranslatesLineByLineAndAnEmptyLineToAnEmptyLine) {
  const ProcessResult result = translator({"translate", "-r", at("run")}, "I am a student .\n\nThe man sleeps .\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
  const size_t first = result.out.find('\n');
  EXPECT_EQ(result.out[first + 1], '\n');
  EXPECT_EQ(translator({"translate", "-r", at("run")}, "").out, "");
}

TEST_F(Translator, OrdinaryTextHasNoUnknownWords) {
  const ProcessResult result = translator({"translate", "-r", at("run"), "--attention", at("plain.jsonl")}, "I am a student.\n");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto record = nlohmann::json::parse(content(at("plain.jsonl")));
  EXPECT_EQ(record["source"]["tokens"].size(), 6U);
  for (const auto& token : record["source"]["tokens"]) EXPECT_FALSE(token.contains("unk")) << token;
  EXPECT_EQ(record["source"]["tokens"][4]["span"], nlohmann::json::parse("[14, 15]"));
}

TEST_F(Translator, AttentionRecordsFitTheirSentences) {
  const ProcessResult result = translator({"translate", "-r", at("run"), "-i", at("corpus/test.en"), "-o", at("test.out"), "--attention",
                                           at("test.jsonl"), "--json", at("speed.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::ifstream records(at("test.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(records, line); ++lines) {
    const auto record = nlohmann::json::parse(line);
    EXPECT_EQ(record["id"], lines);
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
  const auto picture = run_process({kHeatmap, "--record", at("test.jsonl"), "--line", "3", "-o", at("third.svg")});
  EXPECT_EQ(picture.exit_code, 0) << picture.err;
  const auto drawn = run_process({kHeatmap, "-r", at("run"), "-s", "I am a student.", "-o", at("s.png")});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(content(at("s.png")), StartsWith("\x89PNG"));
}

TEST_F(Translator, EvaluatesWithAlignments) {
  const ProcessResult result = translator({"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de"), "--gold",
                                           at("corpus/test.gold"), "--json", at("eval.json")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("tok:none"), HasSubstr("tok:13a"), HasSubstr("alignment error rate")));
  const auto report = nlohmann::json::parse(content(at("eval.json")));
  EXPECT_EQ(report["sentences"], 20);
  EXPECT_EQ(report["bleu_by_length"].size(), 7U);
  EXPECT_GT(report["aer"].get<double>(), report["aer_perfect"].get<double>());
}

TEST_F(Translator, ForcedDecodingKeepsTheGivenTranslation) {
  write(at("two.en"), "I am a student .\nI am a student .\n");
  write(at("two.de"), "Ich bin ein Student .\nbin\n");
  const ProcessResult result =
      translator({"translate", "-r", at("run"), "-i", at("two.en"), "--force", at("two.de"), "--attention", at("forced.jsonl")});
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
  const ProcessResult result = run_process({"bash", "-c", "(" + line + ") & child=$!; sleep 3; kill -INT $child; wait $child"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("--resume goes on"));
  EXPECT_TRUE(std::filesystem::exists(at("interrupted/state.safetensors")));
}

TEST_F(Translator, WrongUsageGivesStatusTwo) {
  expect_failure(translator(train_command("x", {"--no-such-option"})), "--no-such-option", 2);
  expect_failure(translator({}), "subcommand", 2);
  expect_failure(translator({"translate"}), "--run", 2);
  EXPECT_EQ(translator({"--help"}).exit_code, 0);
  EXPECT_THAT(translator({"--version"}).out, AllOf(HasSubstr("heed"), HasSubstr("OpenBLAS"), HasSubstr("oneDNN")));
}

TEST_F(Translator, BadFilesAreNamed) {
  expect_failure(translator(with(train_command("x"), "-s", at("nowhere.en"))), "nowhere.en");
  write(at("short.de"), "Ich .\n");
  expect_failure(translator(with(train_command("x"), "-t", at("short.de"))), "train.en' has 120 lines");
  write(at("empty"), "");
  expect_failure(translator(with(with(train_command("x"), "-s", at("empty")), "-t", at("empty"))), "empty");
  write(at("latin1.en"), content(at("corpus/train.en")).replace(20, 1, "\xE4"));
  expect_failure(translator(with(train_command("x"), "-s", at("latin1.en"))), "latin1.en' line 2 is not UTF-8");
  EXPECT_FALSE(std::filesystem::exists(at("x")));  // nothing half-written
}

TEST_F(Translator, BadValuesAreNamed) {
  expect_failure(translator(train_command("x", {"--attention", "magic"})), "'magic' is not known");
  expect_failure(translator(train_command("x", {"--dropout", "1.5"})), "dropout: 1.5");
  expect_failure(translator(train_command("x", {"--schedule", "stairs"})), "'stairs' is not known");
  EXPECT_FALSE(std::filesystem::exists(at("x")));
}

TEST_F(Translator, APresetSetsOptionsAndTheCommandLineWins) {
  write(at("preset.toml"), "[train]\nreadout = 7\nembedding = 9\nupdates = 1\n");
  auto command = train_command("preset", {"--config", at("preset.toml")});
  command.erase(std::find(command.begin(), command.end(), "--readout"), std::find(command.begin(), command.end(), "--readout") + 2);
  const ProcessResult result = translator(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(content(at("preset/config.toml")), AllOf(HasSubstr("readout = 7"), HasSubstr("embedding = 8"), HasSubstr("updates = 12")));
  write(at("wrong.toml"), "[train]\nmagic = 7\n");
  expect_failure(translator(train_command("x", {"--config", at("wrong.toml")})), "magic", 2);
  expect_failure(translator(train_command("x", {"--config", at("no.toml")})), "no.toml", 2);
}

TEST_F(Translator, AnExistingRunIsRefusedUnlessOverwritten) {
  expect_failure(translator(train_command("run")), "exists already");
  std::filesystem::create_directory(at("mine"));
  write(at("mine/thesis.txt"), "years of work");
  expect_failure(translator(train_command("mine", {"--overwrite"})), "thesis.txt");
  EXPECT_EQ(content(at("mine/thesis.txt")), "years of work");
  EXPECT_EQ(translator(train_command("again")).exit_code, 0);
  EXPECT_EQ(translator(train_command("again", {"--overwrite"})).exit_code, 0);
  expect_failure(translator(train_command("again", {"--resume", "--lr", "0.5"})), "--lr is not what");
  expect_failure(translator(train_command("never", {"--resume"})), "never");
}

TEST_F(Translator, ARefusedTrainingLeavesTheOldRunAsItIs) {
  std::filesystem::copy(at("run"), at("kept"));
  const std::string before = content(at("kept/model.safetensors"));
  write(at("blank"), "\n\n");
  expect_failure(translator(with(with(train_command("kept", {"--overwrite"}), "-s", at("blank")), "-t", at("blank"))), "no training pair");
  expect_failure(translator(train_command("kept", {"--overwrite", "--max-vocabulary", "3"})), "max-vocabulary");
  expect_failure(translator(train_command("kept", {"--overwrite", "--seed", "18446744073709551615"})), "seed");
  EXPECT_EQ(content(at("kept/model.safetensors")), before);
}

TEST_F(Translator, DevicesAreWrittenAndNotReplaced) {
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", "/dev/null"}, "I .\n").exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const ProcessResult full = run_process(
      {"bash", "-c",
       kTranslator + " evaluate -r " + at("run") + " -s " + at("corpus/test.en") + " -t " + at("corpus/test.de") + " > /dev/full"});
  expect_failure(full, "cannot write standard output");
  std::filesystem::create_symlink(at("linked.out"), at("link.out"));
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", at("link.out")}, "I .\n").exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(at("link.out")));
  EXPECT_TRUE(std::filesystem::exists(at("linked.out")));
}

TEST_F(Translator, ForcingNeedsAFile) { expect_failure(translator({"translate", "-r", at("run"), "--force", "x"}, "I .\n"), "--input", 2); }

TEST_F(Translator, ABrokenRunIsNamed) {
  std::filesystem::copy(at("run"), at("broken"));
  write(at("broken/model.safetensors"), content(at("run/model.safetensors")).substr(0, 2000));
  expect_failure(translator({"translate", "-r", at("broken")}, "I .\n"), "model.safetensors");
  std::filesystem::remove(at("broken/model.safetensors"));
  expect_failure(translator({"translate", "-r", at("broken")}, "I .\n"), "model.safetensors");
  expect_failure(translator({"translate", "-r", at("nowhere")}, "I .\n"), "nowhere");
}

TEST_F(Translator, UnwritableOutputAndFullDiskLeaveNothingHalfWritten) {
  expect_failure(translator({"translate", "-r", at("run"), "-o", at("no/such/folder.txt")}, "I .\n"), "folder.txt");
  // A file size limit stands for a full disk: the write fails in its middle.
  const ProcessResult result = run_process(
      {"bash", "-c",
       "ulimit -f 4; " + kTranslator + " translate -r " + at("run") + " -i " + at("corpus/train.en") + " -o " + at("full.out")});
  expect_failure(result, "full.out");
  for (const auto& entry : std::filesystem::directory_iterator(at(""))) {
    EXPECT_THAT(entry.path().filename().string(), testing::Not(StartsWith("full.out")));
  }
  expect_failure(translator({"translate", "-r", at("run")}, "I\xFF .\n"), "standard input' line 1 is not UTF-8");
}

TEST_F(Translator, DemoWritesItsReportAndReplacesOnlyItsOwn) {
  const std::vector<std::string> command = {"demo", "--out", at("unused"), "-o", at("demo"), "--updates", "4", "--train", "200"};
  ASSERT_EQ(translator(command).exit_code, 0);
  write(at("demo/notes.txt"), "mine");
  const ProcessResult again = translator(command);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(content(at("demo/notes.txt")), "mine");
  const auto report = nlohmann::json::parse(content(at("demo/report.json")));
  ASSERT_EQ(report["models"].size(), 2U);
  EXPECT_EQ(report["models"][0]["attention"], "none");
  EXPECT_TRUE(report["models"][0]["aer"].is_null());
  EXPECT_EQ(report["models"][1]["attention"], "additive");
  EXPECT_TRUE(report["models"][1]["aer"].is_number());
  EXPECT_EQ(report["models"][1]["bleu_by_length"].size(), 7U);
  EXPECT_EQ(report["models"][0]["updates"], report["models"][1]["updates"]);
  const double none = report["models"][0]["parameters"], additive = report["models"][1]["parameters"];
  EXPECT_LT(std::abs(additive / none - 1), 0.05);
  EXPECT_GE(report["heatmaps"].size(), 8U);
  for (const auto& path : report["heatmaps"]) EXPECT_GT(std::filesystem::file_size(path.get<std::string>()), 1000U);
}

}  // namespace
}  // namespace heed
