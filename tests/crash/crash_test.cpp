// A training that is killed, or whose Nth operation on its folder fails, goes on with --resume to the same
// bits as one that nothing befell.
//   crash_test SHIM SECONDS   each fault of each kind of model once at an operation by chance, then on
//                             until so much time is over
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "tests/testing/process.h"
#include "tests/testing/temp_dir.h"

namespace {

namespace fs = std::filesystem;
using heed::ProcessResult;

const std::string kTranslator = HEED_BIN_DIR "/translator";

struct Kind {
  const char* name;
  std::vector<std::string> options;
  bool streamed = false;  // whether it reads the corpus folder, and so writes its file of ids
};

const std::vector<Kind> kKinds = {
    {"recurrent", {"--average", "2", "--save-every", "2", "--keep-last", "1", "--keep-best", "1"}},
    {"transformer",
     {"--architecture", "transformer", "--model-size", "8", "--feed-forward", "8", "--heads", "2",
      "--decoder-layers", "1"}},
    {"bf16", {"--precision", "bf16", "--dropout", "0.1", "--accumulate", "2", "--save-every", "1"}},
    {"subwords", {"--subwords", "bpe", "--subword-vocabulary", "340", "--joint"}},
    {"streamed", {"--accumulate", "2"}, true},
};
constexpr const char* kFaults[] = {"kill", "torn", "ENOSPC", "EIO", "EINTR", "short"};

std::vector<std::string> command(const std::string& corpus, const std::string& run, const Kind& kind) {
  std::vector<std::string> words = {kTranslator, "train", "-r", run, "--threads", "1"};
  if (kind.streamed) words.insert(words.end(), {"--corpus", corpus});
  for (const char* side : {"en", "de"}) {
    if (kind.streamed) break;
    const bool source = side == std::string("en");
    words.insert(words.end(), {source ? "-s" : "-t", corpus + "/train." + side});
    words.insert(words.end(), {source ? "--valid-source" : "--valid-target", corpus + "/valid." + side});
  }
  for (const char* word : {"--encoder-layers", "1", "--updates", "8", "--validate-every", "3", "--batch-size",
                           "8", "--log-every", "2"}) {
    words.emplace_back(word);
  }
  if (std::find(kind.options.begin(), kind.options.end(), "transformer") == kind.options.end()) {
    for (const char* word : {"--embedding", "8", "--encoder-hidden", "8", "--decoder-hidden", "8",
                             "--attention-size", "8", "--readout", "8"}) {
      words.emplace_back(word);
    }
  }
  words.insert(words.end(), kind.options.begin(), kind.options.end());
  return words;
}

std::vector<std::string> environment(const std::vector<std::string>& more) {
  std::vector<std::string> variables = {"GOMP_SPINCOUNT=1000"};
  for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
  variables.insert(variables.end(), more.begin(), more.end());
  return variables;
}

// Whether each line of metrics.jsonl is JSON; the last one may lack its end where the program was killed.
bool is_json(const fs::path& run, bool killed) {
  if (!fs::exists(run / "metrics.jsonl")) return killed;
  const std::string text = heed::read_file(run / "metrics.jsonl");
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) return killed;
    if (!nlohmann::json::accept(text.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

// Everything of a run but the seconds that it took, and the runs that it keeps.
std::string bits(const fs::path& run) {
  heed::SafetensorsFile state = heed::load_safetensors(run / "state.safetensors");
  std::erase_if(state.tensors, [](const auto& entry) { return entry.first.ends_with("seconds"); });
  std::string all = heed::to_safetensors({state.tensors.begin(), state.tensors.end()});
  for (const char* file : {"model.safetensors", "config.toml", "source.vocab", "target.vocab"})
    all += heed::read_file(run / file);
  std::vector<fs::path> kept;
  if (fs::exists(run / "checkpoints")) {
    for (const auto& entry : fs::recursive_directory_iterator(run / "checkpoints"))
      kept.push_back(entry.path());
  }
  std::ranges::sort(kept);
  for (const fs::path& path : kept) {
    all += path.lexically_relative(run).string();
    if (fs::is_regular_file(path)) all += heed::read_file(path);
  }
  return all;
}

// Where what is written counts: the run, and the ids beside the corpus where they are written.
std::string watched(const std::string& corpus, const std::string& run, const Kind& kind) {
  return kind.streamed ? fs::path(corpus).parent_path().string() : run;
}

struct Rounds {
  std::string shim;
  heed::TempDir work;
  int done = 0, failed = 0;

  void fail(const std::string& what, const ProcessResult& result) {
    ++failed;
    fmt::print("FAILED {}: status {}: {}\n", what, result.exit_code, result.err);
  }

  // One fault in a new run, then --resume until it is whole.
  void round(const std::string& corpus, const Kind& kind, const char* fault, int at,
             const std::string& expected) {
    const std::string run = work / "run", what = fmt::format("{} {} at operation {}", kind.name, fault, at);
    fs::remove_all(run);
    fs::remove_all(fs::path(corpus) / "ids");
    ++done;
    std::vector<std::string> words = command(corpus, run, kind);
    ProcessResult result = heed::run_process(
        words, "",
        environment({"LD_PRELOAD=" + shim, "HEED_CRASH_FOLDER=" + watched(corpus, run, kind),
                     fmt::format("HEED_CRASH_AT={}", at), fmt::format("HEED_CRASH_HOW={}", fault)}));
    const bool harmless = fault == std::string("EINTR") || fault == std::string("short");
    const bool killed = fault == std::string("kill") || fault == std::string("torn");
    const int worst = killed ? 137 : harmless ? 0 : 1;
    if (result.exit_code != 0 && result.exit_code != worst) return fail(what, result);
    if (result.exit_code == 1 && std::count(result.err.begin(), result.err.end(), '\n') == 0)
      return fail(what + ": no message", result);
    if (fs::exists(fs::path(run) / "config.toml") && !is_json(run, killed))
      return fail(what + ": metrics.jsonl is not JSON", result);
    if (result.exit_code != 0) {
      words.emplace_back("--resume");
      result = heed::run_process(words);
      if (result.exit_code != 0 && !fs::exists(run)) {  // it was stopped before its folder was there
        words.pop_back();
        result = heed::run_process(words);
      }
      if (result.exit_code != 0) return fail(what + ", then --resume", result);
    }
    if (bits(run) != expected) return fail(what + ": other bits", result);
    if (!is_json(run, false)) return fail(what + ": metrics.jsonl is not JSON at the end", result);
    for (const std::string& folder : {run, corpus}) {
      for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        if (name.find(".tmp") != std::string::npos) return fail(what + ": left " + name, result);
      }
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return fmt::print(stderr, "usage: crash_test SHIM SECONDS\n"), 2;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(argv[2]));
  Rounds rounds{argv[1], {}};
  const std::string corpus = rounds.work / "corpus", whole = rounds.work / "whole",
                    count = rounds.work / "count";
  if (heed::run_process(
          {kTranslator, "corpus", "-o", corpus, "--train", "40", "--validation", "4", "--test", "1"})
          .exit_code != 0)
    return 1;
  std::vector<std::string> expected;
  std::vector<int> operations;
  for (const Kind& kind : kKinds) {
    fs::remove_all(whole);
    fs::remove_all(fs::path(corpus) / "ids");
    const ProcessResult result = heed::run_process(
        command(corpus, whole, kind), "",
        environment({"LD_PRELOAD=" + rounds.shim, "HEED_CRASH_FOLDER=" + watched(corpus, whole, kind),
                     "HEED_CRASH_COUNT=" + count}));
    if (result.exit_code != 0) return fmt::print("FAILED {} without a fault: {}\n", kind.name, result.err), 1;
    expected.push_back(bits(whole));
    operations.push_back(std::atoi(heed::read_file(count).c_str()));
    if (operations.back() < 20)
      return fmt::print("FAILED {}: the shim saw {} operations\n", kind.name, operations.back()), 1;
  }
  // Every fault of every kind of model through all its operations, in an order of chance; the first of each
  // come first.
  struct Case {
    size_t kind;
    const char* fault;
    int at;
    size_t turn;
  };
  std::vector<Case> cases;
  std::mt19937 random(std::random_device{}());
  for (size_t k = 0; k < kKinds.size(); ++k) {
    for (const char* fault : kFaults) {
      std::vector<int> order(static_cast<size_t>(operations[k]));
      std::iota(order.begin(), order.end(), 1);
      std::shuffle(order.begin(), order.end(), random);
      for (size_t i = 0; i < order.size(); ++i) cases.push_back({k, fault, order[i], i});
    }
  }
  std::ranges::stable_sort(cases, {}, &Case::turn);
  for (const Case& c : cases) {
    if (c.turn > 0 && std::chrono::steady_clock::now() > end) break;
    rounds.round(corpus, kKinds[c.kind], c.fault, c.at, expected[c.kind]);
  }
  fmt::print("{} of {} faults, {} failed\n", rounds.done, cases.size(), rounds.failed);
  return rounds.failed == 0 && rounds.done > 0 ? 0 : 1;
}
