// Checkpoints: a training that is killed anywhere goes on to the same bits, what is kept of its course, a
// full disk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "models/run/folder.h"
#include "models/training/json_number.h"
#include "models/training/kept_runs.h"
#include "tests/models/copy_task.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// What a kill is to the trainer: nothing of it runs any more.
struct Killed {};

RunConfig short_config() {
  RunConfig config = tiny_config();
  config.train.updates = 23;  // of 25 an epoch: all checkpoints lie within it
  config.train.validate_every = 6;
  config.train.log_every = 4;
  config.train.save_minutes = 0;
  return config;
}

// Every file of a run, without what tells the time.
std::map<std::string, std::string> content_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder).string();
    std::string& content = files[name] = read_file(entry.path());
    if (name == "state.safetensors") {
      SafetensorsFile state = parse_safetensors(content, name);
      std::erase_if(state.tensors, [](const auto& tensor) { return tensor.first.ends_with("seconds"); });
      content = to_safetensors({state.tensors.begin(), state.tensors.end()});
    }
    if (name != "metrics.jsonl") continue;
    std::istringstream lines(std::exchange(content, ""));
    for (std::string line; std::getline(lines, line);) {
      auto json = nlohmann::json::parse(line);  // throws for what is none
      json.erase("seconds");
      json.erase("tokens_per_second");
      content += json.dump() + "\n";
    }
  }
  return files;
}

void expect_same_runs(const fs::path& one, const fs::path& other, const std::set<std::string>& but = {}) {
  auto a = content_of(one), b = content_of(other);
  for (const std::string& name : but) a.erase(name), b.erase(name);
  std::vector<std::string> names, other_names;
  for (const auto& [name, content] : a) names.push_back(name);
  for (const auto& [name, content] : b) other_names.push_back(name);
  EXPECT_EQ(names, other_names);
  for (const auto& [name, content] : a) {
    const auto found = b.find(name);
    EXPECT_TRUE(found == b.end() || found->second == content) << name;
  }
}

// Trains, killed in turn right after each of these updates; returns where each session began.
std::vector<int64_t> train_with_kills(const fs::path& folder, const RunConfig& config,
                                      std::vector<int64_t> kills, TrainCallbacks callbacks = {}) {
  std::vector<int64_t> begins;
  kills.push_back(INT64_MAX);
  for (size_t i = 0; i < kills.size(); ++i) {
    TrainingSession session = i > 0 ? TrainingSession::resume(folder, config, copy_data())
                                    : TrainingSession::start(folder, config, copy_data());
    callbacks.ready = [&](const Trainer& trainer) { begins.push_back(trainer.update()); };
    callbacks.should_stop = [&, update = int64_t{0}]() mutable {
      if (begins.back() + ++update >= kills[i]) throw Killed();
      return false;
    };
    if (!callbacks.clock) callbacks.clock = fake_clock;
    try {
      session.run(callbacks);
    } catch (const Killed&) {
    }
  }
  return begins;
}

TEST(Checkpoints, AKillWithinAnEpochCostsTheUpdatesSinceTheLastOneAndNoBit) {
  for (const bool accumulate : {false, true}) {
    RunConfig config = short_config();
    config.train.validate_every = 10;
    config.train.save_every = 4;
    config.train.keep_last = 2;
    config.train.keep_best = 2;
    config.train.average = 2;
    config.train.accumulate = accumulate ? 3 : 1;
    const TempDir whole, parts;
    train_with_kills(whole.path(), config, {});
    const auto begins = train_with_kills(parts.path(), config, {3, 5, 9, 11, 18, 22});
    EXPECT_EQ(begins, (std::vector<int64_t>{0, 0, 4, 8, 10, 16, 20}));
    expect_same_runs(whole.path(), parts.path());
    EXPECT_EQ(kept_runs(whole.path()).size(),
              4U);  // the last are 16 and 20, the best 10 and 20; 23 is the end
  }
}

TEST(Checkpoints, ComeByTheClockAndWhenAskedFor) {
  RunConfig config = short_config();
  config.train.validate_every = 1000;
  config.train.save_minutes = 2;
  double minutes = 0;
  const TempDir folder;
  const auto begins = train_with_kills(
      folder.path(), config, {3, 8},
      {.progress = [&](const TrainProgress&) { minutes += 0.55; }, .clock = [&] { return 60 * minutes; }});
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 0, 8}));  // four updates are more than two minutes

  config.train.save_minutes = 0;
  const TempDir asked;
  int64_t update = 0;
  EXPECT_EQ(train_with_kills(asked.path(), config, {9},
                             {.progress = [&](const TrainProgress& p) { update = p.update; },
                              .should_save = [&] { return update == 7; }}),
            (std::vector<int64_t>{0, 7}));
}

// At a validation of the schedule, at the end off the schedule, and at that of the mean.
TEST(Checkpoints, AValidationThatIsLeftIsMadeAgain) {
  RunConfig config = short_config();
  config.train.average = 2;
  config.train.keep_best = 2;
  config.train.stop_by = "loss";
  config.train.patience = 50;
  const TempDir whole, parts;
  train_with_kills(whole.path(), config, {});
  std::set<int> left{1, 2, 4, 6, 8};  // validations follow updates 6, 12, 18, 23 and the mean
  int asked = 0, sessions = 0;
  for (bool finished = false; !finished; ++sessions) {
    TrainingSession session = sessions > 0 ? TrainingSession::resume(parts.path(), config, copy_data())
                                           : TrainingSession::start(parts.path(), config, copy_data());
    finished =
        session.run({.should_leave = [&] { return left.contains(++asked); }, .clock = fake_clock}).finished;
  }
  EXPECT_EQ(sessions, 6);
  EXPECT_EQ(asked, 10);
  expect_same_runs(whole.path(), parts.path());
}

TEST(Checkpoints, TheLastAndTheBestAreRuns) {
  RunConfig config = short_config();
  config.train.updates = 24;
  config.train.keep_last = 2;
  config.train.keep_best = 1;
  const TempDir folder;
  std::map<int64_t, double> scores;
  const fs::path run = folder / "run";
  TrainingSession::start(run, config, copy_data())
      .run({.validated = [&](const ValidationResult& v) { scores[v.update] = v.scores.at("loss"); },
            .clock = fake_clock});
  std::set<int64_t> updates;
  for (const KeptRun& kept : kept_runs(run)) {
    updates.insert(kept.update);
    EXPECT_EQ(kept.folder, run / "checkpoints" / fmt::format("update-{:010}", kept.update));
    EXPECT_NEAR(kept.scores.at("loss"), scores.at(kept.update), 1e-9);
    load_run(kept.folder);
  }
  EXPECT_TRUE(updates.contains(18) && updates.contains(24));
  const int64_t best =
      TrainingSession::resume(run, config, copy_data()).run({.clock = fake_clock}).best_update;
  EXPECT_TRUE(updates.contains(best));
  EXPECT_EQ(updates, (std::set<int64_t>{18, 24, best}));
  const auto last = load_safetensors(run / "checkpoints/update-0000000024/model.safetensors").tensors;
  const auto state = load_safetensors(run / "state.safetensors").tensors;
  for (const auto& [name, value] : last)
    EXPECT_EQ(value.to_vector<float>(), state.at("weights." + name).to_vector<float>());

  // a run that is replaced takes them along, and what is not heed's stays
  std::ofstream(run / "checkpoints/update-0000000024/mine.txt") << "notes";
  EXPECT_ERROR(
      IoError,
      fmt::format("'{}' holds 'checkpoints', which is not a file of a run; it is left alone", run.string()),
      TrainingSession::start(run, config, copy_data(), {.overwrite = true}));
  fs::remove(run / "checkpoints/update-0000000024/mine.txt");
  TrainingSession::start(run, config, copy_data(), {.overwrite = true});
  EXPECT_FALSE(fs::exists(run / "checkpoints"));
}

TEST(Messages, NaNHasNoSign) {
  EXPECT_EQ(shown_number(std::copysign(NAN, -1.0)), "nan");
  EXPECT_EQ(shown_number(-INFINITY), "-inf");
  EXPECT_EQ(shown_number(6.5), "6.5");
}

TEST(Checkpoints, AFileInThePlaceOfAKeptRunIsNamed) {
  const TempDir run;
  TrainingSession::start(run.path(), short_config(), copy_data());
  const fs::path file = run.path() / "checkpoints/update-0000000030";
  fs::create_directory(file.parent_path());
  std::ofstream(file) << "notes";
  EXPECT_ERROR(IoError,
               fmt::format("'{}' is no folder, as that of kept weights is; remove it", file.string()),
               TrainingSession::resume(run.path(), short_config(), copy_data()));
  EXPECT_TRUE(fs::exists(file));
}

TEST(Checkpoints, ALongerRunHasThoseOfOneThatWasLongFromTheStart) {
  RunConfig config = short_config();
  config.train.keep_last = 1;
  config.train.keep_best = 2;
  const TempDir once, twice;
  config.train.updates = 21;  // its end is no validation of the schedule
  train_with_kills(twice.path(), config, {});
  EXPECT_EQ(kept_folders(twice.path()).back().update, 21);
  config.train.updates = 30;
  TrainingSession::resume(twice.path(), config, copy_data()).run({.clock = fake_clock});
  train_with_kills(once.path(), config, {});
  // the end at 21 may have better weights than any validation of the schedule; they are kept
  expect_same_runs(once.path(), twice.path(), {"model.safetensors", "single.safetensors"});
}

TEST(Checkpoints, AFullDiskIsWaitedOutWithoutLosingTheLastOne) {
  RunConfig config = short_config();
  config.train.save_every = 2;
  config.train.keep_last = 2;
  config.train.keep_best = 1;
  config.train.average = 2;
  const TempDir whole, full, killed;
  train_with_kills(whole.path(), config, {});
  int64_t update = 0;
  std::vector<std::string> lines;
  const TrainCallbacks callbacks{
      .progress = [&](const TrainProgress& p) { update = p.update; },
      .disk_full = [&](const std::string& line) { lines.push_back(line); },
      .free_bytes = [&](const fs::path&) { return update >= 5 && update < 17 ? 1000 : int64_t{1} << 40; }};
  train_with_kills(full.path(), config, {}, callbacks);
  expect_same_runs(whole.path(), full.path());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0],
              testing::AllOf(HasSubstr(" needs "), HasSubstr("has 1.0 kB left; the training goes on")));
  EXPECT_THAT(lines[1], HasSubstr("the disk has room again: the state after update 18 is written"));

  update = 0;
  EXPECT_EQ(train_with_kills(killed.path(), config, {17}, callbacks), (std::vector<int64_t>{0, 4}));
  expect_same_runs(whole.path(), killed.path());
}

TEST(Checkpoints, ADiskThatIsTooSmallIsSeenBeforeTheFirstUpdateAndAtTheEnd) {
  const RunConfig config = short_config();
  const TempDir small, end;
  const auto with = [&](const fs::path& folder, const FreeBytes& free,
                        std::vector<std::string>* said = nullptr) {
    TrainingSession::start(folder, config, copy_data())
        .run({.disk_full =
                  [&](const std::string& line) {
                    if (said) said->push_back(line);
                  },
              .free_bytes = free,
              .clock = fake_clock});
  };
  EXPECT_THAT([&] { with(small.path(), [](const fs::path&) { return int64_t{1000}; }); },
              testing::ThrowsMessage<IoError>(testing::AllOf(
                  testing::StartsWith("disk: the first checkpoint needs "), HasSubstr("has 1.0 kB left"))));
  EXPECT_FALSE(fs::exists(small.path() / "state.safetensors"));
  int asked = 0;
  EXPECT_THAT([&] { with(end.path(), [&](const fs::path&) { return ++asked > 2 ? 0 : int64_t{1} << 40; }); },
              testing::ThrowsMessage<IoError>(HasSubstr("0 bytes left")));
  TrainingSession::resume(end.path(), config, copy_data()).run({.clock = fake_clock});
  const TempDir whole;
  train_with_kills(whole.path(), config, {});
  expect_same_runs(whole.path(), end.path());
}

}  // namespace
}  // namespace heed::models
