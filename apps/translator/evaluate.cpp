// translator evaluate: a run, or the output of any system, against references.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <deque>
#include <filesystem>
#include <memory>
#include <tuple>

#include "apps/cluster/ranks.h"
#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/profile.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/failure_report.h"
#include "apps/translator/gold.h"
#include "apps/translator/pairs.h"
#include "apps/translator/run_options.h"
#include "apps/translator/scores.h"
#include "apps/translator/search_options.h"
#include "models/evaluation/failures.h"
#include "models/metrics/scored_text.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/run/scores.h"
#include "models/text/counted.h"
#include "models/text/lines.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

struct EvaluateOptions {
  const CLI::App* app = nullptr;
  std::vector<std::string> runs;
  std::string hypotheses;  // in the place of runs
  std::string source, target, gold, output, records, json, profile;
  std::string source_language, target_language;  // of hypotheses; a run knows its own
  std::vector<int>
      lengths;  // the first words of BLEU's length groups but the first; empty: default_length_buckets()
  models::TranslateOptions translate;
  int threads = 0;
  bool keep_scores = false;
  std::string report;               // of failures
  std::vector<std::string> beside;  // runs whose failures stand beside
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
                           .search = search_text(options.translate),
                           .bleu = result.value("bleu_13a"),
                           .bleu_signature = result.score("bleu_13a")->signature,
                           .chrf = result.value("chrf2"),
                           .chrf_signature = result.score("chrf2")->signature};
  for (const models::BucketBleu& bucket : result.by_length)
    scores.by_length.push_back({bucket.bucket.min, bucket.bucket.max, bucket.sentences,
                                bucket.sentences > 0 ? bucket.bleu.score : NAN});
  return scores;
}

// Before a sentence is translated: a mistake must not cost the translations.
void check_bleu_options(const models::BleuOptions& bleu) {
  if (bleu.smooth_value && bleu.smooth != models::BleuSmoothing::floor &&
      bleu.smooth != models::BleuSmoothing::add_k) {
    throw CLI::ValidationError("--smooth-value", fmt::format("is of --smooth floor and add-k, not of {}",
                                                             models::name_of_choice(bleu.smooth)));
  }
  if (bleu.smooth_value && !(*bleu.smooth_value >= 0))
    throw CLI::ValidationError("--smooth-value",
                               fmt::format("must not be negative, got {}", *bleu.smooth_value));
}

// Of a run or of hypotheses: what belongs to the other has no meaning.
void check_usage(const EvaluateOptions& options) {
  if (options.hypotheses.empty()) {
    if (options.runs.empty()) throw CLI::RequiredError("--run or --hypotheses");
    if (options.source.empty()) throw CLI::RequiredError("--source");
    if (options.keep_scores && options.runs.size() > 1)
      throw CLI::ValidationError("--keep-scores", "is of one run; these are an ensemble");
    if (options.keep_scores && options.translate.search.temperature > 0)
      throw CLI::ValidationError("--keep-scores",
                                 "is of the best translations, not of samples (--temperature)");
    for (const char* option : {"--source-language", "--target-language"}) {
      if (options.app->count(option) > 0)
        throw CLI::ValidationError(option, "is of --hypotheses; a run knows its languages");
    }
    return;
  }
  for (const CLI::Option* option : options.app->get_options()) {
    const std::string name = option->get_name();
    const bool of_run = option->get_group() == "Decoding" || name == "--run" || name == "--gold" ||
                        name == "--output" || name == "--records" || name == "--keep-scores" ||
                        name == "--profile" || name == "--report" || name == "--beside";
    if (of_run && option->count() > 0)
      throw CLI::ValidationError(name, "is of a run, and with --hypotheses nothing is translated");
  }
  if (options.source.empty()) {
    for (const char* option : {"--lengths", "--source-language"}) {
      if (options.app->count(option) > 0)
        throw CLI::ValidationError(option, "needs the sentences that were translated, --source");
    }
  }
}

void check_files(const EvaluateOptions& options) {
  Files files{.inputs = {{"--hypotheses", options.hypotheses},
                         {"--source", options.source},
                         {"--target", options.target},
                         {"--gold", options.gold}},
              .outputs = {{"--output", options.output},
                          {"--records", options.records},
                          {"--json", options.json},
                          {"--profile", options.profile},
                          {"--report", options.report}},
              .runs = options.runs};
  files.runs.insert(files.runs.end(), options.beside.begin(), options.beside.end());
  for (const std::string& file : options.references) files.inputs.push_back({"--reference", file});
  if (options.keep_scores) {
    const std::filesystem::path scores =
        std::filesystem::path(options.runs.front()) / models::run_files::kScores;
    files.run_outputs.push_back({"--keep-scores", scores.string()});
  }
  apps::check_files(files);
}

// Says the scores, with the BLEU that was asked for, and adds them to the report.
void say_scores(const EvaluateOptions& options, const models::Evaluation& result,
                std::vector<std::vector<std::string>> references, nlohmann::ordered_json& report) {
  say("{}", score_lines(result));
  if (std::isnan(result.value("perplexity")) && options.hypotheses.empty())
    say("perplexity of nothing: no sentence that is read has words\n");
  if (!options.gold.empty() && !result.score("aer"))
    say("alignment error rate: the model has no attention\n");
  report.update(scores_json(result));
  if (options.asked_for_bleu()) {
    for (size_t i = 0; i < references.size(); ++i) references[i].front() = result.scored.reference_text[i];
    const models::BleuResult asked = models::corpus_bleu(result.scored.output_text, references, options.bleu);
    say("BLEU {:.2f}  {} (as asked for, detokenised)\n", asked.score, asked.signature);
    report["bleu_asked"] = asked.score;
    report["bleu_asked_signature"] = asked.signature;
  }
  say("{}\n", models::counted(result.sentences.size(), "sentence"));
  if (!result.by_length.empty()) say("{}", by_length_table({"BLEU"}, {&result}));
}

// Words of each source: what stands between spaces, as in a run that reads raw text; where words are written
// without spaces, what BLEU takes for them.
std::vector<int> source_lengths(const EvaluateOptions& options, const std::vector<std::string>& source) {
  const models::BleuTokenizer found = models::bleu_tokenizer_of(options.source_language);
  const bool spaced = found == models::BleuTokenizer::v13a;
  std::vector<int> lengths;
  for (const std::string& line : source) {
    const std::string words = spaced ? line : models::bleu_tokenize(line, {.tokenize = found});
    lengths.push_back(static_cast<int>(models::split_whitespace(words).size()));
  }
  return lengths;
}

void score_hypotheses(const EvaluateOptions& options) {
  const std::vector<models::LengthBucket> groups = groups_of(options.lengths);
  const models::ParallelLines lines =
      models::read_parallel(input_path(options.hypotheses), input_path(options.target));
  std::vector<std::vector<std::string>> references = read_references(options, lines.target.size());
  std::vector<int> lengths;
  if (!options.source.empty()) {
    const std::vector<std::string> source = models::read_lines(input_path(options.source));
    if (source.size() != lines.target.size()) {
      throw ValueError(fmt::format("'{}' has {}, '{}' has {}", options.source,
                                   models::counted(source.size(), "line"), options.target,
                                   lines.target.size()));
    }
    lengths = source_lengths(options, source);
  }
  const models::Evaluation result =
      models::evaluate_hypotheses(lines.source, lines.target, options.target_language, lengths, groups);
  nlohmann::ordered_json report{{"hypotheses", options.hypotheses}, {"sentences", lines.target.size()}};
  say_scores(options, result, std::move(references), report);
  for (const std::string& what : hypothesis_warnings(lines.source, lines.target)) warn("translator", what);
  write_json(options.json, report);
}

// What the run and those beside it fail in, on the terminal and as a file.
void report_failures(const EvaluateOptions& options, const models::Translator& translator,
                     const std::deque<models::Translator>& beside, const models::ParallelLines& lines,
                     const models::Evaluation& result) {
  std::vector<std::string> names;
  for (const std::string& run : options.runs) names.push_back(models::name_of_run(run));
  FailureReport report{lines.source, {}};
  report.runs.push_back({fmt::format("{}", fmt::join(names, " + ")), &result,
                         models::find_failures(translator.run(), lines.source, result)});
  std::deque<models::Evaluation> others;  // the report points at them
  for (size_t i = 0; i < beside.size(); ++i) {
    others.push_back(models::evaluate(beside[i], lines.source, lines.target, steady_seconds,
                                      options.translate, {}, groups_of(options.lengths), lines.documents));
    report.runs.push_back({models::name_of_run(options.beside[i]), &others.back(),
                           models::find_failures(beside[i].run(), lines.source, others.back())});
  }
  say("\n{}", failures_text(report));
  write_failure_report(options.report, report);
}

void evaluate_run(const EvaluateOptions& options, const CLI::App& cli) {
  if (!options.report.empty()) check_failure_report(options.report);
  check_search_options(cli, options.translate.search);
  if (options.translate.search.n_best > 1)
    throw ValueError("n-best", "evaluation scores one translation a sentence");
  const std::vector<models::LengthBucket> groups = groups_of(options.lengths);
  const bool several = cluster::place_of_environment().size > 1;
  use_threads(several && options.threads == 0 ? cluster::threads_of_rank() : options.threads);
  models::Ranks* const ranks = cluster::start_ranks();
  if (ranks && (options.source == "-" || options.target == "-"))
    throw ValueError("evaluate", "several ranks read files, not standard input");
  Profiling profiling(ranks && !ranks->first() ? "" : options.profile);
  const models::Translator translator = load_translator(options.runs, options.translate.search, profiling);
  translator.usual_map();                 // and what is wrong with it
  std::deque<models::Translator> beside;  // loaded first, as all that may fail
  for (const std::string& run : options.beside) {
    beside.emplace_back(models::load_run(run));
    const std::string &own = translator.run().config.target_text.language,
                      &other = beside.back().run().config.target_text.language;
    if (!own.empty() && !other.empty() && own != other)
      throw ValueError("--beside",
                       fmt::format("'{}' writes {}, '{}' {}", run, other, options.runs.front(), own));
  }
  const models::ParallelLines lines = read_pairs(options.source, options.target);
  std::vector<std::vector<std::string>> references = read_references(options, lines.source.size());
  std::vector<models::AlignedPair> pairs;  // read first: a bad file must not cost the translations
  if (!options.gold.empty())
    pairs = aligned_pairs(translator.run().config, lines, models::read_lines(input_path(options.gold)),
                          options.gold);
  const models::Evaluation result =
      models::evaluate(translator, lines.source, lines.target, steady_seconds, options.translate, pairs,
                       groups, lines.documents, ranks);
  profiling.finish();
  if (ranks) cluster::all_ranks_are_done();
  if (ranks && !ranks->first()) return;
  nlohmann::ordered_json report{{"run", options.runs},
                                {"model", translator.run().model->describe()},
                                {"sentences", lines.source.size()}};
  say_scores(options, result, std::move(references), report);
  for (const std::string& what : evaluation_warnings(result)) warn("translator", what);
  if (!options.output.empty()) {
    std::string text;
    for (const std::string& sentence : result.scored.output_text) text += sentence + "\n";
    write_output(options.output, text);
  }
  if (!options.records.empty()) {
    std::string records;
    for (const models::Translation& translation : result.translations)
      records += models::to_json_line(translation) + "\n";
    write_output(options.records, records);
  }
  if (!options.report.empty()) report_failures(options, translator, beside, lines, result);
  if (options.keep_scores) models::write_scores(options.runs.front(), run_scores(options, result));
  write_json(options.json, report);
}

void evaluate(const EvaluateOptions& options, const CLI::App& cli) {
  check_usage(options);
  if (cluster::place_of_environment().rank == 0) check_files(options);
  check_bleu_options(options.bleu);
  if (options.hypotheses.empty()) {
    evaluate_run(options, cli);
  } else if (cluster::place_of_environment().rank == 0) {  // nothing that could be shared
    score_hypotheses(options);
  }
}

}  // namespace

Command add_evaluate(CLI::App& cli) {
  const auto o = std::make_shared<EvaluateOptions>();
  add_runs_option(
      cli, o->runs,
      "trained translator: a run folder or a name of the box; -r again for one more, an ensemble");
  o->app = &cli;
  cli.add_option("--hypotheses", o->hypotheses,
                 "in the place of --run: translations that any system made, a line a sentence");
  add_search_options(cli, o->translate);
  cli.add_option("-s,--source", o->source, "test sentences; with --hypotheses for BLEU by length alone");
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
  for (const auto& [name, language, what] : {std::tuple("--source-language", &o->source_language, "source"),
                                             std::tuple("--target-language", &o->target_language, "target")})
    cli.add_option(name, *language,
                   fmt::format("of --hypotheses: the {}'s language, two or three letters; words are "
                               "characters where it has no spaces (zh, ja, th, ...)",
                               what))
        ->check(allowed_text(models::language_code(/*may_be_empty=*/false)));
  cli.add_option("-o,--output", o->output, "also write the translations, a line a sentence");
  cli.add_option("--records", o->records, "also write the attention records of the translations, JSON lines");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_flag("--keep-scores", o->keep_scores,
               "note the scores in the run folder (scores.json), where translator models shows them");
  auto* const report = cli.add_option("--report", o->report,
                                      "say where the run fails, by length, frequency, negation and more, and "
                                      "write it with examples: .html, .md or .json");
  cli.add_option("--beside", o->beside,
                 "with --report: a further run whose failures stand beside; repeatable")
      ->needs(report)
      ->take_all()
      ->allow_extra_args(false)
      ->transform(kNamesRun);
  cli.add_option("--json", o->json, "write the scores as JSON");
  add_profile_option(cli, o->profile);
  return [o, &cli] { evaluate(*o, cli); };
}

}  // namespace heed::apps
