// translator align: word alignments of given pairs, read off the attention of forced decoding.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <tuple>

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
#include "framework/io/file.h"
#include "models/corpus/pharaoh.h"
#include "models/evaluation/evaluation.h"
#include "models/metrics/alignment_error.h"
#include "models/run/attention_choice.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/text/lines.h"

namespace heed::apps {
namespace {

// How two directions become one: by their weights, or by the links of each (models::Symmetrisation).
constexpr const char* kProduct = "product";

struct AlignOptions {
  std::string run, reverse, source, target, output = "-", json;
  std::string method = kProduct;
  std::string gold;
  bool choose = false, mean = false;
  size_t most = 1000;  // sentences to choose on
  int threads = 0;
};

// The records of forced decoding, and which map of the run shows alignments.
std::pair<std::vector<models::Translation>, models::AttentionChoice> forced_pairs(
    const std::string& run, std::span<const std::string> sources, std::span<const std::string> targets) {
  const models::Translator translator(models::load_run(run));
  if (!translator.run().model->has_attention())
    throw ValueError(fmt::format("'{}' is a model without attention", run));
  std::vector<models::Translation> all;
  for_parts(sources, targets, [&](auto some, auto their) {
    models::TranslateOptions options;
    options.search.first = all.size();
    for (models::Translation& forced : translator.force(some, their, options)) {
      if (!forced.skipped.empty())
        warn("translator", fmt::format("line {} is left empty: {}", forced.id, forced.skipped));
      all.push_back(std::move(forced));
    }
  });
  return {std::move(all), translator.usual_map()};
}

using Links = std::vector<std::vector<models::AlignmentLink>>;

Links links_of(const std::vector<models::Translation>& records, const models::AttentionChoice& choice) {
  Links links;
  for (const models::Translation& record : records) links.push_back(models::attention_links(record, choice));
  return links;
}

// Keeps what was chosen on the first `count` pairs in both runs.
void keep(const AlignOptions& options, const models::AgreedChoice& agreed, size_t count) {
  const auto keep_in = [&](const std::string& run, const std::string& other,
                           const models::AttentionChoice& choice) {
    models::write_attention_choice(
        run, {choice, models::name_of_run(other), agreed.agreement, static_cast<int64_t>(count)});
    note("{}: {}\n", run, models::name_of(choice));
  };
  note("the directions agree on {:.2f} % of their links, {:.2f} % with the mean of all maps; kept:\n",
       100 * agreed.agreement, 100 * agreed.usual);
  keep_in(options.run, options.reverse, agreed.forward);
  keep_in(options.reverse, options.run, agreed.backward);
}

// Gold links of the pairs, as the run cuts them into words; none without --gold.
std::vector<models::AlignedPair> gold_of(const AlignOptions& options, const models::ParallelLines& lines) {
  if (options.gold.empty()) return {};
  const std::string file = (std::filesystem::path(options.run) / models::run_files::kConfig).string();
  return aligned_pairs(models::parse_run_config(read_file(file), file), lines,
                       models::read_lines(options.gold), options.gold);
}

models::AlignmentCounts counts_of(const std::vector<models::AlignedPair>& gold, const Links& links) {
  models::AlignmentCounts counts;
  for (size_t i = 0; i < gold.size(); ++i)
    counts += models::compare_links(links[i], {gold[i].sure, gold[i].possible});
  return counts;
}

// The run of the other direction must translate what the first one makes, as far as their configs say.
void check_directions(const std::string& run, const std::string& reverse) {
  const auto languages = [](const std::string& folder) {
    const std::string file = (std::filesystem::path(folder) / models::run_files::kConfig).string();
    const models::RunConfig config = models::parse_run_config(read_file(file), file);
    return std::pair(config.source_text.language, config.target_text.language);
  };
  const auto [source, target] = languages(run);
  const auto [reverse_source, reverse_target] = languages(reverse);
  const auto differ = [](const std::string& a, const std::string& b) {
    return !a.empty() && !b.empty() && a != b;
  };
  if (differ(source, reverse_target) || differ(target, reverse_source)) {
    throw ValueError("--reverse", fmt::format("'{}' translates {} to {}; the other direction is {} to {}",
                                              reverse, reverse_source, reverse_target, target, source));
  }
  std::error_code error;
  if (std::filesystem::equivalent(run, reverse, error))
    throw ValueError("--reverse", fmt::format("'{}' is --run itself", reverse));
}

void align(const AlignOptions& options) {
  apps::Files files{
      .inputs = {{"--source", options.source}, {"--target", options.target}, {"--gold", options.gold}},
      .outputs = {{"--output", options.output}, {"--json", options.json}},
      .runs = options.reverse.empty() ? std::vector{options.run} : std::vector{options.run, options.reverse}};
  if (options.choose) {
    for (const std::string& run : files.runs)
      files.run_outputs.push_back(
          {"--choose", (std::filesystem::path(run) / models::run_files::kAttention).string()});
  }
  apps::check_files(files);
  if (!options.reverse.empty()) check_directions(options.run, options.reverse);
  use_threads(options.threads);
  const models::ParallelLines lines = read_pairs(options.source, options.target);
  const std::vector<models::AlignedPair> gold = gold_of(options, lines);
  auto [forward, mine] = forced_pairs(options.run, lines.source, lines.target);
  if (options.mean) mine = {};
  Links links;
  double agreement = NAN;
  if (options.reverse.empty()) {
    links = links_of(forward, mine);
  } else {
    auto [backward, theirs] = forced_pairs(options.reverse, lines.target, lines.source);
    if (options.mean) theirs = {};
    const size_t count = std::min(forward.size(), options.most);
    models::AgreedChoice agreed;
    if (options.choose) {
      agreed = models::choose_attention(std::span(forward).first(count), std::span(backward).first(count));
      std::tie(mine, theirs) = std::pair(agreed.forward, agreed.backward);
    }
    links = links_of(forward, mine);
    Links back = links_of(backward, theirs);
    agreement = models::agreement(links, back);
    for (size_t i = 0; i < links.size(); ++i) {
      links[i] = options.method == kProduct
                     ? models::joint_links(forward[i], backward[i], mine, theirs)
                     : models::symmetrise(links[i], models::reversed(back[i]),
                                          *models::choice_named<models::Symmetrisation>(options.method));
    }
    if (options.choose) keep(options, agreed, count);  // now that all pairs went together
  }
  std::string text;
  size_t count = 0;
  for (const std::vector<models::AlignmentLink>& sentence : links) {
    text += models::pharaoh_line(sentence) + "\n";
    count += sentence.size();
  }
  write_output(options.output, text);
  nlohmann::ordered_json report{
      {"run", options.run},         {"attention", models::name_of(mine)},
      {"reverse", options.reverse}, {"method", options.reverse.empty() ? "one direction" : options.method},
      {"sentences", links.size()},  {"links", count}};
  if (!options.reverse.empty()) report["agreement"] = agreement;
  if (!options.gold.empty()) {
    const models::AlignmentCounts counts = counts_of(gold, links);
    report["alignment_error_rate"] = counts.error_rate();
    note("alignment error {:.2f} %, precision {:.2f} %, recall {:.2f} %\n", 100 * counts.error_rate(),
         100 * counts.precision(), 100 * counts.recall());
  }
  write_json(options.json, report);
}

}  // namespace

Command add_align(CLI::App& cli) {
  const auto o = std::make_shared<AlignOptions>();
  cli.add_option("-r,--run", o->run, "translator with attention: a run folder or a name of the box")
      ->required()
      ->transform(kNamesRun);
  cli.add_option("-s,--source", o->source, "source sentences")->required();
  cli.add_option("-t,--target", o->target, "their translations")->required();
  auto* const reverse =
      cli.add_option("--reverse", o->reverse, "a run of the other direction: the two alignments are made one")
          ->transform(kNamesRun);
  std::vector<std::string> methods{kProduct};
  methods.insert(methods.end(), models::kNames<models::Symmetrisation>.begin(),
                 models::kNames<models::Symmetrisation>.end());
  cli.add_option(
         "--symmetrise", o->method,
         "how: product (of each word the partner with the largest product of both directions' weights), or "
         "of the links of each: intersection, union, grow-diag, grow-diag-final, grow-diag-final-and")
      ->capture_default_str()
      ->check(one_of(methods))
      ->needs(reverse);
  auto* const choose =
      cli.add_flag("--choose", o->choose,
                   "choose for both runs the layer, the head and the step whose links agree "
                   "best, on the first 1000 of these pairs, and keep that in the runs: align and "
                   "evaluate --gold go by it from then on, and pictures and pages by its layer and head");
  choose->needs(reverse);
  cli.add_flag("--mean", o->mean, "the mean of all maps, whatever was chosen or guided")->excludes(choose);
  cli.add_option("--gold", o->gold,
                 "gold links, a line a pair (3-4 sure, 3?4 possible): says the alignment error");
  cli.add_option("-o,--output", o->output, "Pharaoh lines, 0-0 1-2; - for standard output")
      ->capture_default_str();
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write counts as JSON");
  return [o] { align(*o); };
}

}  // namespace heed::apps
