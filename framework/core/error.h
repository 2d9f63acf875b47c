// One exception type per kind of mistake. Messages read `op: what is wrong: the facts`, in one line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace heed {

/// Base of every error that heed throws for a mistake of its user. what() is "op: detail", or the detail alone where no op is named.
struct Error : std::runtime_error {
  /// @param text all of it, without an op
  explicit Error(const std::string& text) : std::runtime_error(text) {}
  /// @param op what was called: "matmul"
  /// @param detail what is wrong with it
  Error(std::string_view op, const std::string& detail) : std::runtime_error(std::string(op) + ": " + detail), op_size_(op.size()) {}
  /// @return what was called; empty where none is named
  std::string_view op() const noexcept { return {what(), op_size_}; }
  /// @return what is wrong: what() behind the op
  std::string_view detail() const noexcept { return std::string_view(what()).substr(op_size_ == 0 ? 0 : op_size_ + 2); }

 private:
  size_t op_size_ = 0;  // what() begins with it; a copy of an error allocates nothing
};

/// Shapes that do not fit together, or the wrong number of dimensions.
struct ShapeError : Error {
  using Error::Error;
};
/// An element type that an operation does not take.
struct DTypeError : Error {
  using Error::Error;
};
/// An index or dimension outside its range.
struct IndexError : Error {
  using Error::Error;
};
/// A value outside what an argument allows (a negative rate, an unknown option name).
struct ValueError : Error {
  using Error::Error;
};
/// More memory than the system gives; the message has the bytes and, where it is known, the shape. Nothing is lost: what was there stays.
struct MemoryError : Error {
  using Error::Error;
};
/// Backward where it cannot be: no gradient, a freed graph, a saved value that was changed in place.
struct GradError : Error {
  using Error::Error;
};
/// A file that cannot be opened, read, written or renamed; the message names it and the reason.
struct IoError : Error {
  using Error::Error;
};
/// A file that was read and does not hold what it should (truncated, foreign, malformed).
struct FormatError : Error {
  using Error::Error;
};

/// What HEED_ASSERT calls.
/// @param condition,file,line as the preprocessor has them
/// @throws std::logic_error naming all three
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace heed

/// For our own mistakes, on in every build: a failed ASSERT is a bug in heed.
/// @param condition what must hold
#define HEED_ASSERT(condition) ((condition) ? void() : ::heed::assertion_failed(#condition, __FILE__, __LINE__))
