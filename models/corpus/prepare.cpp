#include "models/corpus/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/archive.h"
#include "models/corpus/packed_stream.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

// The pairs that were kept, in a file that is written once and read once.
class Spool {
 public:
  explicit Spool(fs::path path)
      : path_(std::move(path)), file_(std::fopen(path_.c_str(), "w+bx"), &std::fclose) {
    if (!file_) fail("write");
  }
  void add(const RawPair& pair) {
    for (const std::string_view text : {pair.source, pair.target, pair.attribution}) {
      const auto size = static_cast<uint32_t>(text.size());  // a line has a mebibyte at most
      if (std::fwrite(&size, sizeof size, 1, file_.get()) != 1 ||
          (!text.empty() && std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()))
        fail("write");
    }
  }
  void rewind() {
    if (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) fail("write");
  }
  // The next pair; there must be one.
  RawPair next() {
    for (std::string& text : texts_) {
      uint32_t size = 0;
      if (std::fread(&size, sizeof size, 1, file_.get()) != 1) fail("read");
      text.resize(size);
      if (std::fread(text.data(), 1, size, file_.get()) != size) fail("read");
    }
    return {texts_[0], texts_[1], texts_[2]};
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw IoError(fmt::format("cannot {} '{}': {}", what, path_.string(), std::strerror(errno)));
  }
  fs::path path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::array<std::string, 3> texts_;
};

// What is dropped: counted, and written where somebody wants to see it.
class Drops {
 public:
  explicit Drops(const fs::path& path) {
    if (!path.empty()) file_.emplace(path);
  }
  void add(Drop why, std::string_view source, std::string_view target) {
    ++counts_[static_cast<size_t>(why)];
    if (!file_) return;
    lines_ += fmt::format("{}\t{}\t{}\n", key_of(why), source, target);
    if (lines_.size() < (size_t{1} << 16)) return;
    file_->write(lines_);
    lines_.clear();
  }
  void close(CorpusInfo& info) {
    for (size_t i = 0; i < kDrops; ++i) {
      if (counts_[i] > 0) info.dropped.emplace_back(key_of(static_cast<Drop>(i)), counts_[i]);
    }
    if (!file_) return;
    file_->write(lines_);
    file_->commit();
  }

 private:
  std::array<uint64_t, kDrops> counts_{};
  std::optional<AtomicFile> file_;
  std::string lines_;
};

// The lines of a part, in its files.
class PartWriter {
 public:
  PartWriter(CorpusWriter& writer, const PrepareOptions& options, const std::string& part, bool attribution)
      : source_(writer.file(part + "." + options.source_language)),
        target_(writer.file(part + "." + options.target_language)),
        attribution_(attribution ? &writer.file(part + ".attribution") : nullptr) {}
  void write(const RawPair& pair) {
    source_.write(pair.source);
    target_.write(pair.target);
    if (attribution_) attribution_->write(pair.attribution);
  }

 private:
  LineFile &source_, &target_, *attribution_;
};

// A held-back sentence: its first translation is in the part's file, further ones of a test in theirs.
struct Held {
  std::string source;
  std::vector<std::string> targets;
};

constexpr uint64_t kPoll = 4096;  // pairs between two calls of `read`

void avoid_sentences(Cleaner& cleaner, const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    LineSource lines = open_lines(file);
    for (std::string_view line; lines.next(line);) {
      if (const std::string_view sentence = trimmed(line); !sentence.empty()) cleaner.avoid(sentence);
    }
  }
}

// Without the folders of this machine.
std::string name_of_input(const PairInput& input) {
  const auto name = [](const fs::path& path) {
    return path == "/dev/stdin" ? "standard input" : path.filename().string();
  };
  return input.target.empty() ? name(input.source) : name(input.source) + " and " + name(input.target);
}

// "CC-BY 2.0 (France)" of a pair of manythings.org: "CC-BY 2.0 (France) Attribution: tatoeba.org #1 (a) & #2
// (b)".
std::string licence_in(std::string_view attribution) {
  const size_t end = attribution.find(" Attribution:");
  return end == attribution.npos || first_invalid_utf8(attribution) ? ""
                                                                    : std::string(attribution.substr(0, end));
}

// README and LICENSE of the archives, "opus.zip.README".
void keep_notes(CorpusWriter& writer, const std::vector<PairInput>& inputs) {
  std::set<std::string> names;
  for (const PairInput& input : inputs) {
    for (const PairNote& note : notes_of(input)) {
      std::string name = fmt::format("{}.{}", input.source.filename().string(), note.name);
      std::ranges::replace_if(
          name, [](char c) { return c != '.' && c != '-' && !std::isalnum(static_cast<unsigned char>(c)); },
          '_');
      name = name.substr(0, 100);
      if (!names.insert(name).second) continue;
      LineFile& file = writer.file(name);
      for (const std::string& line : note.lines) file.write(line);
    }
  }
}

SplitKey key_of_pair(std::string_view source, std::string_view target) {
  return {text_hash(folded(source)), text_hash(folded(target)), static_cast<uint32_t>(count_words(source))};
}

std::vector<std::pair<std::string, std::string>> settings_of(const PrepareOptions& o) {
  const auto limit = [](bool on, auto value) { return on ? fmt::format("{}", value) : std::string("off"); };
  const auto on = [](bool value) { return std::string(value ? "on" : "off"); };
  return {{"max_words", limit(o.clean.too_long, o.clean.max_words)},
          {"max_characters", limit(o.clean.too_long, o.clean.max_characters)},
          {"max_ratio", limit(o.clean.ratio, o.clean.max_ratio)},
          {"copied", on(o.clean.copied)},
          {"script", on(o.clean.script)},
          {"markup", on(o.clean.markup)},
          {"duplicate", on(o.clean.duplicate)},
          {"targets_apart", on(o.split.targets_apart)},
          {"references", fmt::format("{}", o.references)}};
}

}  // namespace

namespace {

// A member that is asked for must be one of something.
void require_archive(const std::vector<PairInput>& inputs) {
  std::string asked;
  for (const PairInput& input : inputs) {
    if (input.member.empty()) return;
    asked = input.member;
    for (const fs::path& path : {input.source, input.target}) {
      if (!path.empty() && (!fs::is_regular_file(path) || !archive_members(path).empty())) return;
    }
  }
  if (!asked.empty())
    throw ValueError("member", fmt::format("'{}' is of an archive, and none is given", asked));
}

}  // namespace

CorpusInfo prepare_corpus(const PrepareOptions& options, const std::function<void(uint64_t)>& read) {
  CorpusWriter writer(options.folder, "translator prepare", options.overwrite);
  uint64_t total = 0;
  const ReadWatch watch([&] { read(total); });
  Cleaner cleaner(options.clean, options.source_language, options.target_language);
  require_archive(options.inputs);
  avoid_sentences(cleaner, options.avoid);
  Drops drops(options.dropped);
  CorpusInfo info;
  std::vector<SplitKey> keys;
  const fs::path spool_path = writer.work() / "pairs.spool";
  std::optional<Spool> spool(spool_path);
  bool attribution = false;
  info.licence = options.licence;
  for (const PairInput& input : options.inputs) {
    const auto reader = open_pairs(input, options.table, options.source_language, options.target_language);
    attribution = attribution || reader->has_attribution();
    const uint64_t before = total;
    RawPair pair;
    for (auto found = reader->next(pair); found != PairReader::Found::end; found = reader->next(pair)) {
      if (++total % kPoll == 0) read(total);
      if (found == PairReader::Found::other_columns) {
        drops.add(trimmed(pair.source).empty() ? Drop::empty : Drop::columns, pair.source, "");
        continue;
      }
      pair = {trimmed(pair.source), trimmed(pair.target), trimmed(pair.attribution)};
      if (info.licence.empty()) info.licence = licence_in(pair.attribution);
      if (const auto why = cleaner.judge(pair.source, pair.target)) {
        drops.add(*why, pair.source, pair.target);
        continue;
      }
      keys.push_back(key_of_pair(pair.source, pair.target));
      spool->add(pair);
    }
    info.inputs.push_back({name_of_input(input), total - before});
  }
  read(total);
  if (keys.empty()) {
    throw ValueError("prepare", total == 0 ? "the input has no line"
                                           : fmt::format("no pair is left of {}: all were dropped", total));
  }
  const Split split = split_corpus(keys, options.split);

  PartWriter train(writer, options, "train", attribution);
  std::optional<PartWriter> valid, test;
  if (split.valid > 0) valid.emplace(writer, options, "valid", attribution);
  if (split.test > 0) test.emplace(writer, options, "test", attribution);
  std::unordered_map<uint64_t, size_t> rows;  // of the held-back sentences of both parts
  std::vector<Held> held;
  std::vector<size_t> test_rows;
  spool->rewind();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i % kPoll == 0) read(total);
    const RawPair pair = spool->next();
    const Part part = split.parts[i];
    if (part == Part::none) {
      drops.add(Drop::held_target, pair.source, pair.target);
    } else if (part == Part::train) {
      train.write(pair);
      ++info.train;
    } else if (const auto [found, is_new] = rows.try_emplace(keys[i].source, held.size()); is_new) {
      held.push_back({std::string(pair.source), {std::string(pair.target)}});
      const bool in_test = part == Part::test;
      (in_test ? *test : *valid).write(pair);
      ++(in_test ? info.test : info.valid);
      if (in_test) test_rows.push_back(found->second);
      if (in_test && static_cast<int64_t>(keys[i].words) >= options.split.long_words) ++info.test_long;
    } else if (Held& first = held[found->second]; first.source != pair.source) {
      drops.add(Drop::variant, pair.source, pair.target);
    } else if (part == Part::valid || static_cast<int64_t>(first.targets.size()) >= options.references) {
      drops.add(Drop::further, pair.source, pair.target);
    } else {
      first.targets.emplace_back(pair.target);
    }
  }
  for (const size_t row : test_rows)
    info.references = std::max<uint64_t>(info.references, held[row].targets.size());
  for (uint64_t n = 2; n <= info.references; ++n) {
    LineFile& file = writer.file(fmt::format("test.{}.{}", n, options.target_language));
    for (const size_t row : test_rows) {
      const std::vector<std::string>& targets = held[row].targets;
      file.write(targets[n <= targets.size() ? n - 1 : 0]);
    }
  }
  keep_notes(writer, options.inputs);
  spool.reset();
  remove_file(spool_path);
  if (info.train == 0) throw ValueError("prepare", "no pair is left to train on");

  info.source_language = options.source_language;
  info.target_language = options.target_language;
  info.attribution = options.attribution;
  info.seed = options.split.seed;
  info.sources = static_cast<uint64_t>(split.sources);
  info.long_words = static_cast<uint64_t>(options.split.long_words);
  info.settings = settings_of(options);
  drops.close(info);
  writer.finish(info);
  return info;
}

}  // namespace heed::models
