// One exception type per kind of mistake. Messages read `op: what is wrong: the facts`, in one line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace heed {

/// Base of every error that heed throws for a user's mistake. what() is "op: detail", or only the detail if
/// no op is named.
struct Error : std::runtime_error {
  /// @param text the whole message, for an error that names no op
  explicit Error(const std::string& text) : std::runtime_error(text) {}
  /// @param op name of the function that was called: "matmul"
  /// @param detail what is wrong
  Error(std::string_view op, const std::string& detail)
      : std::runtime_error(std::string(op) + ": " + detail), op_size_(op.size()) {}
  /// @return name of the function that was called; empty if the error names none
  std::string_view op() const noexcept { return {what(), op_size_}; }
  /// @return what is wrong: what() without the leading "op: "
  std::string_view detail() const noexcept {
    return std::string_view(what()).substr(op_size_ == 0 ? 0 : op_size_ + 2);
  }

 private:
  /// Length of the op's name at the start of what(); stored so that copying an error never allocates.
  size_t op_size_ = 0;
};

/// Shapes that do not fit together, or the wrong number of dimensions.
struct ShapeError : Error {
  using Error::Error;
};
/// An element type that an operation does not accept.
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
/// The system refused an allocation; the message has the bytes and, where known, the shape. Existing tensors
/// are unaffected.
struct MemoryError : Error {
  using Error::Error;
};
/// A gradient that cannot be computed: nothing requires one, the graph was freed, or a saved value was
/// changed in place.
struct GradError : Error {
  using Error::Error;
};
/// A file that cannot be opened, read, written or renamed; the message has the path and the system's reason.
struct IoError : Error {
  using Error::Error;
};
/// A file that was read but whose content is not valid: truncated, malformed or of another format.
struct FormatError : Error {
  using Error::Error;
};

/// Called by HEED_ASSERT when its condition is false.
/// @param condition,file,line text of the condition and where it stands in the source
/// @throws std::logic_error naming all three
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace heed

/// Checks an invariant of heed's own code, in every build type: a failed assertion is a bug in heed.
/// @param condition what must hold
#define HEED_ASSERT(condition) \
  ((condition) ? void() : ::heed::assertion_failed(#condition, __FILE__, __LINE__))
