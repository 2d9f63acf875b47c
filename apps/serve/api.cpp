#include "apps/serve/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/common/environment.h"
#include "apps/heatmap/viewer_page.h"
#include "apps/serve/page.h"
#include "framework/build_info.h"
#include "framework/core/error.h"
#include "models/text/script.h"
#include "models/text/sentences.h"
#include "models/text/unicode.h"

namespace heed::serve {
namespace {

using Json = nlohmann::ordered_json;

HttpReply json_reply(const Json& json) {
  return {.body = json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

// The lines to be translated of some texts, and how their translations are put together again.
class Cut {
 public:
  Cut(const std::vector<std::string>& texts, bool into_sentences, const std::string& language) {
    for (const std::string& text : texts) {
      auto& parts = parts_.emplace_back();
      for (models::SentencePart& part : models::split_sentences(text, into_sentences ? language : "")) {
        if (!into_sentences && !parts.empty() && parts.back().after.find('\n') == std::string::npos) {
          join(parts.back(), std::move(part));
        } else {
          parts.push_back(std::move(part));
        }
      }
      for (const models::SentencePart& part : parts)
        if (!part.text.empty()) lines_.push_back(part.text);
    }
  }
  const std::vector<std::string>& lines() const { return lines_; }
  // The texts of the translations of `rank`, or of the last that a sentence has.
  std::vector<std::string> texts(const models::Translator& translator,
                                 const std::vector<std::vector<models::Translation>>& results,
                                 size_t rank) const {
    std::vector<std::string> texts;
    size_t next = 0;
    for (const auto& parts : parts_) {
      std::string& text = texts.emplace_back();
      for (const models::SentencePart& part : parts) {
        text += part.before;
        if (!part.text.empty()) {
          const auto& found = results.at(next++);
          text += translator.written(found.at(std::min(rank, found.size() - 1)));
        }
        text += part.after;
      }
    }
    return texts;
  }

 private:
  static void join(models::SentencePart& part, models::SentencePart next) {
    part.text += part.after + next.before + next.text;
    part.after = std::move(next.after);
  }

  std::vector<std::vector<models::SentencePart>> parts_;  // of each text
  std::vector<std::string> lines_;
};

void require_whole(const std::vector<std::vector<models::Translation>>& results) {
  for (const auto& found : results) {
    if (found.empty()) throw Error("serve", "a sentence has no translation");
    if (!found.front().skipped.empty())
      throw BadRequest{413, "a sentence is too long: " + found.front().skipped};
  }
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * 4096;
}

}  // namespace

Api::Api(const ServedModels& models, Options options)
    : models_(models),
      options_(std::move(options)),
      batcher_(
          [&] {
            std::vector<const models::Translator*> translators;
            for (const ServedModel& model : models.all()) translators.push_back(model.translator.get());
            return translators;
          }(),
          options_.batcher) {}

HttpReply Api::handle(const HttpRequest& request) {
  struct Route {
    const char* method;
    const char* path;
    std::function<HttpReply()> answer;
  };
  const Route routes[] = {
      {"GET", "/", [&] { return page_reply(); }},
      {"POST", "/translate", [&] { return translate(request); }},
      {"POST", "/attention", [&] { return attention(request); }},
      {"GET", "/languages", [&] { return languages(); }},
      {"GET", "/models", [&] { return list_models(); }},
      {"GET", "/health",
       [&] {
         return json_reply({{"status", "ok"}});
       }},
      {"GET", "/metrics", [&] { return metrics(); }},
      {"GET", "/openapi.json", [&] { return openapi_reply(); }},
  };
  const double begin = apps::steady_seconds();
  const auto* const route = std::ranges::find_if(
      routes, [&](const Route& one) { return request.path == one.path && request.method == one.method; });
  const bool known = std::ranges::any_of(routes, [&](const Route& one) { return request.path == one.path; });
  HttpReply reply;
  if (route == std::end(routes)) {
    reply = known ? http_error(405, fmt::format("{} is not asked for with {}", request.path, request.method))
                  : http_error(404, "there is nothing here; /openapi.json says what there is");
  } else {
    try {
      reply = route->answer();
    } catch (const BadRequest& error) {
      reply = http_error(error.status, error.message);
    } catch (const Refused& error) {
      reply = http_error(error.status, error.message);
      reply.headers.emplace_back("Retry-After", "1");
    } catch (const ValueError& error) {
      reply = http_error(400, error.what());
    }
  }
  metrics_.add(known ? request.path : "other", reply.status, apps::steady_seconds() - begin);
  return reply;
}

size_t Api::model_of(const std::string& name, const std::string& source, const std::string& target) const {
  if (name.empty() && (source.empty() || target.empty()))
    throw BadRequest{
        400, fmt::format("{} is missing: {}", source.empty() ? "source" : "target", models_.summary())};
  return models_.find(name, source, target);
}

HttpReply Api::translate(const HttpRequest& request) {
  const TranslateRequest wanted = read_translate(request, options_.limits);
  Work work{.model = model_of(wanted.model, wanted.source, wanted.target)};
  work.n_best = wanted.alternatives + 1;
  work.beam = std::max(wanted.beam > 0 ? wanted.beam : options_.beam, work.n_best);
  const Cut cut(wanted.texts, options_.split_sentences, models_.all()[work.model].source);
  work.lines = cut.lines();
  const auto results = batcher_.translate(work);
  require_whole(results);
  const models::Translator& translator = *models_.all()[work.model].translator;
  Json reply;
  const auto answer = [&](size_t rank) {
    std::vector<std::string> texts = cut.texts(translator, results, rank);
    return wanted.list ? Json(std::move(texts)) : Json(std::move(texts.front()));
  };
  reply["translatedText"] = answer(0);
  if (wanted.alternatives > 0) {
    Json alternatives = Json::array();
    size_t most = 0;  // that any sentence has
    for (const auto& found : results) most = std::max(most, found.size());
    for (int64_t rank = 1; rank <= wanted.alternatives && static_cast<size_t>(rank) < most; ++rank) {
      if (wanted.list) {  // a list for each text
        const std::vector<std::string> texts = cut.texts(translator, results, static_cast<size_t>(rank));
        for (size_t i = 0; i < texts.size(); ++i) {
          if (rank == 1) alternatives.push_back(Json::array());
          alternatives[i].push_back(texts[i]);
        }
      } else {
        alternatives.push_back(answer(static_cast<size_t>(rank)));
      }
    }
    reply["alternatives"] = std::move(alternatives);
  }
  return json_reply(reply);
}

HttpReply Api::attention(const HttpRequest& request) {
  const AttentionRequest wanted = read_attention(request, options_.limits);
  Work work{.model = model_of(wanted.model, wanted.source, wanted.target)};
  const std::string text(models::strip_right(wanted.text));
  if (models::split_whitespace(text).empty()) throw BadRequest{400, "q has no words"};
  if (text.find('\n') != std::string::npos) throw BadRequest{400, "q has several lines; attention is of one"};
  work.lines = {text};
  work.translation = wanted.translation;
  work.n_best = wanted.translation ? 1 : wanted.alternatives + 1;
  work.beam = std::max(wanted.beam > 0 ? wanted.beam : options_.beam, work.n_best);
  work.attention = true;
  // Maps grow with the square of the length; with vectors or a translation for each word it costs more.
  const auto limit = [&](size_t words, const char* what) {
    for (const std::string& one : {text, wanted.translation.value_or("")}) {
      if (models::split_whitespace(one).size() > words || models::code_points(one).size() > 10 * words)
        throw BadRequest{413,
                         fmt::format("{} of at most {} words and {} characters", what, words, 10 * words)};
    }
  };
  limit(120, "attention is");
  if (wanted.vectors || wanted.without_words) limit(40, "vectors and without_words are");
  work.vectors = wanted.vectors;
  work.tree = wanted.tree && !wanted.translation;
  if (!wanted.translation) work.without_words = wanted.without_words;
  work.best_words = wanted.best_words;
  auto results = batcher_.translate(work);
  require_whole(results);
  const models::Translator& translator = *models_.all()[work.model].translator;
  Json alternatives = Json::array();
  for (const models::Translation& one : results.front())
    alternatives.push_back({{"text", translator.written(one)}, {"score", one.score}});
  models::Translation& best = results.front().front();
  if (!wanted.page && wanted.alternatives == 0) return {.body = models::to_json_line(best)};
  Json reply;
  if (wanted.page) {
    reply = heatmap::record_for_page({std::move(best), models_.all()[work.model].name, {}});
  } else {
    reply = Json::parse(models::to_json_line(best));
  }
  if (wanted.alternatives > 0) reply["alternatives"] = std::move(alternatives);
  return json_reply(reply);
}

HttpReply Api::languages() const {
  Json list = Json::array();
  for (const ServedModel& model : models_.all()) {
    if (model.source.empty() || model.target.empty()) continue;  // found by its name alone
    const auto same = [&](const Json& one) { return one["code"] == model.source; };
    auto found = std::ranges::find_if(list, same);
    if (found == list.end()) {
      list.push_back({{"code", model.source},
                      {"name", models::language_name(model.source)},
                      {"targets", Json::array()}});
      found = std::prev(list.end());
    }
    Json& targets = (*found)["targets"];
    if (std::ranges::find(targets, Json(model.target)) == targets.end()) targets.push_back(model.target);
  }
  return json_reply(list);
}

HttpReply Api::list_models() const {
  Json list = Json::array();
  for (const ServedModel& model : models_.all()) {
    const models::TranslationModel& network = *model.translator->run().model;
    list.push_back({{"name", model.name},
                    {"source", model.source},
                    {"target", model.target},
                    {"source_name", models::language_name(model.source)},
                    {"target_name", models::language_name(model.target)},
                    {"model", network.describe()},
                    {"parameters", network.parameter_count()},
                    {"attention", network.has_attention()},
                    {"self_attention", network.has_self_attention()}});
  }
  return json_reply({{"models", std::move(list)},
                     {"beam", options_.beam},
                     {"limits",
                      {{"characters", options_.limits.characters},
                       {"texts", options_.limits.texts},
                       {"beam", options_.limits.beam}}},
                     {"version", build_info().version}});
}

HttpReply Api::metrics() const {
  const BatcherCounts counts = batcher_.counts();
  std::string text = metrics_.text();
  text += metric("heed_sentences_total", "counter", "Sentences translated.",
                 static_cast<double>(counts.sentences));
  text += metric("heed_batches_total", "counter", "Batches translated.", static_cast<double>(counts.batches));
  text +=
      metric("heed_waiting_sentences", "gauge", "Sentences that wait.", static_cast<double>(counts.waiting));
  text += metric("heed_busy_total", "counter", "Requests refused because too much waited.",
                 static_cast<double>(counts.refused));
  text += metric("heed_late_total", "counter", "Requests given up because their time was over.",
                 static_cast<double>(counts.late));
  if (door_) {
    const HttpCounts door = door_();
    text += metric("heed_connections", "gauge", "Open connections.", static_cast<double>(door.connections));
    text += metric("heed_connections_refused_total", "counter", "Connections above the limit.",
                   static_cast<double>(door.refused));
    text += metric("heed_broken_requests_total", "counter",
                   "Requests that were not HTTP, too large or too slow.", static_cast<double>(door.broken));
    text += metric("heed_foreign_requests_total", "counter",
                   "Requests for another host or from a page of one.", static_cast<double>(door.foreign));
  }
  text += metric("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)};
}

}  // namespace heed::serve
