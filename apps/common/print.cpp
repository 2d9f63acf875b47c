#include "apps/common/print.h"

#include <cerrno>
#include <cstdio>

namespace heed::apps {
namespace {

int first_output_error = 0;
bool reserved = false;

}  // namespace

void write_note(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);  // a disk that was full may have room again
}

void reserve_standard_output() noexcept { reserved = true; }

void write_out(std::string_view text) noexcept {
  if (reserved) return write_note(text);
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && first_output_error == 0) first_output_error = errno;
}

int output_error() noexcept { return first_output_error; }

}  // namespace heed::apps
