// The report of an experiment, in its forms.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/translator/experiment/measure.h"

namespace heed::apps {

constexpr const char* kReportFormat = "heed.comparison";  // "format" in report.json
constexpr const char* kReportFiles[] = {"report.md", "report.html", "bleu-by-length.svg", "curves.svg",
                                        "report.json"};

nlohmann::ordered_json comparison_json(const Comparison& comparison);
/// `chart` and `curves` are where the SVG files lie, as the report should name them.
std::string comparison_markdown(const Comparison& comparison, const std::string& chart,
                                const std::string& curves);
/// A page that needs no other file; the attention maps of the longest sentences stand side by side, model by
/// model.
std::string comparison_html(const Comparison& comparison);
/// BLEU by source length with intervals: the shape of figure 2 of Bahdanau et al. 2015.
std::string length_chart(const Comparison& comparison);
/// Validation BLEU by update.
std::string curve_chart(const Comparison& comparison);

/// Writes kReportFiles, curves.svg where a model says how it was trained; `json` is comparison_json's with
/// what the caller added. Throws IoError.
void write_report(const std::filesystem::path& folder, const Comparison& comparison,
                  const nlohmann::ordered_json& json);

/// Who wrote the report.json in a folder: "compare", "demo" (it has pictures as well), or "" for another or
/// none.
std::string report_writer(const std::filesystem::path& folder);

}  // namespace heed::apps
