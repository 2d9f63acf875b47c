#include "nn/data/readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>

#include "framework/core/error.h"
#include "framework/io/file.h"

namespace heed::nn {
namespace {

// Cuts a CSV file into cells.
class CsvCells {
 public:
  CsvCells(std::string_view text, char separator, std::string file)
      : text_(text), separator_(separator), file_(std::move(file)) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);  // a byte order mark
  }
  // The cells of the next line that is not empty, and where it begins; false at the end.
  bool next(std::vector<std::string>& cells, int64_t& line) {
    for (; at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'); ++at_) count_line();
    if (at_ >= text_.size()) return false;
    line = line_;
    cells.clear();
    cells.push_back(cell());
    for (; at_ < text_.size() && text_[at_] == separator_; cells.push_back(cell())) ++at_;
    return true;
  }

 private:
  std::string cell() {
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    const size_t end = std::min(text_.find_first_of(std::string{separator_, '\n', '\r'}, at_), text_.size());
    const std::string_view cell = text_.substr(at_, end - at_);
    at_ = end;
    return std::string(cell);
  }
  std::string quoted() {
    const int64_t begun = line_;
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"' && (at_ + 1 >= text_.size() || text_[at_ + 1] != '"')) {
        ++at_;
        if (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r')
          throw FormatError(file_, fmt::format("line {}: text behind a closed quote", line_));
        return cell;
      }
      if (text_[at_] == '"') ++at_;
      line_ += text_[at_] == '\n' ? 1 : 0;
      cell += text_[at_];
    }
    throw FormatError(file_, fmt::format("line {}: a quote is not closed", begun));
  }
  // At a line break: \n, \r\n, which counts once, or \r.
  void count_line() {
    const bool both = text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
    line_ += both ? 0 : 1;
  }

  std::string_view text_;
  char separator_;
  std::string file_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Csv Csv::read(const std::filesystem::path& path, const CsvOptions& options) {
  if (options.separator == '"' || options.separator == '\n' || options.separator == '\r')
    throw ValueError("csv", "a quote or the end of a line cannot separate cells");
  const std::string text = read_file(path);
  Csv csv;
  csv.file_ = path.string();
  CsvCells cells(text, options.separator, csv.file_);
  std::vector<std::string> row;
  int64_t line = 0;
  bool first = true;
  while (cells.next(row, line)) {
    if (first) {
      for (size_t i = 0; i < row.size(); ++i)
        csv.columns_.push_back(options.header ? row[i] : std::to_string(i));
      first = false;
      if (options.header) continue;
    }
    if (row.size() != csv.columns_.size()) {
      throw FormatError(csv.file_, fmt::format("line {}: {} cells where the first line has {}", line,
                                               row.size(), csv.columns_.size()));
    }
    csv.rows_.push_back(row);
    csv.lines_.push_back(line);
  }
  return csv;
}

size_t Csv::column(const std::string& name) const {
  const auto found = std::ranges::find(columns_, name);
  if (found == columns_.end())
    throw ValueError("Csv",
                     fmt::format("{} has no column '{}' ({})", file_, name, fmt::join(columns_, ", ")));
  return static_cast<size_t>(found - columns_.begin());
}

std::vector<std::string> Csv::text(const std::string& name) const {
  const size_t at = column(name);
  std::vector<std::string> cells;
  for (const auto& row : rows_) cells.push_back(row[at]);
  return cells;
}

Tensor Csv::numbers(std::span<const std::string> names, DType dtype) const {
  std::vector<size_t> wanted;
  for (const std::string& name : names) wanted.push_back(column(name));
  if (names.empty()) {
    for (size_t i = 0; i < columns_.size(); ++i) wanted.push_back(i);
  }
  const Tensor y = empty({size(), static_cast<int64_t>(wanted.size())}, dtype);
  dispatch_floating("Csv", dtype, [&](auto t) {
    auto* to = y.data<decltype(t)>();
    for (size_t r = 0; r < rows_.size(); ++r) {
      for (const size_t at : wanted) {
        std::string_view cell = trimmed(rows_[r][at]);
        if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
        double value = std::numeric_limits<double>::quiet_NaN();
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        if (!cell.empty() && (error != std::errc{} || end != cell.data() + cell.size())) {
          throw FormatError(file_, fmt::format("line {}: '{}' in column '{}' is no number", lines_[r],
                                               rows_[r][at], columns_[at]));
        }
        *to++ = static_cast<decltype(t)>(value);
      }
    }
  });
  return y;
}

std::pair<Tensor, std::vector<std::string>> Csv::classes(const std::string& name) const {
  const size_t at = column(name);
  std::map<std::string, int64_t> number;
  for (const auto& row : rows_) number.emplace(row[at], 0);
  std::vector<std::string> names;
  for (auto& [cell, id] : number) {
    id = static_cast<int64_t>(names.size());
    names.push_back(cell);
  }
  std::vector<int64_t> ids;
  for (const auto& row : rows_) ids.push_back(number.at(row[at]));
  return {from_vector(ids, {size()}), names};
}

namespace {

// Values of a big-endian type, converted.
template <class Stored, class T>
void convert(const std::string& file, std::string_view bytes, T* to) {
  for (size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    std::array<char, sizeof(Stored)> turned{};
    std::reverse_copy(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      bytes.begin() + static_cast<std::ptrdiff_t>(at + sizeof(Stored)), turned.begin());
    Stored value;
    std::memcpy(&value, turned.data(), sizeof(Stored));
    if constexpr (std::is_floating_point_v<Stored> && std::is_same_v<T, int64_t>) {
      if (!(value >= Stored(-0x1p63) && value < Stored(0x1p63)))
        throw FormatError(file, fmt::format("{} is no whole number of 64 bits", value));
    }
    *to++ = static_cast<T>(value);
  }
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path, DType dtype) {
  const std::string file = read_file(path);
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(file[i]); };
  const auto fail = [&](const std::string& what) { throw FormatError(path.string(), what); };
  if (file.size() >= 2 && byte(0) == 0x1F && byte(1) == 0x8B) fail("is compressed: gunzip it first");
  if (file.size() < 4 || byte(0) != 0 || byte(1) != 0) fail("is no IDX file");
  const std::map<uint8_t, size_t> sizes = {{0x08, 1}, {0x09, 1}, {0x0B, 2}, {0x0C, 4}, {0x0D, 4}, {0x0E, 8}};
  const uint8_t type = byte(2);
  const size_t dims = byte(3);
  if (!sizes.contains(type)) fail(fmt::format("type {:#04x} is none of IDX", type));
  if (dims > static_cast<size_t>(kMaxDims))
    fail(fmt::format("has {} dimensions, at most {} are read", dims, kMaxDims));
  if (file.size() < 4 + 4 * dims) fail("ends within its head");
  Shape shape;
  size_t count = 1;
  const size_t rest = file.size() - 4 - 4 * dims;
  for (size_t d = 0; d < dims; ++d) {
    const size_t at = 4 + 4 * d;
    const size_t extent =
        size_t{byte(at)} << 24 | size_t{byte(at + 1)} << 16 | size_t{byte(at + 2)} << 8 | byte(at + 3);
    shape.push_back(static_cast<int64_t>(extent));
    count = extent > 0 && count > rest / extent ? rest + 1 : count * extent;  // more than there is
  }
  if (count * sizes.at(type) != rest)
    fail(fmt::format("has {} bytes of values where {} of {} bytes each are said", rest, shape.str(),
                     sizes.at(type)));
  Tensor y;
  try {
    y = empty(shape, dtype);
  } catch (const ShapeError& e) {
    fail(std::string(e.detail()));
  }
  const std::string_view values = std::string_view(file).substr(4 + 4 * dims);
  dispatch_all(dtype, [&](auto t) {
    auto* const to = y.data<decltype(t)>();
    switch (type) {
      case 0x08:
        return convert<uint8_t>(path.string(), values, to);
      case 0x09:
        return convert<int8_t>(path.string(), values, to);
      case 0x0B:
        return convert<int16_t>(path.string(), values, to);
      case 0x0C:
        return convert<int32_t>(path.string(), values, to);
      case 0x0D:
        return convert<float>(path.string(), values, to);
      default:
        return convert<double>(path.string(), values, to);
    }
  });
  return y;
}

}  // namespace heed::nn
