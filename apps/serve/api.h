// What a server answers: the page, the API that LibreTranslate's clients speak, attention, counts. It knows
// requests and replies and nothing of connections.
#pragma once

#include <functional>
#include <string>

#include "apps/serve/batcher.h"
#include "apps/serve/http.h"
#include "apps/serve/metrics.h"
#include "apps/serve/models.h"
#include "apps/serve/request.h"

namespace heed::serve {

/// Answers requests; called by many threads at a time.
class Api {
 public:
  /// Options.
  struct Options {
    RequestLimits limits;
    int64_t beam = 5;             // where a request says nothing
    bool split_sentences = true;  // whether texts are cut into sentences, which are translated each
    std::string examples;         // sentences that the page offers, a line each
    Batcher::Options batcher;
  };
  /// @param models outlive the Api
  /// @param options limits and defaults
  Api(const ServedModels& models, Options options);

  /// @param request whose host and size were checked
  /// @return the reply; errors are {"error": "one line"}
  HttpReply handle(const HttpRequest& request);
  /// @param counts of the connections, for /metrics
  void set_door(std::function<HttpCounts()> counts) { door_ = std::move(counts); }
  /// Refuses what waits; see Batcher::stop().
  void stop() { batcher_.stop(); }

 private:
  HttpReply translate(const HttpRequest& request);
  HttpReply attention(const HttpRequest& request);
  HttpReply languages() const;
  HttpReply list_models() const;
  HttpReply metrics() const;
  size_t model_of(const std::string& name, const std::string& source, const std::string& target) const;

  const ServedModels& models_;
  Options options_;
  Batcher batcher_;
  Metrics metrics_;
  std::function<HttpCounts()> door_;
};

}  // namespace heed::serve
