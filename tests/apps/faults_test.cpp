// translator and heatmap where the world fails: streams that cannot be written or read, disks, other
// processes, hostile files.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/common/environment.h"
#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProcessResult shell(const std::string& command) { return run_process({"sh", "-c", command}); }

class Faults : public WithCorpus {
 protected:
  static void SetUpTestSuite() {
    make_corpus(120, 10, 20);
    const ProcessResult trained = translator(train_command("run"));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static std::vector<std::string> train_command(const std::string& run, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"train", "-s",   at("corpus/train.en"), "-t", at("corpus/train.de"),
                                        "-r",    at(run)};
    if (std::ranges::find(more, "--architecture") == more.end()) {
      command.insert(command.end(), {"--embedding", "8", "--encoder-hidden", "8", "--decoder-hidden", "12",
                                     "--attention-size", "8", "--readout", "12"});
    }
    command.insert(command.end(),
                   {"--updates", "12", "--validate-every", "6", "--batch-size", "10", "--log-every", "3"});
    command.insert(command.end(),
                   {"--valid-source", at("corpus/valid.en"), "--valid-target", at("corpus/valid.de")});
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  static std::string shell_line(const std::vector<std::string>& arguments) {
    std::string line = kTranslator;
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    return line;
  }
};

TEST_F(Faults, AMessageThatCannotBePrintedChangesNoStatus) {
  for (const char* broken : {" 2>&-", " 2>/dev/full", " 2>&- >&-", " 2>&- >&- <&-"}) {
    EXPECT_EQ(shell(kTranslator + " translate -r nothere" + broken).exit_code, 1) << broken;
    EXPECT_EQ(shell(kTranslator + " nothing" + broken).exit_code, 2) << broken;
    EXPECT_EQ(shell(std::string(HEED_BIN_DIR) + "/heatmap -r nothere a -o x.svg" + broken).exit_code, 1)
        << broken;
  }
}

TEST_F(Faults, TrainingGoesOnWithoutItsMessages) {
  const std::string expected = content(at("run/model.safetensors"));
  for (const char* broken : {"2>&-", "2>/dev/full", "2>&- <&-"}) {
    const ProcessResult result = shell(shell_line(train_command("quiet", {"--overwrite"})) + " " + broken);
    EXPECT_EQ(result.exit_code, 0) << broken;
    EXPECT_EQ(content(at("quiet/model.safetensors")), expected) << broken;
    // nothing was printed into a file
    EXPECT_EQ(content(at("quiet/config.toml")), content(at("run/config.toml"))) << broken;
  }
  const ProcessResult gone =
      shell("{ " + shell_line(train_command("quiet", {"--overwrite"})) + " 2>&1 >/dev/null; echo $? >'" +
            at("status") + "'; } | true");  // a reader that went away
  EXPECT_EQ(content(at("status")), "0\n");
  EXPECT_EQ(content(at("quiet/model.safetensors")), expected);
}

TEST_F(Faults, OutputThatCannotBeWrittenIsAnErrorWithItsReason) {
  expect_failure(shell(kTranslator + " --version >/dev/full"), "cannot write standard output");
  expect_failure(shell(kTranslator + " help >&-"), "cannot write standard output");
  const ProcessResult closed = shell(
      shell_line({"evaluate", "-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}) +
      " >&-");
  expect_failure(closed, "cannot write standard output: Bad file descriptor");
}

// "-" is the process's own standard input, read on from where it stands, and not what its name opens anew.
TEST_F(Faults, ADashIsReadFromWhereStandardInputStands) {
  const std::string files = " -t '" + at("corpus/test.de") + "'",
                    evaluate = shell_line({"evaluate", "-r", at("run"), "-s", "-"}) + files;
  expect_failure(shell(evaluate + " <&-"), "cannot read standard input: Bad file descriptor");
  expect_failure(shell(shell_line({"align", "-r", at("run"), "-s", "-"}) + files + " <&-"),
                 "cannot read standard input: Bad file descriptor");
  expect_failure(shell(shell_line({"translate", "-r", at("run"), "-s", "/dev/stdin"}) + " <&-"),
                 "cannot read standard input");
  expect_failure(shell("{ read -r first; " + evaluate + "; } <'" + at("corpus/test.en") + "'"),
                 "'/dev/stdin' has ");
  EXPECT_EQ(shell("cat '" + at("corpus/test.en") + "' | " + evaluate).exit_code, 0);
  std::vector<std::string> twice = with(train_command("x"), "-s", "-");
  twice = with(twice, "--valid-source", "-");
  expect_failure(translator(twice), "--valid-source: '-' is standard input, which is also that of --source");
}

TEST_F(Faults, AReadErrorOnStandardInputIsNotItsEnd) {
  const std::string translate = shell_line({"translate", "-r", at("run")});
  const ProcessResult folder = shell(translate + " <'" + at("corpus") + "'"),
                      closed = shell(translate + " <&-");
  expect_failure(folder, "cannot read standard input: Is a directory");
  expect_failure(closed, "cannot read standard input: Bad file descriptor");
  EXPECT_EQ(folder.out + closed.out, "");
  const ProcessResult record = shell(std::string(HEED_BIN_DIR) + "/heatmap --records - -o '" + at("x.svg") +
                                     "' <'" + at("corpus") + "'");
  EXPECT_EQ(record.exit_code, 1);
  EXPECT_THAT(record.err, HasSubstr("Is a directory"));
}

// Two trainings in one folder would leave one's config beside the other's weights.
TEST_F(Faults, ASecondTrainingInAFolderIsRefusedWithTheFirstOnesProcessId) {
  const std::string first = shell_line(train_command("locked", {"--updates", "1000000"}));
  const std::string script = first + " 2>/dev/null & first=$!; while [ ! -e '" +
                             at("locked/state.safetensors") + "' ]; do sleep 0.02; done\n" + "echo $first\n";
  const auto second = [&](const char* option) {
    return shell_line(train_command("locked", {option})) + " 2>&1 >/dev/null; echo $?\n";
  };
  const ProcessResult result =
      shell(script + second("--overwrite") + second("--resume") +
            "kill -9 $first; wait $first 2>/dev/null\n" + second("--overwrite") + "exit 0");
  std::istringstream lines(result.out);
  std::string id, overwrite, status, resume, status2;
  std::getline(lines, id) && std::getline(lines, overwrite) && std::getline(lines, status) &&
      std::getline(lines, resume) && std::getline(lines, status2);
  const std::string refusal = "'" + at("locked") + "' is in use by another training: '" +
                              at("locked/run.lock") + "' is held by process " + id;
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
  expect_failure(translator(train_command("foreign", {"--overwrite"})),
                 "has no config.toml of a run; its files are left alone");
  EXPECT_EQ(content(at("foreign/config.toml")), "[server]\nport = 80\n");
  fs::remove(at("foreign/config.toml"));
  write(at("foreign/model.safetensors"), "mine");
  expect_failure(translator(train_command("foreign", {"--overwrite"})), "has no config.toml of a run");
  EXPECT_EQ(content(at("foreign/model.safetensors")), "mine");
  write(at("foreign/run.lock"), "1\n");
  expect_failure(translator(train_command("foreign", {"--overwrite"})), "has no config.toml of a run");
}

// Beside a run's files only the user's report may lie; names that are nearly a run's are the user's.
TEST_F(Faults, OverwriteKnowsARunsFilesByTheirWholeNames) {
  for (const char* name : {"checkpoint-of-mine.safetensors.bak", "checkpoint-1.safetensors",
                           "source.vocab.tmp.old", "config.toml~"}) {
    fs::remove_all(at("named"));
    fs::copy(at("run"), at("named"));
    write(at("named/") + name, "mine");
    expect_failure(translator(train_command("named", {"--overwrite"})), "which is not a file of a run");
    EXPECT_EQ(content(at("named/") + name), "mine");
  }
  fs::remove_all(at("named"));
  fs::copy(at("run"), at("named"));
  write(at("named/report.json"), "mine");
  EXPECT_EQ(translator(train_command("named", {"--overwrite"})).exit_code, 0);
  EXPECT_EQ(content(at("named/report.json")), "mine");
}

// A model that there is no memory for costs no run.
TEST_F(Faults, ARunStaysWhereMemoryIsTooLittleForTheNextOne) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes terabytes of address space";
#endif
  fs::copy(at("run"), at("kept"));
  const ProcessResult result = shell(
      "ulimit -v 1500000; " + shell_line(train_command("kept", {"--overwrite", "--embedding", "60000"})));
  expect_failure(result, "are left; the run that is there stays");
  EXPECT_EQ(content(at("kept/model.safetensors")), content(at("run/model.safetensors")));
  EXPECT_EQ(content(at("kept/config.toml")), content(at("run/config.toml")));
}

TEST_F(Faults, FoldersOfOthersAreNotWrittenInto) {
  fs::create_directory(at("others"));
  write(at("others/notes.txt"), "mine");
  for (const char* command : {"demo", "compare", "corpus"}) {
    const ProcessResult result = translator({command, "-o", at("others")});
    EXPECT_EQ(result.exit_code, 1) << command;
    EXPECT_THAT(result.err, testing::AllOf(HasSubstr("choose another folder"), Not(HasSubstr("--overwrite"))))
        << command;
  }
  fs::create_directory(at("compared"));
  write(at("compared/report.json"), R"({"format":"heed.comparison"})");
  expect_failure(translator({"demo", "-o", at("compared")}), "was not written by translator demo");
  EXPECT_EQ(std::distance(fs::directory_iterator(at("others")), fs::directory_iterator()), 1);
}

// What a training stood at is not made up anew over the weights that it had kept.
TEST_F(Faults, AStateThatIsMissingOrOfNoTrainingIsRefused) {
  fs::copy(at("run"), at("stateless"));
  fs::remove(at("stateless/state.safetensors"));
  const std::string model = content(at("stateless/model.safetensors"));
  expect_failure(translator(train_command("stateless", {"--resume"})),
                 "where the training stood, is missing");
  EXPECT_TRUE(content(at("stateless/model.safetensors")) == model);
  for (const std::string name :
       {"update", "epoch", "batch", "best_update", "without_improvement", "skipped", "loss_tokens"}) {
    for (const int64_t value : {int64_t{-1}, int64_t{1'000'000'000}, INT64_MAX}) {
      SafetensorsFile state = load_safetensors(at("run/state.safetensors"));
      if (name == "loss_tokens" && value > 0) continue;  // since the last report: any number
      state.tensors.at("training." + name) = from_vector<int64_t>({value}, {});
      save_safetensors(at("stateless/state.safetensors"), {state.tensors.begin(), state.tensors.end()},
                       state.metadata);
      expect_failure(translator(train_command("stateless", {"--resume"})),
                     "where it stands is in no training of 12 updates");
    }
  }
  for (const char* name : {"training.best.chrf", "training.best.loss"}) {
    SafetensorsFile state = load_safetensors(at("run/state.safetensors"));
    state.tensors.at(name) = from_vector<double>({std::nan("")}, {});
    save_safetensors(at("stateless/state.safetensors"), {state.tensors.begin(), state.tensors.end()},
                     state.metadata);
    expect_failure(translator(train_command("stateless", {"--resume"})),
                   std::string(name) + "' holds NaN or infinity");
  }
  SafetensorsFile newer = load_safetensors(at("run/state.safetensors"));
  newer.metadata["version"] = "3";
  save_safetensors(at("stateless/state.safetensors"), {newer.tensors.begin(), newer.tensors.end()},
                   newer.metadata);
  expect_failure(translator(train_command("stateless", {"--resume"})), "version 3 of a newer heed");
}

TEST_F(Faults, APipeInARunIsNotWaitedFor) {
  for (const char* file : {"config.toml", "source.vocab", "target.vocab", "model.safetensors",
                           "state.safetensors", "metrics.jsonl"}) {
    fs::remove_all(at("piped"));
    fs::copy(at("run"), at("piped"));
    fs::remove(at("piped/") + file);
    ASSERT_EQ(::mkfifo((at("piped/") + file).c_str(), 0600), 0);
    const bool of_training = file == std::string("state.safetensors") || file == std::string("metrics.jsonl");
    const ProcessResult result =
        shell("timeout 20 " + (of_training ? shell_line(train_command("piped", {"--resume"}))
                                           : shell_line({"translate", "-r", at("piped")}) + " </dev/null"));
    expect_failure(result, "it is a pipe or a device and no file");
  }
}

// A value that is empty is a variable that was not set, and never 0, false or nothing.
TEST_F(Faults, AnEmptyOrEndlessValueIsRefused) {
  for (const char* option : {"--updates", "--dropout", "--bidirectional", "--seed", "--clip", "--json",
                             "--keep-best-by", "--threads"}) {
    const ProcessResult result = translator(train_command("empty", {option, ""}));
    EXPECT_EQ(result.exit_code, 2) << option << result.err;
    EXPECT_THAT(result.err, StartsWith("translator: " + std::string(option) + ": ")) << option;
  }
  EXPECT_FALSE(fs::exists(at("empty")));
  for (const char* option : {"-o", "-t", "--records", "--alpha", "--max-source"}) {
    EXPECT_EQ(translator({"translate", "-r", at("run"), option, ""}, "I .\n").exit_code, 2) << option;
  }
  EXPECT_EQ(translator({"demo", "-o", ""}).exit_code, 2);
  EXPECT_EQ(translator({"compare", "-o", ""}).exit_code, 2);
  for (const char* value : {"nan", "inf", "-inf"}) {
    EXPECT_THAT(translator(train_command("empty", {"--clip", value})).err,
                HasSubstr("is not a finite number"))
        << value;
  }
  expect_failure(translator({"corpus", "-o", at("x"), "--seed", "18446744073709551616"}),
                 "'18446744073709551616' is too large a number", 2);
  expect_failure(translator({"translate", "-r", at("run"), "--max-source", "-1"}),
                 "--max-source: must be at least 0, got -1", 2);
}

// Numbers that an option does not allow, whoever finds out, are wrong usage.
TEST_F(Faults, ANumberThatAnOptionDoesNotAllowIsWrongUsage) {
  const std::vector<std::vector<std::string>> of_search = {
      {"--beam", "0"},         {"--beam", "1.5"},      {"--n-best", "3"},
      {"--alpha", "-1"},       {"--top-p", "2"},       {"--top-k", "3"},
      {"--temperature", "-1"}, {"--workers", "-1"},    {"--beam-patience", "2"},
      {"--max-output", "-1"},  {"--max-source", "-1"}, {"--decode-batch-size", "0"},
      {"--min-output", "-1"},  {"--threads", "-1"},    {"--coverage-penalty", "1"}};
  const std::vector<std::vector<std::string>> of_training = {
      {"--dropout", "2"}, {"--embedding", "0"},  {"--clip", "-1"},          {"--min-count", "0"},
      {"--average", "1"}, {"--max-length", "0"}, {"--label-smoothing", "1"}};
  const auto expect_usage = [&](const ProcessResult& result, const std::string& option,
                                const std::string& command) {
    EXPECT_EQ(result.exit_code, 2) << option << result.err;
    EXPECT_THAT(result.err, StartsWith("translator: " + option)) << option;
    EXPECT_THAT(result.err, HasSubstr("(see translator " + command + " --help)\n")) << option;
  };
  for (const std::vector<std::string>& wrong : of_search)
    expect_usage(translator({"translate", "-r", at("run"), wrong[0], wrong[1]}, "I .\n"), wrong[0],
                 "translate");
  for (const std::vector<std::string>& wrong : of_training)
    expect_usage(translator(train_command("wrong", wrong)), wrong[0], "train");
  expect_usage(translator(train_command("wrong", {"--context", "2", "--target-context", "-1"})),
               "--target-context", "train");
  EXPECT_FALSE(fs::exists(at("wrong")));
  for (const char* endless : {"1e400", "+inf", " inf", "-1e999"})
    expect_failure(translator({"translate", "-r", at("run"), "--alpha", endless}), "is not a finite number",
                   2);
  expect_failure(translator({"translate", "-r", at("run"), "--beam", "1.5"}),
                 "--beam: '1.5' is not a whole number", 2);
}

TEST_F(Faults, TwoOutputsBehindOneLinkAreRefused) {
  fs::create_symlink(at("linked"), at("link"));  // points at nothing yet
  expect_failure(
      translator({"translate", "-r", at("run"), "-o", at("linked"), "--records", at("link")}, "I .\n"),
      "is also an output");
  expect_failure(translator({"translate", "-r", at("run"), "--json", "/dev/stdout"}, "I .\n"),
                 "is standard output, which is also that of");
}

// One pair in validation that is far too long is named and left out before anything is trained.
TEST_F(Faults, AValidationLineWithoutEndIsLeftOut) {
  std::string words;
  for (int i = 0; i < 3000; ++i) words += "dog ";
  write(at("long.en"), words + "\n" + content(at("corpus/valid.en")));
  write(at("long.de"), "Hund .\n" + content(at("corpus/valid.de")));
  const std::vector<std::string> command =
      with(with(train_command("longer"), "--valid-source", at("long.en")), "--valid-target", at("long.de"));
  const ProcessResult result = translator(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("validation line 1 is left out: it has more than 1000 words or pieces"));
  EXPECT_TRUE(content(at("longer/model.safetensors")) == content(at("run/model.safetensors")));
}

TEST_F(Faults, NamesReachTheTerminalWithoutControlCharacters) {
  const std::string name = at("ru\x1b[31mn");
  fs::copy(at("run"), name);
  const std::vector<ProcessResult> results = {
      translator(with(train_command("x", {"--resume"}), "-r", name)),
      translator({"translate", "-r", name}, "I .\n"),
      translator({"evaluate", "-r", name, "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
      translator({"corpus", "-o", at("c\x1b[31m"), "--train", "2", "--validation", "1", "--test", "1"}),
      translator({"compare", "-r", name, "--test-source", at("corpus/test.en"), "--test-target",
                  at("corpus/test.de"), "-o", at("re\x1b[31mport")})};
  for (const ProcessResult& result : results)
    EXPECT_EQ((result.out + result.err).find('\x1b'), std::string::npos) << result.out << result.err;
}

TEST_F(Faults, AStartThatWasKilledCanBeMadeAgain) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--overwrite"}, {"--resume"}}) {
    fs::remove_all(at("half"));
    fs::create_directory(at("half"));
    for (const char* file : {"run.lock", "source.vocab", "source.vocab.tmp0123", "metrics.jsonl"})
      write(at("half/") + file, "");
    const ProcessResult result = translator(train_command("half", more));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(content(at("half/model.safetensors")), content(at("run/model.safetensors")));
    EXPECT_FALSE(fs::exists(at("half/source.vocab.tmp0123")));
  }
}

// OpenMP binds the first thread to one place; the others have the rest.
TEST_F(Faults, PlacesOfOpenMPLeaveTheThreads) {
  for (const char* variable : {"OMP_PLACES=cores", "OMP_PLACES=threads", "OMP_PROC_BIND=true"}) {
    EXPECT_THAT(run_process({"env", variable, kTranslator, "--version"}, "").out,
                HasSubstr(fmt::format("threads: {}\n", available_threads())))
        << variable;
  }
}

TEST_F(Faults, ARunThatIsNotThereIsNotResumed) {
  expect_failure(translator(train_command("nowhere", {"--resume"})),
                 fmt::format("resume: '{}' is not a run", at("nowhere")));
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

// Sets the last value of every tensor of a file whose name has `part` in it.
void change_weights(const std::string& run, const std::string& file, float value,
                    const std::string& part = "decoder.embedding.weight") {
  SafetensorsFile loaded = load_safetensors(fs::path(run) / file);
  NamedTensors tensors(loaded.tensors.begin(), loaded.tensors.end());
  for (auto& [name, tensor] : tensors) {
    if (tensor.dtype() != DType::f32 || name.find(part) == std::string::npos) continue;
    std::vector<float> values = tensor.to_vector<float>();
    values.back() = value;
    tensor = from_vector(values, tensor.shape());
  }
  save_safetensors(fs::path(run) / file, tensors, loaded.metadata);
}

TEST_F(Faults, WeightsThatAreNoNumbersAreRefusedByName) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    fs::remove_all(at("sick"));
    fs::copy(at("run"), at("sick"));
    change_weights(at("sick"), "model.safetensors", value);
    const std::string why = "'decoder.embedding.weight' holds NaN or infinity";
    expect_failure(translator({"translate", "-r", at("sick")}, "I .\n"), why);
    expect_failure(
        translator({"evaluate", "-r", at("sick"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
        why);
    expect_failure(
        translator({"align", "-r", at("sick"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}), why);
    EXPECT_THAT(
        run_process({std::string(HEED_BIN_DIR) + "/heatmap", "-r", at("sick"), "I .", "-o", at("x.svg")}).err,
        HasSubstr(why));
    fs::copy(at("run/model.safetensors"), at("sick/model.safetensors"), fs::copy_options::overwrite_existing);
    change_weights(at("sick"), "state.safetensors", value, "adam.second.decoder.embedding.weight");
    EXPECT_THAT(translator(train_command("sick", {"--resume", "--updates", "20"})).err,
                HasSubstr("'adam.second.decoder"));
    fs::copy(at("run/state.safetensors"), at("sick/state.safetensors"), fs::copy_options::overwrite_existing);
    change_weights(at("sick"), "state.safetensors", value);
    EXPECT_THAT(translator(train_command("sick", {"--resume", "--updates", "20"})).err,
                HasSubstr(why.substr(1)));
  }
}

TEST_F(Faults, ATrainingThatDivergesSavesNothingOfIt) {
  for (const char* clip : {"1", "0"}) {
    const ProcessResult result = translator(
        train_command("burst", {"--lr", "1e38", "--clip", clip, "--validate-every", "1", "--overwrite"}));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("try a lower lr"));
    EXPECT_FALSE(fs::exists(at("burst/state.safetensors")));
    EXPECT_FALSE(fs::exists(at("burst/model.safetensors")));
    std::istringstream lines(content(at("burst/metrics.jsonl")));
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

// A training that breaks later leaves its last good state, and what it had kept, as they were.
TEST_F(Faults, ATrainingThatBreaksLaterLeavesTheLastGoodState) {
  fs::copy(at("run"), at("late"));
  change_weights(at("late"), "state.safetensors", 3e38F, "weights.");  // finite, and their products are not
  const std::string state = content(at("late/state.safetensors")),
                    model = content(at("late/model.safetensors"));
  const ProcessResult result = translator(train_command("late", {"--resume", "--updates", "30"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("try a lower lr")) << result.err;
  EXPECT_TRUE(content(at("late/state.safetensors")) == state);
  EXPECT_TRUE(content(at("late/model.safetensors")) == model);
  std::istringstream lines(content(at("late/metrics.jsonl")));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST_F(Faults, AnOddLineOfTheMetricsDoesNotStopTheRun) {
  fs::copy(at("run"), at("odd"));
  write(at("odd/metrics.jsonl"), "{\"update\":\"three\"}\n{\"update\":3,\"averaged\":[]}\n[1]\nnull\n" +
                                     content(at("run/metrics.jsonl")));
  const ProcessResult result = translator(train_command("odd", {"--resume", "--updates", "18"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(content(at("odd/metrics.jsonl")), Not(HasSubstr("three")));
}

TEST_F(Faults, AHostileConfigIsRefusedAtOnce) {
  fs::copy(at("run"), at("hostile"));
  const std::string config = content(at("run/config.toml"));
  // A training goes on from the same config, which its command does not repeat: there too sizes are compared
  // before the model is built.
  std::vector<std::string> resumed = train_command("hostile", {"--resume"});
  const auto sizes = std::ranges::find(resumed, "--embedding");
  resumed.erase(sizes, std::ranges::find(resumed, "--updates"));
  for (const auto& [key, value] : {std::pair{"encoder_layers", "1000"},
                                   {"embedding", "1000000000"},
                                   {"decoder_hidden", "100000"},
                                   {"attention_size", "1000000"},
                                   {"readout", "100000000"}}) {
    std::string changed = config;
    const size_t at_key = changed.find(std::string(key) + " = ");
    ASSERT_NE(at_key, std::string::npos) << key;
    changed.replace(at_key, changed.find('\n', at_key) - at_key, std::string(key) + " = " + value);
    write(at("hostile/config.toml"), changed);
    expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"),
                   std::string(key) + " describes a larger model");
    expect_failure(translator(resumed), std::string(key) + " describes a larger model");
  }
  std::string deep = "a";
  for (int i = 0; i < 50000; ++i) deep += ".a";
  write(at("hostile/config.toml"), config + deep + " = 1\n");
  expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"), "a key of more than 100 parts");
  // behind a text of several lines
  write(at("hostile/config.toml"), config + "x = { a = \"\"\"\n\"\"\", " + deep + " = 1 }\n");
  expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"), "a key of more than 100 parts");
  write(at("hostile/config.toml"), config + "x = '''\"''' # \"\n\"#\".'=\"'." + deep + " = 1\n");
  expect_failure(translator({"translate", "-r", at("hostile")}, "I .\n"), "a key of more than 100 parts");
  write(at("deep.toml"), deep + " = 1\n");
  expect_failure(translator(train_command("x", {"--config", at("deep.toml")})),
                 "a key of more than 100 parts", 2);
}

// The extremes of every whole number: one line, or work that ends; nothing overflows, and nothing is built
// without end.
TEST_F(Faults, NumbersOfAnySizeAreTakenOrRefused) {
  const std::string most = "9223372036854775807";
  const std::vector<std::string> kOfTransformer = {"--max-positions", "--model-size", "--feed-forward",
                                                   "--decoder-layers"};
  for (const char* option : {"--epochs",
                             "--batch-size",
                             "--batch-tokens",
                             "--max-length",
                             "--warmup",
                             "--validate-every",
                             "--patience",
                             "--log-every",
                             "--average",
                             "--min-count",
                             "--subword-vocabulary",
                             "--max-vocabulary",
                             "--embedding",
                             "--encoder-layers",
                             "--encoder-hidden",
                             "--decoder-hidden",
                             "--readout",
                             "--attention-size",
                             "--heads",
                             "--max-positions",
                             "--model-size",
                             "--feed-forward",
                             "--decoder-layers",
                             "--attention-window",
                             "--attention-max-source"}) {
    const std::string name = option;
    const bool layers = name.ends_with("layers");
    const bool other = std::ranges::find(kOfTransformer, name) != kOfTransformer.end();
    const std::string architecture = other ? "transformer" : "recurrent";
    const auto with = [&](const std::string& value) {
      std::vector<std::string> options{"--architecture", architecture, option, value};
      if (name.starts_with("--subword-")) options.insert(options.end(), {"--subwords", "bpe"});
      return train_command("huge", options);
    };
    expect_failure(translator(with(most)),
                   name.substr(2) + ": must be at most " + (layers ? "1000" : "1000000000") + ", got " + most,
                   2);
    expect_failure(translator(with(most + "0")), name + ": '" + most + "0' is too large a number", 2);
    EXPECT_THAT(translator(with("x")).err,
                testing::AllOf(HasSubstr(name + ": '"), HasSubstr("x' is not a number")));
  }
  EXPECT_FALSE(fs::exists(at("huge")));
  const std::vector<std::string> longest = {"--batch-size", "1000000000", "--schedule",
                                            "cosine",       "--updates",  "2"};
  EXPECT_EQ(translator(train_command("huge", longest)).exit_code, 0);
  for (const char* option : {"--max-output", "--min-output", "--beam", "--decode-batch-size"}) {
    expect_failure(translator({"translate", "-r", at("run"), option, most}, "I .\n"),
                   std::string(option).substr(2) + ": must be at most", 2);
  }
  expect_failure(translator({"translate", "-r", at("run"), "--temperature", "1", "--n-best", most}, "I .\n"),
                 "n-best: must be at most 100000", 2);
}

TEST_F(Faults, WithTooLittleAddressSpaceThereIsALineAndAnEnd) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes terabytes of address space";
#endif
  for (const char* kilobytes : {"200000", "400000", "900000"}) {
    const ProcessResult result = shell("ulimit -v " + std::string(kilobytes) + "; " +
                                       shell_line({"translate", "-r", at("run")}) + " </dev/null");
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("the limit of address space (ulimit -v) is"));
  }
  EXPECT_EQ(shell("ulimit -v 2000000; echo I . | " + shell_line({"translate", "-r", at("run")})).exit_code,
            0);
}

// Writers that were killed leave nothing beside what they would have replaced, where the file system has
// files without a name.
TEST_F(Faults, AWriterThatIsKilledLeavesNothing) {
  const int probe = ::open(at("").c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (probe < 0) GTEST_SKIP() << "this file system has no files without a name";
  ::close(probe);
  fs::create_directory(at("outputs"));
  write(at("outputs/big"), "old");
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string much(100'000'000, 'x');
    for (;;) write_file_atomically(at("outputs/big"), much);
  }
  ::usleep(20'000);  // within its first write
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(at("outputs")), fs::directory_iterator()), 1);
}

// A link that somebody plants under the name that a temporary would have (that with the process id, as it
// once was) is not followed.
TEST_F(Faults, APlantedLinkIsNotFollowed) {
  fs::create_directory(at("shared"));
  write(at("victim"), "mine");
  const std::string out = at("shared/out");
  for (const char* name : {".tmp", ".tmp0", "~"}) fs::create_symlink(at("victim"), out + name);
  const std::string line = "ln -s '" + at("victim") + "' '" + out + "'.tmp$$; exec " +
                           shell_line({"translate", "-r", at("run"), "-o", out});
  EXPECT_EQ(run_process({"sh", "-c", line}, "I sleep .\n").exit_code, 0);
  EXPECT_EQ(content(at("victim")), "mine");
  EXPECT_NE(content(at("shared/out")), "");
}

// Where the system cannot say whether a file is there, its reason stands in one line.
TEST_F(Faults, NamesThatTheSystemRefusesAreNamedWithItsReason) {
  const std::string name(5000, 'x'), ring = at("ring");
  fs::create_symlink(ring, ring);
  for (const auto& [path, reason] :
       {std::pair{name, "File name too long"}, {ring, "Too many levels of symbolic links"}}) {
    std::vector<ProcessResult> results = {
        translator({"translate", "-r", path}, "I .\n"),
        translator({"evaluate", "-r", path, "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
        translator({"align", "-r", path, "-s", at("corpus/test.en"), "-t", at("corpus/test.de")}),
        translator(with(train_command("x"), "-r", path)),
        translator(train_command("x", {"--config", path})),
        translator({"compare", "-o", path}),
        translator({"corpus", "-o", path}),
        translator({"demo", "--output", path}),
        run_process({std::string(HEED_BIN_DIR) + "/heatmap", "--records", path, "-o", at("x.svg")}),
        run_process({std::string(HEED_BIN_DIR) + "/heatmap", "-r", path, "a", "-o", at("x.svg")}),
        run_process({std::string(HEED_BIN_DIR) + "/heatmap", "-r", at("run"), "a", "-o", path + "/x.svg"})};
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_THAT(results[i].exit_code, testing::AnyOf(1, 2)) << i << results[i].err.substr(0, 300);
      EXPECT_THAT(results[i].err, HasSubstr(reason)) << i << results[i].err.substr(0, 300);
      EXPECT_THAT(results[i].err, Not(HasSubstr("filesystem error"))) << i;
      EXPECT_EQ(std::count(results[i].err.begin(), results[i].err.end(), '\n'), 1) << i;
    }
  }
}

// Runs with averaging that were made longer end as if they had been long from the start; a mean that nothing
// beats stays.
// Whenever Ctrl-C comes, there is a whole folder or none.
TEST_F(Faults, AnInterruptedCommandLeavesNoPartOfAFolder) {
  const std::vector<std::vector<std::string>> commands = {
      {"export", "-r", at("run")},
      {"quantize", "-r", at("run")},
      {"average", "-r", at("run"), at("run")},
      {"corpus", "--train", "20000"},
      {"prepare", "-s", at("corpus/train.en"), "-t", at("corpus/train.de"), "--source-language", "en",
       "--target-language", "de"}};
  int stopped = 0;
  for (const std::vector<std::string>& command : commands) {
    for (const char* seconds : {"0.02", "0.05", "0.1", "0.2"}) {
      const std::string parent = at(fmt::format("stopped-{}-{}", command.front(), seconds));
      fs::create_directory(parent);
      std::vector<std::string> words = {"timeout", "--foreground", "-s",    "INT",
                                        "-k",      "20",           seconds, kTranslator};
      words.insert(words.end(), command.begin(), command.end());
      words.insert(words.end(), {"-o", parent + "/made"});
      const ProcessResult result = run_process(words);
      EXPECT_EQ(result.err, "");
      bool made = false;
      for (const auto& entry : fs::directory_iterator(parent)) {
        EXPECT_EQ(entry.path().filename(), "made");
        made = fs::exists(entry.path() / "corpus.json") || fs::exists(entry.path() / "model.safetensors");
        EXPECT_TRUE(made) << command.front();
      }
      EXPECT_TRUE(made || result.exit_code == 124) << result.exit_code;  // of timeout
      stopped += made ? 0 : 1;
    }
  }
  EXPECT_GE(stopped, 1);  // the corpus takes longer
}

TEST_F(Faults, ALengthenedRunWithAveragingEndsAsAnUninterruptedOne) {
  for (const char* seed : {"1", "2", "3"}) {
    for (const char* length : {"20", "23", "26"}) {
      const std::vector<std::string> averaging = {"--average", "2",  "--overwrite",      "--lr", "0.02",
                                                  "--seed",    seed, "--validate-every", "5"};
      ASSERT_EQ(translator(with(train_command("whole", averaging), "--updates", "40")).exit_code, 0);
      ASSERT_EQ(translator(with(train_command("parts", averaging), "--updates", length)).exit_code, 0);
      std::vector<std::string> longer = with(train_command("parts", averaging), "--updates", "40");
      std::replace(longer.begin(), longer.end(), std::string("--overwrite"), std::string("--resume"));
      ASSERT_EQ(translator(longer).exit_code, 0);
      const auto state = [&](const char* run) {
        SafetensorsFile file = load_safetensors(fs::path(at(run)) / "state.safetensors");
        std::erase_if(file.tensors, [](const auto& entry) { return entry.first.ends_with("seconds"); });
        return to_safetensors({file.tensors.begin(), file.tensors.end()});
      };
      EXPECT_EQ(state("whole"), state("parts")) << seed << ' ' << length;
      const auto metrics = [&](const char* run) {
        std::vector<nlohmann::json> all;
        std::istringstream lines(content(at(std::string(run) + "/metrics.jsonl")));
        for (std::string line; std::getline(lines, line);) {
          all.push_back(nlohmann::json::parse(line));
          for (const char* time : {"seconds", "tokens_per_second"}) all.back().erase(time);
        }
        return all;
      };
      EXPECT_EQ(metrics("whole"), metrics("parts")) << seed << ' ' << length;
      const SafetensorsFile kept = load_safetensors(at("parts/model.safetensors"));
      const auto final_update = kept.metadata.find("final_update");
      if (final_update != kept.metadata.end() && final_update->second == length) {
        EXPECT_TRUE(fs::exists(at("parts/single.safetensors")));
      } else {
        EXPECT_EQ(content(at("whole/model.safetensors")), content(at("parts/model.safetensors")))
            << seed << ' ' << length;
      }
    }
  }
}

// A product of oneDNN may have its stack pointer in the heap when a signal comes.
TEST(SignalHandlers, HaveAStackOfTheirOwn) {
  const std::array signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
  std::array<struct sigaction, 4> before = {};
  for (size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], nullptr, &before[i]);
  apps::catch_interrupts();
  apps::catch_save_requests();
  stack_t stack = {};
  ASSERT_EQ(::sigaltstack(nullptr, &stack), 0);
  EXPECT_EQ(stack.ss_flags & SS_DISABLE, 0);
  EXPECT_GE(stack.ss_size, size_t{1} << 16);
  for (size_t i = 0; i < signals.size(); ++i) {
    struct sigaction now = {};
    ASSERT_EQ(::sigaction(signals[i], nullptr, &now), 0);
    const bool handled = now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN;
    EXPECT_TRUE(!handled || (now.sa_flags & SA_ONSTACK) != 0) << signals[i];
    ::sigaction(signals[i], &before[i], nullptr);
  }
}

}  // namespace
}  // namespace heed
