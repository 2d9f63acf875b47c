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

const char* format_name(DType dtype) { return std::ranges::find(kFormatNames, dtype, &std::pair<const char*, DType>::second)->first; }

struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0, end = 0;
};

// A name as it may stand in a message of one line.
std::string printable(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
  return name;
}

// Goes over a header without building it: equal keys, of which nlohmann keeps the last silently, and brackets or lists that no header has
// and that would take many times the file's size in memory.
class HeaderCheck : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderCheck(const std::string& file) : file_(file) {}
  bool null() override { return element(); }
  bool boolean(bool) override { return element(); }
  bool number_integer(number_integer_t) override { return element(); }
  bool number_unsigned(number_unsigned_t) override { return element(); }
  bool number_float(number_float_t, const string_t&) override { return element(); }
  bool string(string_t&) override { return element(); }
  bool binary(binary_t&) override { return element(); }
  bool start_object(size_t) override { return open(); }
  bool start_array(size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!levels_.back().keys.insert(name).second) {
      throw FormatError(fmt::format("load '{}': the name '{}' stands twice", file_, printable(name)));
    }
    levels_.back().elements = -1;  // keys are counted by their honest length
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  static constexpr size_t kMaxDepth = 16;
  static constexpr int kMaxElements = 1000;
  struct Level {
    std::set<std::string> keys;
    int elements = 0;
  };
  bool element() {
    if (!levels_.empty() && ++levels_.back().elements > kMaxElements) {
      throw FormatError(fmt::format("load '{}': the header has a list of more than {} elements", file_, kMaxElements));
    }
    return true;
  }
  bool open() {
    element();
    if (levels_.size() == kMaxDepth) throw FormatError(fmt::format("load '{}': the header nests deeper than {}", file_, kMaxDepth));
    levels_.emplace_back();
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }
  const std::string& file_;
  std::vector<Level> levels_;
};

nlohmann::json parse_header(std::string_view text, const std::string& file) {
  HeaderCheck check(file);
  if (!nlohmann::json::sax_parse(text, &check)) throw FormatError(fmt::format("load '{}': the header is not JSON", file));
  return nlohmann::json::parse(text);
}

uint64_t as_unsigned(const nlohmann::json& value, const std::string& file) {
  if (!value.is_number_unsigned()) throw FormatError(fmt::format("load '{}': a size or offset is not a whole number", file));
  return value.get<uint64_t>();
}

Entry read_entry(const std::string& name, const nlohmann::json& value, const std::string& file) {
  const auto fail = [&](const std::string& what) { return FormatError(fmt::format("load '{}': '{}' {}", file, printable(name), what)); };
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets") ||
      !value["dtype"].is_string() || !value["shape"].is_array() || !value["data_offsets"].is_array() || value["data_offsets"].size() != 2) {
    throw fail("has no dtype, shape and data_offsets");
  }
  Entry entry;
  entry.name = name;
  const auto dtype = value["dtype"].get<std::string>();
  const auto* known = std::ranges::find_if(kFormatNames, [&](const auto& pair) { return dtype == pair.first; });
  if (known == kFormatNames.end()) throw fail("has dtype " + printable(dtype) + ", which heed does not read (F32, F64, I64, BOOL)");
  entry.dtype = known->second;
  if (value["shape"].size() > kMaxDims) throw fail("has too many dimensions");
  uint64_t bytes = size_of(entry.dtype),
           nonzero = bytes;  // strides multiply out the extents beside a zero as well
  for (const auto& extent : value["shape"]) {
    const uint64_t n = as_unsigned(extent, file);
    if (__builtin_mul_overflow(nonzero, std::max<uint64_t>(n, 1), &nonzero) || nonzero > INT64_MAX) {
      throw fail("has a shape that is too large");
    }
    bytes *= n;
    entry.shape.push_back(static_cast<int64_t>(n));
  }
  entry.begin = as_unsigned(value["data_offsets"][0], file);
  entry.end = as_unsigned(value["data_offsets"][1], file);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) throw fail("has offsets that do not fit its shape");
  return entry;
}

}  // namespace

std::string to_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  for (const auto& [name, x] : tensors) {
    if (name == "__metadata__") throw ValueError("save: '__metadata__' names the format's own entry and no tensor");
    if (!x.defined()) throw ValueError(fmt::format("save: '{}' is undefined", printable(name)));
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
  auto* const object = header.get_ptr<nlohmann::ordered_json::object_t*>();  // appended to: its own [] and contains search all of it
  uint64_t offset = 0;
  for (const auto& [name, x] : sorted) {
    if (!names.insert(name).second) throw ValueError(fmt::format("save: the name '{}' is used twice", name));
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
    throw ValueError("save: a name or a text of the metadata is not UTF-8");
  }
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  std::string bytes(8, '\0');
  const uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += text;
  for (const auto& [name, x] : sorted) {
    const Tensor dense = x.detach().contiguous();
    bytes.append(static_cast<const char*>(dense.raw_data()), static_cast<size_t>(x.numel()) * size_of(x.dtype()));
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
  const nlohmann::json header = parse_header(text, file);
  SafetensorsFile result;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(name, value, file));
      continue;
    }
    if (!value.is_object()) throw fail("__metadata__ is not an object");
    for (const auto& [key, item] : value.items()) {
      if (!item.is_string()) throw fail("__metadata__ holds something that is not text");
      result.metadata[key] = item.get<std::string>();
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) throw fail("tensors overlap or leave a hole");
    at = entry.end;
    if (at > data.size()) throw fail("the file is cut off: tensor data are missing");
  }
  if (at != data.size()) throw fail("there are bytes after the last tensor");
  for (const Entry& entry : entries) {
    const std::string_view values = data.substr(entry.begin, entry.end - entry.begin);
    if (entry.dtype == DType::boolean && !std::ranges::all_of(values, [](char byte) { return byte == 0 || byte == 1; })) {
      throw fail("a bool is neither 0 nor 1");
    }
    Tensor x = empty(entry.shape, entry.dtype);
    std::memcpy(x.raw_data(), values.data(), values.size());
    result.tensors.emplace(entry.name, std::move(x));
  }
  return result;
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  write_file_atomically(path, to_safetensors(tensors, metadata));
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) { return parse_safetensors(read_file(path), path.filename().string()); }

}  // namespace heed
