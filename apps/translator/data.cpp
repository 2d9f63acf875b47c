// translator data: published corpora by name. `list` says which there are, `get` fetches one and makes a
// corpus folder of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "apps/common/choice.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/fetch/download.h"
#include "apps/fetch/progress.h"
#include "apps/translator/commands.h"
#include "apps/translator/corpus_report.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "framework/io/disk_space.h"
#include "models/corpus/prepare.h"
#include "models/corpus/published.h"
#include "models/text/counted.h"

namespace heed::apps {
namespace {

namespace fs = std::filesystem;
using models::PublishedCorpus;
using models::PublishedFile;

struct DataGetCommand {
  std::string name, source, target, folder, downloads, user_agent, dropped, json, clean = "auto";
  std::vector<std::string> from;
  double timeout = 60;
  bool any_version = false;
  models::PrepareOptions prepare;  // what is asked for of it
  const CLI::App* app = nullptr;
};

// ---- list

// "en, de, fr, cs", "any pair".
std::string languages_of(const PublishedCorpus& corpus) {
  return corpus.languages.empty() ? "any pair" : fmt::format("{}", fmt::join(corpus.languages, ", "));
}

// "1.7 GB"; empty where the size of a training file is not known. Those of tests are small.
std::string size_of(const PublishedCorpus& corpus) {
  uint64_t bytes = 0;
  for (const PublishedFile& file : corpus.files) {
    const bool trains = std::ranges::any_of(corpus.parts, [&](const models::PublishedPart& part) {
      return part.part == "train" && (part.file == file.name || part.target_file == file.name);
    });
    if (trains && file.addresses[0].bytes == 0) return {};
    bytes += file.addresses[0].bytes;
  }
  return bytes_text(static_cast<int64_t>(bytes));
}

nlohmann::ordered_json json_of(const PublishedFile& file) {
  nlohmann::ordered_json json{{"name", file.name}, {"addresses", nlohmann::ordered_json::array()}};
  for (const models::FileAddress& address : file.addresses) {
    nlohmann::ordered_json row{{"url", address.url}};
    if (address.bytes > 0) row["bytes"] = address.bytes;
    if (const size_t colon = address.sum.find(':'); colon != address.sum.npos)
      row[address.sum.substr(0, colon)] = address.sum.substr(colon + 1);
    json["addresses"].push_back(row);
  }
  return json;
}

nlohmann::ordered_json json_of(const PublishedCorpus& corpus) {
  nlohmann::ordered_json json{{"name", corpus.name},
                              {"what", corpus.what},
                              {"languages", corpus.languages},
                              {"licence", corpus.licence},
                              {"attribution", corpus.attribution},
                              {"files", nlohmann::ordered_json::array()},
                              {"parts", nlohmann::ordered_json::array()}};
  for (const PublishedFile& file : corpus.files) json["files"].push_back(json_of(file));
  for (const models::PublishedPart& part : corpus.parts) {
    nlohmann::ordered_json row{{"part", part.part}, {"file", part.file}};
    if (!part.target_file.empty()) row["target_file"] = part.target_file;
    if (!part.source.empty()) row["members"] = {part.source, part.target};
    if (part.pairs > 0) row["pairs"] = part.pairs;
    if (!part.only.empty()) row["languages"] = part.only;
    json["parts"].push_back(row);
  }
  for (const models::KnownPair& known : corpus.known) {
    nlohmann::ordered_json row{{"bytes", known.bytes}};
    if (known.pairs > 0) row["pairs"] = known.pairs;
    json["known_pairs"][known.pair] = row;
  }
  return json;
}

void list(const std::string& json) {
  apps::check_files({.outputs = {{"--json", json}}});
  auto rows = nlohmann::ordered_json::array();
  for (const PublishedCorpus& corpus : models::published_corpora()) {
    say("{:<14}  {:<14}  {:>8}  {}\n{:16}{}\n", corpus.name, languages_of(corpus), size_of(corpus),
        corpus.what, "", corpus.licence);
    rows.push_back(json_of(corpus));
  }
  say("(translator data get NAME fetches one and makes a corpus folder of it)\n");
  write_json(json, {{"corpora", rows}});
}

// ---- get

// Where a file comes from by --from.
struct From {
  std::optional<fs::path> path;        // on this machine
  std::vector<fetch::Source> mirrors;  // else these addresses
};

bool is_address(const std::string& from) {
  return from.starts_with("http://") || from.starts_with("https://");
}

From from_of(const DataGetCommand& o, const PublishedCorpus& corpus, const PublishedFile& file) {
  From result;
  for (const std::string& from : o.from) {
    if (is_address(from)) {
      const bool itself = from.ends_with("/" + file.name);
      result.mirrors.push_back(
          {itself ? from : fmt::format("{}{}{}", from, from.ends_with('/') ? "" : "/", file.name),
           file.addresses});
      continue;
    }
    std::error_code error;
    const fs::path path = from;
    if (fs::is_directory(path, error)) {
      if (!result.path && fs::exists(path / file.name, error)) result.path = path / file.name;
    } else if (!result.path && (path.filename() == file.name || corpus.files.size() == 1)) {
      result.path = path;
    }
  }
  return result;
}

// "a.gz is", "a.gz and 11 other files are": of many the first.
std::string first_of(const std::vector<std::string>& names) {
  if (names.size() == 1) return names[0] + " is";
  return fmt::format("{} and {} are", names[0], models::counted(names.size() - 1, "other file"));
}

// What to put where, for a machine without a network: names, sizes and addresses, of many files the first.
std::string how_by_hand(const std::vector<PublishedFile>& files) {
  constexpr size_t kMost = 3;
  std::vector<std::string> names;
  for (const PublishedFile& file : std::span(files).first(files.size() > kMost ? 1 : files.size())) {
    const models::FileAddress& first = file.addresses[0];
    names.push_back(first.bytes > 0 ? fmt::format("{} ({} bytes)", first.url, first.bytes) : first.url);
  }
  if (files.size() > kMost) {
    names.push_back(
        fmt::format("the {} others (translator data list --json - has their addresses)", files.size() - 1));
  }
  return fmt::format("without a network: fetch {} elsewhere into one folder, and give it with --from FOLDER",
                     fmt::join(names, ", "));
}

// Checks a file that the user has.
void require_right(const fs::path& path, const PublishedFile& file) {
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    throw IoError(
        fmt::format("--from: '{}' is no file{}", path.string(), error ? ": " + error.message() : ""));
  if (const std::string why = fetch::why_wrong(path, file.addresses, stop_if_interrupted); !why.empty())
    throw FormatError(fmt::format("'{}' is not '{}' of the corpus: {}", path.string(), file.name, why));
  models::require_no_page(path, fmt::format("'{}'", path.string()));
}

void fetch_file(const DataGetCommand& o, const PublishedFile& file, std::vector<fetch::Source> mirrors,
                const std::vector<PublishedFile>& all) {
  fetch::DownloadProgress progress(file.name);
  fetch::DownloadOptions options;
  options.name = file.name;
  options.folder = o.downloads;
  options.user_agent = o.user_agent;
  options.idle_seconds = o.timeout;
  options.sources = std::move(mirrors);
  if (options.sources.empty()) {
    for (const models::FileAddress& address : file.addresses)
      options.sources.push_back({address.url, {address}});
  }
  options.poll = stop_if_interrupted;
  options.progress = [&](uint64_t done, uint64_t total) { progress.show(done, total); };
  options.note = [&](const std::string& why) {
    progress.clear_line();
    note("{}\n", why);
  };
  const fs::path place = fs::path(o.downloads) / file.name;
  try {
    const bool fetched = fetch::download(options);
    progress.clear_line();
    say("{} {} ({})\n", fetched ? "fetched" : "is there:", place.string(),
        bytes_text(static_cast<int64_t>(fs::file_size(place))));
  } catch (const Interrupted&) {
    progress.clear_line();
    std::error_code error;
    if (const auto kept = fs::file_size(place.string() + ".part", error); !error && kept > 0)
      note("{} of {} are kept; the same call goes on\n", bytes_text(static_cast<int64_t>(kept)), file.name);
    throw;
  } catch (const fetch::Unreachable& unreachable) {
    throw IoError(fmt::format("{} ({})", unreachable.what(), how_by_hand(all)));
  }
}

void check_files(const DataGetCommand& o) {
  std::vector<NamedPath> inputs;
  for (const std::string& from : o.from) {
    std::error_code error;
    if (!is_address(from) && !fs::is_directory(from, error)) inputs.push_back({"--from", from});
  }
  require_outside_corpus(o.folder,
                         {{"--dropped", o.dropped}, {"--json", o.json}, {"--downloads", o.downloads}});
  apps::check_files({.inputs = inputs,
                     .outputs = {{"--json", o.json}, {"--dropped", o.dropped}},
                     .new_folders = {{"--output", o.folder}},
                     .sources = inputs});
}

// The languages, folders and the row that are meant.
PublishedCorpus chosen(DataGetCommand& o) {
  const PublishedCorpus& row = models::published_corpus(o.name);
  if (row.languages.empty() && (o.source.empty() || o.target.empty()))
    throw CLI::RequiredError(
        fmt::format("{} is in many languages: --source-language and --target-language", row.name));
  if (o.source.empty()) o.source = row.languages[o.target == row.languages[0] ? 1 : 0];
  if (o.target.empty()) o.target = row.languages[o.source == row.languages[1] ? 0 : 1];
  const bool named = row.languages.size() == 2 && o.source == row.languages[0];
  if (o.folder.empty()) o.folder = named ? row.name : fmt::format("{}-{}-{}", row.name, o.source, o.target);
  o.downloads = o.downloads.empty() ? fs::path(o.folder).lexically_normal().string() + ".downloads"
                                    : (fs::path(o.downloads) / row.name).string();
  return models::in_languages(row, o.source, o.target);
}

models::PrepareOptions prepare_options(const DataGetCommand& o, const PublishedCorpus& corpus,
                                       const std::vector<std::pair<std::string, fs::path>>& places) {
  models::PrepareOptions options = models::prepare_options(corpus, o.source, o.target, places);
  options.folder = o.folder;
  options.overwrite = o.prepare.overwrite;
  options.dropped = o.dropped == "-" ? "/dev/stdout" : o.dropped;
  options.split.valid = o.prepare.split.valid;
  options.split.test = o.prepare.split.test;
  options.split.seed = o.prepare.split.seed;
  return options;
}

// Sizes, sums and numbers of lines are those that the files had once.
void forget_versions(PublishedCorpus& corpus) {
  for (PublishedFile& file : corpus.files) {
    for (models::FileAddress& address : file.addresses) address.bytes = 0, address.sum.clear();
  }
  for (models::PublishedPart& part : corpus.parts) part.pairs = 0;
}

// Options of a split that is not made.
void refuse_idle(const DataGetCommand& o, const PublishedCorpus& corpus) {
  const auto has = [&](const char* part) {
    return std::ranges::find(corpus.parts, part, &models::PublishedPart::part) != corpus.parts.end();
  };
  const bool test = has("test"), valid = has("valid") || corpus.valid_every > 0;
  const auto refuse = [&](const char* option, bool idle, const char* own) {
    if (idle && o.app->get_option(option)->count() > 0)
      throw CLI::ValidationError(option, fmt::format("{} has {} of its own", corpus.name, own));
  };
  refuse("--test", test, "a test");
  refuse("--valid", valid, "a validation");
  refuse("--seed", test && valid, "a test and a validation");
}

void get(DataGetCommand& o) {
  PublishedCorpus corpus = chosen(o);
  refuse_idle(o, corpus);
  if (o.any_version) forget_versions(corpus);
  if (o.clean != "auto") corpus.as_published = o.clean == "off";
  check_files(o);
  models::require_free_folder(o.folder, models::kPrepareWriter, o.prepare.overwrite);
  say("{}: {}\nlicence: {}\nto name: {}\n", corpus.name, corpus.what, corpus.licence, corpus.attribution);
  catch_interrupts();
  std::vector<std::pair<std::string, fs::path>> places;
  std::vector<From> sources;
  std::vector<std::string> missing;
  for (const PublishedFile& file : corpus.files) {
    sources.push_back(from_of(o, corpus, file));
    if (!o.from.empty() && !sources.back().path && sources.back().mirrors.empty())
      missing.push_back(file.name);
  }
  if (!missing.empty())
    throw IoError(fmt::format("--from: {} not there: {}", first_of(missing), fmt::join(o.from, ", ")));
  for (size_t i = 0; i < corpus.files.size(); ++i) {
    const PublishedFile& file = corpus.files[i];
    if (sources[i].path) {
      require_right(*sources[i].path, file);
      places.emplace_back(file.name, *sources[i].path);
    } else {
      fetch_file(o, file, sources[i].mirrors, corpus.files);
      places.emplace_back(file.name, fs::path(o.downloads) / file.name);
    }
  }
  const models::CorpusInfo info =
      models::prepare_corpus(prepare_options(o, corpus, places), [](uint64_t) { stop_if_interrupted(); });
  say("{}corpus: {} (train with translator train --corpus)\n", corpus_report(info), o.folder);
  if (std::error_code error; fs::is_directory(o.downloads, error))
    say("what was fetched lies in {}, and is needed no more\n", o.downloads);
  nlohmann::ordered_json report = nlohmann::ordered_json::parse(models::corpus_json(info));
  report["folder"] = o.folder;
  write_json(o.json, report);
}

Command add_get(CLI::App& cli) {
  const auto o = std::make_shared<DataGetCommand>();
  o->app = &cli;
  cli.add_option("NAME", o->name, "of the corpus, as translator data list has it")->required();
  cli.add_option("-o,--output", o->folder, "corpus folder to write (default: the name, and the languages)");
  cli.add_flag("--overwrite", o->prepare.overwrite, "replace the corpus that an earlier call wrote there");
  const auto language = [&](const char* name, std::string& code, const char* what) {
    cli.add_option(name, code, what)->check(allowed_text(models::language_code(/*may_be_empty=*/false)));
  };
  language("--source-language", o->source, "of the source (default: the first that the corpus has)");
  language("--target-language", o->target, "of the target (default: another that the corpus has)");
  cli.add_option(
         "--from", o->from,
         "in the place of the corpus's own addresses: a file or folder on this machine, or the address "
         "of a mirror (http, https) under which the files lie by name; repeatable, tried in this order")
      ->take_all()
      ->allow_extra_args(false);
  cli.add_flag("--any-version", o->any_version,
               "take files whatever their sizes, sums and numbers of lines are: hosts change them");
  cli.add_option("--downloads", o->downloads,
                 "folder for what is fetched, in a folder of the corpus's name (default: OUTPUT.downloads)");
  o->user_agent = fmt::format("heed/{} (translator data get)", build_info().version);
  cli.add_option("--user-agent", o->user_agent,
                 "what servers are told that asks (default: heed and its version)")
      ->default_str("");
  cli.add_option("--timeout", o->timeout, "seconds without a byte after which a server is given up")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  cli.add_option("--clean", o->clean,
                 "drop training pairs as translator prepare does: on, off, or auto, as papers use the corpus")
      ->check(one_of({"auto", "on", "off"}))
      ->capture_default_str();
  const auto whole = [&](const char* name, int64_t& value, const char* what) {
    cli.add_option(name, value, what)->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}))->default_str("");
  };
  whole("--test", o->prepare.split.test, "as in translator prepare, where the corpus has no test of its own");
  whole("--valid", o->prepare.split.valid, "the same of the validation");
  cli.add_option("--seed", o->prepare.split.seed, "seed of the split")
      ->check(kWholeNumber)
      ->capture_default_str();
  cli.add_option("--dropped", o->dropped, "write what was dropped: reason, source, target");
  cli.add_option("--json", o->json, "write what was made as JSON");
  return [o] { get(*o); };
}

}  // namespace

Command add_data(CLI::App& cli) {
  cli.require_subcommand(1);
  CLI::App* const list_command = cli.add_subcommand("list", "list the corpora: languages, size, licence");
  CLI::App* const get_command =
      cli.add_subcommand("get", "fetch a corpus, check it, and make a corpus folder of it");
  const auto json = std::make_shared<std::string>();
  list_command->add_option("--json", *json, "write the rows as JSON");
  const Command get = add_get(*get_command);
  return [=] {
    if (list_command->parsed()) list(*json);
    if (get_command->parsed()) get();
  };
}

}  // namespace heed::apps
