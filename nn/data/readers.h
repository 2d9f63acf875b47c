// Tables and arrays from files: CSV (RFC 4180) and IDX, the format of MNIST.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/tensor.h"

namespace heed::nn {

/// How a CSV file is read.
struct CsvOptions {
  char separator = ',';  // between cells
  bool header = true;    // whether the first line names the columns; else they are "0", "1", ...
};

/// A table of text, whose columns become tensors.
class Csv {
 public:
  /// Reads a file; cells may be quoted, and quoted ones may hold separators, line breaks and doubled quotes.
  /// Empty lines are skipped.
  /// @param path the file, in UTF-8
  /// @param options how it is written
  /// @return the table
  /// @throws IoError; FormatError naming the line for another number of cells than the first has, or a quote
  ///   that is not closed; ValueError for a quote or the end of a line as separator
  static Csv read(const std::filesystem::path& path, const CsvOptions& options = {});

  /// @return the names of the columns
  const std::vector<std::string>& columns() const { return columns_; }
  /// @return the number of rows, without the header
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }
  /// @param name of a column
  /// @return its cells
  /// @throws ValueError for a name that is not there
  std::vector<std::string> text(const std::string& name) const;
  /// Columns of numbers.
  /// @param names of columns; empty: all
  /// @param dtype f32 or f64
  /// @return [rows, columns]; NaN for an empty cell
  /// @throws ValueError for a name that is not there, FormatError naming line and column for a cell that is
  /// no
  ///   number
  Tensor numbers(std::span<const std::string> names = {}, DType dtype = DType::f32) const;
  /// The same for names in braces.
  /// @param names,dtype as in the overload above
  /// @return as the overload above
  /// @throws as the overload above
  Tensor numbers(std::initializer_list<std::string> names, DType dtype = DType::f32) const {
    return numbers(std::span<const std::string>(names.begin(), names.size()), dtype);
  }
  /// A column of classes.
  /// @param name of a column
  /// @return i64 [rows], the class of each row, and the classes' names in order
  /// @throws ValueError for a name that is not there
  std::pair<Tensor, std::vector<std::string>> classes(const std::string& name) const;

 private:
  size_t column(const std::string& name) const;
  std::string file_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int64_t> lines_;  // on which each row begins
};

/// Reads an IDX file (LeCun, Cortes & Burges: the MNIST database), such as train-images-idx3-ubyte.
/// @param path the file, not compressed
/// @param dtype type of the result, to which the values are converted
/// @return a tensor of the file's shape
/// @throws IoError; FormatError for a file of another format, a shape beyond its bytes, or a compressed one
Tensor read_idx(const std::filesystem::path& path, DType dtype = DType::f32);

}  // namespace heed::nn
