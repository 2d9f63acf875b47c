#include "apps/translator/checkup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "apps/common/module.h"
#include "apps/common/profile.h"
#include "apps/heatmap/drawing.h"
#include "apps/serve/http.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "framework/core/parallel.h"
#include "framework/io/disk_space.h"
#include "framework/io/system_memory.h"
#include "models/run/box.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLittleDisk = 1'000'000'000, kNoDisk = 10'000'000;
constexpr int64_t kLittleMemory = 1'000'000'000;

class Checkup {
 public:
  std::vector<CheckedFact> facts;
  void section(const char* name) { section_ = name; }
  CheckedFact& add(std::string name, std::string value, nlohmann::ordered_json data = {}) {
    facts.push_back({section_, std::move(name), std::move(value), Verdict::fine, "", std::move(data)});
    return facts.back();
  }
  void add_bytes(std::string name, int64_t bytes, int64_t little, const char* advice) {
    CheckedFact& fact = add(std::move(name), bytes_text(bytes), bytes);
    if (bytes < little) fact.verdict = Verdict::slow, fact.advice = advice;
  }

 private:
  std::string section_;
};

// The value of "model name : ..." in a file of such lines, the first one.
std::string value_in(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !line.starts_with(key)) continue;
    const size_t from = line.find_first_not_of(" \t", colon + 1);
    return from == std::string::npos ? "" : line.substr(from);
  }
  return "";
}

// Of the instruction sets that heed and its libraries have code for.
std::vector<std::string> instruction_sets() {
  std::istringstream flags(value_in("/proc/cpuinfo", "flags"));
  const std::set<std::string> has{std::istream_iterator<std::string>(flags), {}};
  std::vector<std::string> found;
  for (const char* name :
       {"sse4_2", "avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"}) {
    if (has.contains(name)) found.emplace_back(name);
  }
  return found;
}

// Where a library of this process lies.
std::string path_of_library(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t slash = line.find('/');
    if (slash != std::string::npos && fs::path(line.substr(slash)).filename().string().starts_with(name))
      return line.substr(slash);
  }
  return "linked into the program";
}

void check_processor(Checkup& checkup, const BuildInfo& info) {
  checkup.section("processor");
  const std::string model = value_in("/proc/cpuinfo", "model name");
  checkup.add("model", model.empty() ? "not known" : model);
  const int cores = static_cast<int>(std::thread::hardware_concurrency()), threads = available_threads();
  checkup.add("threads",
              threads == cores ? fmt::format("{}", threads)
                               : fmt::format("{} of {}: affinity or the container's quota", threads, cores),
              threads);
  double load = 0;
  if (std::ifstream("/proc/loadavg") >> load) {
    CheckedFact& fact = checkup.add("load", fmt::format("{:.1f}", load), load);
    if (load > 0.5 * threads) {
      fact.verdict = Verdict::slow;
      fact.advice = "other programs are running; beside them, fewer --threads can be faster";
    }
  }
  const std::vector<std::string> sets = instruction_sets();
  checkup.add("instruction sets", fmt::format("{}", fmt::join(sets, " ")), sets);
  CheckedFact& chosen = checkup.add("chosen for heed's kernels", info.instruction_set);
  if (const char* isa = std::getenv("HEED_ISA")) {
    chosen.verdict = Verdict::slow;
    chosen.advice = fmt::format("HEED_ISA={} limits them", isa);
  }
  checkup.add("bf16 products", info.bf16_products ? "yes" : "no, --precision bf16 trains in f32",
              info.bf16_products);
}

void check_libraries(Checkup& checkup, const BuildInfo& info) {
  checkup.section("libraries");
  checkup.add("heed", fmt::format("{}, {}, {}", info.version, info.compiler,
                                  info.build_type.empty() ? "no build type" : info.build_type));
  if (info.build_type != "Release" || !info.sanitizers.empty()) {
    checkup.facts.back().verdict = Verdict::slow;
    checkup.facts.back().advice = "this is not a release build: cmake --preset release";
  }
  checkup.add("OpenBLAS", info.openblas);
  checkup.add("OpenBLAS core", info.blas_core);
  checkup.add("OpenBLAS library", path_of_library("libopenblas"));
  checkup.add("oneDNN", info.onednn);
  checkup.add("oneDNN library", path_of_library("libdnnl"));
  checkup.add("Highway", info.highway);
}

void check_speed(Checkup& checkup) {
  checkup.section("speed");
  const MachineSpeed speed = measure_machine();
  const auto add = [&](const char* name, const double(&both)[2], const char* unit) {
    const std::string all =
        speed.threads > 1 ? fmt::format(", {:.1f} on {}", both[1] / 1e9, speed.threads) : "";
    checkup.add(name, fmt::format("{:.1f}{} {}", both[0] / 1e9, all, unit),
                {{"one_thread", both[0]}, {"all_threads", both[1]}});
  };
  add("sgemm, one thread", speed.flops_per_second, "GFLOP/s");
  add("copying, one thread", speed.bytes_per_second, "GB/s");
}

void check_memory(Checkup& checkup) {
  checkup.section("memory");
  const auto [total, available] = system_memory();
  checkup.add("total", bytes_text(total), total);
  checkup.add_bytes("available", available, kLittleMemory,
                    "a training of a base model takes about 2 GB: a smaller --size or --batch-tokens");
}

void check_disk(Checkup& checkup) {
  checkup.section("disk");
  std::error_code error;
  const fs::path here = fs::current_path(error);
  for (const auto& [name, path] : {std::pair<std::string, fs::path>{"this folder", here},
                                   {"temporary files", fs::temp_directory_path(error)}}) {
    const int64_t left = disk_space(path);
    CheckedFact& fact =
        checkup.add(fmt::format("{}, {}", name, path.string()),
                    left == INT64_MAX ? "not known" : fmt::format("{} left", bytes_text(left)), left);
    if (::access(path.c_str(), W_OK | X_OK) != 0) {
      fact.verdict = path == here ? Verdict::optional : Verdict::broken;
      fact.advice = "it cannot be written to";
    } else if (left < kNoDisk) {
      fact.verdict = Verdict::broken;
      fact.advice = "the disk is full";
    } else if (left < kLittleDisk) {
      fact.verdict = Verdict::slow;
      fact.advice = "a training of a base model keeps about 1 GB";
    }
  }
}

void check_environment(Checkup& checkup) {
  checkup.section("environment");
  const auto variable = [&](const char* name, Verdict when_set, const char* advice) {
    const char* const value = std::getenv(name);
    CheckedFact& fact =
        checkup.add(name, value ? value : "not set", value ? nlohmann::ordered_json(value) : "");
    if (value) fact.verdict = when_set, fact.advice = when_set == Verdict::fine ? "" : advice;
  };
  variable(
      "OPENBLAS_CORETYPE", Verdict::slow,
      "unset it: OpenBLAS picks the kernels for this CPU itself, and those of another CPU can be several "
      "times slower");
  variable("OPENBLAS_NUM_THREADS", Verdict::fine, "");
  variable("OMP_NUM_THREADS", Verdict::fine, "");
  const char* const set = std::getenv("OMP_NUM_THREADS");
  if (const int threads = set ? std::atoi(set) : 0; threads > available_threads()) {
    checkup.facts.back().verdict = Verdict::slow;
    checkup.facts.back().advice = fmt::format("more than the {} that there are", available_threads());
  }
  variable("DNNL_MAX_CPU_ISA", Verdict::slow, "unset it: it keeps oneDNN from instructions that the CPU has");
  variable("HEED_ISA", Verdict::slow, "unset it: it keeps heed from instructions that the CPU has");
  const char* const spin = std::getenv("GOMP_SPINCOUNT");
  const char* const wait = std::getenv("OMP_WAIT_POLICY");
  variable("GOMP_SPINCOUNT", Verdict::fine, "");
  if (spin && std::atoll(spin) > 1'000'000) {
    checkup.facts.back().verdict = Verdict::slow;
    checkup.facts.back().advice =
        "threads spin for milliseconds and fight over shared cores; 20000 is what "
        "translator sets where it is unset";
  }
  variable("OMP_WAIT_POLICY", Verdict::fine, "");
  if (wait && (std::string(wait) == "active" || std::string(wait) == "ACTIVE")) {
    checkup.facts.back().verdict = Verdict::slow;
    checkup.facts.back().advice = "threads that wait take the cores from those that work";
  }
}

bool runs(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT: no input of a user
}

// Whether a python3 has a module, that of the PATH or the system's; it is looked for and not loaded.
bool python_has(const std::string& module) {
  const std::string look =
      " -c 'import importlib.util as u, sys; sys.exit(u.find_spec(\"" + module + "\") is None)'";
  return runs("python3" + look) || runs("/usr/bin/python3" + look);
}

void check_parts(Checkup& checkup) {
  checkup.section("parts");
  const auto part = [&](const char* name, bool there, Verdict otherwise, const std::string& advice) {
    CheckedFact& fact = checkup.add(name, there ? "there" : "missing", there);
    if (!there) fact.verdict = otherwise, fact.advice = advice;
  };
  const auto module = [&](const char* name, const char* file, const char* symbol) {
    std::string why;
    try {
      load_module(file, symbol, name);
    } catch (const Error& error) {
      why = error.what();
    }
    part(name, why.empty(), Verdict::optional, why);
  };
  module("drawing (heatmap, look, plot)", heatmap::kDrawingFile, heatmap::kDrawingSymbol);
  module("HTTP (serve)", serve::kHttpFile, serve::kHttpSymbol);
  const size_t translators = models::box_runs().size();
  part("translators of the box", translators > 0, Verdict::optional,
       "translator train makes one; HEED_TRANSLATORS names a folder of them");
  const bool python = runs("python3 --version");
  part("python3", python, Verdict::optional, "for the tests and the pages of options: apt install python3");
  part("python3 numpy", python && python_has("numpy"), Verdict::optional,
       "to read weights in Python: apt install python3-numpy");
  part("python3 torch", python && python_has("torch"), Verdict::optional,
       "only to compute the tests' values of new ops: apt install python3-torch");
}

}  // namespace

std::vector<CheckedFact> check_machine() {
  Checkup checkup;
  const BuildInfo info = build_info();
  check_processor(checkup, info);
  check_libraries(checkup, info);
  check_speed(checkup);
  check_memory(checkup);
  check_disk(checkup);
  check_environment(checkup);
  check_parts(checkup);
  return std::move(checkup.facts);
}

}  // namespace heed::apps
