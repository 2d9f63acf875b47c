// translator prepare: sentence pairs as people have them in, a corpus folder out.
#include "models/corpus/prepare.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/idle.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/corpus_report.h"
#include "apps/translator/run_options.h"
#include "framework/core/error.h"
#include "models/corpus/raw_pairs.h"

namespace heed::apps {
namespace {

struct PrepareCommand {
  std::vector<std::string> inputs, sources, targets, avoid, ids;
  std::vector<std::string> valid_sources, valid_targets, test_sources, test_targets;
  std::string folder, json, dropped, member;
  bool blank_lines = false;
  models::PrepareOptions options;
};

using Paths = std::vector<std::string>;

const CLI::Validator kTwoColumns(
    [](const std::string& text) {
      try {
        models::check_columns(text);
      } catch (const ValueError& error) {
        return std::string(error.what());
      }
      return std::string();
    },
    "");

// Files of both sides, given by two options.
std::vector<models::PairInput> both_sides(const char* source, const Paths& sources, const char* target,
                                          const Paths& targets, const std::string& member) {
  if (sources.size() != targets.size()) {
    throw CLI::ValidationError(sources.size() < targets.size() ? source : target,
                               fmt::format("{} source and {} target files are given; they go together",
                                           sources.size(), targets.size()));
  }
  std::vector<models::PairInput> inputs;
  for (size_t i = 0; i < sources.size(); ++i) {
    models::PairInput& input = inputs.emplace_back();
    input.source = input_path(sources[i]);
    input.target = input_path(targets[i]);
    input.member = member;
  }
  return inputs;
}

std::vector<models::PairInput> inputs_of(const PrepareCommand& o) {
  std::vector<models::PairInput> inputs;
  for (const std::string& path : o.inputs) {
    models::PairInput& input = inputs.emplace_back();
    input.source = input_path(path);
    input.member = o.member;
  }
  std::vector<models::PairInput> sides = both_sides("--source", o.sources, "--target", o.targets, o.member);
  if (!o.ids.empty() && o.ids.size() != sides.size()) {
    throw CLI::ValidationError("--ids", fmt::format("{} are given, and {} source files; they go together",
                                                    o.ids.size(), sides.size()));
  }
  for (size_t i = 0; i < o.ids.size(); ++i) sides[i].ids = input_path(o.ids[i]);
  inputs.insert(inputs.end(), sides.begin(), sides.end());
  for (models::PairInput& input : inputs) input.blank_lines = o.blank_lines;
  if (inputs.empty())
    throw CLI::RequiredError("a table or archive, or --source and --target with a file each,");
  return inputs;
}

std::vector<models::GivenPart> given_parts(const PrepareCommand& o) {
  std::vector<models::GivenPart> parts;
  const auto add = [&](const char* name, std::vector<models::PairInput> inputs) {
    for (models::PairInput& input : inputs) input.blank_lines = o.blank_lines;
    if (!inputs.empty()) parts.push_back({name, std::move(inputs)});
  };
  add("valid", both_sides("--valid-source", o.valid_sources, "--valid-target", o.valid_targets, ""));
  add("test", both_sides("--test-source", o.test_sources, "--test-target", o.test_targets, ""));
  return parts;
}

void check_files(const PrepareCommand& o) {
  std::vector<NamedPath> inputs;
  for (const auto& [option, paths] :
       {std::pair("FILE", &o.inputs), std::pair("--source", &o.sources), std::pair("--target", &o.targets),
        std::pair("--ids", &o.ids), std::pair("--valid-source", &o.valid_sources),
        std::pair("--valid-target", &o.valid_targets), std::pair("--test-source", &o.test_sources),
        std::pair("--test-target", &o.test_targets), std::pair("--avoid", &o.avoid)}) {
    for (const std::string& path : *paths) inputs.push_back({option, path});
  }
  require_outside_corpus(o.folder, {{"--dropped", o.dropped}, {"--json", o.json}});
  apps::check_files({.inputs = inputs,
                     .outputs = {{"--json", o.json}, {"--dropped", o.dropped}},
                     .new_folders = {{"--output", o.folder}},
                     .sources = inputs});
}

// Options of what is not there: of a table, of a split that is not made, of a rule that is off.
void refuse_idle(const PrepareCommand& o, const CLI::App& cli) {
  const bool no_table = o.inputs.empty(), test = !o.test_sources.empty(), valid = !o.valid_sources.empty();
  const std::string without_table = "without a table", beside_test = "beside --test-source";
  apps::refuse_idle(cli, {{"--columns", no_table, without_table},
                          {"--header", no_table, without_table},
                          {"--attribution-column", no_table, without_table},
                          {"--test", test, beside_test},
                          {"--test-long", test, beside_test},
                          {"--references", test, beside_test},
                          {"--valid", valid, "beside --valid-source"},
                          {"--max-words", !o.options.clean.too_long, "beside --no-max-length"},
                          {"--max-characters", !o.options.clean.too_long, "beside --no-max-length"},
                          {"--max-ratio", !o.options.clean.ratio, "beside --no-ratio"}});
}

void prepare(PrepareCommand& o, const CLI::App& cli) {
  models::PrepareOptions& options = o.options;
  options.inputs = inputs_of(o);
  options.given = given_parts(o);
  if (options.source_language == options.target_language)
    throw CLI::ValidationError(
        "--target-language", fmt::format("is '{}', as the source's; the files of a corpus are named by them",
                                         options.target_language));
  refuse_idle(o, cli);
  check_files(o);
  options.folder = o.folder;
  options.dropped = o.dropped == "-" ? "/dev/stdout" : o.dropped;
  for (const std::string& path : o.avoid) options.avoid.emplace_back(input_path(path));
  catch_interrupts();
  const models::CorpusInfo info = models::prepare_corpus(options, [](uint64_t) { stop_if_interrupted(); });
  say("{}corpus: {} (train with translator train --corpus)\n", corpus_report(info), o.folder);
  nlohmann::ordered_json report = nlohmann::ordered_json::parse(models::corpus_json(info));
  report["folder"] = o.folder;
  write_json(o.json, report);
}

}  // namespace

Command add_prepare(CLI::App& cli) {
  const auto o = std::make_shared<PrepareCommand>();
  models::PrepareOptions& p = o->options;
  cli.add_option(
      "FILE", o->inputs,
      "tables with tabs, or archives of two files a side (OPUS, Moses); plain or gz, bz2, xz, zst, zip, tar; "
      "- for standard input");
  cli.add_option("-s,--source", o->sources, "instead or as well: files with the source sentences, one a line")
      ->take_all();
  cli.add_option("-t,--target", o->targets, "their translations, line by line")->take_all();
  cli.add_option("--ids", o->ids, "OPUS's .ids of each of these files; of an archive it is found")
      ->take_all();
  cli.add_flag("--blank-lines", o->blank_lines, "an empty line (of both sides) ends a document");
  cli.add_option("-o,--output", o->folder, "corpus folder to write")->required();
  cli.add_flag("--overwrite", p.overwrite, "replace the corpus that an earlier call wrote there");
  const auto language = [&](const std::string& name, std::string& code, const char* what) {
    cli.add_option(name, code, what)
        ->required()
        ->check(allowed_text(models::language_code(/*may_be_empty=*/false)));
  };
  language("--source-language", p.source_language, "of the source: two or three letters (en, fr, ...)");
  language("--target-language", p.target_language, "of the target");
  cli.add_option(
         "--columns", p.table.columns,
         "columns of source and target in a table, by number (1,2) or by name (en,fr); without: by looking")
      ->check(kTwoColumns)
      ->group("Tables and archives");
  cli.add_flag("--header", p.table.header, "the first line of a table names its columns")
      ->group("Tables and archives");
  cli.add_option("--attribution-column", p.table.attribution_column,
                 "column that says who wrote a pair, or none; without: by looking")
      ->group("Tables and archives");
  cli.add_option("--member", o->member, "of an archive with several corpora: the one to read")
      ->group("Tables and archives");
  const auto part = [&](const char* name, std::vector<std::string>& paths, const char* what) {
    cli.add_option(name, paths, what)->take_all()->allow_extra_args(false)->group("Split");
  };
  part("--valid-source", o->valid_sources, "a validation set as it is, in the place of splitting one off");
  part("--valid-target", o->valid_targets, "its translations");
  part("--test-source", o->test_sources, "a test set as it is, in the place of splitting one off");
  part("--test-target", o->test_targets, "its translations");
  add_choice(cli, "--split", p.split_by,
             "what is not to fall into two parts; auto: a document where the input has three and more, else "
             "all translations of a sentence")
      ->group("Split");
  const auto whole = [&](const char* name, int64_t& value, int64_t least, const char* what) {
    return cli.add_option(name, value, what)
        ->check(CLI::Range(least, int64_t{1'000'000'000}))
        ->group("Split");
  };
  whole("--test", p.split.test, 0,
        "distinct source sentences for the test (default: a twentieth, at most 2000)")
      ->default_str("");
  whole("--valid", p.split.valid, 0,
        "distinct source sentences for validation (default: a twentieth, at most 1000)")
      ->default_str("");
  whole("--test-long", p.split.test_long, 0, "at least so many long sentences in the test")
      ->capture_default_str();
  whole("--long-words", p.split.long_words, 1, "words from which on a sentence is long")
      ->capture_default_str();
  whole("--references", p.references, 1, "translations that are kept of a test sentence, at most")
      ->capture_default_str();
  cli.add_option("--seed", p.split.seed, "seed of the split")
      ->check(kWholeNumber)
      ->capture_default_str()
      ->group("Split");
  cli.add_flag("!--no-targets-apart", p.split.targets_apart,
               "leave pairs in training whose translation is that of a held-back sentence")
      ->group("Split");
  const auto rule = [&](const char* name, bool& on, const char* what) {
    cli.add_flag(name, on, what)->group("Cleaning");
  };
  cli.add_option("--max-words", p.clean.max_words, "drop pairs with more words on a side")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str()
      ->group("Cleaning");
  cli.add_option("--max-characters", p.clean.max_characters, "drop pairs with more characters on a side")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}))
      ->capture_default_str()
      ->group("Cleaning");
  cli.add_option("--max-ratio", p.clean.max_ratio,
                 "drop pairs whose one side is so many times as long; short sentences are not judged")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str()
      ->group("Cleaning");
  rule("!--no-max-length", p.clean.too_long, "keep pairs of any length");
  rule("!--no-ratio", p.clean.ratio, "keep pairs with sides of very different lengths");
  rule("!--no-copied", p.clean.copied, "keep pairs with the same on both sides");
  rule("!--no-script", p.clean.script, "keep pairs written in another script than the language's");
  rule("!--no-markup", p.clean.markup, "keep pairs with tags, entities and templates");
  rule("!--no-duplicate", p.clean.duplicate, "keep pairs that occur again");
  cli.add_option("--avoid", o->avoid,
                 "a file, such as a published test, whose sentences must not be in the corpus; repeatable")
      ->take_all()
      ->allow_extra_args(false)  // what follows is a corpus
      ->group("Cleaning");
  cli.add_option("--dropped", o->dropped, "write what was dropped: reason, source, target")
      ->group("Cleaning");
  cli.add_option("--licence", p.licence, "licence of the sentences, which trained runs carry on");
  cli.add_option("--attribution", p.attribution, "whom to name, which trained runs carry on");
  cli.add_option("--json", o->json, "write what was made as JSON");
  return [o, &cli] { prepare(*o, cli); };
}

}  // namespace heed::apps
