// translator corpus: the built-in corpus as files.
#include <fmt/format.h>

#include <memory>

#include "apps/common/run_output.h"
#include "apps/translator/commands.h"
#include "framework/io/file.h"
#include "models/data/demo_corpus.h"
#include "models/training/evaluation.h"
#include "models/training/trainer.h"

namespace heed::apps {
namespace {

struct Options {
  std::string folder, json;
  bool overwrite = false;
  models::DemoCorpusOptions corpus;
};

void write_part(const std::filesystem::path& folder, const char* name, const std::vector<models::AlignedPair>& pairs) {
  std::string english, german, gold;
  for (const models::AlignedPair& pair : pairs) {
    english += models::join(pair.source) + "\n";
    german += models::join(pair.target) + "\n";
    gold += models::gold_line(pair) + "\n";
  }
  write_file_atomically(folder / fmt::format("{}.en", name), english);
  write_file_atomically(folder / fmt::format("{}.de", name), german);
  write_file_atomically(folder / fmt::format("{}.gold", name), gold);
}

void corpus(const Options& options) {
  const std::filesystem::path folder = options.folder;
  if (std::filesystem::exists(folder) && !options.overwrite) {
    throw IoError(fmt::format("'{}' exists already (--overwrite replaces the corpus files in it)", folder.string()));
  }
  const models::DemoCorpus made = models::make_demo_corpus(options.corpus);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(fmt::format("cannot make the folder '{}': {}", folder.string(), error.message()));
  write_part(folder, "train", made.train);
  write_part(folder, "valid", made.validation);
  write_part(folder, "test", made.test);
  fmt::print("{} training, {} validation and {} test pairs in '{}': .en, .de and .gold (3-4 sure, 3?4 possible links)\n", made.train.size(),
             made.validation.size(), made.test.size(), folder.string());
  write_json(options.json, {{"folder", folder.string()},
                            {"seed", options.corpus.seed},
                            {"train", made.train.size()},
                            {"validation", made.validation.size()},
                            {"test", made.test.size()}});
}

}  // namespace

Command add_corpus(CLI::App& cli) {
  const auto o = std::make_shared<Options>();
  cli.add_option("-o,--out", o->folder, "folder to write")->required();
  cli.add_flag("--overwrite", o->overwrite, "replace the corpus files in a folder that exists");
  cli.add_option("--seed", o->corpus.seed, "seed of the corpus")->capture_default_str();
  cli.add_option("--train", o->corpus.train, "training pairs")->check(CLI::NonNegativeNumber)->capture_default_str();
  cli.add_option("--validation", o->corpus.validation, "validation pairs")->check(CLI::NonNegativeNumber)->capture_default_str();
  cli.add_option("--test", o->corpus.test, "test pairs")->check(CLI::NonNegativeNumber)->capture_default_str();
  cli.add_option("--json", o->json, "write what was made as JSON");
  return [o] { corpus(*o); };
}

}  // namespace heed::apps
