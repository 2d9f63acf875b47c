#include "apps/translator/experiment/curves.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/common/progress.h"
#include "apps/translator/experiment/table.h"
#include "models/metrics/metric.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

constexpr size_t kMostPoints = 1000;  // more than a panel has pixels
constexpr double kMostDrawn = 1e15;   // beyond it an axis has no room for its numbers; tables have all
constexpr size_t kLongestName = 40;   // of a run in a legend, in characters

using models::TrainingRecord;

std::string key_of(const models::Metric& metric) { return "validation_" + metric.keep; }

std::vector<CurveKind> make_kinds() {
  std::vector<CurveKind> kinds{
      {.key = "loss", .title = "Training loss", .unit = "nats a token, smoothed", .from_zero = false}};
  for (const bool losses : {true, false}) {
    for (const models::Metric* metric : models::kept_metrics()) {
      if ((metric->better == models::Better::lower) != losses) continue;
      kinds.push_back({.key = key_of(*metric),
                       .title = "Validation " + metric->name,
                       .unit = metric->unit.empty() ? metric->name : metric->unit,
                       .from_zero = !losses});
    }
  }
  kinds.push_back(
      {.key = "lr", .title = "Learning rate", .unit = ""});  // of no unit, and its numbers are long
  kinds.push_back({.key = "tokens_per_second",
                   .title = "Speed",
                   .unit = "target tokens a second",
                   .drawn_unless_asked = false});
  return kinds;
}

// A unit of time in which the numbers of an axis are short.
struct TimeUnit {
  double seconds;
  const char* name;
};
TimeUnit unit_for(double seconds) {
  if (seconds > 2 * 3600) return {3600, "h"};
  if (seconds > 2 * 60) return {60, "min"};
  return {1, "s"};
}

std::string shortened(const std::string& name) {
  const std::u32string all = models::code_points(name);
  if (all.size() <= kLongestName) return name;
  return models::to_utf8(std::u32string_view(all).substr(0, kLongestName - 1)) + "\u2026";
}

// At most kMostPoints: means of neighbours.
ChartLine thinned(ChartLine line) {
  const size_t every = (line.points.size() + kMostPoints - 1) / kMostPoints;
  if (every <= 1) return line;
  ChartLine thin{line.name, {}, {}};
  if (line.ringed) thin.ringed = *line.ringed / every;
  for (size_t i = 0; i < line.points.size(); i += every) {
    const size_t end = std::min(i + every, line.points.size());
    double value = 0, at = 0;
    for (size_t k = i; k < end; ++k) {
      value += line.points[k]->value / static_cast<double>(end - i);
      at += line.points[k]->at / static_cast<double>(end - i);
    }
    thin.points.emplace_back(ChartPoint{value, value, value, at});
  }
  return thin;
}

std::string text_of(const models::Metric& metric, const TrainingRecord& record) {
  const auto value = record.value(key_of(metric));
  return value ? fmt::format("{:.{}f}", *value, metric.digits) : "";
}

const TrainingRecord* last_report(const models::TrainingHistory& history) {
  const auto found = std::find_if(history.records.rbegin(), history.records.rend(),
                                  [](const TrainingRecord& record) { return !record.validation; });
  return found == history.records.rend() ? nullptr : &*found;
}

Table runs_table(const std::vector<TrainingCurves>& runs) {
  Table table{{"run", "updates", "time in updates", "last training loss", "kept update"}, {}};
  for (const models::Metric* metric : models::kept_metrics()) table.head.push_back("its " + metric->name);
  for (const TrainingCurves& run : runs) {
    const TrainingRecord& last = run.history.records.back();
    const TrainingRecord* const report = last_report(run.history);
    const auto loss = report ? report->value("loss") : std::nullopt;
    const TrainingRecord* const best = run.history.best();
    table.rows.push_back({run.name, fmt::format("{}", last.update), clock_time(last.seconds),
                          loss ? fmt::format("{:.3f}", *loss) : "",
                          best ? fmt::format("{}", best->update) : ""});
    for (const models::Metric* metric : models::kept_metrics())
      table.rows.back().push_back(best ? text_of(*metric, *best) : "");
  }
  return table;
}

Table validations_table(const models::TrainingHistory& history) {
  Table table{{"update", "epochs", "time in updates"}, {}};
  for (const models::Metric* metric : models::kept_metrics()) table.head.push_back(metric->name);
  table.head.push_back("");
  for (const TrainingRecord& record : history.records) {
    if (!record.validation) continue;
    table.rows.push_back(
        {fmt::format("{}", record.update), fmt::format("{}", record.epoch), clock_time(record.seconds)});
    for (const models::Metric* metric : models::kept_metrics())
      table.rows.back().push_back(text_of(*metric, record));
    std::vector<std::string> notes;
    if (record.averaged > 0) notes.push_back(fmt::format("mean of {} checkpoints", record.averaged));
    if (&record == history.best()) notes.emplace_back("kept");
    table.rows.back().push_back(fmt::format("{}", fmt::join(notes, ", ")));
  }
  return table;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

const std::vector<CurveKind>& curve_kinds() {
  static const std::vector<CurveKind> kinds = make_kinds();
  return kinds;
}

std::vector<Chart> curve_charts(const std::vector<TrainingCurves>& runs, const std::vector<std::string>& keys,
                                CurveAxis axis) {
  double longest = 0;
  for (const TrainingCurves& run : runs) longest = std::max(longest, run.history.records.back().seconds);
  const TimeUnit unit = unit_for(longest);
  double end = 0;  // the same for all panels
  std::vector<Chart> charts;
  for (const CurveKind& kind : curve_kinds()) {
    if (std::ranges::find(keys, kind.key) == keys.end()) continue;
    Chart chart{
        .title = kind.title,
        .x_label = axis == CurveAxis::updates ? "updates" : fmt::format("time in updates, {}", unit.name),
        .y_label = kind.unit,
        .from_zero = kind.from_zero};
    bool any = false;
    for (const TrainingCurves& run : runs) {
      ChartLine line{shortened(run.name), {}, {}};
      for (const TrainingRecord& record : run.history.records) {
        const auto value = record.value(kind.key);
        if (!value || !(std::abs(*value) < kMostDrawn)) continue;
        const bool kept = record.validation && &record == run.history.best();
        if (record.averaged > 0 && !kept) continue;  // a mean that is not kept: in the table
        if (kept) line.ringed = line.points.size();
        const double at =
            axis == CurveAxis::updates ? static_cast<double>(record.update) : record.seconds / unit.seconds;
        line.points.emplace_back(ChartPoint{*value, *value, *value, at});
        end = std::max(end, at);
      }
      any = any || !line.points.empty();
      chart.lines.push_back(thinned(std::move(line)));
    }
    if (any) charts.push_back(std::move(chart));
  }
  for (Chart& chart : charts) chart.x_end = end;
  return charts;
}

std::string curves_svg(const std::vector<Chart>& charts) {
  const bool ringed = std::ranges::any_of(charts, [](const Chart& chart) {
    return std::ranges::any_of(chart.lines, [](const ChartLine& line) { return line.ringed.has_value(); });
  });
  return charts_svg(charts, ringed ? "the weights that were kept" : "");
}

std::string curves_html(const std::vector<TrainingCurves>& runs, const std::vector<Chart>& charts) {
  std::string text =
      page_head("Training curves", "body{max-width:80rem}") + "<h1>Training curves</h1>" +
      curves_svg(charts) + html(runs_table(runs)) +
      "<p>The training loss has the label smoothing in it and dropout; the validation loss has "
      "neither, so the two are not to be compared.</p>";
  for (const TrainingCurves& run : runs) {
    const Table table = validations_table(run.history);
    if (!table.rows.empty()) text += "<h2>Validations of " + escape_xml(run.name) + "</h2>" + html(table);
  }
  return text + kPageEnd;
}

std::string curves_csv(const std::vector<TrainingCurves>& runs) {
  std::vector<std::string> keys;  // those that everybody has first, then what else a file has
  for (const CurveKind& kind : curve_kinds()) keys.push_back(kind.key);
  std::set<std::string> others;
  for (const TrainingCurves& run : runs) {
    for (const TrainingRecord& record : run.history.records) {
      for (const auto& [key, value] : record.values) {
        if (std::ranges::find(keys, key) == keys.end()) others.insert(key);
      }
    }
  }
  keys.insert(keys.end(), others.begin(), others.end());
  std::string text = "run,update,epoch,seconds,best,averaged";
  for (const std::string& key : keys) text += "," + csv_field(key);
  text += "\n";
  for (const TrainingCurves& run : runs) {
    for (const TrainingRecord& record : run.history.records) {
      text += fmt::format("{},{},{},{:.3f},{},{}", csv_field(run.name), record.update, record.epoch,
                          record.seconds, record.validation ? (record.best ? "1" : "0") : "",
                          record.validation ? fmt::format("{}", record.averaged) : "");
      for (const std::string& key : keys) {
        const auto value = record.value(key);
        text += value ? fmt::format(",{}", *value) : ",";
      }
      text += "\n";
    }
  }
  return text;
}

std::string course(const TrainingCurves& run) {
  const TrainingRecord& last = run.history.records.back();
  std::string text = fmt::format("{}: {} updates in {}", run.name, last.update, clock_time(last.seconds));
  const TrainingRecord* const best = run.history.best();
  if (!best) return text;
  std::vector<std::string> scores;
  for (const models::Metric* metric : models::kept_metrics()) {
    if (const auto value = best->value(key_of(*metric)))
      scores.push_back(fmt::format("{} {}", metric->name, metric->text(*value)));
  }
  return text + fmt::format(", kept update {}: {}", best->update, fmt::join(scores, ", "));
}

nlohmann::ordered_json course_json(const TrainingCurves& run) {
  const TrainingRecord& last = run.history.records.back();
  nlohmann::ordered_json json{{"name", run.name},
                              {"updates", last.update},
                              {"train_seconds", last.seconds},
                              {"best_update", nullptr}};
  const TrainingRecord* const best = run.history.best();
  if (best) json["best_update"] = best->update;
  for (const models::Metric* metric : models::kept_metrics()) {
    const auto value = best ? best->value(key_of(*metric)) : std::nullopt;
    json["best_" + key_of(*metric)] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  }
  return json;
}

}  // namespace heed::apps
