#include "apps/common/standard_input.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <streambuf>

#include "framework/core/error.h"

namespace heed::apps {
namespace {

class DescriptorBuffer : public std::streambuf {
 protected:
  int_type underflow() override {
    ssize_t n = 0;
    do {
      n = ::read(STDIN_FILENO, bytes_.data(), bytes_.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) throw IoError(fmt::format("cannot read standard input: {}", std::strerror(errno)));
    setg(bytes_.data(), bytes_.data(), bytes_.data() + n);
    return n == 0 ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  std::array<char, 1 << 16> bytes_{};
};

}  // namespace

std::istream& standard_input() {
  static DescriptorBuffer buffer;
  static std::istream stream(&buffer);
  stream.exceptions(std::ios::badbit);  // std::getline hands the buffer's exception on
  return stream;
}

}  // namespace heed::apps
