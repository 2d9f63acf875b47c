// translator corpus: the built-in corpus as files.
#include <fmt/format.h>

#include <memory>

#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/pharaoh.h"
#include "models/grammar/demo_corpus.h"
#include "models/text/fingerprint.h"
#include "models/text/tokenizer.h"

namespace heed::apps {
namespace {

struct CorpusOptions {
  std::string folder, json;
  bool overwrite = false;
  models::DemoCorpusOptions corpus;
};

namespace fs = std::filesystem;
using FileTexts = std::vector<std::pair<std::string, std::string>>;  // name, content

constexpr const char* kMarker = "demo-corpus.json";
constexpr const char* kFormat = "heed.demo-corpus";

void add_part(FileTexts& files, const std::string& name, const std::vector<models::AlignedPair>& pairs) {
  std::string english, german, gold;
  for (const models::AlignedPair& pair : pairs) {
    english += models::join(pair.source) + "\n";
    german += models::join(pair.target) + "\n";
    gold += models::gold_line(pair) + "\n";
  }
  files.insert(files.end(), {{name + ".en", english}, {name + ".de", german}, {name + ".gold", gold}});
}

// The marker beside the corpus: what it is, and a fingerprint of each file, by which --overwrite knows them
// again.
std::string marker_of(const CorpusOptions& options, const FileTexts& files) {
  nlohmann::ordered_json marker{{"format", kFormat},
                                {"seed", options.corpus.seed},
                                {"train", options.corpus.train},
                                {"validation", options.corpus.validation},
                                {"test", options.corpus.test},
                                {"files", nlohmann::ordered_json::object()}};
  for (const auto& [name, text] : files) marker["files"][name] = models::fingerprint(text);
  return marker.dump(2) + "\n";
}

// Throws IoError when a file in the way is not what translator corpus wrote.
void require_own(const fs::path& folder, const FileTexts& files) {
  const fs::path marker = folder / kMarker;
  nlohmann::json known;
  if (fs::is_regular_file(marker))
    known = nlohmann::json::parse(read_file(marker), nullptr, /*allow_exceptions=*/false);
  const bool ours =
      known.is_object() && known.value("format", nlohmann::json()) == kFormat && known.contains("files");
  const auto foreign = [&](const std::string& name) {
    throw IoError(
        fmt::format("'{}' was not written by translator corpus, or was changed since; it is left alone",
                    (folder / name).string()));
  };
  if (file_exists(marker) && !ours) foreign(kMarker);
  for (const auto& [name, text] : files) {
    if (!file_exists(folder / name)) continue;
    if (!ours || !known["files"].contains(name) ||
        known["files"][name] != models::fingerprint(read_file(folder / name)))
      foreign(name);
  }
}

void check_files(const CorpusOptions& options) {
  std::vector<NamedPath> outputs{{"--json", options.json}};
  for (const char* part : {"train", "valid", "test"}) {
    for (const char* extension : {".en", ".de", ".gold"}) {
      outputs.push_back({"--output", (fs::path(options.folder) / (std::string(part) + extension)).string()});
    }
  }
  outputs.push_back({"--output", (fs::path(options.folder) / kMarker).string()});
  apps::check_files({.outputs = outputs, .new_folders = {{"--output", options.folder}}});
  if (file_exists(options.folder) && !options.overwrite) {
    if (!file_exists(fs::path(options.folder) / kMarker)) {
      throw IoError(
          fmt::format("'{}' exists already and holds no corpus of translator corpus; choose another folder",
                      options.folder));
    }
    throw IoError(
        fmt::format("'{}' exists already (--overwrite replaces the corpus files in it)", options.folder));
  }
}

void corpus(const CorpusOptions& options) {
  check_files(options);
  const fs::path folder = options.folder;
  const models::DemoCorpus made = models::make_demo_corpus(options.corpus);
  FileTexts files;
  add_part(files, "train", made.train);
  add_part(files, "valid", made.validation);
  add_part(files, "test", made.test);
  require_own(folder, files);
  make_folder(folder);
  for (const auto& [name, text] : files) write_file_atomically(folder / name, text);
  write_file_atomically(folder / kMarker, marker_of(options, files));
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
  cli.add_flag("--overwrite", o->overwrite,
               "replace the corpus files that an earlier call wrote into the folder");
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
