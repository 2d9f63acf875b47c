// What translator compare found out, and the three forms of its report.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/metrics/bootstrap.h"
#include "models/metrics/diagnosis.h"
#include "models/metrics/evaluation.h"

namespace heed::apps {

constexpr const char* kReportFormat = "heed.comparison";  // "format" in report.json

struct CurvePoint {
  int64_t update = 0;
  double bleu = 0, loss = 0;
};

struct WorstSentence {
  size_t sentence;
  double bleu;
  models::Diagnosis diagnosis;
};

/// One model on the test set.
struct ComparedModel {
  std::string name, description;
  int64_t parameters = 0, updates = 0;
  double train_seconds = 0;
  std::vector<CurvePoint> curve;  // of its validations
  models::Evaluation evaluation;
  std::vector<std::optional<models::BootstrapResult>> by_length;  // of each bucket; nothing where it is empty
  std::optional<models::PairedBootstrapResult> against_first;     // b is this model
  std::optional<models::AlignmentEvaluation> alignment;
  std::vector<WorstSentence> worst;
};

struct Comparison {
  std::string corpus;
  std::string scored = "test";  // "validation" where there is no test set
  std::string search;           // "greedy", "beam 5"
  std::vector<std::string> sources, references;
  std::vector<int> source_lengths;  // words
  std::vector<std::vector<std::string>> reference_words;
  std::vector<models::LengthBucket> buckets;
  std::vector<ComparedModel> models;
};

/// The lowest by sentence BLEU among those of four words and more, with the likely causes.
std::vector<WorstSentence> worst_sentences(const Comparison& comparison, const ComparedModel& model);

nlohmann::ordered_json comparison_json(const Comparison& comparison);
/// `chart` and `curves` are where the SVG files lie, as the report should name them.
std::string comparison_markdown(const Comparison& comparison, const std::string& chart, const std::string& curves);
/// A page that needs no other file.
std::string comparison_html(const Comparison& comparison);
/// BLEU by source length with intervals: the shape of figure 2 of Bahdanau et al. 2015.
std::string length_chart(const Comparison& comparison);
/// Validation BLEU by update.
std::string curve_chart(const Comparison& comparison);

}  // namespace heed::apps
