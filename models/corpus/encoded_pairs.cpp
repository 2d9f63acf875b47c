#include "models/corpus/encoded_pairs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <numeric>

#include "framework/core/error.h"
#include "models/text/fingerprint.h"
#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

static_assert(std::endian::native == std::endian::little, "the numbers of a block are little-endian");

constexpr uint64_t kTogether = 64;  // pairs whose beginning is known as one
constexpr std::string_view kMark = "heedids1";

// The end of a block.
struct Footer {
  std::array<char, 8> mark{};
  uint64_t key = 0, pairs = 0, ids = 0, id_bytes = 0, skipped = 0;
  std::array<uint64_t, 2> tokens{}, unknown{};
  std::array<uint64_t, 2> entries{};
  uint64_t hash = 0;
  std::array<uint64_t, 3> zeros{};
};
static_assert(sizeof(Footer) == 128);

uint64_t rounded_up(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

void add_counts(PairHash& hash, const PairCounts& counts, std::span<const uint64_t> entries) {
  for (const PairCounts::Side& side : {counts.source, counts.target}) {
    hash.add(side.tokens);
    hash.add(side.unknown);
  }
  hash.add(counts.skipped);
  for (const uint64_t number : entries) hash.add(number);
}

// A file that is mapped to be read.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about = {};
    if (file < 0 || ::fstat(file, &about) != 0) fail(path, file);
    size_ = static_cast<size_t>(about.st_size);
    if (size_ > 0) data_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    if (data_ == MAP_FAILED) fail(path, file);
    ::close(file);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  [[noreturn]] static void fail(const std::filesystem::path& path, int file) {
    const int error = errno;
    if (file >= 0) ::close(file);
    throw IoError(fmt::format("cannot read '{}': {}", path.string(), std::strerror(error)));
  }
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace

void PairHash::add(uint64_t number) { hash_ = mixed_bits(hash_ + 0x9E3779B97F4A7C15U + number); }

void PairHash::add(std::span<const int> source, std::span<const int> target) {
  for (const std::span<const int> ids : {source, target}) {
    add(ids.size());
    for (const int id : ids) add(static_cast<uint64_t>(id));
  }
}

void PairCounts::Side::add(std::span<const int> ids) {
  for (const int id : ids) {
    if (id == Vocabulary::kEos) continue;
    ++tokens;
    unknown += id == Vocabulary::kUnk ? 1 : 0;
  }
}

double PairCounts::Side::share() const {
  return tokens == 0 ? 0 : static_cast<double>(unknown) / static_cast<double>(tokens);
}

EncodedPairs::EncodedPairs(std::span<const EncodedPair> pairs) {
  int most[2] = {0, 0};
  for (const EncodedPair& pair : pairs) {
    for (const int id : pair.source) most[0] = std::max(most[0], id);
    for (const int id : pair.target) most[1] = std::max(most[1], id);
  }
  *this = in_memory(most[0] + 1, most[1] + 1, [&](PairWriter& writer) {
    for (const EncodedPair& pair : pairs) writer.add(pair.source, pair.target);
  });
}

EncodedPairs EncodedPairs::in_memory(int source_entries, int target_entries,
                                     const std::function<void(PairWriter&)>& fill) {
  const auto block = std::make_shared<std::string>();
  PairWriter writer(source_entries, target_entries, 0, [&](std::string_view part) { block->append(part); });
  fill(writer);
  writer.finish();
  EncodedPairs pairs;
  pairs.open(std::as_bytes(std::span(*block)), "pairs in memory");
  pairs.owner_ = block;
  return pairs;
}

EncodedPairs EncodedPairs::map(const std::filesystem::path& path, uint64_t key) {
  const auto file = std::make_shared<const Mapping>(path);
  EncodedPairs pairs;
  pairs.open(file->bytes(), fmt::format("'{}'", path.string()));
  pairs.owner_ = file;
  pairs.mapped_ = true;
  if (pairs.key_ != key) throw FormatError(fmt::format("{} is of other text", pairs.name_));
  pairs.check_ids();
  return pairs;
}

// Checks what the reading of pairs relies on, but for the ids themselves.
void EncodedPairs::open(std::span<const std::byte> block, const std::string& name) {
  name_ = name;
  const auto damaged = [&](const char* what) {
    throw FormatError(fmt::format("{} is not a whole file of ids: {}", name, what));
  };
  Footer footer;
  if (block.size() < sizeof(footer)) damaged("it is too short");
  std::memcpy(&footer, block.data() + block.size() - sizeof(footer), sizeof(footer));
  if (std::string_view(footer.mark.data(), footer.mark.size()) != kMark) damaged("its end is missing");
  const uint64_t most = block.size();  // no number is larger, so that no sum overflows
  if (footer.pairs > most || footer.ids > most || (footer.id_bytes != 2 && footer.id_bytes != 4))
    damaged("it contradicts itself");
  const uint64_t groups = (footer.pairs + kTogether - 1) / kTogether;
  const uint64_t ids = rounded_up(footer.ids * footer.id_bytes), lengths = footer.pairs * sizeof(PairLengths);
  if (ids + lengths + groups * sizeof(uint64_t) + sizeof(footer) != block.size())
    damaged("it has another size");
  ids_ = block.first(footer.ids * footer.id_bytes);
  lengths_ = {reinterpret_cast<const PairLengths*>(block.data() + ids), footer.pairs};
  begins_ = {reinterpret_cast<const uint64_t*>(block.data() + ids + lengths), groups};
  uint64_t at = 0;
  for (uint64_t i = 0; i < footer.pairs; ++i) {
    if (i % kTogether == 0 && begins_[i / kTogether] != at) damaged("its pairs do not follow each other");
    at += uint64_t{lengths_[i].source} + lengths_[i].target;
  }
  if (at != footer.ids) damaged("its pairs have other lengths");
  for (const uint64_t entries : footer.entries) {
    if (entries > uint64_t{std::numeric_limits<int>::max()} + 1) damaged("it contradicts itself");
  }
  key_ = footer.key;
  hash_ = footer.hash;
  id_bytes_ = footer.id_bytes;
  std::ranges::copy(footer.entries, entries_);
  counts_ = {{footer.tokens[0], footer.unknown[0]}, {footer.tokens[1], footer.unknown[1]}, footer.skipped};
  bytes_ = block.size();
}

template <class Id>
void EncodedPairs::read(uint64_t at, std::vector<int>& ids, size_t count) const {
  const Id* const from = reinterpret_cast<const Id*>(ids_.data()) + at;
  ids.assign(from, from + count);
}

EncodedPair EncodedPairs::operator[](int64_t i) const {
  const auto index = static_cast<uint64_t>(i);
  HEED_ASSERT(i >= 0 && index < lengths_.size());
  uint64_t at = begins_[index / kTogether];
  for (uint64_t before = index / kTogether * kTogether; before < index; ++before)
    at += uint64_t{lengths_[before].source} + lengths_[before].target;
  EncodedPair pair;
  const auto [source, target] = lengths_[index];
  if (id_bytes_ == 2) {
    read<uint16_t>(at, pair.source, source);
    read<uint16_t>(at + source, pair.target, target);
  } else {
    read<int32_t>(at, pair.source, source);
    read<int32_t>(at + source, pair.target, target);
  }
  // a file that is changed while it is mapped must not become an index behind the end of an embedding
  const auto known = [](const std::vector<int>& ids, uint64_t entries) {
    return std::ranges::all_of(ids, [&](int id) { return id >= 0 && static_cast<uint64_t>(id) < entries; });
  };
  if (!known(pair.source, entries_[0]) || !known(pair.target, entries_[1]))
    throw FormatError(fmt::format("{} is damaged: pair {} has ids of no vocabulary", name_, i + 1));
  if (links_) pair.links = (*links_)[index];
  return pair;
}

// Reads the whole file once: that its ids are those that were written, and the hash that hash() gives, which
// begins with the number of pairs and so cannot be made while they are written.
void EncodedPairs::check_ids() {
  constexpr int64_t kBetween = 1 << 18;  // pairs; some 20 MB
  PairHash written;
  whole_.add(static_cast<uint64_t>(size()));
  for (int64_t i = 0; i < size(); ++i) {
    const EncodedPair pair = (*this)[i];
    written.add(pair.source, pair.target);
    whole_.add(pair.source, pair.target);
    if (i % kBetween == kBetween - 1) release_pages();
  }
  release_pages();
  add_counts(written, counts_, entries_);
  if (written.value() != hash_)
    throw FormatError(fmt::format("{} is damaged: its ids are not those that were written", name_));
}

PairHash EncodedPairs::hash() const {
  if (mapped_) return whole_;
  PairHash hash;
  hash.add(static_cast<uint64_t>(size()));
  for (int64_t i = 0; i < size(); ++i) {
    const EncodedPair pair = (*this)[i];
    hash.add(pair.source, pair.target);
  }
  return hash;
}

void EncodedPairs::release_pages() const {
  if (!mapped_) return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(ids_.data()) / page * page;  // a mapping begins with a page
  ::madvise(reinterpret_cast<void*>(begin), ids_.size(), MADV_DONTNEED);      // only a hint
}

void EncodedPairs::set_links(std::vector<std::vector<AlignmentLink>> links) {
  HEED_ASSERT(links.size() == lengths_.size());
  links_ = std::make_shared<const std::vector<std::vector<AlignmentLink>>>(std::move(links));
}

PairWriter::PairWriter(int source_entries, int target_entries, uint64_t key,
                       std::function<void(std::string_view)> write)
    : write_(std::move(write)),
      key_(key),
      id_bytes_(std::max(source_entries, target_entries) <= 0x10000 ? 2 : 4),
      entries_{static_cast<uint64_t>(source_entries), static_cast<uint64_t>(target_entries)} {}

template <class Id>
void PairWriter::append(std::span<const int> ids) {
  for (const int id : ids) {
    const Id value = static_cast<Id>(id);
    buffer_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
}

void PairWriter::flush() {
  write_(buffer_);
  buffer_.clear();
}

void PairWriter::add(std::span<const int> source, std::span<const int> target) {
  constexpr size_t kBuffer = 1 << 20;
  if (lengths_.size() >= std::numeric_limits<uint32_t>::max())
    throw ValueError("a training takes at most 4294967295 pairs");
  if (lengths_.size() % kTogether == 0) begins_.push_back(ids_);
  lengths_.push_back({static_cast<uint32_t>(source.size()), static_cast<uint32_t>(target.size())});
  for (const std::span<const int> ids : {source, target}) {
    if (id_bytes_ == 2) {
      append<uint16_t>(ids);
    } else {
      append<int32_t>(ids);
    }
    ids_ += ids.size();
  }
  counts_.source.add(source);
  counts_.target.add(target);
  hash_.add(source, target);
  if (buffer_.size() >= kBuffer) flush();
}

void PairWriter::finish() {
  flush();
  add_counts(hash_, counts_, entries_);
  write_(std::string(rounded_up(ids_ * id_bytes_) - ids_ * id_bytes_, '\0'));
  write_(bytes_of(lengths_));
  write_(bytes_of(begins_));
  Footer footer{.key = key_,
                .pairs = lengths_.size(),
                .ids = ids_,
                .id_bytes = id_bytes_,
                .skipped = counts_.skipped,
                .tokens = {counts_.source.tokens, counts_.target.tokens},
                .unknown = {counts_.source.unknown, counts_.target.unknown},
                .entries = {entries_[0], entries_[1]},
                .hash = hash_.value()};
  std::ranges::copy(kMark, footer.mark.begin());
  write_({reinterpret_cast<const char*>(&footer), sizeof(footer)});
}

Batch make_batch(const EncodedPairs& pairs, std::span<const uint32_t> indices) {
  std::vector<EncodedPair> taken;
  for (const uint32_t i : indices) taken.push_back(pairs[i]);
  return make_batch(taken);
}

}  // namespace heed::models
