// Unpacks gzip (RFC 1952) through zlib, with its check sums: libarchive's own filter skips them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace heed::models {

/// A gzip file that comes in pieces: members one after another, each with CRC and length, zeros behind the
/// last one as tapes have them.
class GzipStream {
 public:
  /// @param more gives the next packed bytes, none at the end
  /// @param name of the file in messages: `'a.tsv.gz'`
  GzipStream(std::function<std::string_view()> more, std::string name);
  GzipStream(GzipStream&&) noexcept;  ///< takes over the stream
  /// @return this, with the stream of the other
  GzipStream& operator=(GzipStream&&) noexcept;
  ~GzipStream();
  /// @return the next unpacked bytes, valid until the next call; none at the end
  /// @throws FormatError `'a.tsv.gz' is broken: incorrect data check` for a file that was changed, `... it
  /// ends
  ///   too early`, `... what follows its end is no gzip`; what `more` throws
  std::string_view read();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heed::models
