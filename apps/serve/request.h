// What requests ask for: read, and checked against what the server allows.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/serve/http.h"
#include "models/run/translation.h"

namespace heed::serve {

/// What a request may ask for at most.
struct RequestLimits {
  size_t characters = 5000;  // of all texts together
  size_t texts = 128;        // of one request
  int64_t beam = 10;         // also the most alternatives and best words
};

/// POST /translate.
struct TranslateRequest {
  std::vector<std::string> texts;
  bool list = false;  // whether q was a list, and the answer is one
  std::string source, target, model;
  int64_t beam = 0;          // 0: the server's
  int64_t alternatives = 0;  // further translations of each text
};

/// POST /attention.
struct AttentionRequest {
  std::string text, source, target, model;
  std::optional<std::string> translation;  // whose attention is wanted; none: the model's own
  int64_t beam = 0, best_words = 0, alternatives = 0;
  bool tree = false, vectors = false;
  std::optional<models::WithoutKind> without_words;
  bool page = false;  // in the form of the page (apps/heatmap/viewer/data.js) and not as a record
};

/// A request that cannot be answered.
struct BadRequest {
  int status = 400;
  std::string message;
};

/// Reads the body of POST /translate: JSON, or a form as `curl -d` sends it.
/// @param request of HTTP
/// @param limits of the server
/// @return what is asked for
/// @throws BadRequest
TranslateRequest read_translate(const HttpRequest& request, const RequestLimits& limits);
/// Reads the body of POST /attention, in the same way.
/// @param request of HTTP
/// @param limits of the server
/// @return what is asked for
/// @throws BadRequest
AttentionRequest read_attention(const HttpRequest& request, const RequestLimits& limits);

}  // namespace heed::serve
