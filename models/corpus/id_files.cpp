#include "models/corpus/id_files.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "framework/core/error.h"
#include "framework/io/disk_space.h"
#include "framework/io/file.h"
#include "models/text/counted.h"
#include "models/text/fingerprint.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigits = 16;  // of a fingerprint
constexpr const char* kEnding = ".ids";

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void remove_stale(const fs::path& folder, const std::string& text_mark) {
  for (const fs::path& path : list_folder(folder)) {
    const std::string name = path.filename().string();
    if (is_id_file(name) && !name.starts_with(text_mark)) remove_file(path);
  }
}

}  // namespace

bool is_id_file(const std::string& file) {
  // with what a writer leaves that was killed where files need a name from the beginning
  const std::string name = file.substr(0, file.find(".tmp"));
  const std::string_view digits = std::string_view(name).substr(0, 2 * kDigits + 1);
  return name.size() == digits.size() + std::string_view(kEnding).size() && name.ends_with(kEnding) &&
         digits[kDigits] == '-' && digits.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

EncodedPairs stored_pairs(const IdSource& from, const std::function<void(PairWriter&)>& fill,
                          const std::function<void(const std::string&)>& note, IdFile& file) {
  Fingerprint fingerprint;
  fingerprint.add(from.text_mark);
  fingerprint.add(from.encoding);
  const uint64_t key = fingerprint.value();
  file.path = from.folder / fmt::format("{}-{:016x}{}", from.text_mark, key, kEnding);
  const auto mapped = [&] {
    EncodedPairs pairs = EncodedPairs::map(file.path, key);
    file.bytes = pairs.bytes();
    return pairs;
  };
  const auto say = [&](const std::string& line) {
    if (note) note(line);
  };
  const auto begin = std::chrono::steady_clock::now();
  std::optional<AtomicFile> output;
  try {
    std::string why;  // it is made anew
    std::error_code ignored;
    const fs::file_status there = fs::symlink_status(file.path, ignored);
    if (fs::exists(there) && !fs::is_regular_file(there))
      throw IoError(fmt::format("'{}' is no file", file.path.string()));
    if (fs::exists(there)) {
      try {
        return mapped();
      } catch (const FormatError& error) {
        why = fmt::format(" again: {}", error.what());
      }
    }
    make_folder(from.folder);
    remove_stale(from.folder, from.text_mark);
    output.emplace(file.path);
    say(fmt::format("encoding the training pairs into '{}'{}", file.path.string(), why));
    PairWriter writer(from.source_entries, from.target_entries, key,
                      [&](std::string_view part) { output->write(part); });
    fill(writer);
    writer.finish();
    output->commit();
  } catch (const IoError& error) {
    say(fmt::format("the ids of the training pairs are held in memory: {}", error.what()));
    file.path.clear();
    EncodedPairs pairs = EncodedPairs::in_memory(from.source_entries, from.target_entries, fill);
    file.bytes = pairs.bytes();
    return pairs;
  }
  EncodedPairs pairs = mapped();
  say(fmt::format("encoded {} in {:.1f} s: {}", counted(pairs.size(), "pair"), seconds_since(begin),
                  bytes_text(static_cast<int64_t>(pairs.bytes()))));
  return pairs;
}

}  // namespace heed::models
