// Text for the person at the terminal. A stream that cannot be written (closed, a full disk, a reader that went away) never ends the work.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace heed::apps {

/// Writes to standard error and flushes; what cannot be written is dropped. Throws nothing.
void write_note(std::string_view text) noexcept;
/// Writes to standard output; run_app reports at the end what could not be written. Throws nothing.
void write_out(std::string_view text) noexcept;
/// From here on say() writes to standard error: standard output is a report's, which a program may read.
void reserve_standard_output() noexcept;
/// errno of the first write_out() that failed, 0 if none did.
int output_error() noexcept;

/// A format string and its arguments for standard error: progress, warnings, errors.
template <class... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  write_note(fmt::format(format, std::forward<Args>(args)...));
}

/// The same for standard output: results.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace heed::apps
