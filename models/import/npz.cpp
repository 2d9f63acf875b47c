#include "models/import/npz.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include "framework/core/half.h"
#include "models/import/tensors.h"

namespace heed::models {
namespace {

template <class T>
T value_at(std::string_view bytes, size_t at) {  // the caller has checked the bounds
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

struct ZipEntry {
  std::string name;
  std::string_view data;
};

// The stored files of an archive, from its central directory (PKWARE's APPNOTE.TXT, 4.3).
std::vector<ZipEntry> stored_files(std::string_view zip, const std::string& file) {
  constexpr uint32_t kEnd = 0x06054B50, kCentral = 0x02014B50, kLocal = 0x04034B50;
  constexpr size_t kEndSize = 22, kCentralSize = 46, kLocalSize = 30, kLongestComment = 65535;
  const auto broken = [&](const char* what) { return import_error(file, what); };
  if (zip.size() < kEndSize) throw broken("it is no zip archive");
  size_t end = zip.size() - kEndSize;
  const size_t last = end > kLongestComment ? end - kLongestComment : 0;
  while (value_at<uint32_t>(zip, end) != kEnd) {
    if (end == last) throw broken("it is no zip archive, or it is cut off");
    --end;
  }
  const auto count = value_at<uint16_t>(zip, end + 10);
  size_t at = value_at<uint32_t>(zip, end + 16);
  std::vector<ZipEntry> entries;
  for (int i = 0; i < count; ++i) {
    if (at > zip.size() || zip.size() - at < kCentralSize || value_at<uint32_t>(zip, at) != kCentral)
      throw broken("its list of files is damaged");
    const auto method = value_at<uint16_t>(zip, at + 10);
    const uint64_t packed = value_at<uint32_t>(zip, at + 20), size = value_at<uint32_t>(zip, at + 24);
    const auto name_length = value_at<uint16_t>(zip, at + 28);
    const size_t local = value_at<uint32_t>(zip, at + 42);
    if (zip.size() - at - kCentralSize < name_length) throw broken("its list of files is damaged");
    ZipEntry entry{std::string(zip.substr(at + kCentralSize, name_length)), {}};
    if (method != 0 || packed != size)
      throw import_error(file, fmt::format("'{}' is compressed, numpy.savez stores it as it is", entry.name));
    if (local > zip.size() || zip.size() - local < kLocalSize || value_at<uint32_t>(zip, local) != kLocal)
      throw broken("its list of files is damaged");
    const size_t data =
        local + kLocalSize + value_at<uint16_t>(zip, local + 26) + value_at<uint16_t>(zip, local + 28);
    if (data > zip.size() || zip.size() - data < size) throw broken("it is cut off");
    entry.data = zip.substr(data, size);
    entries.push_back(std::move(entry));
    at += kCentralSize + name_length + value_at<uint16_t>(zip, at + 30) + value_at<uint16_t>(zip, at + 32);
  }
  return entries;
}

struct NpyHeader {
  std::string type;  // "<f4"
  Shape shape;
  std::string_view data;
};

// The text behind a key of the header, a literal of Python: 'descr': '<f4'.
std::optional<std::string_view> after_key(std::string_view header, std::string_view key) {
  const size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = header.substr(at + key.size() + 3);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

NpyHeader npy_header(std::string_view npy, const std::string& name, const std::string& file) {
  const auto wrong = [&](const std::string& what) {
    return import_error(file, fmt::format("the array '{}' {}", name, what));
  };
  if (npy.size() < 12 || !npy.starts_with("\x93NUMPY")) throw wrong("is not numpy's");
  const bool first_version = npy[6] == 1;
  const size_t start = first_version ? 10 : 12,
               length = first_version ? value_at<uint16_t>(npy, 8) : value_at<uint32_t>(npy, 8);
  if (npy.size() - start < length) throw wrong("ends inside its header");
  const std::string_view header = npy.substr(start, length);
  const auto type = after_key(header, "descr"), order = after_key(header, "fortran_order"),
             shape = after_key(header, "shape");
  if (!type || !order || !shape || type->size() < 2 || type->front() != '\'' || shape->empty() ||
      shape->front() != '(')
    throw wrong("has a header without descr, fortran_order and shape");
  NpyHeader result{std::string(type->substr(1, type->find('\'', 1) - 1)), {}, npy.substr(start + length)};
  std::string_view rest = shape->substr(1);
  int64_t elements = 1;
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" ,"), rest.size()));
    if (rest.empty()) throw wrong("has a shape without an end");
    if (rest.front() == ')') break;
    int64_t extent = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    if (error != std::errc() || extent < 0 || result.shape.ndim() == kMaxDims)
      throw wrong("has a shape that makes no sense");
    if (__builtin_mul_overflow(elements, std::max<int64_t>(extent, 1), &elements) ||
        elements > (int64_t{1} << 40))
      throw wrong("is too large");
    result.shape.push_back(extent);
    rest.remove_prefix(static_cast<size_t>(stop - rest.data()));
  }
  if (order->starts_with("True") && result.shape.ndim() > 1)
    throw wrong("is in Fortran's order, which is not read");
  return result;
}

}  // namespace

NpzFile parse_npz(std::string_view bytes, const std::string& file) {
  NpzFile result;
  for (const ZipEntry& entry : stored_files(bytes, file)) {
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    const NpyHeader array = npy_header(entry.data, name, file);
    const auto wrong = [&](const std::string& what) {
      return import_error(file, fmt::format("the array '{}' {}", name, what));
    };
    const size_t item = array.type == "<f4"          ? 4
                        : array.type == "<f2"        ? 2
                        : array.type.ends_with("i1") ? 1
                                                     : 0;
    if (item == 0) throw wrong(fmt::format("is of type {}, heed reads <f4, <f2 and int8", array.type));
    if (array.data.size() != static_cast<size_t>(array.shape.numel()) * item)
      throw wrong(fmt::format("has {} bytes for {}", array.data.size(), array.shape.str()));
    if (result.tensors.contains(name) || result.texts.contains(name)) throw wrong("is there twice");
    if (item == 1) {
      result.texts.emplace(name, array.data);
      continue;
    }
    const Tensor x = empty(array.shape);
    for (int64_t i = 0; i < x.numel(); ++i) {
      const auto at = static_cast<size_t>(i);
      x.data<float>()[i] =
          item == 4 ? value_at<float>(array.data, 4 * at) : from_f16(value_at<uint16_t>(array.data, 2 * at));
    }
    result.tensors.emplace(name, x);
  }
  return result;
}

}  // namespace heed::models
