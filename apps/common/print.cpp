#include "apps/common/print.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "models/text/unicode.h"

namespace heed::apps {
namespace {

int first_output_error = 0;
bool reserved = false;
int silent_rank = 0;

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
  if (silent_rank > 0) return;
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);  // a disk that was full may have room again
}

void reserve_standard_output() noexcept { reserved = true; }

void write_out(std::string_view text) noexcept {
  if (silent_rank > 0) return;
  if (reserved) return write_note(text);
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && first_output_error == 0)
    first_output_error = errno;
}

void keep_silent(int rank) noexcept { silent_rank = rank; }

std::string speak_at_last() {
  if (silent_rank == 0) return "";
  std::this_thread::sleep_for(std::chrono::seconds(3));
  return fmt::format("rank {}: ", std::exchange(silent_rank, 0));
}

int output_error() noexcept { return first_output_error; }

}  // namespace heed::apps
