// translator and heatmap where the world fails: streams that cannot be written or read, disks, other processes, hostile files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/io/safetensors.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProcessResult shell(const std::string& command) { return run_process({"sh", "-c", command}); }

class Faults : public testing::Test {
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
    std::vector<std::string> command = {"train", "-s", at("corpus/train.en"), "-t", at("corpus/train.de"), "-o", at(run)};
    for (const char* word : {"--embedding", "8", "--encoder-hidden", "8", "--decoder-hidden", "12", "--attention-size", "8", "--readout",
                             "12", "--updates", "12", "--validate-every", "6", "--batch-size", "10", "--log-every", "3"}) {
      command.emplace_back(word);
    }
    command.insert(command.end(), {"--valid-source", at("corpus/valid.en"), "--valid-target", at("corpus/valid.de")});
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  static std::string shell_line(const std::vector<std::string>& arguments) {
    std::string line = kTranslator;
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    return line;
  }
  static TempDir* dir_;
};
TempDir* Faults::dir_ = nullptr;

TEST_F(Faults, AMessageThatCannotBePrintedChangesNoStatus) {
  for (const char* broken : {" 2>&-", " 2>/dev/full", " 2>&- >&-", " 2>&- >&- <&-"}) {
    EXPECT_EQ(shell(kTranslator + " translate -r nothere" + broken).exit_code, 1) << broken;
    EXPECT_EQ(shell(kTranslator + " nothing" + broken).exit_code, 2) << broken;
    EXPECT_EQ(shell(std::string(HEED_BIN_DIR) + "/heatmap -r nothere -s a -o x.svg" + broken).exit_code, 1) << broken;
  }
}

TEST_F(Faults, TrainingGoesOnWithoutItsMessages) {
  const std::string expected = content(at("run/model.safetensors"));
  for (const char* broken : {"2>&-", "2>/dev/full", "2>&- <&-"}) {
    const ProcessResult result = shell(shell_line(train_command("quiet", {"--overwrite"})) + " " + broken);
    EXPECT_EQ(result.exit_code, 0) << broken;
    EXPECT_EQ(content(at("quiet/model.safetensors")), expected) << broken;
    EXPECT_EQ(content(at("quiet/config.toml")), content(at("run/config.toml"))) << broken;  // nothing was printed into a file
  }
  const ProcessResult gone = shell("{ " + shell_line(train_command("quiet", {"--overwrite"})) + " 2>&1 >/dev/null; echo $? >'" +
                                   at("status") + "'; } | true");  // a reader that went away
  EXPECT_EQ(content(at("status")), "0\n");
  EXPECT_EQ(content(at("quiet/model.safetensors")), expected);
}

TEST_F(Faults, OutputThatCannotBeWrittenIsAnErrorWithItsReason) {
  expect_failure(shell(kTranslator + " --version >/dev/full"), "cannot write standard output");
  expect_failure(shell(kTranslator + " help >&-"), "cannot write standard output");
  const ProcessResult closed =
      shell(shell_line({"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}) + " >&-");
  expect_failure(closed, "cannot write standard output: Bad file descriptor");
}

TEST_F(Faults, AReadErrorOnStandardInputIsNotItsEnd) {
  const std::string translate = shell_line({"translate", "-r", at("run")});
  const ProcessResult folder = shell(translate + " <'" + at("corpus") + "'"), closed = shell(translate + " <&-");
  expect_failure(folder, "cannot read standard input: Is a directory");
  expect_failure(closed, "cannot read standard input: Bad file descriptor");
  EXPECT_EQ(folder.out + closed.out, "");
  const ProcessResult record = shell(std::string(HEED_BIN_DIR) + "/heatmap --record - -o '" + at("x.svg") + "' <'" + at("corpus") + "'");
  EXPECT_EQ(record.exit_code, 1);
  EXPECT_THAT(record.err, HasSubstr("Is a directory"));
}

// Two trainings in one folder would leave one's config beside the other's weights.
TEST_F(Faults, ASecondTrainingInAFolderIsRefusedWithTheFirstOnesProcessId) {
  const std::string first = shell_line(train_command("locked", {"--updates", "1000000"}));
  const std::string script =
      first + " 2>/dev/null & first=$!; while [ ! -e '" + at("locked/state.safetensors") + "' ]; do sleep 0.02; done\n" + "echo $first\n";
  const auto second = [&](const char* option) { return shell_line(train_command("locked", {option})) + " 2>&1 >/dev/null; echo $?\n"; };
  const ProcessResult result = shell(script + second("--overwrite") + second("--resume") + "kill -9 $first; wait $first 2>/dev/null\n" +
                                     second("--overwrite") + "exit 0");
  std::istringstream lines(result.out);
  std::string id, overwrite, status, resume, status2;
  std::getline(lines, id) && std::getline(lines, overwrite) && std::getline(lines, status) && std::getline(lines, resume) &&
      std::getline(lines, status2);
  const std::string refusal =
      "'" + at("locked") + "' is in use by another training: '" + at("locked/run.lock") + "' is held by process " + id;
  EXPECT_EQ(overwrite, "translator: " + refusal);
  EXPECT_EQ(resume, "translator: " + refusal);
  EXPECT_EQ(status + status2, "11");
  EXPECT_THAT(result.out, testing::EndsWith("\n0\n"));  // a process that was killed holds nothing
  EXPECT_FALSE(fs::exists(at("locked/run.lock")));
  EXPECT_EQ(content(at("locked/model.safetensors")), content(at("run/model.safetensors")));
}

TEST_F(Faults, OverwriteRemovesOnlyARun) {
  fs::create_directory(at("foreign"));
  write(at("foreign/config.toml"), "[server]\nport = 80\n");
  expect_failure(translator(train_command("foreign", {"--overwrite"})), "has no config.toml of a run; its files are left alone");
  EXPECT_EQ(content(at("foreign/config.toml")), "[server]\nport = 80\n");
  fs::remove(at("foreign/config.toml"));
  write(at("foreign/model.safetensors"), "mine");
  expect_failure(translator(train_command("foreign", {"--overwrite"})), "has no config.toml of a run");
  EXPECT_EQ(content(at("foreign/model.safetensors")), "mine");
  write(at("foreign/run.lock"), "1\n");
  expect_failure(translator(train_command("foreign", {"--overwrite"})), "has no config.toml of a run");
}

TEST_F(Faults, AStartThatWasKilledCanBeMadeAgain) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--overwrite"}, {"--resume"}}) {
    fs::remove_all(at("half"));
    fs::create_directory(at("half"));
    for (const char* file : {"run.lock", "source.vocab", "source.vocab.tmp0123", "metrics.jsonl"}) write(at("half/") + file, "");
    const ProcessResult result = translator(train_command("half", more));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(content(at("half/model.safetensors")), content(at("run/model.safetensors")));
    EXPECT_FALSE(fs::exists(at("half/source.vocab.tmp0123")));
  }
}

TEST_F(Faults, TemporariesOfKilledWritersGoWithTheNextTraining) {
  fs::copy(at("run"), at("littered"));
  write(at("littered/state.safetensors.tmp0011223344556677"), "half");
  EXPECT_EQ(translator(train_command("littered", {"--resume"})).exit_code, 0);
  EXPECT_FALSE(fs::exists(at("littered/state.safetensors.tmp0011223344556677")));
}

TEST_F(Faults, AnOutputKeepsItsPermissions) {
  write(at("private.out"), "");
  fs::permissions(at("private.out"), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(translator({"translate", "-r", at("run"), "-o", at("private.out")}, "I sleep .\n").exit_code, 0);
  EXPECT_EQ(fs::status(at("private.out")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(content(at("private.out")), Not(""));
}

// A run whose weights are changed by `change`.
void change_weights(const std::string& run, const std::string& file, float value) {
  SafetensorsFile loaded = load_safetensors(fs::path(run) / file);
  NamedTensors tensors(loaded.tensors.begin(), loaded.tensors.end());
  for (auto& [name, tensor] : tensors) {
    if (tensor.dtype() != DType::f32 || name.find("decoder.embedding.weight") == std::string::npos) continue;
    std::vector<float> values = tensor.to_vector<float>();
    values.back() = value;
    tensor = from_vector(values, tensor.shape());
  }
  save_safetensors(fs::path(run) / file, tensors, loaded.metadata);
}

TEST_F(Faults, WeightsThatAreNoNumbersAreRefusedByName) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    fs::remove_all(at("sick"));
    fs::copy(at("run"), at("sick"));
    change_weights(at("sick"), "model.safetensors", value);
    const std::string why = "'decoder.embedding.weight' holds NaN or infinity";
    expect_failure(translator({"translate", "-r", at("sick")}, "I .\n"), why);
    expect_failure(translator({"evaluate", "-r", at("sick"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}), why);
    expect_failure(translator({"align", "-r", at("sick"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}), why);
    EXPECT_THAT(run_process({std::string(HEED_BIN_DIR) + "/heatmap", "-r", at("sick"), "-s", "I .", "-o", at("x.svg")}).err,
                HasSubstr(why));
    fs::copy(at("run/model.safetensors"), at("sick/model.safetensors"), fs::copy_options::overwrite_existing);
    change_weights(at("sick"), "state.safetensors", value);
    EXPECT_THAT(translator(train_command("sick", {"--resume", "--updates", "20"})).err, HasSubstr(why));
  }
}

TEST_F(Faults, ATrainingThatDivergesSavesNothingOfIt) {
  for (const char* clip : {"1", "0"}) {
    const ProcessResult result =
        translator(train_command("burst", {"--lr", "1e38", "--clip", clip, "--validate-every", "1", "--overwrite"}));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("try a lower lr"));
    EXPECT_FALSE(fs::exists(at("burst/state.safetensors")));
    EXPECT_FALSE(fs::exists(at("burst/model.safetensors")));
    std::istringstream lines(content(at("burst/metrics.jsonl")));
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST_F(Faults, AnOddLineOfTheMetricsDoesNotStopTheRun) {
  fs::copy(at("run"), at("odd"));
  write(at("odd/metrics.jsonl"), "{\"update\":\"three\"}\n{\"update\":3,\"averaged\":[]}\n[1]\nnull\n" + content(at("run/metrics.jsonl")));
  const ProcessResult result = translator(train_command("odd", {"--resume", "--updates", "18"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(content(at("odd/metrics.jsonl")), Not(HasSubstr("three")));
}

TEST_F(Faults, AHostileConfigIsRefusedAtOnce) {
  fs::copy(at("run"), at("hostile"));
  const std::string config = content(at("run/config.toml"));
  for (const auto& [key, value] : {std::pair{"encoder_layers", "1000000"}, {"embedding", "1000000000"}, {"decoder_hidden", "100000"}}) {
    std::string changed = config;
    const size_t at_key = changed.find(std::string(key) + " = ");
    ASSERT_NE(at_key, std::string::npos) << key;
    changed.replace(at_key, changed.find('\n', at_key) - at_key, std::string(key) + " = " + value);
    write(at("hostile/config.toml"), changed);
    expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"), std::string(key) + " describes a larger model");
  }
  std::string deep = "a";
  for (int i = 0; i < 50000; ++i) deep += ".a";
  write(at("hostile/config.toml"), config + deep + " = 1\n");
  expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"), "a key of more than 100 parts");
  write(at("deep.toml"), deep + " = 1\n");
  expect_failure(translator(train_command("x", {"--config", at("deep.toml")})), "a key of more than 100 parts", 2);
}

// Runs with averaging that were made longer end as if they had been long from the start; a mean that nothing beats stays.
TEST_F(Faults, ALengthenedRunWithAveragingEndsAsAnUninterruptedOne) {
  for (const char* seed : {"1", "2", "3"}) {
    for (const char* length : {"20", "23", "26"}) {
      const std::vector<std::string> averaging = {"--average", "2", "--overwrite", "--lr", "0.02", "--seed", seed, "--validate-every", "5"};
      ASSERT_EQ(translator(with(train_command("whole", averaging), "--updates", "40")).exit_code, 0);
      ASSERT_EQ(translator(with(train_command("parts", averaging), "--updates", length)).exit_code, 0);
      std::vector<std::string> longer = with(train_command("parts", averaging), "--updates", "40");
      std::replace(longer.begin(), longer.end(), std::string("--overwrite"), std::string("--resume"));
      ASSERT_EQ(translator(longer).exit_code, 0);
      const auto state = [&](const char* run) {
        SafetensorsFile file = load_safetensors(fs::path(at(run)) / "state.safetensors");
        file.tensors.erase("progress");  // has seconds
        return to_safetensors({file.tensors.begin(), file.tensors.end()});
      };
      EXPECT_EQ(state("whole"), state("parts")) << seed << ' ' << length;
      const SafetensorsFile kept = load_safetensors(at("parts/model.safetensors"));
      const auto final_update = kept.metadata.find("final_update");
      if (final_update != kept.metadata.end() && final_update->second == length) {
        EXPECT_TRUE(fs::exists(at("parts/single.safetensors")));
      } else {
        EXPECT_EQ(content(at("whole/model.safetensors")), content(at("parts/model.safetensors"))) << seed << ' ' << length;
      }
    }
  }
}

}  // namespace
}  // namespace heed
