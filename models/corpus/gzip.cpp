#include "models/corpus/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <utility>
#include <vector>

#include "framework/core/error.h"

namespace heed::models {

struct GzipStream::State {
  std::function<std::string_view()> more;
  std::string name;
  z_stream stream{};
  std::vector<char> buffer = std::vector<char>(size_t{1} << 16);
  bool in_member = true;  // the first one may be asked for at once: a file of nothing is no gzip

  State(std::function<std::string_view()> next, std::string file)
      : more(std::move(next)), name(std::move(file)) {
    constexpr int kGzipAlone = 16 + MAX_WBITS;
    if (inflateInit2(&stream, kGzipAlone) != Z_OK) throw MemoryError("zlib has no memory");
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { inflateEnd(&stream); }

  [[noreturn]] void refuse(const char* why) const {
    throw FormatError(fmt::format("{} is broken: {}", name, why));
  }
  // Whether there is a packed byte.
  bool fill() {
    if (stream.avail_in > 0) return true;
    const std::string_view piece = more();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));  // zlib reads it alone
    stream.avail_in = static_cast<uInt>(piece.size());
    return !piece.empty();
  }
  // Whether another member follows the one that ended.
  bool begin_member() {
    while (fill() && *stream.next_in == 0) ++stream.next_in, --stream.avail_in;
    if (stream.avail_in == 0) return false;
    if (*stream.next_in != 0x1F) refuse("what follows its end is no gzip");
    inflateReset(&stream);
    return true;
  }
};

GzipStream::GzipStream(std::function<std::string_view()> more, std::string name)
    : state_(std::make_unique<State>(std::move(more), std::move(name))) {}
GzipStream::GzipStream(GzipStream&&) noexcept = default;
GzipStream& GzipStream::operator=(GzipStream&&) noexcept = default;
GzipStream::~GzipStream() = default;

std::string_view GzipStream::read() {
  State& s = *state_;
  s.stream.next_out = reinterpret_cast<Bytef*>(s.buffer.data());
  s.stream.avail_out = static_cast<uInt>(s.buffer.size());
  while (s.stream.avail_out == s.buffer.size()) {
    if (!s.in_member) {
      if (!s.begin_member()) return {};
      s.in_member = true;
    }
    if (!s.fill()) s.refuse("it ends too early");
    const int result = inflate(&s.stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      s.in_member = false;
    } else if (result == Z_MEM_ERROR) {
      throw MemoryError("zlib has no memory");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      s.refuse(s.stream.msg ? s.stream.msg : "it cannot be unpacked");
    }
  }
  return {s.buffer.data(), s.buffer.size() - s.stream.avail_out};
}

}  // namespace heed::models
