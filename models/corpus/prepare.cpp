#include "models/corpus/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/archive.h"
#include "models/corpus/documents.h"
#include "models/corpus/packed_stream.h"
#include "models/corpus/part_files.h"
#include "models/text/counted.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

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
  if (!input.target.empty()) return name(input.source) + " and " + name(input.target);
  return name(input.source) + (input.source_member.empty() ? "" : ": " + input.source_member);
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
  std::set<fs::path> seen;
  for (const PairInput& input : inputs) {
    if (!seen.insert(input.source).second) continue;
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

std::vector<std::pair<std::string, std::string>> settings_of(const PrepareOptions& o, bool by_documents) {
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
          {"references", fmt::format("{}", o.references)},
          {"split", by_documents ? "documents" : "sentences"}};
}

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

class Preparation {
 public:
  Preparation(const PrepareOptions& options, const std::function<void(uint64_t)>& read)
      : options_(options),
        read_(read),
        writer_(options.folder, kPrepareWriter, options.overwrite),
        cleaner_(options.clean, options.source_language, options.target_language),
        drops_(options.dropped) {}

  CorpusInfo run() {
    return writer_.as_in_place([this] { return prepared(); });
  }

 private:
  CorpusInfo prepared() {
    const ReadWatch watch([&] { read_(total_); });
    require_archive(options_.inputs);
    avoid_sentences(cleaner_, options_.avoid);
    info_.licence = options_.licence;
    for (const GivenPart& part : options_.given) take_given(part);
    by_documents_ = decide_by_documents();
    const fs::path spool_path = writer_.work() / "pairs.spool";
    spool_.emplace(spool_path);
    for (const PairInput& input : options_.inputs) take(input);
    read_(total_);
    if (keys_.empty()) {
      throw ValueError("prepare", total_ == 0
                                      ? "the input has no line"
                                      : fmt::format("no pair is left of {}: all were dropped", total_));
    }
    if (by_documents_ && has_stream() && is_split())
      require_enough(std::set(groups_.begin(), groups_.end()).size(),
                     "; --split sentences takes them as any other");
    const Split split = make_split();
    spool_->rewind();
    write_parts(split);
    keep_notes(writer_, options_.inputs);
    spool_.reset();
    remove_file(spool_path);
    if (info_.train == 0) throw ValueError("prepare", "no pair is left to train on");
    describe(split);
    drops_.close(info_);
    writer_.finish(info_);
    return info_;
  }

  // Calls `with` for each pair of an input.
  template <class With>
  void read_input(const PairInput& input, PairReader& reader, const With& with) {
    RawPair pair;
    uint64_t pairs = 0;
    reader.number_documents_after(last_document_);
    for (auto found = reader.next(pair); found != PairReader::Found::end; found = reader.next(pair)) {
      ++pairs;
      if (++total_ % kPoll == 0) read_(total_);
      if (found == PairReader::Found::other_columns) {
        drops_.add(trimmed(pair.source).empty() ? Drop::empty : Drop::columns, pair.source, "");
        continue;
      }
      pair = {trimmed(pair.source), trimmed(pair.target), trimmed(pair.attribution), pair.document};
      with(pair);
    }
    if (input.pairs > 0 && pairs != input.pairs) {
      throw ValueError(fmt::format("'{}' has {}, and there must be {}: it is damaged, or another version",
                                   name_of_input(input), counted(pairs, "pair"), input.pairs));
    }
    last_document_ = std::max(last_document_, reader.last_document());
    info_.inputs.push_back({name_of_input(input), pairs});
  }
  std::unique_ptr<PairReader> open_input(const PairInput& input) const {
    return open_pairs(input, options_.table, options_.source_language, options_.target_language);
  }
  PartWriter part_writer(const std::string& part) {
    return {writer_,
            part,
            options_.source_language,
            options_.target_language,
            {.attribution = attribution_, .documents = by_documents_}};
  }

  void take_given(const GivenPart& part) {
    std::vector<std::unique_ptr<PairReader>> readers;
    for (const PairInput& input : part.inputs) readers.push_back(open_input(input));
    const bool documents =
        std::ranges::all_of(readers, [](const auto& reader) { return reader->has_documents(); });
    PartWriter file(writer_, part.name, options_.source_language, options_.target_language,
                    {.documents = documents});
    for (size_t i = 0; i < readers.size(); ++i) {
      read_input(part.inputs[i], *readers[i], [&](const RawPair& pair) {
        for (const std::string_view side : {pair.source, pair.target}) {
          if (first_invalid_utf8(side)) {
            throw FormatError(
                fmt::format("'{}' pair {} is not UTF-8", name_of_input(part.inputs[i]), file.pairs() + 1));
          }
          if (options_.apart && !side.empty()) cleaner_.avoid(side);
        }
        file.write(pair);
        if (part.name == "test" && count_words(pair.source) >= options_.split.long_words) ++info_.test_long;
      });
    }
    file.close();
    if (file.pairs() == 0) throw ValueError("prepare", fmt::format("'{}' has no pair", part.name));
    if (documents) info_.documents.emplace_back(part.name, file.documents());
    if (part.name == "valid") {
      info_.valid = file.pairs();
    } else if (part.name == "test") {
      info_.test = file.pairs();
    } else {
      info_.tests.push_back({part.name, file.pairs()});
      std::erase_if(info_.documents, [&](const auto& entry) { return entry.first == part.name; });
    }
  }

  static void require_documents(const PairInput& input, const PairReader& reader) {
    if (!reader.has_documents())
      throw ValueError("prepare", fmt::format("'{}' has no documents to split by", name_of_input(input)));
  }
  static constexpr size_t kEnough = 3;  // documents to share out
  static void require_enough(size_t documents, const char* hint = "") {
    if (documents >= kEnough) return;
    throw ValueError("prepare",
                     fmt::format("there {} {}: too few to split by{}", documents == 1 ? "is" : "are",
                                 counted(documents, "document"), hint));
  }
  // Whether a part is taken of the inputs.
  bool is_split() const {
    const SplitOptions& sizes = options_.split;
    return (!is_given("valid") && options_.valid_every == 0 && sizes.valid != 0) ||
           (!is_given("test") && (sizes.test != 0 || sizes.test_long != 0));
  }
  bool has_stream() const {
    return std::ranges::any_of(options_.inputs, [](const PairInput& input) {
      return is_stream(input.source) || is_stream(input.target) || is_stream(input.ids);
    });
  }
  // Whether all inputs have documents, and enough of them to share out.
  bool decide_by_documents() {
    if (options_.split_by == SplitBy::sentences) return false;
    const bool asked = options_.split_by == SplitBy::documents;
    if (has_stream())  // nobody can look into it first
      return asked || std::ranges::all_of(options_.inputs, &PairInput::blank_lines);
    std::set<std::string, std::less<>> groups;
    uint64_t last = 0;
    for (const PairInput& input : options_.inputs) {
      const auto reader = open_input(input);
      if (asked) require_documents(input, *reader);
      if (!reader->has_documents()) return false;
      reader->number_documents_after(last);
      RawPair pair;
      for (uint64_t pairs = 0; groups.size() < kEnough && reader->next(pair) != PairReader::Found::end;) {
        if (++pairs % kPoll == 0) read_(0);
        if (const auto group = group_of(pair.document); !groups.contains(group)) groups.emplace(group);
      }
      last = std::max(last, reader->last_document());
    }
    if (asked) require_enough(groups.size());
    return groups.size() >= kEnough;
  }

  void take(const PairInput& input) {
    const auto reader = open_input(input);
    if (by_documents_) require_documents(input, *reader);
    attribution_ = attribution_ || reader->has_attribution();
    uint64_t before = 0;  // hash of the pair before in the document
    std::string document;
    read_input(input, *reader, [&](const RawPair& pair) {
      if (info_.licence.empty()) info_.licence = licence_in(pair.attribution);
      if (by_documents_) {
        if (pair.document != document) before = 0;
        document = pair.document;
      }
      const auto why = cleaner_.judge(pair.source, pair.target, before);
      if (by_documents_) before = pair_hash(pair.source, pair.target);
      if (why) {
        drops_.add(*why, pair.source, pair.target);
        return;
      }
      keys_.push_back(key_of_pair(pair.source, pair.target));
      spool_->add(pair);
      if (!by_documents_) return;
      if (names_.empty() || names_.back() != document) names_.push_back(document);
      groups_.push_back(text_hash(group_of(document)));
      document_of_.push_back(static_cast<uint32_t>(names_.size() - 1));
    });
  }

  bool is_given(std::string_view part) const {
    return std::ranges::any_of(options_.given, [&](const GivenPart& given) { return given.name == part; });
  }
  Split make_split() const {
    SplitOptions sizes = options_.split;
    if (is_given("valid") || options_.valid_every > 0) sizes.valid = 0;
    if (is_given("test")) sizes.test = sizes.test_long = 0;
    Split split = by_documents_ ? split_documents(keys_, groups_, sizes) : split_corpus(keys_, sizes);
    if (options_.valid_every == 0) return split;
    const auto every = static_cast<size_t>(options_.valid_every);
    for (size_t i = every - 1, kept = 0; i < keys_.size(); i += every, ++kept) {
      split.parts[i] = Part::valid;
      split.valid = static_cast<int64_t>(kept) + 1;
    }
    return split;
  }

  // The parts as they come: all pairs of a held-back document, of each so many-th pair.
  void write_parts(const Split& split) {
    PartWriter train = part_writer("train");
    std::optional<PartWriter> valid, test;
    if (split.valid > 0) valid.emplace(part_writer("valid"));
    if (split.test > 0) test.emplace(part_writer("test"));
    HashSet trained;  // sources, where the test's may be among them
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (by_documents_ && split.parts[i] == Part::train) trained.insert(keys_[i].source);
    }
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (i % kPoll == 0) read_(total_);
      RawPair pair = spool_->next();
      if (by_documents_) pair.document = names_[document_of_[i]];
      const Part part = split.parts[i];
      if (part == Part::none) {
        drops_.add(Drop::held_target, pair.source, pair.target);
      } else if (part == Part::train) {
        train.write(pair);
      } else if (PartWriter& file = part == Part::test ? *test : *valid;
                 by_documents_ || options_.valid_every > 0 || hold_once(i, part, pair)) {
        file.write(pair);
        if (part != Part::test) continue;
        if (static_cast<int64_t>(keys_[i].words) >= options_.split.long_words) ++info_.test_long;
        if (by_documents_ && trained.contains(keys_[i].source)) ++info_.test_seen;
      }
    }
    const auto close = [&](PartWriter& file, const char* part, uint64_t& pairs) {
      file.close();
      pairs = file.pairs();
      if (by_documents_) info_.documents.emplace_back(part, file.documents());
    };
    close(train, "train", info_.train);
    if (valid) close(*valid, "valid", info_.valid);
    if (test) close(*test, "test", info_.test);
    write_references();
  }
  // Whether a held-back sentence is there for the first time; its further translations are kept or dropped.
  bool hold_once(size_t i, Part part, const RawPair& pair) {
    const auto [found, is_new] = rows_.try_emplace(keys_[i].source, held_.size());
    if (is_new) {
      held_.push_back({std::string(pair.source), {std::string(pair.target)}});
      if (part == Part::test) test_rows_.push_back(found->second);
    } else if (Held& first = held_[found->second]; first.source != pair.source) {
      drops_.add(Drop::variant, pair.source, pair.target);
    } else if (part == Part::valid || static_cast<int64_t>(first.targets.size()) >= options_.references) {
      drops_.add(Drop::further, pair.source, pair.target);
    } else {
      first.targets.emplace_back(pair.target);
    }
    return is_new;
  }
  void write_references() {
    for (const size_t row : test_rows_)
      info_.references = std::max<uint64_t>(info_.references, held_[row].targets.size());
    for (uint64_t n = 2; n <= info_.references; ++n) {
      LineFile& file = writer_.file(fmt::format("test.{}.{}", n, options_.target_language));
      for (const size_t row : test_rows_) {
        const std::vector<std::string>& targets = held_[row].targets;
        file.write(targets[n <= targets.size() ? n - 1 : 0]);
      }
    }
  }
  void describe(const Split& split) {
    info_.source_language = options_.source_language;
    info_.target_language = options_.target_language;
    info_.attribution = options_.attribution;
    info_.seed = options_.split.seed;
    info_.sources = static_cast<uint64_t>(split.sources);
    info_.long_words = static_cast<uint64_t>(options_.split.long_words);
    info_.settings = settings_of(options_, by_documents_);
  }

  const PrepareOptions& options_;
  const std::function<void(uint64_t)>& read_;
  CorpusWriter writer_;
  Cleaner cleaner_;
  Drops drops_;
  CorpusInfo info_;
  uint64_t total_ = 0;  // pairs read
  bool by_documents_ = false, attribution_ = false;
  uint64_t last_document_ = 0;  // of those that blank lines end, in all inputs so far
  std::optional<Spool> spool_;
  std::vector<SplitKey> keys_;
  std::vector<std::string> names_;             // of documents, in their order
  std::vector<uint32_t> document_of_;          // of each pair, in names_
  std::vector<uint64_t> groups_;               // of each pair
  std::unordered_map<uint64_t, size_t> rows_;  // of the held-back sentences of both parts, in held_
  std::vector<Held> held_;
  std::vector<size_t> test_rows_;
};

}  // namespace

CorpusInfo prepare_corpus(const PrepareOptions& options, const std::function<void(uint64_t)>& read) {
  return Preparation(options, read).run();
}

}  // namespace heed::models
