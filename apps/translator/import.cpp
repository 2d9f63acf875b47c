// translator import: a run folder of a translator that another program trained.
#include "models/import/import.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <tuple>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"

namespace heed::apps {
namespace {

struct ImportCommand {
  std::string path, folder, json;
  models::ImportOptions options;
  models::WeightType weights = models::WeightType::f32;
  bool overwrite = false;
  int threads = 0;
};

void import_model(const ImportCommand& command) {
  apps::check_files({.outputs = {{"--json", command.json}},
                     .runs = {command.folder},
                     .new_folders = {{"--output", command.folder}},
                     .sources = {{"the model", command.path}}});
  use_threads(command.threads);
  catch_interrupts();
  const models::ImportReport report = models::import_run(
      command.path, command.folder, command.options, command.overwrite, command.weights, stop_if_interrupted);
  say("{}: {}, {:.1f} million parameters, vocabularies of {} and {}\n", report.kind, report.model,
      static_cast<double>(report.parameters) / 1e6, report.source_vocabulary, report.target_vocabulary);
  if (!report.target_codes.empty()) {
    say("a sentence begins with the language that it is to be translated into: {}\n",
        fmt::format("{}", fmt::join(report.target_codes, " ")));
  }
  if (report.beam > 0) {
    const bool plain = report.length_exponent == 0;
    say("its makers translate with --beam {}{}\n", report.beam,
        plain ? std::string(" --length-penalty none")
              : fmt::format(" --length-penalty average --alpha {}", report.length_exponent));
  }
  for (const std::string& line : report.notes) say("note: {}\n", line);
  write_json(command.json, {{"run", command.folder},
                            {"format", report.kind},
                            {"model", report.model},
                            {"parameters", report.parameters},
                            {"source_vocabulary", report.source_vocabulary},
                            {"target_vocabulary", report.target_vocabulary},
                            {"target_codes", report.target_codes},
                            {"beam", report.beam},
                            {"alpha", report.length_exponent},
                            {"notes", report.notes}});
}

}  // namespace

Command add_import(CLI::App& cli) {
  const auto o = std::make_shared<ImportCommand>();
  cli.add_option("path", o->path, "a model's folder, a model.bin of CTranslate2 or an .npz of Marian")
      ->required();
  cli.add_option("-o,-r,--output,--run", o->folder, "run folder to write")->required();
  cli.add_flag("--overwrite", o->overwrite, "replace a run that is there already");
  add_choice(cli, "--arithmetic", o->options.arithmetic,
             "whose rules for positions and norms: auto (of the file's program), hugging_face or marian");
  add_choice(
      cli, "--weights", o->weights,
      "how they are stored: f32 (loads without a copy), f16 or bf16 (half the size), int8 (a quarter, a "
      "scale a row)");
  for (const auto& [flag, language, of] :
       {std::tuple("--source-language", &o->options.source_language, "source"),
        std::tuple("--target-language", &o->options.target_language, "target")}) {
    cli.add_option(flag, *language,
                   fmt::format("of the {}: two or three letters (en, de, fr, ...); without it what the files "
                               "say, if they do",
                               of))
        ->check(allowed_text(models::language_code(/*may_be_empty=*/false)));
  }
  cli.add_flag("--allow-unknown", o->options.unknown, "the model may write <unk>");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write what was found as JSON");
  return [o] { import_model(*o); };
}

}  // namespace heed::apps
