// One GET, and sums of files. What speaks HTTP and TLS (libcurl) and computes the sums (libcrypto) lies in a
// library of its own, loaded by `translator data` alone (apps/common/module.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace heed::fetch {

/// The head of a reply, after redirects.
struct ReplyHead {
  long status = 0;         // of HTTP
  uint64_t from = 0;       // the first byte of what follows, by Content-Range; 0 without
  uint64_t total = 0;      // bytes of the whole file; 0: not said
  std::string validator;   // a strong ETag, or Last-Modified; empty without
  std::string media_type;  // "text/html"
};

/// A request and who takes the reply.
struct GetRequest {
  std::string url;        // http or https
  uint64_t from = 0;      // byte to begin at
  std::string validator;  // sent as If-Range, so that a file that changed comes whole; may be empty
  std::string user_agent;
  double idle_seconds = 60;                    // without a byte, after which the server is given up
  std::function<bool(const ReplyHead&)> head;  // called once before the first byte; false ends the request
  std::function<bool(std::string_view)> body;  // the next bytes; false ends the request
  std::function<bool()> poll;                  // called once a second at least; false ends the request
};

/// How a request ended.
struct GetResult {
  bool complete = false;  // all that was announced has come
  bool stopped = false;   // head, body or poll said so
  bool hopeless = false;  // of no use to try again: an unknown host, a certificate that is not good
  std::string error;      // one line; empty where complete
};

/// What the library exports.
struct FetchModule {
  GetResult (*get)(const GetRequest& request);
  /// The sum of a file in hexadecimal digits; kind: "sha256" or "md5". Empty and `error` set where it cannot
  /// be read; empty where poll ended it.
  std::string (*sum)(const std::string& kind, const std::filesystem::path& path,
                     const std::function<bool()>& poll, std::string& error);
};
constexpr const char* kFetchFile = "lib/heed/heed_fetch.so";
constexpr const char* kFetchSymbol = "heed_fetch";  // of type FetchModule

/// Loads the library where that is not done. Throws Error where it cannot be loaded.
const FetchModule& fetch_module();

}  // namespace heed::fetch
