// Text for the person at the terminal. A stream that cannot be written (closed, a full disk, a reader that
// went away) never ends the work.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace heed::apps {

/// Writes to standard error and flushes; what cannot be written is dropped. Throws nothing.
void write_note(std::string_view text) noexcept;
/// Writes to standard output; run_app reports at the end what could not be written. Throws nothing.
void write_out(std::string_view text) noexcept;
/// From here on say() writes to standard error: standard output is a report's, which a program may read.
void reserve_standard_output() noexcept;
/// From here on nothing is written: the program is one of several that do the same work, and not the first.
/// @param rank its number
void keep_silent(int rank) noexcept;
/// Ends keep_silent() for what only this program may know, after some seconds in which the one that started
/// it may have ended it. Without keep_silent() it does nothing.
/// @return "" or "rank 3: "
std::string speak_at_last();
/// errno of the first write_out() that failed, 0 if none did.
int output_error() noexcept;

/// A text as a terminal may have it: control characters (but line ends and tabs) and what is not UTF-8 are
/// '?'.
std::string printable(std::string_view text);

namespace detail {

// Arguments may be a user's: sentences, names of files and runs.
template <class T>
decltype(auto) shown(const T& argument) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return printable(argument);
  } else {
    return (argument);
  }
}

}  // namespace detail

/// A format string and its arguments for standard error: progress, warnings, errors. Texts among the
/// arguments are made printable.
template <class... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  write_note(fmt::format(fmt::runtime(format), detail::shown(args)...));
}

/// The same for standard output: results.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(fmt::runtime(format), detail::shown(args)...));
}

}  // namespace heed::apps
