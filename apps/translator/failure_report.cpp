#include "apps/translator/failure_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "apps/common/streams.h"
#include "apps/translator/experiment/chart.h"
#include "apps/translator/experiment/table.h"
#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

constexpr const char* kAbout =
    "Rates are failures by cases, with intervals of 95 % (resampled sentences, Wilson's where there are "
    "few). "
    "A reference is one of several good translations: the rates compare groups and runs.";

std::string extension_of(const std::string& path) {
  return path == "-" ? ".md" : models::to_lower(std::filesystem::path(path).extension().string());
}

std::string rate_text(const models::FailureRate& rate) {
  if (rate.cases == 0) return "no cases";
  return fmt::format("{:.1f} % ({:.1f} to {:.1f}), {} of {}", 100 * rate.rate(), 100 * rate.interval.low,
                     100 * rate.interval.high, rate.failures, rate.cases);
}

// The kinds that a run has cases of.
std::vector<size_t> kinds_with_cases(const FailureReport& report) {
  std::vector<size_t> kinds;
  for (size_t k = 0; k < report.runs.front().failures.rates.size(); ++k) {
    if (std::ranges::any_of(report.runs,
                            [&](const RunFailures& run) { return run.failures.rates[k].cases > 0; }))
      kinds.push_back(k);
  }
  return kinds;
}

Table preferred_table(const RunFailures& run) {
  Table table{{"preferred", "of", "rate"}, {}};
  for (const models::FailureRate& rate : run.failures.preferred)
    table.rows.push_back({rate.name, rate.of, rate_text(rate)});
  return table;
}

Table examples_table(const FailureReport& report, const RunFailures& run) {
  Table table{{"failure", "what", "line", "source", "output", "reference"}, {}};
  const models::Scored& scored = run.evaluation->scored;
  for (const models::FailureRate& rate : run.failures.rates) {
    for (const models::FailureExample& example : rate.examples) {
      table.rows.push_back({fmt::format("{}: {}", rate.group, rate.name), example.what,
                            std::to_string(example.sentence + 1), report.sources[example.sentence],
                            scored.output_text[example.sentence], scored.reference_text[example.sentence]});
    }
  }
  return table;
}

// Headings and tables of a report, in either format.
template <class Heading, class Paragraph, class Tables>
std::string sections(const FailureReport& report, const Heading& heading, const Paragraph& paragraph,
                     const Tables& table) {
  std::string text = paragraph(fmt::format("{} sentences. {}", report.sources.size(), kAbout)) +
                     table(failure_rates_table(report));
  for (const RunFailures& run : report.runs) {
    for (const std::string& note : run.failures.notes)
      text += paragraph(fmt::format("{}: {}.", run.name, note));
  }
  for (const RunFailures& run : report.runs) {
    if (!run.failures.preferred.empty())
      text += heading("Words that " + run.name + " puts in the place of rarer ones") +
              table(preferred_table(run));
  }
  for (const RunFailures& run : report.runs)
    text += heading("Examples of " + run.name) + table(examples_table(report, run));
  return text;
}

std::string failures_markdown(const FailureReport& report) {
  return "# Failures\n\n" + sections(
                                report, [](const std::string& text) { return "\n## " + text + "\n\n"; },
                                [](const std::string& text) { return markdown_cell(text) + "\n\n"; },
                                [](const Table& table) { return markdown(table) + "\n"; });
}

std::string failures_html(const FailureReport& report) {
  return page_head("Failures") + "<h1>Failures</h1>" +
         sections(
             report, [](const std::string& text) { return "<h2>" + escape_xml(text) + "</h2>"; },
             [](const std::string& text) { return "<p>" + escape_xml(text) + "</p>"; },
             [](const Table& table) { return html(table); }) +
         kPageEnd;
}

nlohmann::ordered_json rate_json(const models::FailureRate& rate, const FailureReport& report,
                                 const RunFailures& run) {
  nlohmann::ordered_json json{
      {"group", rate.group},       {"name", rate.name}, {"of", rate.of},  {"cases", rate.cases},
      {"failures", rate.failures}, {"rate", nullptr},   {"low", nullptr}, {"high", nullptr}};
  if (rate.cases > 0) {
    json["rate"] = rate.rate();
    json["low"] = rate.interval.low;
    json["high"] = rate.interval.high;
  }
  json["examples"] = nlohmann::ordered_json::array();
  for (const models::FailureExample& example : rate.examples) {
    json["examples"].push_back({{"line", example.sentence + 1},
                                {"what", example.what},
                                {"source", report.sources[example.sentence]},
                                {"output", run.evaluation->scored.output_text[example.sentence]},
                                {"reference", run.evaluation->scored.reference_text[example.sentence]}});
  }
  return json;
}

nlohmann::ordered_json report_json(const FailureReport& report) {
  nlohmann::ordered_json json{
      {"format", "heed.failures"}, {"version", 1}, {"sentences", report.sources.size()}};
  json["runs"] = nlohmann::ordered_json::array();
  for (const RunFailures& run : report.runs) {
    nlohmann::ordered_json one{{"name", run.name}};
    one.update(failures_json(report, run));
    json["runs"].push_back(std::move(one));
  }
  return json;
}

std::string examples_text(const models::FailureRate& rate) {
  std::vector<std::string> examples;
  for (const models::FailureExample& example : rate.examples)
    examples.push_back(
        fmt::format("{}{}{}", example.sentence + 1, example.what.empty() ? "" : " ", example.what));
  return examples.empty() ? "" : fmt::format("   line {}", fmt::join(examples, ", "));
}

}  // namespace

Table failure_rates_table(const FailureReport& report) {
  Table table{{"group", "failure", "of"}, {}};
  for (const RunFailures& run : report.runs) table.head.push_back(run.name);
  for (const size_t k : kinds_with_cases(report)) {
    const models::FailureRate& kind = report.runs.front().failures.rates[k];
    std::vector<std::string>& row =
        table.rows.emplace_back(std::vector<std::string>{kind.group, kind.name, kind.of});
    for (const RunFailures& run : report.runs) row.push_back(rate_text(run.failures.rates[k]));
  }
  return table;
}

nlohmann::ordered_json failures_json(const FailureReport& report, const RunFailures& run) {
  nlohmann::ordered_json json{{"notes", run.failures.notes}};
  for (const auto& [key, rates] :
       {std::pair("rates", &run.failures.rates), std::pair("preferred", &run.failures.preferred)}) {
    json[key] = nlohmann::ordered_json::array();
    for (const models::FailureRate& rate : *rates) json[key].push_back(rate_json(rate, report, run));
  }
  return json;
}

void check_failure_report(const std::string& path) {
  const std::string extension = extension_of(path);
  if (extension != ".html" && extension != ".md" && extension != ".json")
    throw CLI::ValidationError("--report", fmt::format("'{}' must end in .html, .md or .json", path));
}

std::string failures_text(const FailureReport& report) {
  size_t widest = 0;
  for (const RunFailures& run : report.runs) widest = std::max(widest, run.name.size());
  std::string text, group;
  const auto add = [&](const models::FailureRate& rate, const RunFailures& run) {
    text += fmt::format("    {:<{}}  {}{}\n", run.name, widest, rate_text(rate), examples_text(rate));
  };
  for (const size_t k : kinds_with_cases(report)) {
    const models::FailureRate& kind = report.runs.front().failures.rates[k];
    if (kind.group != group) text += fmt::format("{}\n", kind.group);
    group = kind.group;
    text += fmt::format("  {} (of {})\n", kind.name, kind.of);
    for (const RunFailures& run : report.runs) add(run.failures.rates[k], run);
  }
  for (const RunFailures& run : report.runs) {
    if (!run.failures.preferred.empty())
      text += fmt::format("words that {} puts in the place of rarer ones\n", run.name);
    for (const models::FailureRate& rate : run.failures.preferred)
      text += fmt::format("  {}: {} {}\n", rate.name, rate_text(rate), rate.of);
  }
  for (const RunFailures& run : report.runs) {
    for (const std::string& note : run.failures.notes) text += fmt::format("{}: {}\n", run.name, note);
  }
  return text;
}

void write_failure_report(const std::string& path, const FailureReport& report) {
  const std::string extension = extension_of(path);
  if (extension == ".json") {
    write_json(path, report_json(report));
  } else {
    write_output(path, extension == ".html" ? failures_html(report) : failures_markdown(report));
  }
}

}  // namespace heed::apps
