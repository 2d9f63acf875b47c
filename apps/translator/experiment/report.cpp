#include "apps/translator/experiment/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "apps/common/streams.h"
#include "apps/heatmap/draw.h"
#include "apps/heatmap/render.h"
#include "apps/translator/experiment/chart.h"
#include "apps/translator/experiment/table.h"
#include "apps/translator/failure_report.h"
#include "apps/translator/scores.h"
#include "framework/io/file.h"
#include "models/text/json.h"

namespace heed::apps {
namespace {

constexpr size_t kLongest = 5;   // sentences shown
constexpr int kMostTokens = 80;  // of an attention map: an output that never ended would fill the page

// A column a metric that any of the models has.
Table score_table(const Comparison& c) {
  Table table{{"model"}, {}};
  for (const ComparedModel& m : c.models) table.rows.push_back({m.name});
  for (const models::Metric& metric : models::metrics()) {
    const auto has = [&](const ComparedModel& m) { return m.evaluation.score(metric.key).has_value(); };
    if (!metric.in_report || std::ranges::none_of(c.models, has)) continue;
    table.head.push_back(metric.name);
    for (size_t i = 0; i < c.models.size(); ++i) {
      table.rows[i].push_back(has(c.models[i]) ? metric.text(c.models[i].evaluation.value(metric.key)) : "");
    }
    if (metric.key != "bleu") continue;
    table.head.insert(table.head.end(), {"95 % interval", "p against the first"});
    for (size_t i = 0; i < c.models.size(); ++i) {
      const models::Interval& interval = c.models[i].evaluation.bleu_interval.interval;
      const auto& against = c.models[i].against_first;
      table.rows[i].push_back(fmt::format("{:.2f} to {:.2f}", interval.low, interval.high));
      table.rows[i].push_back(against ? fmt::format("{:.3f}", against->p_value) : "");
    }
  }
  table.head.insert(table.head.end(), {"parameters", "updates", "training, s"});
  for (size_t i = 0; i < c.models.size(); ++i) {
    const ComparedModel& m = c.models[i];
    table.rows[i].insert(table.rows[i].end(),
                         {fmt::format("{}", m.parameters), m.updates > 0 ? fmt::format("{}", m.updates) : "",
                          m.train_seconds > 0 ? fmt::format("{:.0f}", m.train_seconds) : ""});
  }
  return table;
}

Table length_table(const Comparison& c) {
  Table table{{"source words", "sentences"}, {}};
  for (const ComparedModel& m : c.models) table.head.push_back(m.name);
  for (size_t b = 0; b < c.buckets.size(); ++b) {
    const int64_t sentences = c.models.front().evaluation.by_length[b].sentences;
    if (sentences == 0) continue;
    table.rows.push_back({c.buckets[b].name(), fmt::format("{}", sentences)});
    for (const ComparedModel& m : c.models) {
      const models::BootstrapResult& r = *m.by_length[b];
      table.rows.back().push_back(
          fmt::format("{:.2f} ({:.2f} to {:.2f})", r.score, r.interval.low, r.interval.high));
    }
  }
  return table;
}

std::vector<size_t> longest_sentences(const Comparison& c) {
  std::vector<size_t> order(c.sources.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return c.source_lengths[a] > c.source_lengths[b]; });
  order.resize(std::min(order.size(), kLongest));
  return order;
}

Table side_by_side(const Comparison& c, size_t sentence) {
  Table table{{"", fmt::format("sentence {}, {} words", sentence + 1, c.source_lengths[sentence])}, {}};
  table.rows.push_back({"source", c.sources[sentence]});
  table.rows.push_back({"reference", c.references[sentence]});
  for (const ComparedModel& m : c.models)
    table.rows.push_back({m.name, m.evaluation.translations[sentence].target.text});
  return table;
}

Table worst_table(const Comparison& c, const ComparedModel& m) {
  Table table{{"sentence", "BLEU", "likely cause", "source", "output", "reference"}, {}};
  for (const WorstSentence& w : m.worst) {
    table.rows.push_back({fmt::format("{}", w.sentence + 1), fmt::format("{:.1f}", w.bleu),
                          w.diagnosis.text(), c.sources[w.sentence],
                          m.evaluation.translations[w.sentence].target.text, c.references[w.sentence]});
  }
  return table;
}

std::string introduction(const Comparison& c) {
  return fmt::format(
      "{}; {} {} sentences, {}. BLEU on tokens ({}), intervals of 95 % by 1000 bootstrap resamples; p: "
      "paired bootstrap.",
      c.corpus, c.sources.size(), c.scored, c.search, c.models.front().evaluation.score("bleu")->signature);
}

// What each model looked at in a sentence, side by side.
std::string maps_html(const Comparison& c, size_t sentence) {
  std::string text = "<div class=\"maps\">";
  for (const ComparedModel& m : c.models) {
    const models::Translation& translation = m.evaluation.translations[sentence];
    text += "<figure><figcaption>" + escape_xml(m.name) + "</figcaption>";
    const bool several = translation.attention.size() > 1;
    text += translation.attention.empty()
                ? "<p class=\"none\">no attention</p>"
                : heatmap::draw_on_page(translation, {.mean = several,
                                                      .source_words = {1, kMostTokens},
                                                      .target_words = {1, kMostTokens},
                                                      .title = m.name});
    text += "</figure>";
  }
  return text + "</div>\n";
}

}  // namespace

std::string length_chart(const Comparison& c) {
  Chart chart{.title = "BLEU by source length", .x_label = "words in the source sentence", .y_label = "BLEU"};
  std::vector<size_t> shown;
  for (size_t b = 0; b < c.buckets.size(); ++b) {
    // pooled: in the table
    if (c.models.front().evaluation.by_length[b].sentences == 0 || c.buckets[b].name() == "30+") continue;
    shown.push_back(b);
    chart.columns.push_back(c.buckets[b].name());
  }
  for (const ComparedModel& m : c.models) {
    chart.lines.push_back({m.name, {}});
    for (const size_t b : shown) {
      const models::BootstrapResult& r = *m.by_length[b];
      chart.lines.back().points.emplace_back(ChartPoint{r.score, r.interval.low, r.interval.high});
    }
  }
  return chart_svg(chart);
}

std::string curve_chart(const Comparison& c) {
  Chart chart{.title = "Validation BLEU while training", .x_label = "updates", .y_label = "BLEU"};
  for (const ComparedModel& m : c.models) {
    chart.lines.push_back({m.name, {}});
    for (const CurvePoint& p : m.curve)
      chart.lines.back().points.emplace_back(
          ChartPoint{p.bleu, p.bleu, p.bleu, static_cast<double>(p.update)});
  }
  return chart_svg(chart);
}

namespace {

FailureReport failures_of(const Comparison& c) {
  FailureReport report{c.sources, {}};
  for (const ComparedModel& m : c.models) report.runs.push_back({m.name, &m.evaluation, m.failures});
  return report;
}

// Whether a model says how it was trained: those of the box do not.
bool has_curves(const Comparison& c) {
  return std::ranges::any_of(c.models, [](const ComparedModel& m) { return !m.curve.empty(); });
}

}  // namespace

std::string comparison_markdown(const Comparison& c, const std::string& chart, const std::string& curves) {
  std::string text = "# Comparison\n\n" + introduction(c) + "\n\n" + markdown(score_table(c));
  text += "\n## BLEU by source length\n\n" + markdown(length_table(c)) +
          fmt::format("\n![BLEU by source length]({})\n", chart);
  if (!curves.empty()) text += fmt::format("\n## Training\n\n![Validation BLEU by update]({})\n", curves);
  text += "\n## Failures\n\n" + markdown(failure_rates_table(failures_of(c)));
  text += "\n## The longest sentences\n";
  for (const size_t sentence : longest_sentences(c)) text += "\n" + markdown(side_by_side(c, sentence));
  text += "\n## The worst sentences\n";
  for (const ComparedModel& m : c.models)
    text += "\n### " + markdown_cell(m.name) + "\n\n" + markdown(worst_table(c, m));
  return text;
}

std::string comparison_html(const Comparison& c) {
  std::string text = page_head("Comparison",
                               ".maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,"
                               "100%),1fr));gap:1rem;align-"
                               "items:"
                               "start}"
                               "figure{margin:0}figcaption{font-weight:bold}.none{border:1px solid "
                               "#ccc;padding:3rem;text-align:center;color:#666}") +
                     heatmap::page_svg_head() + "<h1>Comparison</h1><p>" + escape_xml(introduction(c)) +
                     "</p>" + html(score_table(c)) + "<h2>BLEU by source length</h2>" + length_chart(c) +
                     html(length_table(c));
  if (has_curves(c)) text += "<h2>Training</h2>" + curve_chart(c);
  text += "<h2>Failures</h2>" + html(failure_rates_table(failures_of(c)));
  text += "<h2>The longest sentences</h2>";
  for (const size_t sentence : longest_sentences(c))
    text += html(side_by_side(c, sentence)) + maps_html(c, sentence);
  text += "<h2>The worst sentences</h2>";
  for (const ComparedModel& m : c.models)
    text += "<h3>" + escape_xml(m.name) + "</h3>" + html(worst_table(c, m));
  return text + kPageEnd;
}

nlohmann::ordered_json comparison_json(const Comparison& c) {
  nlohmann::ordered_json report{{"format", kReportFormat},
                                {"corpus", c.corpus},
                                {"scored", c.scored},
                                {"search", c.search},
                                {"sentences", c.sources.size()},
                                {"models", nlohmann::ordered_json::array()}};
  const FailureReport failures = failures_of(c);
  for (size_t i = 0; i < c.models.size(); ++i) {
    const ComparedModel& m = c.models[i];
    nlohmann::ordered_json entry{{"name", m.name},
                                 {"model", m.description},
                                 {"parameters", m.parameters},
                                 {"updates", m.updates},
                                 {"train_seconds", m.train_seconds},
                                 {"p_against_first", nullptr},
                                 {"curve", nlohmann::ordered_json::array()},
                                 {"worst", nlohmann::ordered_json::array()}};
    entry.update(scores_json(m.evaluation));
    if (m.against_first) entry["p_against_first"] = m.against_first->p_value;
    for (size_t b = 0; b < c.buckets.size(); ++b) {
      if (!m.by_length[b]) continue;
      entry["bleu_by_length"][b]["low"] = m.by_length[b]->interval.low;
      entry["bleu_by_length"][b]["high"] = m.by_length[b]->interval.high;
    }
    for (const CurvePoint& p : m.curve)
      entry["curve"].push_back({{"update", p.update}, {"bleu", p.bleu}, {"loss", p.loss}});
    for (const WorstSentence& w : m.worst) {
      entry["worst"].push_back(
          {{"sentence", w.sentence + 1}, {"bleu", w.bleu}, {"cause", w.diagnosis.text()}});
    }
    entry["failures"] = failures_json(failures, failures.runs[i]);
    report["models"].push_back(std::move(entry));
  }
  return report;
}

void write_report(const std::filesystem::path& folder, const Comparison& comparison,
                  const nlohmann::ordered_json& json) {
  make_folder(folder);
  // the first to be there and the last to go: it marks the others as ours
  write_json((folder / "report.json").string(), json);
  write_file_atomically(folder / "bleu-by-length.svg", length_chart(comparison));
  const char* const curves = has_curves(comparison) ? "curves.svg" : "";
  if (*curves != '\0') {
    write_file_atomically(folder / curves, curve_chart(comparison));
  } else {
    remove_file(folder / "curves.svg");  // of an older report
  }
  write_file_atomically(folder / "report.md", comparison_markdown(comparison, "bleu-by-length.svg", curves));
  write_file_atomically(folder / "report.html", comparison_html(comparison));
}

std::string report_writer(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "report.json";
  if (!std::filesystem::is_regular_file(file)) return "";
  const auto known = models::parse_json(read_file(file));
  if (!known.is_object()) return "";
  if (known.contains("corpus") && known.contains("heatmaps")) return "demo";
  return known.value("format", nlohmann::json()) == kReportFormat ? "compare" : "";
}

}  // namespace heed::apps
