#include "models/corpus/corpus_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/id_files.h"
#include "models/options/option.h"
#include "models/text/counted.h"
#include "models/text/json.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kCorpusFormat = "heed.corpus";
constexpr uint64_t kCorpusVersion = 1;

bool is_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name != kCorpusFile && name.size() < 200 &&
         std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '/'; });
}

std::string replaced_invalid(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Fields of a JSON object that must be there.
class Fields {
 public:
  Fields(const Json& json, const std::string& file) : json_(json), file_(file) {
    if (!json.is_object()) refuse("an object", "it");
  }
  const Json& at(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) throw FormatError(fmt::format("'{}' has no '{}'", file_, key));
    return *found;
  }
  std::string text(const char* key) const {
    if (!at(key).is_string()) refuse("a text", key);
    return at(key).get<std::string>();
  }
  uint64_t number(const char* key) const {
    if (!at(key).is_number_unsigned()) refuse("a whole number", key);
    return at(key).get<uint64_t>();
  }
  // A number of pairs or lines, of which sums can be made.
  uint64_t count(const char* key) const {
    constexpr uint64_t kMost = uint64_t{1} << 48;
    const uint64_t result = number(key);
    if (result > kMost)
      throw FormatError(
          fmt::format("'{}': '{}' is {}, and no corpus has more than {}", file_, key, result, kMost));
    return result;
  }
  const Json& object(const char* key) const {
    if (!at(key).is_object()) refuse("an object", key);
    return at(key);
  }
  const Json& list(const char* key) const {
    if (!at(key).is_array()) refuse("a list", key);
    return at(key);
  }
  [[noreturn]] void refuse(const char* what, const std::string& key) const {
    throw FormatError(
        fmt::format("'{}': {} is not {}", file_, key == "it" ? key : fmt::format("'{}'", key), what));
  }

 private:
  const Json& json_;
  const std::string& file_;
};

// Throws for a description whose numbers and files do not agree.
void require_consistent(const CorpusInfo& info, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw FormatError(fmt::format("'{}' contradicts itself: {}", name, why));
  };
  if (info.source_language == info.target_language)
    refuse(fmt::format("both languages are '{}'", info.source_language));
  const auto require_lines = [&](const std::string& file, const char* part, uint64_t pairs, bool must_be) {
    const CorpusFile* const known = info.find(file);
    if (!known && must_be) refuse(fmt::format("'{}' is {}, and it lists no file '{}'", part, pairs, file));
    if (known && known->lines != pairs)
      refuse(fmt::format("'{}' is {}, and '{}' has {}", part, pairs, file, counted(known->lines, "line")));
  };
  for (const auto& [part, pairs] :
       {std::pair("train", info.train), std::pair("valid", info.valid), std::pair("test", info.test)}) {
    for (const std::string& language : {info.source_language, info.target_language})
      require_lines(fmt::format("{}.{}", part, language), part, pairs, pairs > 0);
    for (const char* more : {"attribution", "gold"})
      require_lines(fmt::format("{}.{}", part, more), part, pairs, false);
  }
  if (info.references == 0) refuse("'references' is 0, and a test has one at least");
  for (uint64_t n = 2; n <= info.references; ++n)
    require_lines(fmt::format("test.{}.{}", n, info.target_language), "test", info.test, true);
  for (const auto& [part, documents] : info.documents)
    require_lines(part + ".documents", fmt::format("documents.{}", part).c_str(), documents, true);
  uint64_t further = 0;
  for (const CorpusTest& test : info.tests) {
    for (const std::string& language : {info.source_language, info.target_language})
      require_lines(fmt::format("{}.{}", test.name, language), test.name.c_str(), test.pairs, true);
    further += test.pairs;
  }
  const uint64_t kept = info.train + info.valid + info.test;
  if (info.sources > kept)
    refuse(fmt::format("'sources' is {}, of {} in all parts", info.sources, counted(kept, "pair")));
  if (info.test_long > info.test)
    refuse(fmt::format("'test_long' is {}, and 'test' is {}", info.test_long, info.test));
  if (info.test_seen > info.test)
    refuse(fmt::format("'test_seen' is {}, and 'test' is {}", info.test_seen, info.test));
  if (info.inputs.empty()) return;  // a corpus that was not read but made
  uint64_t read = 0, dropped = 0;
  for (const CorpusInput& input : info.inputs) read += input.pairs;
  for (const auto& [reason, pairs] : info.dropped) dropped += pairs;
  const uint64_t least = kept + further + dropped, most = least + info.test * (info.references - 1);
  if (read < least || read > most) {
    refuse(fmt::format("{} pairs were read, {} are in its parts and {} were dropped", read, kept + further,
                       dropped));
  }
}

bool is_fingerprint(const std::string& text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

const CorpusFile* CorpusInfo::find(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &CorpusFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::string corpus_json(const CorpusInfo& info) {
  Json json{{"format", kCorpusFormat},
            {"version", kCorpusVersion},
            {"writer", info.writer},
            {"source_language", info.source_language},
            {"target_language", info.target_language},
            {"licence", info.licence},
            {"attribution", info.attribution},
            {"inputs", Json::array()},
            {"seed", info.seed},
            {"sources", info.sources},
            {"train", info.train},
            {"valid", info.valid},
            {"test", info.test},
            {"references", info.references},
            {"long_words", info.long_words},
            {"test_long", info.test_long},
            {"settings", Json::object()},
            {"dropped", Json::object()},
            {"files", Json::object()}};
  for (const CorpusInput& input : info.inputs)
    json["inputs"].push_back({{"name", input.name}, {"pairs", input.pairs}});
  for (const auto& [key, value] : info.settings) json["settings"][key] = value;
  for (const auto& [key, pairs] : info.dropped) json["dropped"][key] = pairs;
  for (const auto& [part, documents] : info.documents) json["documents"][part] = documents;
  if (info.test_seen > 0) json["test_seen"] = info.test_seen;
  for (const CorpusTest& test : info.tests)
    json["tests"].push_back({{"name", test.name}, {"pairs", test.pairs}});
  for (const CorpusFile& file : info.files)
    json["files"][file.name] = {{"lines", file.lines}, {"fingerprint", file.fingerprint}};
  return replaced_invalid(json);
}

CorpusInfo parse_corpus_json(std::string_view text, const std::string& name) {
  const Json json = parse_json<Json>(text);
  if (!json.is_object() || json.value("format", Json()) != kCorpusFormat)
    throw FormatError(fmt::format("'{}' is not the description of a corpus", name));
  const Fields fields(json, name);
  if (const uint64_t version = fields.number("version"); version != kCorpusVersion) {
    throw FormatError(
        fmt::format("'{}' is of version {}, and this heed reads version {}", name, version, kCorpusVersion));
  }
  CorpusInfo info;
  info.writer = fields.text("writer");
  info.source_language = fields.text("source_language");
  info.target_language = fields.text("target_language");
  for (const char* key : {"source_language", "target_language"}) {
    if (!language_code(/*may_be_empty=*/false).fits(fields.text(key)))
      fields.refuse("the code of a language", key);
  }
  info.licence = fields.text("licence");
  info.attribution = fields.text("attribution");
  for (const Json& input : fields.list("inputs")) {
    const Fields f(input, name);
    info.inputs.push_back({f.text("name"), f.count("pairs")});
  }
  info.seed = fields.number("seed");
  info.sources = fields.count("sources");
  info.train = fields.count("train");
  info.valid = fields.count("valid");
  info.test = fields.count("test");
  info.references = fields.count("references");
  info.long_words = fields.count("long_words");
  info.test_long = fields.count("test_long");
  for (const auto& [key, value] : fields.object("settings").items()) {
    if (!value.is_string()) fields.refuse("a text", key);
    info.settings.emplace_back(key, value.get<std::string>());
  }
  const Fields dropped(fields.object("dropped"), name);
  for (const auto& [key, value] : fields.object("dropped").items())
    info.dropped.emplace_back(key, dropped.count(key.c_str()));
  if (json.contains("documents")) {
    const Fields documents(fields.object("documents"), name);
    for (const char* part : {"train", "valid", "test"}) {
      if (fields.object("documents").contains(part)) info.documents.emplace_back(part, documents.count(part));
    }
  }
  if (json.contains("test_seen")) info.test_seen = fields.count("test_seen");
  if (json.contains("tests")) {
    for (const Json& test : fields.list("tests")) {
      const Fields f(test, name);
      info.tests.push_back({f.text("name"), f.count("pairs")});
    }
  }
  for (const auto& [key, value] : fields.object("files").items()) {
    const Fields f(value, name);
    if (!is_file_name(key)) fields.refuse("the name of a file", key);
    info.files.push_back({key, f.count("lines"), f.text("fingerprint")});
    if (!is_fingerprint(info.files.back().fingerprint)) f.refuse("16 hexadecimal digits", "fingerprint");
  }
  require_consistent(info, name);
  return info;
}

CorpusInfo read_corpus(const fs::path& folder) {
  const fs::path file = folder / kCorpusFile;
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw IoError(fmt::format("there is no corpus folder '{}'", folder.string()));
  if (!fs::is_regular_file(file, error))
    throw IoError(fmt::format("'{}' is no corpus folder: it has no {}", folder.string(), kCorpusFile));
  return parse_corpus_json(read_file(file), file.string());
}

namespace {

// Lines and fingerprint of a file as it is now, read in pieces.
CorpusFile measured(const fs::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) throw IoError(fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno)));
  CorpusFile result{path.filename().string(), 0, ""};
  Fingerprint hash;
  std::vector<char> buffer(size_t{1} << 18);
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.add({buffer.data(), count});
    result.lines += static_cast<uint64_t>(
        std::count(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
  }
  if (std::ferror(file.get()))
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno)));
  result.fingerprint = hash.str();
  return result;
}

}  // namespace

fs::path corpus_file(const fs::path& folder, const CorpusInfo& info, const std::string& name) {
  const CorpusFile* const known = info.find(name);
  const fs::path path = folder / name;
  if (!known) throw ValueError(fmt::format("the corpus '{}' has no {}", folder.string(), name));
  std::error_code error;
  if (!fs::is_regular_file(path, error))
    throw IoError(fmt::format("'{}' is gone: {} names it", path.string(), (folder / kCorpusFile).string()));
  const CorpusFile now = measured(path);
  if (now.fingerprint != known->fingerprint || now.lines != known->lines) {
    throw FormatError(
        fmt::format("'{}' is not what was written with the corpus: {}", path.string(),
                    now.lines == known->lines
                        ? std::string("its lines are others")
                        : fmt::format("{}, and it had {}", counted(now.lines, "line"), known->lines)));
  }
  return path;
}

LineFile::LineFile(const fs::path& path, fs::path shown)
    : shown_(shown.empty() ? path : std::move(shown)), file_(std::fopen(path.c_str(), "wbx")) {
  if (!file_) fail();
}

LineFile::~LineFile() {
  if (file_) std::fclose(file_);
}

void LineFile::fail() const {
  throw IoError(fmt::format("cannot write '{}': {}", shown_.string(), std::strerror(errno)));
}

void LineFile::write(std::string_view line) {
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fputc('\n', file_) == EOF)
    fail();
  fingerprint_.add(line);
  fingerprint_.add("\n");
  ++lines_;
}

CorpusFile LineFile::close() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0) fail();
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail();
  return {shown_.filename().string(), lines_, fingerprint_.str()};
}

// Whether a folder has nothing in it but what trainings can make again.
bool holds_ids_alone(const fs::path& folder) {
  return fs::is_directory(fs::symlink_status(folder)) &&
         std::ranges::all_of(list_folder(folder),
                             [](const fs::path& file) { return is_id_file(file.filename().string()); });
}

// A folder in the way is empty, or holds a corpus of the same writer and nothing else.
void require_free_folder(const fs::path& folder, const std::string& writer, bool overwrite) {
  if (!file_exists(folder)) return;
  if (!fs::is_directory(folder)) throw IoError(fmt::format("'{}' is a file, not a folder", folder.string()));
  const std::vector<fs::path> entries = list_folder(folder);
  if (entries.empty()) return;
  const auto foreign = [&](const std::string& name) {
    throw IoError(fmt::format("'{}' was not written by {}, or was changed since; it is left alone",
                              (folder / name).string(), writer));
  };
  CorpusInfo info;
  try {
    if (!file_exists(folder / kCorpusFile)) {
      if (overwrite) foreign(entries.front().filename().string());
      throw IoError(fmt::format("'{}' exists already and holds no corpus of {}; choose another folder",
                                folder.string(), writer));
    }
    info = read_corpus(folder);
  } catch (const FormatError&) {
    foreign(kCorpusFile);
  }
  if (info.writer != writer) foreign(kCorpusFile);
  if (!overwrite)
    throw IoError(
        fmt::format("'{}' exists already (--overwrite replaces the corpus in it)", folder.string()));
  for (const fs::path& entry : entries) {
    const std::string name = entry.filename().string();
    if (name == kCorpusFile) continue;
    if (name == kIdFolder && holds_ids_alone(entry)) continue;
    const CorpusFile* const known = info.find(name);
    if (!known || !fs::is_regular_file(fs::symlink_status(entry)) ||
        measured(entry).fingerprint != known->fingerprint)
      foreign(name);
  }
}

CorpusWriter::CorpusWriter(const fs::path& folder, std::string writer, bool overwrite)
    : folder_(folder),
      writer_(std::move(writer)),
      overwrite_(overwrite),
      beside_((require_free_folder(folder, writer_, overwrite), folder)) {}

LineFile& CorpusWriter::file(const std::string& name) {
  for (auto& [known, file] : files_) {
    if (known == name) return file;
  }
  return files_
      .emplace_back(std::piecewise_construct, std::forward_as_tuple(name),
                    std::forward_as_tuple(work() / name, folder_ / name))
      .second;
}

void CorpusWriter::finish(CorpusInfo& info) {
  info.writer = writer_;
  info.files.clear();
  for (auto& [name, file] : files_) info.files.push_back(file.close());
  files_.clear();
  beside_.as_in_place([&] { write_file_atomically(work() / kCorpusFile, corpus_json(info)); });
  require_free_folder(folder_, writer_, overwrite_);
  beside_.take_place(kCorpusFile);
}

}  // namespace heed::models
