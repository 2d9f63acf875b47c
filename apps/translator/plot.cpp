// translator plot: how trainings went, as curves.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "apps/common/choice.h"
#include "apps/common/files.h"
#include "apps/common/idle.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/experiment/curves.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;

struct PlotOptions {
  std::vector<std::string> runs, outputs = {"out/curves.svg"}, metrics;
  std::string json;
  CurveAxis axis = CurveAxis::updates;
};

enum class PlotFormat : uint8_t { svg, html, csv };
constexpr const char* kExtensions[] = {".svg", ".html", ".csv"};  // in the order of PlotFormat

PlotFormat format_of(const std::string& path) {
  if (path == "-" || path == "/dev/stdout") return PlotFormat::svg;
  const std::string extension = models::to_lower(fs::path(path).extension().string());
  const auto found = std::ranges::find(kExtensions, extension);
  if (found == std::end(kExtensions))
    throw CLI::ValidationError("--output",
                               fmt::format("'{}' must end in {}", path, fmt::join(kExtensions, ", ")));
  return static_cast<PlotFormat>(found - std::begin(kExtensions));
}

TrainingCurves read_curves(const NamedRun& run) {
  models::require_run(run.folder);
  TrainingCurves curves{run.name, models::read_history(run.folder)};
  const models::TrainingHistory& history = curves.history;
  const std::string file = (run.folder / models::run_files::kMetrics).string();
  if (history.broken_line > 0)
    throw FormatError("plot",
                      fmt::format("'{}' line {} is no report of a training", file, history.broken_line));
  if (history.records.empty()) {
    throw IoError("plot", file_exists(file) ? fmt::format("'{}' holds no report yet", file)
                                            : fmt::format("'{}' tells nothing of its training: it has no {}",
                                                          run.folder.string(), models::run_files::kMetrics));
  }
  if (history.repeated > 0) {
    warn("translator",
         fmt::format("'{}' goes back to earlier updates, as a training does that was resumed by "
                     "hand: {} reports are replaced by later ones",
                     file, history.repeated));
  }
  return curves;
}

std::vector<std::string> keys_of(const PlotOptions& options) {
  std::vector<std::string> keys;
  for (const std::string& key : options.metrics) {
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  for (const CurveKind& kind : curve_kinds()) {
    if (options.metrics.empty() && kind.drawn_unless_asked) keys.push_back(kind.key);
  }
  return keys;
}

std::string rendered(PlotFormat format, const std::vector<TrainingCurves>& runs,
                     const std::vector<Chart>& charts) {
  switch (format) {
    case PlotFormat::html:
      return curves_html(runs, charts);
    case PlotFormat::csv:
      return curves_csv(runs);
    default:
      return curves_svg(charts);
  }
}

void plot(const PlotOptions& options, const CLI::App& cli) {
  const bool no_picture = std::ranges::all_of(
      options.outputs, [](const std::string& path) { return format_of(path) == PlotFormat::csv; });
  const std::string all_csv = "for .csv, which holds every report";
  refuse_idle(cli, {{"--x", no_picture, all_csv}, {"--metric", no_picture, all_csv}});
  const bool output_given = cli.get_option("--output")->count() > 0;
  const std::vector<NamedRun> named = named_runs("RUN", options.runs);
  Files files{.outputs = {{"--json", options.json}}};
  for (const std::string& path : options.outputs) files.outputs.push_back({"--output", path});
  const std::string folder = fs::path(options.outputs.front()).parent_path().string();
  if (!output_given) files.new_folders = {{"--output", folder}};
  for (const NamedRun& run : named) files.runs.push_back(run.folder.string());
  check_files(files);
  std::vector<TrainingCurves> runs;
  for (const NamedRun& run : named) runs.push_back(read_curves(run));
  const std::vector<std::string> keys = keys_of(options);
  const std::vector<Chart> charts = curve_charts(runs, keys, options.axis);
  if (charts.empty()) throw ValueError("plot", fmt::format("the runs report no {}", fmt::join(keys, ", ")));
  if (!output_given) make_folder(folder);
  for (const std::string& path : options.outputs) write_output(path, rendered(format_of(path), runs, charts));
  nlohmann::ordered_json report{{"runs", nlohmann::ordered_json::array()}, {"files", options.outputs}};
  for (const TrainingCurves& run : runs) {
    say("{}\n", course(run));
    report["runs"].push_back(course_json(run));
  }
  say("curves: {}\n", fmt::format("{}", fmt::join(options.outputs, ", ")));
  write_json(options.json, report);
}

}  // namespace

Command add_plot(CLI::App& cli) {
  const auto o = std::make_shared<PlotOptions>();
  cli.add_option("run", o->runs, "runs to draw, each a run folder, or NAME=FOLDER")->required();
  cli.add_option("-o,--output", o->outputs,
                 "file to write: .svg, .html (a page with tables) or .csv (a row a "
                 "report); - for an SVG on standard output; repeatable")
      ->take_all()
      ->allow_extra_args(false)
      ->default_str(o->outputs.front());
  std::vector<std::string> keys;
  for (const CurveKind& kind : curve_kinds()) keys.push_back(kind.key);
  cli.add_option("--metric", o->metrics,
                 fmt::format("curves to draw, separated by commas: {} (default: all but the last)",
                             fmt::join(keys, ", ")))
      ->check(one_of(keys))
      ->delimiter(',')
      ->take_all()
      ->allow_extra_args(false);
  add_choice(cli, "--x", o->axis, "what lies across: updates, or seconds spent in them");
  cli.add_option("--json", o->json, "write the course of each run in numbers as JSON");
  return [o, &cli] { plot(*o, cli); };
}

}  // namespace heed::apps
