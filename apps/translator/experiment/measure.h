// What an experiment measures of each model.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/translator/experiment/plan.h"
#include "models/evaluation/diagnosis.h"
#include "models/evaluation/evaluation.h"
#include "models/evaluation/failures.h"

namespace heed::apps {

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
  double train_seconds = 0;       // in updates alone, without validation
  std::vector<CurvePoint> curve;  // of its validations
  models::Evaluation evaluation;
  std::vector<std::optional<models::BootstrapResult>> by_length;  // of each bucket; nothing where it is empty
  std::optional<models::PairedBootstrapResult> against_first;     // b is this model
  std::vector<WorstSentence> worst;
  models::Failures failures;
};

struct Comparison {
  std::string corpus;
  std::string scored = "test";  // "validation" where there is no test set
  std::string search;           // "greedy", "beam 5"
  std::vector<std::string> sources, references;
  std::vector<uint64_t> documents;  // ParallelLines::documents of them
  std::vector<int> source_lengths;  // words
  std::vector<std::vector<std::string>> reference_words;
  std::vector<models::LengthBucket> buckets;
  std::vector<models::AlignedPair> gold;  // of the same sentences; empty where there is none
  std::vector<ComparedModel> models;
};

struct Candidate {
  std::string name;
  std::filesystem::path run;
};

/// The sentences to be scored, as a run of this config tokenises them. Throws what aligned_pairs throws.
Comparison begin_comparison(const Sentences& sentences, const models::RunConfig& config,
                            const models::SearchOptions& search);

/// Translates and scores the comparison's sentences with each candidate, says its BLEU and what is odd about
/// it, and adds intervals, the comparison with the first model, the worst sentences. Throws IoError and
/// FormatError for a run that is missing or damaged, Interrupted when a signal came.
void measure(Comparison& comparison, const std::vector<Candidate>& candidates,
             const models::TranslateOptions& options);

}  // namespace heed::apps
