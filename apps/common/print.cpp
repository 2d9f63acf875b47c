#include "apps/common/print.h"

#include <cerrno>
#include <cstdio>

#include "models/text/unicode.h"

namespace heed::apps {
namespace {

int first_output_error = 0;
bool reserved = false;

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  for (const char32_t c : models::code_points(text)) {
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0);
    models::append_utf8(shown, control ? U'?' : c);
  }
  return shown;
}

void write_note(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);  // a disk that was full may have room again
}

void reserve_standard_output() noexcept { reserved = true; }

void write_out(std::string_view text) noexcept {
  if (reserved) return write_note(text);
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && first_output_error == 0)
    first_output_error = errno;
}

int output_error() noexcept { return first_output_error; }

}  // namespace heed::apps
