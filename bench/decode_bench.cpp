// Times translating: every architecture and kind of attention, one sentence at a time and in batches of 32
// and 64, greedily and with a beam of 5, with products in f32, bf16 and 8 bits, on one thread and on two.
//   decode_bench [--json FILE]                             random weights, outputs as long as the sources
//   decode_bench --run RUN --source FILE [--json FILE]     a trained run and the sentences of a file
// An iteration is all sentences. Further arguments are Google Benchmark's, such as
// --benchmark_filter=transformer/beam5.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "bench/heed_cases.h"
#include "bench/run_context.h"
#include "framework/build_info.h"
#include "models/models.h"

namespace {

using namespace heed;

// A model and what it translates.
struct Work {
  std::shared_ptr<const models::TranslationModel> model;
  std::vector<std::vector<int>> sources;
  bool fixed_length = true;  // random weights end where they like
};

Work random_work(const std::string& kind) {
  Work work{bench::make_translator(kind), {}};
  workload::Random random(3);
  for (const auto& [source, target] : workload::sorted_lengths(256, random)) {
    std::vector<int> ids(static_cast<size_t>(source));
    for (int& id : ids)
      id =
          static_cast<int>(workload::kFirstWord + random.below(workload::kVocabulary - workload::kFirstWord));
    ids.back() = workload::kEos;
    work.sources.push_back(std::move(ids));
  }
  return work;
}

Work trained_work(const std::string& folder, const std::string& file) {
  models::LoadedRun run = models::load_run(models::find_run(folder));
  Work work{nullptr, {}, false};
  for (const std::string& line : models::read_lines(file)) {
    std::vector<std::string> words;
    for (const models::Token& token : models::tokenize(line, run.config.source_text))
      words.push_back(token.text);
    std::vector<int> ids = run.source.encode(words).ids;
    if (!ids.empty()) work.sources.push_back(std::move(ids));
  }
  work.model = std::move(run.model);
  return work;
}

void decode(benchmark::State& state, const Work& work, models::SearchOptions options) {
  set_num_threads(static_cast<int>(state.range(1)));
  options.batch_size = state.range(0);
  options.keep_attention = false;
  const models::TranslationModel* const models[] = {work.model.get()};
  std::vector<std::span<const std::vector<int>>> parts{work.sources};
  if (work.fixed_length) {  // a part has outputs of one length: that of its sources in the mean
    parts.clear();
    for (size_t at = 0; at < work.sources.size(); at += 64)
      parts.push_back(std::span(work.sources).subspan(at, std::min<size_t>(64, work.sources.size() - at)));
  }
  const auto all = [&] {
    for (const auto& part : parts) {
      if (work.fixed_length)
        options.min_length = options.max_length = static_cast<int64_t>(part[part.size() / 2].size());
      benchmark::DoNotOptimize(models::search(models, part, options));
    }
  };
  all();  // packs weights, makes memory
  for (auto _ : state) all();
  state.counters["sentences/s"] = benchmark::Counter(
      static_cast<double>(work.sources.size() * state.iterations()), benchmark::Counter::kIsRate);
}

// Prints as Google Benchmark does, and keeps the rates by what was timed.
class Rows : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const std::string name =
          run.run_name.function_name;  // MODEL/SEARCH/PRODUCTS, and the model may have a /
      const size_t products = name.rfind('/'), search = name.rfind('/', products - 1);
      int64_t batch = 0, threads = 0;
      if (std::sscanf(run.run_name.args.c_str(), "batch:%ld/threads:%ld", &batch, &threads) != 2) continue;
      rows_.push_back({{"model", name.substr(0, search)},
                       {"search", name.substr(search + 1, products - search - 1)},
                       {"products", name.substr(products + 1)},
                       {"batch", batch},
                       {"threads", threads},
                       {"sentences_per_second", std::round(10 * run.counters.at("sentences/s")) / 10}});
    }
  }
  const nlohmann::ordered_json& rows() const { return rows_; }

 private:
  nlohmann::ordered_json rows_ = nlohmann::ordered_json::array();
};

}  // namespace

int main(int argc, char** argv) {
  const std::string command = run_context::command("decode_bench", argc, argv);
  benchmark::Initialize(&argc, argv);
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  const size_t both = given.count("--run") + given.count("--source");
  if (given.size() * 2 + 1 != static_cast<size_t>(argc) || both + given.count("--json") != given.size() ||
      both == 1) {
    fmt::print(
        stderr,
        "decode_bench: takes --run RUN --source FILE, or neither, --json FILE and --benchmark_... options\n");
    return 2;
  }
  try {
    std::map<std::string, Work> works;
    if (both == 0) {
      for (const char* kind : {"none", "none_state", "transformer", "convolutional"})
        works[kind] = random_work(kind);
      for (const std::string& kind : nn::attention_kinds()) works[kind] = random_work(kind);
    } else {
      works[given["--run"]] = trained_work(given["--run"], given["--source"]);
    }
    for (const auto& [kind, work] : works) {
      for (const int beam : {1, 5}) {
        for (const models::Products products :
             {models::Products::f32, models::Products::bf16, models::Products::int8}) {
          models::SearchOptions options;
          options.beam = beam;
          options.products = products;
          auto* const timed = benchmark::RegisterBenchmark(
              fmt::format("{}/{}/{}", kind, beam == 1 ? "greedy" : "beam5", models::name_of_choice(products))
                  .c_str(),
              [&work, options](benchmark::State& state) { decode(state, work, options); });
          timed->ArgNames({"batch", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
          for (const int64_t batch : {1, 32, 64}) {
            timed->Args({batch, 1});
            if (available_threads() > 1) timed->Args({batch, 2});
          }
        }
      }
    }
    Rows rows;
    benchmark::RunSpecifiedBenchmarks(&rows);
    if (given.count("--json") > 0)
      run_context::store(given["--json"], run_context::of({build_info().str()}, command), rows.rows());
  } catch (const std::exception& error) {
    fmt::print(stderr, "decode_bench: {}\n", error.what());
    return 1;
  }
}
