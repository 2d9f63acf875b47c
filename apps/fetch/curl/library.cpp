// The one thing that the library shows (kFetchSymbol in http_get.h). It throws nothing of heed's: messages go
// back as text.
#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/fetch/http_get.h"

namespace heed::fetch {
namespace {

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;

uint64_t number_in(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view without_space(std::string_view text) {
  const char* const kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? std::string_view()
                            : text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// A request under way: what its callbacks see.
struct Transfer {
  const GetRequest& request;
  CURL* curl;
  ReplyHead reply;
  bool head_given = false, stopped = false;
  std::string etag, last_modified;

  void header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // of a redirect, then of what it leads to
      reply = {};
      etag.clear();
      last_modified.clear();
      return;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos) return;
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string_view value = without_space(line.substr(colon + 1));
    if (name == "etag" && !value.starts_with("W/")) etag = value;
    if (name == "last-modified") last_modified = value;
    if (name == "content-type") reply.media_type = value.substr(0, value.find(';'));
    if (name == "content-length") reply.total = number_in(value);
    if (name == "content-range" && value.starts_with("bytes ")) {  // bytes 5-9/10
      reply.from = number_in(value.substr(6));
      const size_t slash = value.find('/');
      range_total = slash == value.npos ? 0 : number_in(value.substr(slash + 1));
    }
  }
  bool give_head() {
    if (std::exchange(head_given, true)) return true;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    reply.validator = etag.empty() ? last_modified : etag;
    if (reply.status == 206) {
      reply.total = range_total;
    } else {
      reply.from = 0;
    }
    stopped = !request.head(reply);
    return !stopped;
  }
  uint64_t range_total = 0;
};

size_t on_header(char* data, size_t, size_t size, void* transfer) {
  static_cast<Transfer*>(transfer)->header({data, size});
  return size;
}
size_t on_body(char* data, size_t, size_t size, void* transfer) {
  auto& t = *static_cast<Transfer*>(transfer);
  if (!t.give_head()) return size + 1;  // not what came: the end
  if (t.request.body({data, size})) return size;
  t.stopped = true;
  return size + 1;
}
int on_progress(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& t = *static_cast<Transfer*>(transfer);
  if (t.request.poll()) return 0;
  t.stopped = true;
  return 1;
}

GetResult get(const GetRequest& request) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Curl curl(ready == CURLE_OK ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) return {.hopeless = true, .error = "libcurl does not start"};
  CURL* const c = curl.get();
  Transfer transfer{.request = request, .curl = c};
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 10L);
  // from https there is no way back to http
  const char* const protocols = request.url.starts_with("https:") ? "https" : "http,https";
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
#else
  const long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;
  curl_easy_setopt(c, CURLOPT_PROTOCOLS, both);
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS,
                   std::strcmp(protocols, "https") == 0 ? long(CURLPROTO_HTTPS) : both);
#endif
  // certificates that the machine's owner trusts besides, as curl's own program takes them
  for (const char* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* const file = std::getenv(variable);
    if (file && *file) {
      curl_easy_setopt(c, CURLOPT_CAINFO, file);
      break;
    }
  }
  curl_easy_setopt(c, CURLOPT_USERAGENT, request.user_agent.c_str());
  const auto idle = static_cast<long>(std::max(request.idle_seconds, 1.0));
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, idle);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, idle);
  curl_slist* headers = nullptr;
  std::string range;
  if (request.from > 0) {
    range = fmt::format("{}-", request.from);
    curl_easy_setopt(c, CURLOPT_RANGE, range.c_str());
    if (!request.validator.empty())
      headers = curl_slist_append(headers, fmt::format("If-Range: {}", request.validator).c_str());
  }
  if (headers) curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  const CURLcode code = curl_easy_perform(c);
  if (code == CURLE_OK && !transfer.head_given) transfer.give_head();  // a reply without a body
  curl_slist_free_all(headers);
  GetResult result;
  result.stopped = transfer.stopped;
  result.complete = code == CURLE_OK && !transfer.stopped;
  if (code == CURLE_OK || transfer.stopped) return result;
  result.error = *reason ? reason : curl_easy_strerror(code);
  result.hopeless = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
                    code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                    code == CURLE_TOO_MANY_REDIRECTS || code == CURLE_PEER_FAILED_VERIFICATION ||
                    code == CURLE_SSL_CACERT_BADFILE || code == CURLE_COULDNT_CONNECT;
  return result;
}

std::string sum(const std::string& kind, const std::filesystem::path& path, const std::function<bool()>& poll,
                std::string& error) {
  const EVP_MD* const method = kind == "sha256" ? EVP_sha256() : kind == "md5" ? EVP_md5() : nullptr;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!method || !context || EVP_DigestInit_ex(context.get(), method, nullptr) != 1) {
    error = fmt::format("this machine's libcrypto computes no {}", kind);
    return {};
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  std::vector<char> buffer(size_t{1} << 18);
  size_t count = 0;
  while (file && (count = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0) {
    EVP_DigestUpdate(context.get(), buffer.data(), count);
    if (!poll()) return {};
  }
  if (!file || std::ferror(file.get()) != 0) {
    error = fmt::format("cannot read '{}': {}", path.string(), std::strerror(errno));
    return {};
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest, &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const FetchModule heed_fetch;
const FetchModule heed_fetch = {get, sum};

}  // namespace heed::fetch
