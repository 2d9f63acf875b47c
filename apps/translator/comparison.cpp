#include "apps/translator/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "apps/translator/chart.h"
#include "apps/translator/report.h"
#include "models/metrics/diagnosis.h"

namespace heed::apps {
namespace {

constexpr size_t kLongest = 5, kWorst = 5;  // sentences shown

// A table that Markdown and HTML share.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

Table score_table(const Comparison& c) {
  Table table{{"model", "BLEU", "95 % interval", "p against the first", "chrF2", "perplexity", "unknown words, source and target",
               "alignment error", "sentences/s", "parameters", "updates", "training, s"},
              {}};
  const bool lowered = std::ranges::any_of(c.models, [](const ComparedModel& m) { return m.evaluation.bleu_no_case.has_value(); });
  if (lowered) table.head.emplace_back("13a BLEU, case ignored");
  for (const ComparedModel& m : c.models) {
    table.rows.push_back(
        {m.name, fmt::format("{:.2f}", m.evaluation.bleu_interval.score),
         fmt::format("{:.2f} to {:.2f}", m.evaluation.bleu_interval.interval.low, m.evaluation.bleu_interval.interval.high),
         m.against_first ? fmt::format("{:.3f}", m.against_first->p_value) : "", fmt::format("{:.2f}", m.evaluation.chrf2.score),
         std::isnan(m.evaluation.perplexity) ? "" : fmt::format("{:.2f}", m.evaluation.perplexity),
         fmt::format("{:.1f} and {:.1f} %", 100 * m.evaluation.source_unknown, 100 * m.evaluation.target_unknown),
         m.alignment ? fmt::format("{:.2f} %", 100 * m.alignment->attention.error_rate()) : "",
         fmt::format("{:.0f}", static_cast<double>(c.sources.size()) / std::max(m.evaluation.seconds, 1e-9)),
         fmt::format("{}", m.parameters), m.updates > 0 ? fmt::format("{}", m.updates) : "",
         m.train_seconds > 0 ? fmt::format("{:.0f}", m.train_seconds) : ""});
    const auto& without_case = m.evaluation.bleu_no_case;
    if (lowered) table.rows.back().push_back(without_case ? fmt::format("{:.2f}", without_case->score) : "");
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
      table.rows.back().push_back(fmt::format("{:.2f} ({:.2f} to {:.2f})", r.score, r.interval.low, r.interval.high));
    }
  }
  return table;
}

std::vector<size_t> longest_sentences(const Comparison& c) {
  std::vector<size_t> order(c.sources.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return c.source_lengths[a] > c.source_lengths[b]; });
  order.resize(std::min(order.size(), kLongest));
  return order;
}

// Text as a cell of a table shows it: neither its end nor markup.
std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') {
      cell += "\\|";
    } else if (c == '<') {
      cell += "&lt;";
    } else {
      cell += c == '\n' ? ' ' : c;
    }
  }
  return cell;
}

std::string markdown(const Table& table) {
  std::string text = "|", rule = "|";
  for (const std::string& head : table.head) {
    text += " " + markdown_cell(head) + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    text += "|";
    for (const std::string& cell : row) text += " " + markdown_cell(cell) + " |";
    text += "\n";
  }
  return text;
}

std::string html(const Table& table) {
  std::string text = "<table><thead><tr>";
  for (const std::string& head : table.head) text += "<th>" + escape_xml(head) + "</th>";
  text += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (const std::string& cell : row) text += "<td>" + escape_xml(cell) + "</td>";
    text += "</tr>";
  }
  return text + "</tbody></table>\n";
}

Table side_by_side(const Comparison& c, size_t sentence) {
  Table table{{"", fmt::format("sentence {}, {} words", sentence + 1, c.source_lengths[sentence])}, {}};
  table.rows.push_back({"source", c.sources[sentence]});
  table.rows.push_back({"reference", c.references[sentence]});
  for (const ComparedModel& m : c.models) table.rows.push_back({m.name, m.evaluation.translations[sentence].target.text});
  return table;
}

Table worst_table(const Comparison& c, const ComparedModel& m) {
  Table table{{"sentence", "BLEU", "likely cause", "source", "output", "reference"}, {}};
  for (const WorstSentence& w : m.worst) {
    table.rows.push_back({fmt::format("{}", w.sentence + 1), fmt::format("{:.1f}", w.bleu), w.diagnosis.text(), c.sources[w.sentence],
                          m.evaluation.translations[w.sentence].target.text, c.references[w.sentence]});
  }
  return table;
}

std::string introduction(const Comparison& c) {
  return fmt::format("{}; {} {} sentences, {}. BLEU on tokens ({}), intervals of 95 % by 1000 bootstrap resamples; p: paired bootstrap.",
                     c.corpus, c.sources.size(), c.scored, c.search, c.models.front().evaluation.bleu.signature);
}

}  // namespace

std::vector<WorstSentence> worst_sentences(const Comparison& c, const ComparedModel& m) {
  std::vector<WorstSentence> all;
  for (size_t i = 0; i < c.sources.size(); ++i) {
    if (c.reference_words[i].size() < 4) continue;
    all.push_back({i, models::bleu_of(m.evaluation.sentences[i], {.effective_order = true}).score, {}});
  }
  std::stable_sort(all.begin(), all.end(), [](const WorstSentence& a, const WorstSentence& b) { return a.bleu < b.bleu; });
  all.resize(std::min(all.size(), kWorst));
  for (WorstSentence& w : all) w.diagnosis = models::diagnose(m.evaluation.translations[w.sentence], c.reference_words[w.sentence]);
  return all;
}

std::string length_chart(const Comparison& c) {
  Chart chart{"BLEU by source length", "words in the source sentence", "BLEU", {}, {}, {}};
  std::vector<size_t> shown;
  for (size_t b = 0; b < c.buckets.size(); ++b) {
    if (c.models.front().evaluation.by_length[b].sentences == 0 || c.buckets[b].name() == "30+") continue;  // pooled: in the table
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
  std::vector<int64_t> updates;
  for (const ComparedModel& m : c.models) {
    for (const CurvePoint& p : m.curve) updates.push_back(p.update);
  }
  std::sort(updates.begin(), updates.end());
  updates.erase(std::unique(updates.begin(), updates.end()), updates.end());
  Chart chart{"Validation BLEU while training", "updates", "BLEU", {}, {}, {}};
  for (const int64_t update : updates) chart.positions.push_back(static_cast<double>(update));
  for (const ComparedModel& m : c.models) {
    chart.lines.push_back({m.name, std::vector<std::optional<ChartPoint>>(updates.size())});
    for (const CurvePoint& p : m.curve) {
      const auto at = std::lower_bound(updates.begin(), updates.end(), p.update) - updates.begin();
      chart.lines.back().points[static_cast<size_t>(at)] = ChartPoint{p.bleu, p.bleu, p.bleu};
    }
  }
  return chart_svg(chart);
}

std::string comparison_markdown(const Comparison& c, const std::string& chart, const std::string& curves) {
  std::string text = "# Comparison\n\n" + introduction(c) + "\n\n" + markdown(score_table(c));
  text += "\n## BLEU by source length\n\n" + markdown(length_table(c)) + fmt::format("\n![BLEU by source length]({})\n", chart);
  if (!curves.empty()) text += fmt::format("\n## Training\n\n![Validation BLEU by update]({})\n", curves);
  text += "\n## The longest sentences\n";
  for (const size_t sentence : longest_sentences(c)) text += "\n" + markdown(side_by_side(c, sentence));
  text += "\n## The worst sentences\n";
  for (const ComparedModel& m : c.models) text += "\n### " + markdown_cell(m.name) + "\n\n" + markdown(worst_table(c, m));
  return text;
}

std::string comparison_html(const Comparison& c) {
  std::string text =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
      "<title>Comparison</title><style>body{font-family:sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
      "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
      "th,td{border:1px solid #ccc;padding:.3rem "
      ".6rem;text-align:left;vertical-align:top}th{background:#f4f4f4}svg{max-width:100%;height:auto}"
      "</style></head><body><h1>Comparison</h1><p>" +
      escape_xml(introduction(c)) + "</p>" + html(score_table(c)) + "<h2>BLEU by source length</h2>" + length_chart(c) +
      html(length_table(c));
  const bool curves = std::any_of(c.models.begin(), c.models.end(), [](const ComparedModel& m) { return !m.curve.empty(); });
  if (curves) text += "<h2>Training</h2>" + curve_chart(c);
  text += "<h2>The longest sentences</h2>";
  for (const size_t sentence : longest_sentences(c)) text += html(side_by_side(c, sentence));
  text += "<h2>The worst sentences</h2>";
  for (const ComparedModel& m : c.models) text += "<h3>" + escape_xml(m.name) + "</h3>" + html(worst_table(c, m));
  return text + "</body></html>\n";
}

nlohmann::ordered_json comparison_json(const Comparison& c) {
  nlohmann::ordered_json report{{"format", kReportFormat},
                                {"corpus", c.corpus},
                                {"scored", c.scored},
                                {"search", c.search},
                                {"sentences", c.sources.size()},
                                {"models", nlohmann::ordered_json::array()}};
  const auto result_json = [](const models::BootstrapResult& r) {
    return nlohmann::ordered_json{{"score", r.score}, {"low", r.interval.low}, {"high", r.interval.high}};
  };
  for (const ComparedModel& m : c.models) {
    nlohmann::ordered_json entry{{"name", m.name},
                                 {"model", m.description},
                                 {"parameters", m.parameters},
                                 {"updates", m.updates},
                                 {"train_seconds", m.train_seconds},
                                 {"bleu", result_json(m.evaluation.bleu_interval)},
                                 {"bleu_13a", m.evaluation.bleu_detokenised.score},
                                 {"chrf2", m.evaluation.chrf2.score},
                                 {"chrf_pp", m.evaluation.chrf_pp.score},
                                 {"perplexity", m.evaluation.perplexity},
                                 {"source_unknown", m.evaluation.source_unknown},
                                 {"target_unknown", m.evaluation.target_unknown},
                                 {"decode_seconds", m.evaluation.seconds},
                                 {"aer", nullptr},
                                 {"p_against_first", nullptr},
                                 {"by_length", nlohmann::ordered_json::array()},
                                 {"curve", nlohmann::ordered_json::array()},
                                 {"worst", nlohmann::ordered_json::array()}};
    if (m.alignment) {
      entry["aer"] = 100 * m.alignment->attention.error_rate();
      entry["aer_perfect"] = 100 * m.alignment->perfect.error_rate();
    }
    if (m.evaluation.bleu_no_case) entry["bleu_13a_no_case"] = m.evaluation.bleu_no_case->score;
    if (m.against_first) entry["p_against_first"] = m.against_first->p_value;
    for (size_t b = 0; b < c.buckets.size(); ++b) {
      nlohmann::ordered_json bucket{{"words", c.buckets[b].name()}, {"sentences", m.evaluation.by_length[b].sentences}};
      if (m.by_length[b]) bucket.update(result_json(*m.by_length[b]));
      entry["by_length"].push_back(std::move(bucket));
    }
    for (const CurvePoint& p : m.curve) entry["curve"].push_back({{"update", p.update}, {"bleu", p.bleu}, {"loss", p.loss}});
    for (const WorstSentence& w : m.worst) {
      entry["worst"].push_back({{"sentence", w.sentence + 1}, {"bleu", w.bleu}, {"cause", w.diagnosis.text()}});
    }
    report["models"].push_back(std::move(entry));
  }
  return report;
}

}  // namespace heed::apps
