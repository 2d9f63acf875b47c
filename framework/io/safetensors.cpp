#include "framework/io/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "framework/core/error.h"
#include "framework/core/half.h"
#include "framework/core/parallel.h"
#include "framework/io/file.h"

namespace heed {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

constexpr uint64_t kMaxHeader = 100'000'000;

struct TypeRow {
  FileType type;
  const char* name;
  size_t bytes;  // of an element in the file
  DType dtype;   // what it is read as
};
constexpr std::array<TypeRow, 10> kTypes{{{FileType::f32, "F32", 4, DType::f32},
                                          {FileType::f64, "F64", 8, DType::f64},
                                          {FileType::i64, "I64", 8, DType::i64},
                                          {FileType::boolean, "BOOL", 1, DType::boolean},
                                          {FileType::f16, "F16", 2, DType::f32},
                                          {FileType::bf16, "BF16", 2, DType::f32},
                                          {FileType::i8, "I8", 1, DType::i64},
                                          {FileType::u8, "U8", 1, DType::i64},
                                          {FileType::i16, "I16", 2, DType::i64},
                                          {FileType::i32, "I32", 4, DType::i64}}};
static_assert(std::ranges::all_of(kTypes, [](const TypeRow& row) {
  return &row == &kTypes[static_cast<size_t>(row.type)];
}));

const TypeRow& row_of(FileType type) { return kTypes[static_cast<size_t>(type)]; }

// The type that stores a dtype as it is.
FileType own_type(DType dtype) { return std::ranges::find(kTypes, dtype, &TypeRow::dtype)->type; }
bool is_own(FileType type) { return own_type(row_of(type).dtype) == type; }

constexpr const char* kNamesOfTypes = "F32, F64, I64, BOOL, F16, BF16, I8, U8, I16, I32";

struct Entry {
  std::string name;
  FileType type = FileType::f32;
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
    const auto* const known =
        std::ranges::find_if(kTypes, [&](const TypeRow& row) { return dtype_ == row.name; });
    if (known == kTypes.end())
      throw wrong("has dtype " + printable(dtype_) + ", which heed does not read (" + kNamesOfTypes + ")");
    Entry entry{name_, known->type, {}, offsets_[0], offsets_[1]};
    // strides are products of the other extents even if one extent is 0
    uint64_t bytes = known->bytes, nonzero = std::max(known->bytes, size_of(known->dtype));
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

// Each element of `from` in the file as an element of a tensor.
template <class From, class To, class Convert>
void convert_all(const char* from, To* to, int64_t count, const Convert& convert) {
  parallel_for(count, int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      From value;
      std::memcpy(&value, from + static_cast<size_t>(i) * sizeof value, sizeof value);
      to[i] = static_cast<To>(convert(value));
    }
  });
}

Tensor read_values(const Entry& entry, std::string_view values) {
  const Tensor x = empty(entry.shape, row_of(entry.type).dtype);
  const int64_t n = x.numel();
  const auto same = [](auto value) { return value; };
  const auto convert_integers = [&]<class From>(From) {
    convert_all<From>(values.data(), x.data<int64_t>(), n, same);
  };
  switch (entry.type) {
    case FileType::f16:
      convert_all<uint16_t>(values.data(), x.data<float>(), n, from_f16);
      break;
    case FileType::bf16:
      convert_all<uint16_t>(values.data(), x.data<float>(), n, from_bf16);
      break;
    case FileType::i8:
      convert_integers(int8_t{});
      break;
    case FileType::u8:
      convert_integers(uint8_t{});
      break;
    case FileType::i16:
      convert_integers(int16_t{});
      break;
    case FileType::i32:
      convert_all<int32_t>(values.data(), x.data<int64_t>(), n, same);
      break;
    default:
      if (!values.empty()) std::memcpy(x.raw_data(), values.data(), values.size());
  }
  return x;
}

template <class To>
void append_integers(std::string& bytes, const std::string& name, const Tensor& x) {
  for (const int64_t value : x.to_vector<int64_t>()) {
    if (value < std::numeric_limits<To>::min() || value > std::numeric_limits<To>::max()) {
      throw ValueError("save", fmt::format("'{}' holds {}, which is outside the range of {} bits",
                                           printable(name), value, 8 * sizeof(To)));
    }
    const To narrow = static_cast<To>(value);
    bytes.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
}

void append_halves(std::string& bytes, const Tensor& x, uint16_t (*convert)(float)) {
  const float* const values = x.data<float>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const uint16_t half = convert(values[i]);
    bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
  }
}

void append_values(std::string& bytes, const std::string& name, const Tensor& x, FileType type) {
  const Tensor dense = x.detach().contiguous();
  switch (type) {
    case FileType::f16:
      return append_halves(bytes, dense, to_f16);
    case FileType::bf16:
      return append_halves(bytes, dense, to_bf16);
    case FileType::i8:
      return append_integers<int8_t>(bytes, name, dense);
    case FileType::u8:
      return append_integers<uint8_t>(bytes, name, dense);
    case FileType::i16:
      return append_integers<int16_t>(bytes, name, dense);
    case FileType::i32:
      return append_integers<int32_t>(bytes, name, dense);
    default:
      bytes.append(static_cast<const char*>(dense.raw_data()),
                   static_cast<size_t>(x.numel()) * size_of(x.dtype()));
  }
}

// A file in memory, which changes of memory do not reach.
class Mapping {
 public:
  Mapping(const std::filesystem::path& path, const std::string& name) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status = {};
    bool known = fd >= 0 && ::fstat(fd, &status) == 0;
    if (known && S_ISDIR(status.st_mode)) {
      known = false;
      errno = EISDIR;
    }
    if (known && status.st_size > 0) {
      size_ = static_cast<size_t>(status.st_size);
      data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    }
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (!known || data_ == MAP_FAILED)
      throw IoError(fmt::format("cannot open '{}': {}", name, std::strerror(error)));
  }
  ~Mapping() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

// With an owner the bytes are memory that it keeps, and tensors lie in it where they can.
SafetensorsFile parse(std::string_view bytes, const std::string& file, const std::shared_ptr<void>& owner,
                      SmallTypes small) {
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
    if (entry.type == FileType::boolean &&
        !std::ranges::all_of(values, [](char byte) { return byte == 0 || byte == 1; })) {
      throw fail("a bool is neither 0 nor 1");
    }
    result.types.emplace(entry.name, entry.type);
    const bool aligned = reinterpret_cast<uintptr_t>(values.data()) % row_of(entry.type).bytes == 0;
    if (small == SmallTypes::in_place && aligned &&
        (entry.type == FileType::i8 || entry.type == FileType::bf16)) {
      result.in_place.emplace(entry.name, InFile{entry.shape, values.data()});
      continue;
    }
    if (owner && is_own(entry.type) && !values.empty() && aligned) {
      result.tensors.emplace(entry.name, from_memory(const_cast<char*>(values.data()), entry.shape,
                                                     row_of(entry.type).dtype, owner));
      continue;
    }
    const Tensor read = read_values(entry, values);
    // a module may share these values too (Module::adopt)
    result.tensors.emplace(entry.name, owner && read.numel() > 0
                                           ? from_memory(read.raw_data(), read.shape(), read.dtype(),
                                                         std::make_shared<Tensor>(read))
                                           : read);
  }
  return result;
}

}  // namespace

const char* name_of(FileType type) { return row_of(type).name; }
size_t size_of(FileType type) { return row_of(type).bytes; }

ChooseFileType floats_as(FileType type) {
  return [type](const std::string&, const Tensor& x) {
    return x.dtype() == DType::f32 ? type : own_type(x.dtype());
  };
}

std::string to_safetensors(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata,
                           const ChooseFileType& choose) {
  for (const auto& [name, x] : tensors) {
    if (name == "__metadata__")
      throw ValueError("save", "'__metadata__' names the format's own entry and no tensor");
    if (!x.defined()) throw ValueError("save", fmt::format("'{}' is undefined", printable(name)));
  }
  struct Stored {
    const std::string& name;
    const Tensor& x;
    FileType type;
  };
  std::vector<Stored> sorted;
  for (const auto& [name, x] : tensors) {
    sorted.push_back({name, x, choose ? choose(name, x) : own_type(x.dtype())});
    if (row_of(sorted.back().type).dtype != x.dtype()) {
      throw ValueError("save", fmt::format("'{}' is {}, which cannot be stored as {}", printable(name),
                                           x.describe(), name_of(sorted.back().type)));
    }
  }
  std::vector<size_t> order(sorted.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t i, size_t j) {
    const Stored &a = sorted[i], &b = sorted[j];
    return size_of(a.type) != size_of(b.type) ? size_of(a.type) > size_of(b.type) : a.name < b.name;
  });
  nlohmann::ordered_json header;
  std::set<std::string> names;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  if (header.is_null() && !sorted.empty()) header = nlohmann::ordered_json::object();
  // appended to: its own [] and contains search all of it
  auto* const object = header.get_ptr<nlohmann::ordered_json::object_t*>();
  uint64_t offset = 0;
  for (const size_t i : order) {
    const auto& [name, x, type] = sorted[i];
    if (!names.insert(name).second)
      throw ValueError("save", fmt::format("the name '{}' is used twice", name));
    const uint64_t bytes = static_cast<uint64_t>(x.numel()) * size_of(type);
    nlohmann::ordered_json entry = {{"dtype", name_of(type)},
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
  for (const size_t i : order) append_values(bytes, sorted[i].name, sorted[i].x, sorted[i].type);
  return bytes;
}

SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& file) {
  return parse(bytes, file, nullptr, SmallTypes::converted);
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata, const ChooseFileType& choose) {
  write_file_atomically(path, to_safetensors(tensors, metadata, choose));
}

SafetensorsFile load_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.filename().string());
}

SafetensorsFile map_safetensors(const std::filesystem::path& path, const std::string& name,
                                SmallTypes small) {
  const std::string shown = name.empty() ? path.filename().string() : name;
  const auto mapping = std::make_shared<Mapping>(path, shown);
  SafetensorsFile file = parse(mapping->bytes(), shown, mapping, small);
  if (!file.in_place.empty()) file.mapping = mapping;
  return file;
}

}  // namespace heed
