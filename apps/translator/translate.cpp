// translator translate: lines in, one translation a line out, with --attention the records behind them.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/run_output.h"
#include "apps/common/standard_input.h"
#include "apps/translator/commands.h"
#include "apps/translator/search_options.h"
#include "models/text/lines.h"
#include "models/training/trainer.h"
#include "models/translator.h"

namespace heed::apps {
namespace {

struct Options {
  std::vector<std::string> runs;
  std::string input = "-", output = "-", attention, force, json;
  bool tokens = false;
  int threads = 0;
  models::TranslateOptions translate;
};

void translate(const Options& options) {
  const models::SearchOptions& search = options.translate.search;
  if (!options.force.empty()) {
    if (options.input == "-") throw CLI::ValidationError("--force", "needs --input FILE");
    if (search.beam > 1 || search.n_best > 1 || search.temperature > 0) {
      throw CLI::ValidationError("--force", "scores what is given; --beam, --n-best and --temperature make new translations");
    }
  }
  check_files({.inputs = {{"--input", options.input}, {"--force", options.force}},
               .outputs = {{"--output", options.output}, {"--attention", options.attention}, {"--json", options.json}},
               .runs = options.runs});
  models::check(search);
  use_threads(options.threads);
  const models::Translator translator = load_translator(options.runs);
  if (options.translate.self_attention) translator.require_self_attention(fmt::format("--self-attention: '{}'", options.runs.front()));
  models::ParallelLines lines;
  if (!options.force.empty()) {
    lines = models::read_parallel(options.input, options.force);
  } else {
    lines.source = options.input == "-" ? models::read_lines(standard_input(), "standard input") : models::read_lines(options.input);
  }
  const double begin = steady_seconds();
  const std::vector<models::Translation> results = options.force.empty()
                                                       ? translator.translate(lines.source, options.translate)
                                                       : translator.force(lines.source, lines.target, options.translate.self_attention);
  const double seconds = steady_seconds() - begin;
  std::string text, records;
  for (const models::Translation& result : results) {
    const std::string line = options.tokens ? models::join(models::Translator::target_words(result)) : result.target.text;
    text += search.n_best > 1 ? fmt::format("{} ||| {} ||| {:.4f}\n", result.id, line, result.score) : line + "\n";
    if (!options.attention.empty()) records += models::to_json_line(result) + "\n";
  }
  if (!options.attention.empty()) write_file_atomically(options.attention, records);
  if (options.output == "-") {
    std::cout << text << std::flush;
    if (!std::cout) throw IoError("cannot write standard output");
  } else {
    write_file_atomically(options.output, text);
  }
  write_json(options.json, {{"run", options.runs},
                            {"sentences", lines.source.size()},
                            {"outputs", results.size()},
                            {"seconds", seconds},
                            {"sentences_per_second", static_cast<double>(lines.source.size()) / std::max(seconds, 1e-9)}});
}

}  // namespace

Command add_translate(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.add_option("-r,--run", o->runs, "run folder of a trained translator; several make an ensemble")->required();
  add_search_options(cli, o->translate);
  cli.add_option("-i,--input", o->input, "text to translate, one sentence a line; - for standard input")->capture_default_str();
  cli.add_option("-o,--output", o->output, "where the translations go; - for standard output")->capture_default_str();
  auto* const attention = cli.add_option("--attention", o->attention, "also write the attention records, JSON lines (see apps/README.md)");
  cli.add_flag("--self-attention", o->translate.self_attention, "with the self-attention of encoder and decoder in them (Transformer)")
      ->needs(attention);
  cli.add_option("--force", o->force, "score these translations instead of making new ones; needs --input FILE");
  cli.add_flag("--tokens", o->tokens, "write tokens as the model has them, not text for people");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write counts and speed as JSON");
  return [o] { translate(*o); };
}

}  // namespace heed::apps
