// compare_torch: heed beside PyTorch in one run, at equal shapes, threads and data.
//
// Two worker processes take turns, round by round, so that a slow minute of the machine meets both; medians
// over the rounds and their ratio (PyTorch / heed: above 1, heed is faster) are printed. First both compute
// every result that has no chance in it, and the loss and gradient norm of the translator from the same
// weights; where these differ no ratio is printed.
//
// PyTorch runs in its strongest form: the vector instructions the CPU has (ATEN_CPU_CAPABILITY), malloc that
// keeps its memory, and with two threads OpenBLAS built on OpenMP in place of the pthread build, whose
// threads fight with PyTorch's own. OPENBLAS_CORETYPE is unset, since a value left in the environment halves
// the speed; but an OpenBLAS that does not know the CPU falls back to kernels of 2004 (0.3.21 takes an
// Emerald Rapids for a Prescott), and then PyTorch's side is told the right ones.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "bench/compare_torch/worker_process.h"
#include "bench/op_cases.h"
#include "bench/programs/programs.h"
#include "bench/run_context.h"

namespace compare_torch {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsage =
    "usage: compare_torch [--threads 1,2] [--only SUBSTRING] [--rounds 5] [--seconds S] [--json FILE] "
    "[--openblas-openmp DIR]\n"
    "  --threads LIST         thread counts, one after the other\n"
    "  --only SUBSTRING       cases whose name contains it: train_step, decode_, programs/NAME (whole "
    "programs), "
    "ops/NAME_fwd and\n"
    "                         ops/NAME_fwd_bwd (the table of every op); without it all\n"
    "  --rounds N             turns of each side; the median counts\n"
    "  --seconds S            length of one turn; 0.2 where it is not given, and 0.02 of the rows of ops/\n"
    "  --json FILE            writes {context, rows}, rows being {name, shape, threads, heed_us, torch_us, "
    "ratio}\n"
    "  --openblas-openmp DIR  folder with OpenBLAS built on OpenMP for PyTorch with two threads (also "
    "$HEED_OPENBLAS_OPENMP, else\n"
    "                         build/openblas-openmp, which bench/fetch_openblas_openmp.sh fills)\n";

struct Options {
  std::vector<int> threads{1, 2};
  std::string only, json, openblas;
  int rounds = 5;
  double seconds = 0;  // 0: as the case wants
  double seconds_of(const std::string& name) const {
    if (seconds > 0) return seconds;
    return name.rfind(workload::kOps, 0) == 0 ? 0.02 : 0.2;
  }
};

struct Row {
  std::string name, shape;
  int threads;
  double heed, torch;
  bool weakened;  // PyTorch without its best OpenBLAS
  double ratio() const { return torch / heed; }
};

// The value of an option, all of it a number in [least, most].
template <class T>
T number(const std::string& option, std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most))
    throw std::invalid_argument(
        fmt::format("{} takes a number from {} to {}, got '{}'", option, least, most, text));
  return value;
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      fmt::print("{}", kUsage);
      std::exit(0);
    }
    if (i + 1 >= argc) throw std::invalid_argument(fmt::format("'{}' is not known or lacks its value", flag));
    const std::string value = argv[++i];
    if (flag == "--threads") {
      o.threads.clear();
      for (size_t at = 0; at <= value.size();) {
        const size_t end = std::min(value.size(), value.find(',', at));
        o.threads.push_back(number(flag, std::string_view(value).substr(at, end - at), 1, 1024));
        at = end + 1;
      }
    } else if (flag == "--only") {
      o.only = value;
    } else if (flag == "--rounds") {
      o.rounds = number(flag, value, 1, 1000);
    } else if (flag == "--seconds") {
      o.seconds = number(flag, value, 1e-4, 3600.0);
    } else if (flag == "--json") {
      o.json = value;
    } else if (flag == "--openblas-openmp") {
      o.openblas = value;
    } else {
      throw std::invalid_argument(fmt::format("'{}' is not known", flag));
    }
  }
  if (!o.json.empty() && !std::ofstream(o.json, std::ios::app))  // before the comparison, not behind it
    throw std::runtime_error(fmt::format("cannot write '{}'", o.json));
  return o;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

// The folder that holds libopenblas.so.0 at or below `root`; empty when there is none.
std::string openblas_folder(const fs::path& root) {
  std::error_code ignored;
  if (fs::exists(root / "libopenblas.so.0", ignored)) return root.string();
  for (fs::recursive_directory_iterator it(root, ignored), end; it != end; it.increment(ignored)) {
    if (it->path().filename() == "libopenblas.so.0") return it->path().parent_path().string();
  }
  return {};
}

std::string find_openblas(const Options& o, const fs::path& bin) {
  if (!o.openblas.empty()) {
    const std::string folder = openblas_folder(o.openblas);
    if (folder.empty())
      throw std::runtime_error(fmt::format("there is no libopenblas.so.0 below '{}'", o.openblas));
    return folder;
  }
  if (const char* const named = std::getenv("HEED_OPENBLAS_OPENMP")) return openblas_folder(named);
  // build/release/bin -> build/openblas-openmp
  return openblas_folder(bin.parent_path().parent_path() / "openblas-openmp");
}

Environment common_environment(int threads) {
  Environment e = current_environment();
  for (const char* const name :
       {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "HEED_ISA"})
    e.erase(name);
  e["OMP_NUM_THREADS"] = e["OPENBLAS_NUM_THREADS"] = std::to_string(threads);
  return e;
}

Environment torch_environment(int threads, const std::string& openblas) {
  Environment e = common_environment(threads);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    e["ATEN_CPU_CAPABILITY"] = "avx512";
  } else if (__builtin_cpu_supports("avx2")) {
    e["ATEN_CPU_CAPABILITY"] = "avx2";
  }
  e["MALLOC_MMAP_THRESHOLD_"] = std::to_string(int64_t{4} << 30);
  e["MALLOC_TRIM_THRESHOLD_"] = std::to_string(int64_t{16} << 30);
  e["MALLOC_TOP_PAD_"] = std::to_string(int64_t{64} << 20);
  if (threads > 1 && !openblas.empty()) {
    const std::string before = e["LD_LIBRARY_PATH"];
    e["LD_LIBRARY_PATH"] = openblas + (before.empty() ? "" : ":" + before);
  }
  return e;
}

// What OpenBLAS should run on this CPU, or nothing when its own choice, as the greeting tells it, is as good.
std::string better_core(const std::string& greeting) {
  const auto runs = [&](const char* core) {
    return greeting.find(std::string("OpenBLAS ") + core) != std::string::npos;
  };
  if (runs("Cooperlake") || runs("SapphireRapids") || runs("SkylakeX") || runs("unknown")) return "";
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return __builtin_cpu_supports("avx512bf16") ? "Cooperlake" : "SkylakeX";
  }
  if (runs("Haswell") || runs("Zen") || !__builtin_cpu_supports("avx2")) return "";
  return "Haswell";
}

void require_equal(const std::string& what, double heed, double torch, double tolerance) {
  if (std::abs(heed - torch) <= tolerance * std::max(std::abs(heed), std::abs(torch))) return;
  throw std::runtime_error(
      fmt::format("the sides do not compute the same: {}: heed {:.9g}, PyTorch {:.9g}", what, heed, torch));
}

// The answers to a check: as many figures on both sides.
void require_equal_figures(const std::string& name, const std::string& heed, const std::string& torch) {
  const double tolerance = name.rfind(workload::kPrograms, 0) == 0 ? 1e-4 : 1e-3;
  const auto numbers = [](const std::string& answer) {
    std::istringstream text(answer);
    std::vector<double> v;
    for (std::string word; text >> word;) v.push_back(std::stod(word));
    return v;
  };
  const std::vector<double> ours = numbers(heed), theirs = numbers(torch);
  if (ours.size() != theirs.size() || (name.rfind(workload::kPrograms, 0) == 0 && ours.empty()))
    throw std::runtime_error(
        fmt::format("{}: {} figures of heed, {} of PyTorch", name, ours.size(), theirs.size()));
  for (size_t i = 0; i < ours.size(); ++i) require_equal(name, ours[i], theirs[i], tolerance);
}

void check_translator(WorkerProcess& heed, WorkerProcess& torch, const std::string& kind) {
  const fs::path file =
      fs::temp_directory_path() / fmt::format("compare_torch_{}_{}.weights", ::getpid(), kind);
  heed.ask(fmt::format("save {} {}", file.string(), kind));
  torch.ask(fmt::format("load {} {}", file.string(), kind));
  fs::remove(file);
  double loss[2], norm[2];
  std::sscanf(heed.ask("model " + kind).c_str(), "%lf %lf", &loss[0], &norm[0]);
  std::sscanf(torch.ask("model " + kind).c_str(), "%lf %lf", &loss[1], &norm[1]);
  require_equal("loss of the translator, " + kind, loss[0], loss[1], 1e-4);
  require_equal("gradient norm of the translator, " + kind, norm[0], norm[1], 1e-3);
  fmt::print("translator, {}: loss {:.6f} and {:.6f}, gradient norm {:.5f} and {:.5f}: equal\n", kind,
             loss[0], loss[1], norm[0], norm[1]);
}

void compare_at(int threads, const Options& o, const fs::path& bin, std::vector<Row>& rows,
                std::vector<std::string>& greetings) {
  std::vector<workload::CaseName> chosen;
  const auto choose = [&](const std::vector<workload::CaseName>& names) {
    for (const auto& c : names) {
      if (c.name.find(o.only) != std::string::npos) chosen.push_back(c);
    }
  };
  choose(workload::case_names());
  choose(workload::program_names());
  choose(workload::op_case_names());
  if (chosen.empty()) throw std::runtime_error(fmt::format("no case is called '{}'", o.only));
  const std::string openblas = find_openblas(o, bin);
  const bool weakened = threads > 1 && openblas.empty();
  if (weakened) {
    fmt::print(stderr,
               "warning: OpenBLAS built on OpenMP was not found, so PyTorch does not run in its strongest "
               "form with {} threads: "
               "run bench/fetch_openblas_openmp.sh\n",
               threads);
  }
  const std::string argument = std::to_string(threads);
  WorkerProcess heed((bin / "compare_torch_heed").string(), {argument}, common_environment(threads));
  const std::string torch_program = (bin / "compare_torch_torch").string();
  Environment environment = torch_environment(threads, openblas);
  if (const std::string core = better_core(WorkerProcess(torch_program, {argument}, environment).greeting());
      !core.empty()) {
    fmt::print("OpenBLAS does not know this CPU: PyTorch gets OPENBLAS_CORETYPE={}\n", core);
    environment["OPENBLAS_CORETYPE"] = core;
  }
  WorkerProcess torch(torch_program, {argument}, environment);
  fmt::print("\n{}\n{}\n", heed.greeting(), torch.greeting());
  greetings.push_back(heed.greeting());
  greetings.push_back(torch.greeting());

  for (const char* const kind : {"none", "additive", "transformer"}) {
    const bool wanted = std::any_of(chosen.begin(), chosen.end(), [&](const auto& c) {
      return c.name == std::string("train_step_").append(kind) || workload::decode_case(c.name).kind == kind;
    });
    if (wanted) check_translator(heed, torch, kind);  // which gives PyTorch heed's weights
  }
  fmt::print("{:<30} {:<40} {:>12} {:>12} {:>7}\n", "case", "shape", "heed us", "PyTorch us", "ratio");
  for (const auto& c : chosen) {
    if (!c.random) {
      const std::string ask = fmt::format("check {}", c.name);
      require_equal_figures(c.name, heed.ask(ask), torch.ask(ask));
    }
    std::vector<double> ours, theirs;
    const std::string ask = fmt::format("time {} {}", c.name, o.seconds_of(c.name));
    for (int round = 0; round < o.rounds; ++round) {
      if (round % 2 == 0) ours.push_back(heed.ask_number(ask));  // each goes first every other time
      theirs.push_back(torch.ask_number(ask));
      if (round % 2 == 1) ours.push_back(heed.ask_number(ask));
    }
    const std::string forget = fmt::format("drop {}", c.name);
    heed.ask(forget);
    torch.ask(forget);
    rows.push_back({c.name, c.shape, threads, median(ours), median(theirs), weakened});
    fmt::print("{:<30} {:<40} {:>12.2f} {:>12.2f} {:>7.2f}{}\n", c.name, c.shape, rows.back().heed,
               rows.back().torch, rows.back().ratio(), weakened ? " *" : "");
    std::fflush(stdout);
  }
  if (weakened) fmt::print("* PyTorch without OpenBLAS on OpenMP: not its strongest form\n");
}

// exp of the mean logarithm of the ratios, of the ops' passes each and of all rows of one number of threads.
void print_means(const std::vector<Row>& rows, int threads) {
  struct Group {
    const char *what, *end;  // of the names
    double logarithms = 0, least = INFINITY;
    int count = 0;
  };
  Group groups[] = {{"forward", workload::kForward}, {"with backward", workload::kBoth}, {"all", ""}};
  for (const Row& row : rows) {
    if (row.threads != threads) continue;
    for (Group& group : groups) {
      if (!row.name.ends_with(group.end)) continue;
      group.logarithms += std::log(row.ratio());
      group.least = std::min(group.least, row.ratio());
      ++group.count;
    }
  }
  for (const Group& group : groups) {
    if (group.count == 0) continue;
    fmt::print("{} threads, {} cases, {}: geometric mean of the ratios {:.2f}, the least {:.2f}\n", threads,
               group.count, group.what, std::exp(group.logarithms / group.count), group.least);
  }
}

nlohmann::ordered_json as_json(const std::vector<Row>& rows) {
  const auto rounded = [](double value) { return std::round(1000 * value) / 1000; };
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Row& r : rows) {
    all.push_back({{"name", r.name},
                   {"shape", r.shape},
                   {"threads", r.threads},
                   {"heed_us", rounded(r.heed)},
                   {"torch_us", rounded(r.torch)},
                   {"ratio", rounded(r.ratio())}});
    if (r.weakened) all.back()["torch_weakened"] = true;
  }
  return all;
}

}  // namespace
}  // namespace compare_torch

int main(int argc, char** argv) {
  try {
    const compare_torch::Options options = compare_torch::parse(argc, argv);
    const std::filesystem::path bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    std::vector<compare_torch::Row> rows;
    std::vector<std::string> greetings;
    for (const int threads : options.threads) {
      compare_torch::compare_at(threads, options, bin, rows, greetings);
      compare_torch::print_means(rows, threads);
    }
    if (!options.json.empty()) {
      run_context::store(options.json,
                         run_context::of(greetings, run_context::command("compare_torch", argc, argv)),
                         compare_torch::as_json(rows));
    }
  } catch (const std::invalid_argument& e) {
    fmt::print(stderr, "compare_torch: {} (see --help)\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "compare_torch: {}\n", e.what());
    return 1;
  }
}
