// Trainings of days, in seconds: signals, kills within an epoch, a disk that fills up, and doctor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LongRuns : public WithCorpus {
 protected:
  static void SetUpTestSuite() { make_corpus(120, 10, 5); }
  // "translator train ...", as a line of a shell; the run's folder is $RUN.
  static std::string train_line(const std::string& more) {
    return "exec " + kTranslator + " train --threads 1 -r $RUN -s " + at("corpus/train.en") + " -t " +
           at("corpus/train.de") + " --valid-source " + at("corpus/valid.en") + " --valid-target " +
           at("corpus/valid.de") +
           " --embedding 8 --encoder-hidden 8 --decoder-hidden 12 --attention-size 8 --readout 12 "
           "--batch-size 10 --log-every 5 " +
           more;
  }
  // Starts a training in the background as $child, does `then`, and gives its status.
  static ProcessResult beside(const std::string& run, const std::string& more, const std::string& then) {
    return run_process(
        {"bash", "-c",
         "RUN=" + at(run) + "; (" + train_line(more) + ") & child=$!; " + then + "; wait $child"});
  }
  static int64_t update_of(const std::string& run) {
    return load_safetensors(fs::path(at(run)) / "state.safetensors")
        .tensors.at("training.update")
        .to_vector<int64_t>()[0];
  }
};

const std::string kAWhile = "for i in $(seq 1200); do ";  // with a pause in it: a minute
const std::string kUntilState = kAWhile + "[ -e $RUN/state.safetensors ] && break; sleep 0.05; done";

TEST_F(LongRuns, AKillCostsTheUpdatesSinceTheLastCheckpoint) {
  const std::string length = "--updates 100000 --validate-every 100000 --save-minutes 0 ";
  const ProcessResult result = beside("killed", length + "--save-every 50 --keep-last 2",
                                      kUntilState + "; sleep 1; kill -KILL $child");
  EXPECT_EQ(result.exit_code, 137) << result.err;
  const int64_t update = update_of("killed");
  EXPECT_GE(update, 50);
  EXPECT_EQ(update % 50, 0);
  std::istringstream lines(content(at("killed/metrics.jsonl")));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  std::vector<std::string> kept;
  for (const auto& entry : fs::directory_iterator(at("killed/checkpoints"))) kept.push_back(entry.path());
  std::erase_if(kept, [](const fs::path& folder) {  // the one that was being written, or removed
    return !fs::exists(folder / "config.toml") || !fs::exists(folder / "model.safetensors");
  });
  ASSERT_GE(kept.size(), 1U);
  std::ranges::sort(kept);
  EXPECT_EQ(translator({"translate", "-r", kept.front()}, "I am .\n").exit_code, 0);
  EXPECT_THAT(translator({"models", at("killed/checkpoints")}).out, HasSubstr("additive attention"));
}

TEST_F(LongRuns, TheMeanOfCheckpointsIsARun) {
  const std::string options = "--updates 60 --validate-every 30 --save-every 20 --keep-last 3";
  ASSERT_EQ(run_process({"bash", "-c", "RUN=" + at("course") + "; " + train_line(options)}).exit_code, 0);
  std::vector<std::string> runs;
  for (const char* update : {"20", "40", "60"})
    runs.push_back(at("course/checkpoints/update-00000000") + update);
  const ProcessResult result = translator({"average", "-r", runs[0], runs[1], runs[2], "-o", at("mean")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto mean = load_safetensors(at("mean") + "/model.safetensors").tensors;
  std::vector<std::map<std::string, Tensor>> all;
  for (const std::string& run : runs) all.push_back(load_safetensors(run + "/model.safetensors").tensors);
  for (const auto& [name, value] : mean) {
    const auto found = value.to_vector<float>();
    for (size_t i = 0; i < found.size(); ++i) {
      double sum = 0;
      for (const auto& weights : all) sum += weights.at(name).to_vector<float>()[i];
      ASSERT_NEAR(found[i], sum / 3, 1e-6) << name;
    }
  }
  EXPECT_EQ(translator({"translate", "-r", at("mean")}, "I am .\n").exit_code, 0);

  expect_failure(translator({"average", "-r", runs[0], "-o", at("one")}), "one run is its own mean", 2);
  ASSERT_EQ(run_process(
                {"bash", "-c",
                 "RUN=" + at("other") + "; " + train_line("--updates 2 --validate-every 2 --attention dot")})
                .exit_code,
            0);
  expect_failure(translator({"average", "-r", runs[0], at("other"), "-o", at("mixed")}),
                 "is not the model of '" + runs[0] + "': they differ in attention");
  EXPECT_FALSE(fs::exists(at("mixed")));
}

TEST_F(LongRuns, UserSignalSavesAndHangUpStops) {
  const std::string length = "--updates 100000 --validate-every 100000 --save-minutes 0";
  const ProcessResult result =
      beside("signals", length,
             "sleep 2; kill -USR1 $child; " + kUntilState + "; cp $RUN/state.safetensors " + at("saved") +
                 "; sleep 1; kill -HUP $child");
  EXPECT_EQ(result.exit_code, 129) << result.err;
  const int64_t saved = load_safetensors(at("saved")).tensors.at("training.update").to_vector<int64_t>()[0];
  EXPECT_GT(saved, 0);
  EXPECT_GT(update_of("signals"), saved);
}

// A file system of 3 MB, of which something else takes all for a while.
TEST_F(LongRuns, AFullDiskIsWaitedOut) {
  if (run_process({"unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs " + at("corpus") + "/.."}).exit_code !=
      0)
    GTEST_SKIP() << "no file system can be mounted here";
  fs::create_directory(at("small"));
  const std::string options =
      " --updates 2000 --validate-every 500 --save-every 25 --save-minutes 0 --keep-best 1 --average 2";
  const std::string script =
      "mount -t tmpfs -o size=3m tmpfs " + at("small") + " && RUN=" + at("small/run") + "; (" +
      train_line(options) + ") 2>" + at("full.err") + " & child=$!; RUN=" + at("small/run") + "; " +
      kUntilState + "; head -c 4m /dev/zero > " + at("small/filler") + " 2>/dev/null; " + kAWhile +
      "grep -q 'the training goes on' " + at("full.err") + " && break; sleep 0.05; done; rm " +
      at("small/filler") + "; wait $child; status=$?; cp -r $RUN " + at("full") + "; exit $status";
  const ProcessResult result = run_process({"unshare", "-m", "bash", "-c", script});
  ASSERT_EQ(result.exit_code, 0) << result.err << content(at("full.err"));
  EXPECT_THAT(content(at("full.err")),
              AllOf(HasSubstr("left; the training goes on and writes it when there is room"),
                    HasSubstr("the disk has room again: the state after update ")));
  ASSERT_EQ(run_process({"bash", "-c", "RUN=" + at("roomy") + "; " + train_line(options)}).exit_code, 0);
  EXPECT_EQ(content(at("full/model.safetensors")), content(at("roomy/model.safetensors")));
  std::istringstream lines(content(at("full/metrics.jsonl"))), wanted(content(at("roomy/metrics.jsonl")));
  int64_t count = 0, all = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  for (std::string line; std::getline(wanted, line);) ++all;
  EXPECT_EQ(count, all);
}

// The weights that are kept do not take the room of the state, and a warning comes before all.
TEST_F(LongRuns, KeptWeightsLeaveTheStateItsRoom) {
  fs::create_directory(at("crowded"));
  const ProcessResult result = run_process(
      {"unshare", "-m", "bash", "-c",
       "mount -t tmpfs -o size=3m tmpfs " + at("crowded") + " || exit 77; RUN=" + at("crowded/run") + "; (" +
           train_line("--updates 60 --validate-every 20 --save-every 3 --save-minutes 0 --keep-last 20") +
           "); status=$?; cp -r $RUN " + at("left") + "; exit $status"});
  if (result.exit_code == 77 || result.exit_code == 127) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_THAT(result.err, AllOf(HasSubstr("warning: all checkpoints of the training will need "),
                                HasSubstr("left; the training goes on and writes it when there is room")));
  EXPECT_EQ(update_of("left"), 60) << result.err;
  EXPECT_EQ(result.exit_code, 1);  // not all that should be kept is
  EXPECT_THAT(result.err, HasSubstr("translator: disk: a checkpoint needs "));
}

TEST_F(LongRuns, ARunThatWasKeptIsNotTrainedAnew) {
  const ProcessResult trained =
      run_process({"bash", "-c",
                   "RUN=" + at("keeping") + "; " + train_line("--updates 20 --save-every 10 --keep-last 1")});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string kept = at("keeping/checkpoints/update-0000000020");
  const std::string weights = content(kept + "/model.safetensors");
  for (const char* more : {"", " --updates 40"}) {
    const ProcessResult result =
        run_process({"bash", "-c", "RUN=" + kept + "; " + train_line("--resume") + more});
    expect_failure(result, "it holds weights and no training: a run that was kept, exported or imported");
  }
  EXPECT_EQ(content(kept + "/model.safetensors"), weights);
  EXPECT_FALSE(fs::exists(kept + "/state.safetensors"));
}

TEST_F(LongRuns, ADiskWithoutRoomForOneCheckpointIsRefused) {
  fs::create_directory(at("tiny"));
  const ProcessResult result =
      run_process({"unshare", "-m", "bash", "-c",
                   "mount -t tmpfs -o size=1m tmpfs " + at("tiny") + " || exit 77; RUN=" + at("tiny/run") +
                       "; " + train_line("--updates 10")});
  if (result.exit_code == 77 || result.exit_code == 127) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("translator: disk: the first checkpoint needs "));
}

TEST(Doctor, SaysWhatThereIsAndWhatSlowsItDown) {
  const TempDir dir;
  const std::string json = dir / "doctor.json";
  const ProcessResult result = run_process(
      {"env", "OPENBLAS_CORETYPE=Prescott", "HEED_ISA=baseline", kTranslator, "doctor", "--json", json});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("sgemm"), HasSubstr("OPENBLAS_CORETYPE"), HasSubstr("<- slow: "),
                                HasSubstr("nothing that heed needs is missing")));
  const auto report = nlohmann::json::parse(content(json));
  EXPECT_EQ(report["works"], true);
  std::map<std::string, nlohmann::json> facts;
  for (const auto& fact : report["facts"]) facts[fact["name"]] = fact;
  EXPECT_EQ(facts.at("OPENBLAS_CORETYPE")["verdict"], "slow");
  EXPECT_EQ(facts.at("OPENBLAS_CORETYPE")["value"], "Prescott");
  EXPECT_EQ(facts.at("chosen for heed's kernels")["verdict"], "slow");
  EXPECT_GE(facts.at("threads")["value"], 1);
  EXPECT_GT(facts.at("sgemm, one thread")["value"]["one_thread"], 1e8);
  EXPECT_GT(facts.at("available")["value"], 1'000'000);
  EXPECT_EQ(facts.at("HTTP (serve)")["value"], true);
}

TEST(Doctor, EndsWithStatusOneWhereSomethingNeededIsMissing) {
  const ProcessResult result =
      run_process({"unshare", "-m", "sh", "-c",
                   "mount -t tmpfs -o size=64k tmpfs /tmp || exit 77; exec " + kTranslator + " doctor"});
  if (result.exit_code == 77 || result.exit_code == 127) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("translator: doctor: temporary files, /tmp: the disk is full"));
}

}  // namespace
}  // namespace heed
