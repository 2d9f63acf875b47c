#include "models/training/kept_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "framework/io/safetensors.h"
#include "models/run/new_run.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

const std::string kScore = "score_";

// What the file of the weights says; nothing of a folder that is not whole.
std::optional<KeptRun> read_kept(const KeptFolder& kept) {
  if (!is_run_folder(kept.path) || !file_exists(kept.path / run_files::kModel)) return std::nullopt;
  KeptRun run{.update = kept.update, .folder = kept.path};
  const auto metadata = map_safetensors(kept.path / run_files::kModel).metadata;
  for (const auto& [key, text] : metadata) {
    if (key == "scheduled") run.scheduled = text == "true";
    const auto value = parse_json(text);
    if (key.starts_with(kScore))
      run.scores[key.substr(kScore.size())] = value.is_number() ? value.get<double>() : NAN;
  }
  return run;
}

}  // namespace

void write_kept_run(const fs::path& run, const RunConfig& config, const KeptRun& about,
                    const NamedTensors& weights) {
  const fs::path folder = run / run_files::kCheckpoints / run_files::kept_run(about.update);
  make_folder(folder);
  std::map<std::string, std::string> metadata{{"format", "heed.model"},
                                              {"update", fmt::format("{}", about.update)},
                                              {"scheduled", fmt::format("{}", about.scheduled)}};
  for (const auto& [keep, value] : about.scores) {
    metadata[kScore + keep] = std::isfinite(value) ? fmt::format("{}", value) : "null";
  }
  TextFiles text = text_of_run(run, config);  // and the licence of the sentences goes with the weights
  if (const fs::path data = run / run_files::kData; file_exists(data))
    text[run_files::kData] = read_file(data);
  write_run(folder, config, text,
            {.file = run_files::kModel, .tensors = weights, .metadata = std::move(metadata)});
}

std::vector<KeptRun> kept_runs(const fs::path& run) {
  std::vector<KeptRun> kept;
  for (const KeptFolder& folder : kept_folders(run)) {
    if (auto whole = read_kept(folder)) kept.push_back(std::move(*whole));
  }
  return kept;
}

bool is_among_best(const std::vector<KeptRun>& kept, const KeptScores& scores, int64_t most,
                   const Beats& beats) {
  return std::ranges::count_if(kept, [&](const KeptRun& run) {
           return !run.scores.empty() && !beats(scores, run.scores);
         }) < most;
}

void prune_kept_runs(const fs::path& run, const KeepRule& rule) {
  std::vector<KeptRun> all = kept_runs(run);
  std::set<int64_t> keep;
  int64_t last = 0;
  for (const KeptRun& kept : all) {
    if (!kept.scheduled || kept.update == rule.end) keep.insert(kept.update);
  }
  std::erase_if(all, [](const KeptRun& kept) { return !kept.scheduled; });
  for (auto at = all.rbegin(); at != all.rend() && last < rule.keep_last; ++at) {
    if (rule.every == 0 || at->update % rule.every == 0) keep.insert(at->update), ++last;
  }
  std::erase_if(all, [](const KeptRun& kept) { return kept.scores.empty(); });
  // of two that are equal the earlier one is the better
  std::ranges::stable_sort(
      all, [&](const KeptRun& a, const KeptRun& b) { return rule.beats(a.scores, b.scores); });
  for (size_t i = 0; i < all.size() && static_cast<int64_t>(i) < rule.keep_best; ++i)
    keep.insert(all[i].update);
  for (const KeptFolder& folder : kept_folders(run)) {
    if (!keep.contains(folder.update)) remove_kept_folder(folder.path);
  }
}

void rewind_kept_runs(const fs::path& run, int64_t update, bool longer) {
  for (const KeptFolder& folder : kept_folders(run)) {
    const std::optional<KeptRun> kept = folder.update <= update ? read_kept(folder) : std::nullopt;
    if (!kept || (longer && !kept->scheduled)) remove_kept_folder(folder.path);
  }
}

}  // namespace heed::models
