// Every file of a run, changed at random, where a run is loaded, translated with and trained on: it is read,
// or refused by one of heed's own errors. Nothing else is thrown, no signal ends the program, nothing runs or
// grows without end. Readers of files by themselves: tests/fuzz.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "framework/io/file.h"
#include "models/run/data.h"
#include "models/run/translator.h"
#include "models/training/session.h"
#include "tests/testing/mutant.h"
#include "tests/testing/small_run.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

// Of each file; HEED_MUTANTS asks for more.
int mutants() {
  const char* const asked = std::getenv("HEED_MUTANTS");
  return asked ? std::atoi(asked) : 40;
}

// Calls `read` with mutants and says which of them it did not bear.
void expect_refusals(const std::string& what, const std::string& original,
                     const std::function<void(const std::string&)>& read) {
  int refused = 0;
  for (int seed = 0; seed < mutants(); ++seed) {
    std::mt19937 random(static_cast<unsigned>(seed));
    const std::string mutant = mutant_of(original, random);
    const auto start = std::chrono::steady_clock::now();
    try {
      read(mutant);
    } catch (const Error&) {
      ++refused;
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << " seed " << seed << " threw what is not heed's: " << error.what();
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << what << " seed " << seed;
  }
  EXPECT_GT(refused, 0) << what;
}

class MutatedFiles : public testing::TestWithParam<const char*> {};

TEST_P(MutatedFiles, OfARunAreReadOrRefused) {
  const bool transformer = GetParam() == std::string("transformer");
  const TempDir folder;
  double now = 0;
  const TrainCallbacks callbacks{.clock = [&] { return now += 0.01; }};
  const ParallelLines lines{{"a"}, {"b"}};
  const auto data = train_small(folder.path(), small_config(transformer), lines);
  std::vector<std::string> files;
  for (const std::filesystem::path& path : list_folder(folder.path()))
    files.push_back(path.filename().string());
  std::map<std::string, std::string> whole;
  for (const std::string& file : files) whole[file] = read_file(folder.path() / file);
  for (const std::string& file : files) {
    const auto restore = [&] {
      for (const auto& [name, content] : whole) write_file_atomically(folder.path() / name, content);
    };
    const auto translate = [&](const std::string& mutant) {
      write_file_atomically(folder.path() / file, mutant);
      const Translator translator(load_run(folder.path()));
      translator.translate(std::vector<std::string>{"word1 and word2"}, {});
    };
    const auto resume = [&](const std::string& mutant) {
      restore();
      write_file_atomically(folder.path() / file, mutant);
      RunConfig longer = parse_run_config(read_file(folder.path() / "config.toml"), "config.toml");
      longer.train.updates = 6;
      TrainingSession::resume(folder.path(), longer, data).run(callbacks);
    };
    const auto read_data = [&](const std::string& mutant) {
      write_file_atomically(folder.path() / file, mutant);
      files_of_run(folder.path());
      check_run_data(folder.path(), {}, marks_of(lines, lines));
    };
    if (file == "data.json") {
      expect_refusals(file, whole[file], read_data);
      restore();
      continue;
    }
    const bool read_to_translate = file != "state.safetensors" && file != "metrics.jsonl" &&
                                   !file.starts_with("checkpoint") && file != "single.safetensors";
    if (read_to_translate) expect_refusals(file + ", load_run", whole[file], translate);
    if (file == "metrics.jsonl") {  // a report: what is odd in it stops nothing
      for (int seed = 0; seed < mutants(); ++seed) {
        std::mt19937 random(static_cast<unsigned>(seed));
        EXPECT_NO_THROW(resume(mutant_of(whole[file], random))) << seed;
      }
    } else {
      expect_refusals(file + ", resume", whole[file], resume);
    }
    restore();
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, MutatedFiles, testing::Values("recurrent", "transformer"),
                         [](const auto& kind) { return kind.param; });

}  // namespace
}  // namespace heed::models
