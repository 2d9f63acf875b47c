// translator evaluate: a run against references.
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/gold.h"
#include "apps/translator/pairs.h"
#include "apps/translator/scores.h"
#include "apps/translator/search_options.h"
#include "models/run/files.h"
#include "models/run/scores.h"
#include "models/text/counted.h"
#include "models/text/lines.h"

namespace heed::apps {
namespace {

struct EvaluateOptions {
  std::vector<std::string> runs;
  std::string source, target, gold, output, records, json;
  std::vector<int>
      lengths;  // the first words of BLEU's length groups but the first; empty: default_length_buckets()
  models::TranslateOptions translate;
  int threads = 0;
  bool keep_scores = false;
  // A further BLEU, on detokenised text.
  std::vector<std::string> references;
  models::BleuOptions bleu;
  bool asked_for_bleu() const { return !references.empty() || !(bleu == models::BleuOptions{}); }
};

// One list of references a sentence: the first from --target, the others from the files of --reference.
std::vector<std::vector<std::string>> read_references(const EvaluateOptions& options, size_t sentences) {
  std::vector<std::vector<std::string>> all(sentences, std::vector<std::string>(1));
  for (const std::string& file : options.references) {
    const std::vector<std::string> lines = models::read_lines(input_path(file));
    if (lines.size() != sentences)
      throw ValueError(fmt::format("'{}' has {}, '{}' has {}", file, models::counted(lines.size(), "line"),
                                   options.target, sentences));
    for (size_t i = 0; i < sentences; ++i) all[i].push_back(lines[i]);
  }
  return all;
}

// Groups of source words that begin at 1 and at each of `starts`; none for none.
std::vector<models::LengthBucket> groups_of(const std::vector<int>& starts) {
  std::vector<models::LengthBucket> groups;
  int first = 1;
  for (const int start : starts) {
    if (start <= first)
      throw CLI::ValidationError("--lengths",
                                 fmt::format("must rise from 2 on, and {} follows {}", start, first));
    groups.push_back({first, start - 1});
    first = start;
  }
  if (!starts.empty()) groups.push_back({first, models::kNoMaximum});
  return groups;
}

// What scores.json says of a run.
models::RunScores run_scores(const EvaluateOptions& options, const models::Evaluation& result) {
  models::RunScores scores{.test = std::filesystem::path(options.target).filename().string(),
                           .sentences = static_cast<int64_t>(result.translations.size()),
                           .search = fmt::format("beam {}", options.translate.search.beam),
                           .bleu = result.value("bleu_13a"),
                           .bleu_signature = result.score("bleu_13a")->signature,
                           .chrf = result.value("chrf2"),
                           .chrf_signature = result.score("chrf2")->signature};
  for (const models::BucketBleu& bucket : result.by_length)
    scores.by_length.push_back({bucket.bucket.min, bucket.bucket.max, bucket.sentences, bucket.bleu.score});
  return scores;
}

void evaluate(const EvaluateOptions& options) {
  if (options.keep_scores && options.runs.size() > 1)
    throw CLI::ValidationError("--keep-scores", "is of one run; these are an ensemble");

  Files files{
      .inputs = {{"--source", options.source}, {"--target", options.target}, {"--gold", options.gold}},
      .outputs = {{"--output", options.output}, {"--records", options.records}, {"--json", options.json}},
      .runs = options.runs};
  for (const std::string& file : options.references) files.inputs.push_back({"--reference", file});
  if (options.keep_scores) {
    const std::filesystem::path scores =
        std::filesystem::path(options.runs.front()) / models::run_files::kScores;
    files.run_outputs.push_back({"--keep-scores", scores.string()});
  }
  apps::check_files(files);
  models::check(options.translate.search);
  if (options.bleu.smooth_value && options.bleu.smooth != models::BleuSmoothing::floor &&
      options.bleu.smooth != models::BleuSmoothing::add_k) {
    throw CLI::ValidationError("--smooth-value", fmt::format("is of --smooth floor and add-k, not of {}",
                                                             models::name_of_choice(options.bleu.smooth)));
  }
  models::bleu_of({}, options.bleu);  // throws for a value that is not allowed
  if (options.translate.search.n_best > 1)
    throw ValueError("n-best", "evaluation scores one translation a sentence");
  const std::vector<models::LengthBucket> groups = groups_of(options.lengths);
  use_threads(options.threads);
  const models::Translator translator = load_translator(options.runs);
  const models::ParallelLines lines = read_pairs(options.source, options.target);
  std::vector<std::vector<std::string>> references = read_references(options, lines.source.size());
  std::vector<models::AlignedPair> pairs;  // read first: a bad file must not cost the translations
  if (!options.gold.empty())
    pairs = aligned_pairs(translator.run().config, lines, models::read_lines(input_path(options.gold)),
                          options.gold);
  const models::Evaluation result = models::evaluate(translator, lines.source, lines.target, steady_seconds,
                                                     options.translate, pairs, groups);
  say("{}", score_lines(result));
  if (std::isnan(result.value("perplexity"))) say("perplexity of nothing: no sentence has words\n");
  if (!options.gold.empty() && !result.score("aer"))
    say("alignment error rate: the model has no attention\n");
  std::optional<models::BleuResult> asked;
  if (options.asked_for_bleu()) {
    std::vector<std::string> outputs;
    for (size_t i = 0; i < references.size(); ++i) {
      outputs.push_back(result.translations[i].target.text);
      references[i].front() = result.scored.reference_text[i];
    }
    asked = models::corpus_bleu(outputs, references, options.bleu);
    say("BLEU {:.2f}  {} (as asked for, detokenised)\n", asked->score, asked->signature);
  }
  say("{}\n", models::counted(lines.source.size(), "sentence"));
  say("{}", by_length_table({"BLEU"}, {&result}));
  for (const std::string& what : evaluation_warnings(result)) warn("translator", what);
  nlohmann::ordered_json report{{"run", options.runs},
                                {"model", translator.run().model->describe()},
                                {"sentences", lines.source.size()}};
  report.update(scores_json(result));
  if (asked) {
    report["bleu_asked"] = asked->score;
    report["bleu_asked_signature"] = asked->signature;
  }
  if (!options.output.empty()) {
    std::string text;
    for (const models::Translation& translation : result.translations) text += translation.target.text + "\n";
    write_output(options.output, text);
  }
  if (!options.records.empty()) {
    std::string records;
    for (const models::Translation& translation : result.translations)
      records += models::to_json_line(translation) + "\n";
    write_output(options.records, records);
  }
  if (options.keep_scores) models::write_scores(options.runs.front(), run_scores(options, result));
  write_json(options.json, report);
}

}  // namespace

Command add_evaluate(CLI::App& cli) {
  const auto o = std::make_shared<EvaluateOptions>();
  add_runs_option(cli, o->runs,
                  "trained translator: a run folder or a name of the box; -r again for one more, an ensemble")
      ->required();
  add_search_options(cli, o->translate);
  cli.add_option("-s,--source", o->source, "test sentences")->required();
  cli.add_option("-t,--target", o->target, "their reference translations")->required();
  cli.add_option("--reference", o->references,
                 "a further reference translation of every sentence, for the BLEU asked for; repeatable");
  add_choice(cli, "--tokenize", o->bleu.tokenize, "BLEU asked for: 13a, none, intl or char");
  add_choice(cli, "--smooth", o->bleu.smooth, "BLEU asked for: exp, floor, add-k or none");
  cli.add_option("--smooth-value", o->bleu.smooth_value, "BLEU asked for: of floor and add-k");
  cli.add_flag_function(
      "--effective-order,!--no-effective-order", [o](int64_t given) { o->bleu.effective_order = given > 0; },
      "BLEU asked for: leave out orders that the text is too short for");
  cli.add_flag("--ignore-case", o->bleu.lowercase, "BLEU asked for: lower-case both sides");
  cli.add_option("--gold", o->gold,
                 "gold alignments, a line a sentence: 3-4 sure, 3?4 possible; adds the alignment error rate");
  cli.add_option("--lengths", o->lengths,
                 "groups of BLEU by source words: the first words of all but the first, such as 5,9,15")
      ->delimiter(',')
      ->check(CLI::Range(2, 1'000'000));
  cli.add_option("-o,--output", o->output, "also write the translations, a line a sentence");
  cli.add_option("--records", o->records, "also write the attention records of the translations, JSON lines");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_flag("--keep-scores", o->keep_scores,
               "note the scores in the run folder (scores.json), where translator models shows them");
  cli.add_option("--json", o->json, "write the report as JSON");
  return [o] { evaluate(*o); };
}

}  // namespace heed::apps
