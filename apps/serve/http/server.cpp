// HTTP by cpp-httplib (0.11.4). The library parses; what it leaves open is done here: how many connections
// there are, how many bytes a request may have in its head, its chunks and its body, how long it may take,
// for whom it may be.
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "apps/serve/http.h"

namespace heed::serve {
namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// A connection's bytes, up to so many and up to a time.
class Connection : public httplib::Stream {
 public:
  Connection(socket_t socket, const HttpOptions& options) : socket_(socket), options_(options) {}

  // Waits for the first byte of a request, or for the end of all serving.
  bool wait_for_request(const std::atomic<bool>& stopping) {
    if (begin_ < end_) return true;
    const Clock::time_point until = after(options_.idle_seconds);
    while (!stopping && Clock::now() < until) {
      const int ready = wait(POLLIN, std::min(until, after(kGlance)));
      if (ready != 0) return ready > 0 && fill(until);
    }
    return false;
  }
  void begin_request() {
    left_ = options_.max_head;
    until_ = after(options_.request_seconds);
    failed_ = false;
  }
  void begin_body() { left_ = options_.max_body + options_.max_body / 2; }  // chunks have heads of their own
  void begin_reply() { until_ = after(options_.request_seconds); }
  bool failed() const { return failed_; }

  bool is_readable() const override { return begin_ < end_ || wait(POLLIN, until_) > 0; }
  bool is_writable() const override { return wait(POLLOUT, until_) > 0; }
  ssize_t read(char* to, size_t size) override {
    if (begin_ == end_ && !fill(until_)) return fail();
    size = std::min({size, end_ - begin_, left_});
    if (size == 0) return fail();  // larger than a request may be
    std::memcpy(to, buffer_.data() + begin_, size);
    begin_ += size;
    left_ -= size;
    return static_cast<ssize_t>(size);
  }
  ssize_t write(const char* from, size_t size) override {
    size_t done = 0;
    while (done < size) {
      if (wait(POLLOUT, until_) <= 0) return fail();
      const ssize_t sent = ::send(socket_, from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return fail();
      if (sent > 0) done += static_cast<size_t>(sent);
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  void get_local_ip_and_port(std::string& ip, int& port) const override { ip.clear(), port = 0; }
  socket_t socket() const override { return socket_; }

 private:
  static constexpr double kGlance = 0.2;  // seconds between looks whether serving ends

  int wait(short what, Clock::time_point until) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd one{.fd = socket_, .events = what, .revents = 0};
    return ::poll(&one, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 600'000)));
  }
  bool fill(Clock::time_point until) {
    if (wait(POLLIN, until) <= 0) return false;
    const ssize_t got = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    begin_ = 0;
    end_ = got > 0 ? static_cast<size_t>(got) : 0;
    return got > 0;
  }
  ssize_t fail() {
    failed_ = true;
    return -1;
  }

  socket_t socket_;
  const HttpOptions& options_;
  std::array<char, 4096> buffer_;
  size_t begin_ = 0, end_ = 0, left_ = 0;
  Clock::time_point until_;
  bool failed_ = false;
};

// The name of "name:port", "[::1]:port" or "name", in lower case.
std::string host_name(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text.starts_with('[')) return text.substr(0, text.find(']') + 1);
  return text.substr(0, text.find(':'));
}

class Server final : public HttpServer, private httplib::Server {
 public:
  Server(HttpOptions options, HttpHandler handler)
      : options_(std::move(options)), handler_(std::move(handler)) {
    names_ = {"localhost", "127.0.0.1", "[::1]"};
    names_.push_back(
        host_name(options_.host.find(':') == std::string::npos ? options_.host : "[" + options_.host + "]"));
    for (const std::string& name : options_.names) names_.push_back(host_name(name));
    // Another server on the same port is an error, so SO_REUSEADDR alone.
    set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    // Threads above those that serve tell others to come back.
    const auto threads = static_cast<size_t>(options_.connections) + 4;
    new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
    set_payload_max_length(options_.max_body);
    set_keep_alive_max_count(kRequests);
    set_keep_alive_timeout(static_cast<time_t>(options_.idle_seconds));
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      return at_the_door(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    Post(".*", [this](const httplib::Request& request, httplib::Response& response,
                      const httplib::ContentReader& read) { post(request, response, read); });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      // What the library itself refuses has no body.
      if (response.body.empty() && !response.has_header("X-Content-Type-Options"))
        put(http_error(response.status, std::string("this is not a request: ") +
                                            (response.status == 413 ? "too large" : "not as HTTP has it")),
            response);
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      put(http_error(500, "an error of this program; it goes on"), response);
    });
  }

  bool begin() {
    port_ = options_.port == 0                           ? bind_to_any_port(options_.host)
            : bind_to_port(options_.host, options_.port) ? options_.port
                                                         : -1;
    // The library lets five wait.
    return port_ > 0 && ::listen(svr_sock_, SOMAXCONN) == 0;
  }
  int port() const override { return port_; }
  bool run() override {
    started_ = true;
    return stopping_ || listen_after_bind() || stopping_;
  }
  // The library cuts replies off once it stops, so it is told when the last is out.
  void stop() override {
    stopping_ = true;
    const Clock::time_point until = after(2 * options_.request_seconds);
    while (open_ > 0 && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    // Before it runs it would not hear of it.
    for (int i = 0; i < 50 && started_ && !is_running(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    httplib::Server::stop();
  }
  HttpCounts counts() const override {
    return {.connections = open_, .refused = refused_, .broken = broken_, .foreign = foreign_};
  }

 private:
  // Refuses what may not be asked, answers what has no body.
  bool at_the_door(const httplib::Request& request, httplib::Response& response) {
    current->begin_body();
    if (const auto error = refusal_of(request)) {
      put(*error, response);
      return true;
    }
    if (request.method == "POST") return false;
    answer(request, "", response);
    return true;
  }
  std::optional<HttpReply> refusal_of(const httplib::Request& request) {
    const auto all = [&](const char* name) { return request.get_header_value_count(name); };
    const std::string host = request.get_header_value("Host"), origin = request.get_header_value("Origin");
    if (all("Host") != 1) return broken(400, "Host: one such header is needed");
    if (std::ranges::find(names_, host_name(host)) == names_.end()) {
      ++foreign_;
      return http_error(403, "Host: this server does not answer to that name (--name adds one)");
    }
    const size_t scheme = origin.find("://");
    if (all("Origin") > 0 && (scheme == std::string::npos || origin.substr(scheme + 3) != host)) {
      ++foreign_;
      return http_error(403, "Origin: pages of another host may not ask this server");
    }
    constexpr size_t kLongestPath = 1024;
    if (request.path.size() > kLongestPath) return broken(414, "the path is too long");
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
      HttpReply reply = http_error(405, "GET, HEAD and POST are served");
      reply.headers.emplace_back("Allow", "GET, HEAD, POST");
      return reply;
    }
    if (request.has_header("Range")) return http_error(416, "Range: parts of a reply are not served");
    if (request.has_header("Content-Encoding"))
      return http_error(415, "Content-Encoding: compressed requests are not read");
    const std::string length = request.get_header_value("Content-Length");
    const bool chunked = request.has_header("Transfer-Encoding");
    if (all("Content-Length") > 1 || (chunked && !length.empty()))
      return broken(400, "the length of the body is said twice");
    if (chunked && request.get_header_value("Transfer-Encoding") != "chunked")
      return broken(400, "Transfer-Encoding: only chunked is read");
    if (!std::ranges::all_of(length, [](unsigned char c) { return std::isdigit(c) != 0; }))
      return broken(400, "Content-Length: not a number");
    if (length.size() > 12 || (!length.empty() && std::stoull(length) > options_.max_body))
      return too_large();
    if (request.method != "POST" && (chunked || (!length.empty() && std::stoull(length) > 0)))
      return broken(400, "a body where none is read");
    if (request.method == "POST" && !chunked && length.empty())
      return broken(411, "Content-Length: the length of the body is needed");
    return std::nullopt;
  }
  HttpReply broken(int status, const char* message) {
    ++broken_;
    return http_error(status, message);
  }
  HttpReply too_large() {
    ++broken_;
    return http_error(413, fmt::format("the body is larger than {} bytes", options_.max_body));
  }

  void post(const httplib::Request& request, httplib::Response& response,
            const httplib::ContentReader& read) {
    std::string body;
    bool large = false;
    const auto receive = [&](const char* data, size_t size) {
      large = body.size() + size > options_.max_body;
      if (!large) body.append(data, size);
      return !large;
    };
    if (request.is_multipart_form_data())
      return put(http_error(415, "multipart/form-data is not read: send JSON"), response);
    if (!read(receive)) return put(large ? too_large() : broken(400, "the body ends early"), response);
    answer(request, std::move(body), response);
  }
  void answer(const httplib::Request& from, std::string body, httplib::Response& response) {
    HttpRequest request{.method = from.method == "HEAD" ? "GET" : from.method,
                        .path = from.path,
                        .query = from.params,
                        .content_type = from.get_header_value("Content-Type"),
                        .body = std::move(body)};
    HttpReply reply;
    try {
      reply = handler_(request);
    } catch (const std::exception& error) {
      reply = http_error(500, error.what());
    }
    current->begin_reply();
    put(std::move(reply), response);
  }
  // A provider keeps the library from compressing small replies with its slowest setting.
  static void put(HttpReply reply, httplib::Response& response) {
    response.status = reply.status;
    response.set_header("X-Content-Type-Options", "nosniff");
    response.set_header("Cache-Control", "no-store");
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    const auto body = std::make_shared<std::string>(std::move(reply.body));
    response.set_content_provider(body->size(), reply.content_type,
                                  [body](size_t offset, size_t length, httplib::DataSink& sink) {
                                    return sink.write(body->data() + offset, length);
                                  });
    if (reply.status >= 400) {  // the rest of the request may lie there unread
      close_after = true;
      response.set_header("Connection", "close");
    }
  }

  // In the place of the library's own loop.
  bool process_and_close_socket(socket_t socket) override {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection connection(socket, options_);
    if (open_.fetch_add(1) < options_.connections) {
      serve(connection);
    } else {
      ++refused_;
      connection.begin_reply();
      constexpr std::string_view kBody = R"({"error":"too many connections: come back later"})";
      const std::string reply = fmt::format(
          "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: "
          "application/json\r\nContent-Length: {}\r\n\r\n{}",
          kBody.size(), kBody);
      connection.write(reply.data(), reply.size());
    }
    --open_;
    linger(socket);
    return true;
  }
  // A socket that is closed with unread bytes takes its last reply with it.
  void linger(socket_t socket) const {
    ::shutdown(socket, SHUT_WR);
    std::array<char, 4096> rest;
    const Clock::time_point until = after(0.5);
    constexpr size_t kRest = 8 << 20;
    for (size_t read = 0; read < kRest && Clock::now() < until && !stopping_;) {
      pollfd one{.fd = socket, .events = POLLIN, .revents = 0};
      if (::poll(&one, 1, 100) <= 0) break;
      const ssize_t got = ::recv(socket, rest.data(), rest.size(), MSG_DONTWAIT);
      if (got <= 0) break;
      read += static_cast<size_t>(got);
    }
    ::close(socket);
  }
  void serve(Connection& connection) {
    for (size_t i = 0; i < kRequests && !stopping_ && connection.wait_for_request(stopping_); ++i) {
      connection.begin_request();
      current = &connection;
      close_after = false;
      bool closed = false;
      const bool answered =
          process_request(connection, /*close_connection=*/i + 1 == kRequests, closed, nullptr);
      if (connection.failed()) ++broken_;
      if (!answered || closed || close_after || connection.failed()) break;
    }
  }

  static constexpr size_t kRequests = 1000;  // of a connection
  static thread_local Connection* current;   // of this thread's request
  static thread_local bool close_after;      // after a refusal, whose request may lie there half read

  const HttpOptions options_;
  const HttpHandler handler_;
  std::vector<std::string> names_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false, started_ = false;
  std::atomic<int64_t> open_ = 0, refused_ = 0, broken_ = 0, foreign_ = 0;
};

thread_local Connection* Server::current = nullptr;
thread_local bool Server::close_after = false;

std::unique_ptr<HttpServer> listen_by_httplib(const HttpOptions& options, HttpHandler handler,
                                              std::string& error) {
  auto server = std::make_unique<Server>(options, std::move(handler));
  errno = 0;  // which a host that is not found leaves as it is
  if (server->begin()) return server;
  error = fmt::format("cannot listen on {}:{}: {}", options.host, options.port,
                      errno == 0 ? "this host is not known" : std::strerror(errno));
  return nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const HttpModule heed_http;
const HttpModule heed_http = {listen_by_httplib};

}  // namespace heed::serve
