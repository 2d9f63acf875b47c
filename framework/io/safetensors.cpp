#include "framework/io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr uint64_t kMaxHeader = 100'000'000;

constexpr std::array<std::pair<const char*, DType>, 4> kFormatNames = {
    {{"F32", DType::f32}, {"F64", DType::f64}, {"I64", DType::i64}, {"BOOL", DType::boolean}}};

const char* format_name(DType dtype) {
  return std::ranges::find(kFormatNames, dtype, &std::pair<const char*, DType>::second)->first;
}

struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0, end = 0;
};

// A name in a form that fits in a one-line error message.
std::string printable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return name;
}

// A SAX handler that stores only the entries of the header while it is parsed: a full JSON tree of a
// malicious header would take many times the file's size.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool number_unsigned(number_unsigned_t n) override {
    if (skipped_ > 0 || (at_ != At::shape && at_ != At::offsets)) return other();
    if (at_ == At::shape) {
      if (shape_.size() == kMaxDims) throw wrong("has too many dimensions");
      shape_.push_back(n);
    } else {
      if (offsets_.size() == 2) throw no_entry();
      offsets_.push_back(n);
    }
    return true;
  }
  bool string(string_t& text) override {
    if (skipped_ > 0) return true;
    if (at_ == At::metadata) {
      metadata[key_] = text;
    } else if (at_ == At::entry && key_ == "dtype") {
      dtype_ = text;
    } else {
      return other();
    }
    return true;
  }
  bool start_object(size_t) override {
    if (skipped_ > 0 || (at_ == At::entry && !of_an_entry())) {
      ++skipped_;
    } else if (at_ == At::file) {
      at_ = At::names;
    } else if (at_ == At::names) {
      at_ = name_ == "__metadata__" ? At::metadata : At::entry;
      keys_.clear();
      shape_.clear();
      offsets_.clear();
    } else {
      return other();
    }
    return true;
  }
  bool start_array(size_t) override {
    if (skipped_ > 0 || (at_ == At::entry && !of_an_entry())) {
      ++skipped_;
    } else if (at_ == At::entry && key_ != "dtype") {
      at_ = key_ == "shape" ? At::shape : At::offsets;
    } else {
      return other();
    }
    return true;
  }
  bool end_object() override {
    if (skipped_ > 0) return --skipped_, true;
    if (at_ == At::entry) add_entry();
    at_ = at_ == At::names ? At::file : At::names;
    return true;
  }
  bool end_array() override {
    if (skipped_ > 0) return --skipped_, true;
    at_ = At::entry;
    return true;
  }
  bool key(string_t& name) override {
    if (skipped_ > 0) return true;
    if (!(at_ == At::names ? names_ : keys_).insert(name).second)
      throw failure(fmt::format("the name '{}' stands twice", printable(name)));
    (at_ == At::names ? name_ : key_) = name;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  enum class At { file, names, metadata, entry, shape, offsets };

  FormatError failure(const std::string& what) const {
    return FormatError(fmt::format("load '{}': {}", file_, what));
  }
  FormatError wrong(const std::string& what) const {
    return failure(fmt::format("'{}' {}", printable(name_), what));
  }
  FormatError no_entry() const { return wrong("has no dtype, shape and data_offsets"); }
  bool of_an_entry() const { return key_ == "dtype" || key_ == "shape" || key_ == "data_offsets"; }

  // Handles a value of an unexpected type: values of keys that the format does not define are skipped, all
  // others are an error.
  bool other() const {
    if (skipped_ > 0 || (at_ == At::entry && !of_an_entry())) return true;
    if (at_ == At::names && name_ == "__metadata__") throw failure("__metadata__ is not an object");
    if (at_ == At::metadata) throw failure("__metadata__ holds something that is not text");
    if (at_ == At::shape || at_ == At::offsets) throw failure("a size or offset is not a whole number");
    throw no_entry();
  }

  void add_entry() {
    if (!keys_.contains("dtype") || !keys_.contains("shape") || offsets_.size() != 2) throw no_entry();
    const auto* known =
        std::ranges::find_if(kFormatNames, [&](const auto& pair) { return dtype_ == pair.first; });
    if (known == kFormatNames.end())
      throw wrong("has dtype " + printable(dtype_) + ", which heed does not read (F32, F64, I64, BOOL)");
    Entry entry{name_, known->second, {}, offsets_[0], offsets_[1]};
    // strides are products of the other extents even if one extent is 0
    uint64_t bytes = size_of(entry.dtype), nonzero = bytes;
    for (const uint64_t n : shape_) {
      if (__builtin_mul_overflow(nonzero, std::max<uint64_t>(n, 1), &nonzero) || nonzero > INT64_MAX) {
        throw wrong("has a shape that is too large");
      }
      bytes *= n;
      entry.shape.push_back(static_cast<int64_t>(n));
    }
    if (entry.end < entry.begin || entry.end - entry.begin != bytes)
      throw wrong("has offsets that do not fit its shape");
    entries.push_back(std::move(entry));
  }

  const std::string& file_;
  At at_ = At::file;
  size_t skipped_ = 0;           // number of open brackets in a value that is skipped
  std::set<std::string> names_;  // names of the tensors seen so far
  std::set<std::string> keys_;   // keys of the current entry, or of the metadata
  std::string name_, key_, dtype_;
  std::vector<uint64_t> shape_, offsets_;
};

}  // namespace

std::string to_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  for (const auto& [name, x] : tensors) {
    if (name == "__metadata__")
      throw ValueError("save", "'__metadata__' names the format's own entry and no tensor");
    if (!x.defined()) throw ValueError("save", fmt::format("'{}' is undefined", printable(name)));
  }
  NamedTensors sorted = tensors;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    const size_t sa = size_of(a.second.dtype()), sb = size_of(b.second.dtype());
    return sa != sb ? sa > sb : a.first < b.first;
  });
  nlohmann::ordered_json header;
  std::set<std::string> names;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  if (header.is_null() && !sorted.empty()) header = nlohmann::ordered_json::object();
  // appended to: its own [] and contains search all of it
  auto* const object = header.get_ptr<nlohmann::ordered_json::object_t*>();
  uint64_t offset = 0;
  for (const auto& [name, x] : sorted) {
    if (!names.insert(name).second)
      throw ValueError("save", fmt::format("the name '{}' is used twice", name));
    const uint64_t bytes = static_cast<uint64_t>(x.numel()) * size_of(x.dtype());
    nlohmann::ordered_json entry = {{"dtype", format_name(x.dtype())},
                                    {"shape", std::vector<int64_t>(x.shape().begin(), x.shape().end())},
                                    {"data_offsets", {offset, offset + bytes}}};
    object->push_back({name, std::move(entry)});
    offset += bytes;
  }
  std::string text = "{}";
  try {
    if (!header.is_null()) text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError("save", "a name or a text of the metadata is not UTF-8");
  }
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  std::string bytes(8, '\0');
  const uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += text;
  for (const auto& [name, x] : sorted) {
    const Tensor dense = x.detach().contiguous();
    bytes.append(static_cast<const char*>(dense.raw_data()),
                 static_cast<size_t>(x.numel()) * size_of(x.dtype()));
  }
  return bytes;
}

SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& file) {
  const auto fail = [&](const char* what) { return FormatError(fmt::format("load '{}': {}", file, what)); };
  uint64_t length = 0;
  if (bytes.size() < 8) throw fail("the file is too short for safetensors");
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeader) throw fail("the header length is not plausible; not a safetensors file?");
  if (length > bytes.size() - 8) throw fail("the file ends inside its header");
  const std::string_view text = bytes.substr(8, length), data = bytes.substr(8 + length);
  if (text.empty() || text[0] != '{') throw fail("the header does not start with '{'");
  HeaderReader header(file);
  if (!nlohmann::json::sax_parse(text, &header)) throw fail("the header is not JSON");
  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  std::vector<Entry>& entries = header.entries;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) throw fail("tensors overlap or leave a hole");
    at = entry.end;
    if (at > data.size()) throw fail("the file is cut off: tensor data are missing");
  }
  if (at != data.size()) throw fail("there are bytes after the last tensor");
  for (const Entry& entry : entries) {
    const std::string_view values = data.substr(entry.begin, entry.end - entry.begin);
    if (entry.dtype == DType::boolean &&
        !std::ranges::all_of(values, [](char byte) { return byte == 0 || byte == 1; })) {
      throw fail("a bool is neither 0 nor 1");
    }
    Tensor x = empty(entry.shape, entry.dtype);
    std::memcpy(x.raw_data(), values.data(), values.size());
    result.tensors.emplace(entry.name, std::move(x));
  }
  return result;
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata) {
  write_file_atomically(path, to_safetensors(tensors, metadata));
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.filename().string());
}

}  // namespace heed
