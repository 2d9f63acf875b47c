// translator align: word alignments of given pairs, read off the attention of forced decoding.
#include <fmt/format.h>

#include <memory>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/run_option.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/pairs.h"
#include "framework/io/file.h"
#include "models/corpus/pharaoh.h"
#include "models/evaluation/evaluation.h"
#include "models/run/files.h"
#include "models/text/lines.h"

namespace heed::apps {
namespace {

struct AlignOptions {
  std::string run, reverse, source, target, output = "-", json;
  models::Symmetrisation method = models::Symmetrisation::grow_diag_final_and;
  int threads = 0;
};

std::vector<std::vector<models::AlignmentLink>> links_of(const std::string& run,
                                                         std::span<const std::string> sources,
                                                         std::span<const std::string> targets) {
  const models::Translator translator(models::load_run(run));
  if (!translator.run().model->has_attention())
    throw ValueError(fmt::format("'{}' is a model without attention", run));
  std::vector<std::vector<models::AlignmentLink>> all;
  for_parts(sources, targets, [&](auto some, auto their) {
    models::TranslateOptions options;
    options.search.first = all.size();
    for (const models::Translation& forced : translator.force(some, their, options)) {
      if (!forced.skipped.empty())
        warn("translator", fmt::format("line {} is left empty: {}", forced.id, forced.skipped));
      all.push_back(models::attention_links(forced));
    }
  });
  return all;
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
  apps::check_files({.inputs = {{"--source", options.source}, {"--target", options.target}},
                     .outputs = {{"--output", options.output}, {"--json", options.json}},
                     .runs = options.reverse.empty() ? std::vector{options.run}
                                                     : std::vector{options.run, options.reverse}});
  if (!options.reverse.empty()) check_directions(options.run, options.reverse);
  use_threads(options.threads);
  const models::ParallelLines lines = read_pairs(options.source, options.target);
  auto links = links_of(options.run, lines.source, lines.target);
  if (!options.reverse.empty()) {
    const auto backward = links_of(options.reverse, lines.target, lines.source);
    for (size_t i = 0; i < links.size(); ++i)
      links[i] = models::symmetrise(links[i], models::reversed(backward[i]), options.method);
  }
  std::string text;
  size_t count = 0;
  for (const std::vector<models::AlignmentLink>& sentence : links) {
    text += models::pharaoh_line(sentence) + "\n";
    count += sentence.size();
  }
  write_output(options.output, text);
  write_json(options.json,
             {{"run", options.run},
              {"reverse", options.reverse},
              {"method", options.reverse.empty() ? "one direction" : models::name_of_choice(options.method)},
              {"sentences", links.size()},
              {"links", count}});
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
  add_choice(cli, "--symmetrise", o->method,
             "how: intersection, union, grow-diag, grow-diag-final, grow-diag-final-and")
      ->needs(reverse);
  cli.add_option("-o,--output", o->output, "Pharaoh lines, 0-0 1-2; - for standard output")
      ->capture_default_str();
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write counts as JSON");
  return [o] { align(*o); };
}

}  // namespace heed::apps
