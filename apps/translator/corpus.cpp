// translator corpus: the built-in corpus as files.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "models/corpus/clean.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/pharaoh.h"
#include "models/grammar/demo_corpus.h"
#include "models/text/tokenizer.h"

namespace heed::apps {
namespace {

struct CorpusOptions {
  std::string folder, json;
  bool overwrite = false, documents = false;
  models::DemoCorpusOptions corpus;
};

namespace fs = std::filesystem;

void add_part(models::CorpusWriter& writer, const std::string& name,
              const std::vector<models::AlignedPair>& pairs) {
  models::LineFile &english = writer.file(name + ".en"), &german = writer.file(name + ".de"),
                   &gold = writer.file(name + ".gold");
  for (const models::AlignedPair& pair : pairs) {
    stop_if_interrupted();
    english.write(models::join(pair.source));
    german.write(models::join(pair.target));
    gold.write(models::gold_line(pair));
  }
}

// Counts and languages; the writer knows the files.
models::CorpusInfo info_of(const models::DemoCorpus& made, uint64_t seed) {
  models::CorpusInfo info;
  info.source_language = "en";
  info.target_language = "de";
  info.licence = "MIT (made by translator corpus)";
  info.seed = seed;
  info.train = made.train.size();
  info.valid = made.validation.size();
  info.test = made.test.size();
  constexpr int64_t kLong = 15;
  info.long_words = kLong;
  models::HashSet sources, trained;
  for (const auto* part : {&made.train, &made.validation, &made.test}) {
    for (const models::AlignedPair& pair : *part) {
      const std::string source = models::join(pair.source);
      const uint64_t hash = models::text_hash(models::folded(source));
      if (part == &made.train) trained.insert(hash);
      if (part == &made.test && trained.contains(hash)) ++info.test_seen;
      sources.insert(hash);
      if (part == &made.test && models::count_words(source) >= kLong) ++info.test_long;
    }
  }
  info.sources = sources.size();
  return info;
}

void check_files(const CorpusOptions& options) {
  std::vector<NamedPath> outputs{{"--json", options.json}};
  for (const char* part : {"train", "valid", "test"}) {
    for (const char* extension : {".en", ".de", ".gold"}) {
      outputs.push_back({"--output", (fs::path(options.folder) / (std::string(part) + extension)).string()});
    }
  }
  outputs.push_back({"--output", (fs::path(options.folder) / models::kCorpusFile).string()});
  apps::check_files({.outputs = outputs, .new_folders = {{"--output", options.folder}}});
}

void corpus(const CorpusOptions& options) {
  check_files(options);
  const fs::path folder = options.folder;
  catch_interrupts();
  models::CorpusWriter writer(folder, "translator corpus", options.overwrite);
  models::DemoDocuments documents;
  if (options.documents) documents = models::make_demo_documents(options.corpus);
  const models::DemoCorpus made =
      options.documents ? std::move(documents.pairs) : models::make_demo_corpus(options.corpus);
  add_part(writer, "train", made.train);
  add_part(writer, "valid", made.validation);
  add_part(writer, "test", made.test);
  models::CorpusInfo info = info_of(made, options.corpus.seed);
  for (const auto& [part, sizes] :
       {std::pair("train", &documents.train), std::pair("valid", &documents.validation),
        std::pair("test", &documents.test)}) {
    if (sizes->empty()) continue;
    models::LineFile& file = writer.file(fmt::format("{}.documents", part));
    for (size_t i = 0; i < sizes->size(); ++i) file.write(fmt::format("{}\t{}-{}", (*sizes)[i], part, i + 1));
    info.documents.emplace_back(part, sizes->size());
  }
  stop_if_interrupted();
  writer.finish(info);
  say("{} training, {} validation and {} test pairs in '{}': .en, .de and .gold (3-4 sure, 3?4 possible "
      "links)\n",
      made.train.size(), made.validation.size(), made.test.size(), folder.string());
  write_json(options.json, {{"folder", folder.string()},
                            {"seed", options.corpus.seed},
                            {"train", made.train.size()},
                            {"validation", made.validation.size()},
                            {"test", made.test.size()}});
}

}  // namespace

Command add_corpus(CLI::App& cli) {
  const auto o = std::make_shared<CorpusOptions>();
  cli.add_option("-o,--output", o->folder, "folder to write")->required();
  cli.add_flag("--overwrite", o->overwrite, "replace the corpus that an earlier call wrote there");
  cli.add_flag("--documents", o->documents,
               "short documents, whose \"it\" depends on the line before (train --context)");
  cli.add_option("--seed", o->corpus.seed, "seed of the corpus")->check(kWholeNumber)->capture_default_str();
  cli.add_option("--train", o->corpus.train, "training pairs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  cli.add_option("--validation", o->corpus.validation, "validation pairs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  cli.add_option("--test", o->corpus.test, "test pairs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  cli.add_option("--json", o->json, "write what was made as JSON");
  return [o] { corpus(*o); };
}

}  // namespace heed::apps
