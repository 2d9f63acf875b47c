// HTTP as requests and replies. What speaks the protocol (cpp-httplib) lies in a library of its own, loaded
// by `translator serve` alone (apps/common/module.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heed::serve {

/// A request whose host, origin and size were checked.
struct HttpRequest {
  std::string method;  // GET or POST; HEAD comes as GET
  std::string path;    // decoded, without the query
  std::multimap<std::string, std::string> query;
  std::string content_type;  // as sent
  std::string body;
};

/// What goes back.
struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

using HttpHandler = std::function<HttpReply(const HttpRequest&)>;

/// Limits and names of a server.
struct HttpOptions {
  std::string host = "127.0.0.1";  // address to listen on
  int port = 5000;                 // 0: one that is free
  std::vector<std::string> names;  // host names, besides the loopback's and `host`, that requests may be for
  int connections = 64;            // served at a time; more are told to come back
  size_t max_body = 1 << 20;       // bytes
  size_t max_head = 1 << 15;       // bytes of request line and headers
  double request_seconds = 20;     // for a request to arrive, and again for its reply to be taken
  double idle_seconds = 5;         // between two requests of a connection
};

/// What happened at the door.
struct HttpCounts {
  int64_t connections = 0;  // open now
  int64_t refused = 0;      // connections above the limit
  int64_t broken = 0;       // requests that were not HTTP, too large or too slow
  int64_t foreign = 0;      // for another host, or from a page of another one
};

/// A server that listens.
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  /// @return the port it listens on
  virtual int port() const = 0;
  /// Serves until stop(); returns when the requests under way are answered.
  /// @return false where it ended because no more connections could be had
  virtual bool run() = 0;
  /// May be called from another thread.
  virtual void stop() = 0;
  /// @return the counts so far
  virtual HttpCounts counts() const = 0;
};

/// Listens.
/// @param options limits and names
/// @param handler called by many threads at a time; what it throws is answered with 500
/// @return the server
/// @throws Error when the port cannot be had, or the library cannot be loaded
std::unique_ptr<HttpServer> listen(const HttpOptions& options, HttpHandler handler);

/// What the library exports.
struct HttpModule {
  /// @return the server; null, and why in `error`
  std::unique_ptr<HttpServer> (*listen)(const HttpOptions& options, HttpHandler handler, std::string& error);
};
constexpr const char* kHttpFile = "lib/heed/heed_http.so";
constexpr const char* kHttpSymbol = "heed_http";  // of type HttpModule

/// An error in the form of the API.
/// @param status of HTTP
/// @param message one line
/// @return {"error": message}
HttpReply http_error(int status, const std::string& message);

}  // namespace heed::serve
