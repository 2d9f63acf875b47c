// What translator serve answers, without connections: tests/serve/http_test.py asks it over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "apps/serve/api.h"

namespace heed::serve {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class Serve : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = new ServedModels;
    for (const char* name : {"en-fr", "en-fr-none", "en-de"})
      models_->add(name, models::load_run(std::string(HEED_SOURCE_DIR "/translators/") + name));
  }
  static void TearDownTestSuite() { delete models_; }

  static Api::Options options() {
    return {.limits = {.characters = 200, .texts = 4, .beam = 6},
            .beam = 2,
            .batcher = {.waiting = 64, .seconds = 60}};
  }
  static HttpReply post(Api& api, const std::string& path, const std::string& body,
                        const std::string& type = "application/json") {
    return api.handle({.method = "POST", .path = path, .content_type = type, .body = body});
  }
  static json answer(Api& api, const std::string& path, const json& body, int status = 200) {
    const HttpReply reply = post(api, path, body.dump());
    EXPECT_EQ(reply.status, status) << reply.body;
    return json::parse(reply.body);
  }
  static HttpReply get(Api& api, const std::string& path) {
    return api.handle({.method = "GET", .path = path});
  }
  static std::string directly(size_t model, const std::string& line, int64_t beam) {
    models::TranslateOptions options;
    options.search.beam = beam;
    return models_->all()[model].translator->translate(std::vector{line}, options).front().target.text;
  }

  static inline ServedModels* models_ = nullptr;
  Api api_{*models_, options()};
};

// As LibreTranslate's clients send it: JSON with text or a list, and a form.
TEST_F(Serve, TranslatesAsClientsAsk) {
  const std::string wanted = directly(0, "I am a student.", 2);
  EXPECT_EQ(answer(api_, "/translate", {{"q", "I am a student."}, {"source", "en"}, {"target", "fr"}}),
            (json{{"translatedText", wanted}}));
  EXPECT_EQ(answer(api_, "/translate",
                   {{"q", {"I am a student.", ""}},
                    {"source", "en"},
                    {"target", "fr"},
                    {"format", "text"},
                    {"api_key", "x"}}),
            (json{{"translatedText", {wanted, ""}}}));
  const HttpReply form = post(api_, "/translate", "q=I+am+a%20student.&source=en&target=fr&api_key=&beam=2",
                              "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(json::parse(form.body), (json{{"translatedText", wanted}}));
  const HttpReply forms = post(api_, "/translate", "q=I+am+a%20student.&q=&source=en&target=fr",
                               "application/x-www-form-urlencoded");
  EXPECT_EQ(json::parse(forms.body)["translatedText"], (json{wanted, ""}));
  EXPECT_EQ(answer(api_, "/translate", {{"q", "I am a student."}, {"model", "en-fr-none"}})["translatedText"],
            directly(1, "I am a student.", 2));
}

// White space and lines stay, sentences are translated each.
TEST_F(Serve, TextsOfSeveralSentences) {
  const std::string a = directly(0, "I am a student.", 2), b = directly(0, "It rains.", 2);
  EXPECT_EQ(answer(api_, "/translate",
                   {{"q", " I am a student.  It rains.\n\nIt rains.\n"},
                    {"source", "en"},
                    {"target", "fr"}})["translatedText"],
            " " + a + "  " + b + "\n\n" + b + "\n");
  Api::Options whole = options();
  whole.split_sentences = false;
  Api lines(*models_, whole);
  EXPECT_EQ(answer(lines, "/translate",
                   {{"q", "I am a student.  It rains.\nIt rains."},
                    {"source", "en"},
                    {"target", "fr"}})["translatedText"],
            directly(0, "I am a student.  It rains.", 2) + "\n" + b);
}

TEST_F(Serve, AlternativesAreTheBeamsOthers) {
  models::TranslateOptions options;
  options.search.beam = 4;
  options.search.n_best = 4;
  const auto beam = models_->all()[0].translator->translate(std::vector<std::string>{"It rains."}, options);
  json wanted = json::array();
  for (size_t i = 1; i < 4; ++i) wanted.push_back(beam[i].target.text);
  EXPECT_EQ(
      answer(api_, "/translate",
             {{"q", "It rains."}, {"source", "en"}, {"target", "fr"}, {"beam", 4}, {"alternatives", 3}}),
      (json{{"translatedText", beam[0].target.text}, {"alternatives", wanted}}));
  EXPECT_EQ(answer(api_, "/translate",
                   {{"q", {"It rains."}},
                    {"source", "en"},
                    {"target", "fr"},
                    {"beam", 4},
                    {"alternatives", 3}})["alternatives"],
            json::array({wanted}));
}

// A record as `translate --records` writes it, and of a translation that is given.
TEST_F(Serve, AttentionIsTheRecord) {
  const json own = answer(api_, "/attention",
                          {{"q", "It rains."},
                           {"source", "en"},
                           {"target", "fr"},
                           {"best_words", 3},
                           {"tree", true},
                           {"without_words", true},
                           {"vectors", true}});
  const models::Translation record = models::parse_translation(own.dump(), "reply", 1);
  EXPECT_EQ(record.target.text, directly(0, "It rains.", 2));
  EXPECT_THAT(record.attention, SizeIs(12));
  EXPECT_FALSE(record.encoder_self_attention.empty() || record.beam.empty() || record.vectors.empty());
  EXPECT_THAT(record.without, SizeIs(2));
  ASSERT_FALSE(record.steps.empty());
  EXPECT_THAT(record.steps.front().best, SizeIs(3));
  const json given =
      answer(api_, "/attention", {{"q", "It rains."}, {"model", "en-fr"}, {"translation", "Il neige."}});
  const models::Translation wanted =
      models_->all()[0]
          .translator->force(std::vector<std::string>{"It rains."}, std::vector<std::string>{"Il neige."})
          .front();
  EXPECT_EQ(given["target"]["text"], "Il neige.");
  EXPECT_NEAR(given["score"].get<double>(), wanted.score, 1e-4);
  const json page = answer(api_, "/attention",
                           {{"q", "It rains."}, {"model", "en-fr"}, {"form", "page"}, {"alternatives", 1}});
  EXPECT_EQ(page["entry"]["target"], own["target"]["text"]);
  EXPECT_TRUE(page["maps"].contains("cross") && page["maps"].contains("encoder"));
  EXPECT_THAT(page["alternatives"], SizeIs(2));
  EXPECT_TRUE(
      answer(api_, "/attention", {{"q", "It rains."}, {"model", "en-fr-none"}, {"form", "page"}})["maps"]
          .empty());
}

// true is a mask; a model without attention leaves the word out, and the record says so.
TEST_F(Serve, WithoutWordsMasksThemOrLeavesThemOut) {
  const auto record = [&](const json& kind, const char* model = "en-fr", const char* text = "It rains.") {
    const json reply = answer(api_, "/attention", {{"q", text}, {"model", model}, {"without_words", kind}});
    return models::parse_translation(reply.dump(), "reply", 1);
  };
  const models::Translation masked = record(true), dropped = record("drop");
  EXPECT_EQ(masked.without_kind, models::WithoutKind::mask);
  EXPECT_EQ(masked, record("mask"));
  EXPECT_EQ(dropped.without_kind, models::WithoutKind::drop);
  ASSERT_THAT(dropped.without, SizeIs(2));
  EXPECT_EQ(dropped.without[0].text, directly(0, " rains.", 2));
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(masked.without[i].word, i);
    EXPECT_NE(masked.without[i].score, dropped.without[i].score);
  }
  EXPECT_EQ(record(true, "en-fr-none").without_kind, models::WithoutKind::drop);
  EXPECT_THAT(record(false).without, testing::IsEmpty());
  EXPECT_THAT(record(true, "en-fr", "rains").without, testing::IsEmpty());  // nothing would be left
}

TEST_F(Serve, WhatIsNotServedIsSaidByName) {
  const auto error = [&](const json& change, int status = 400, const std::string& path = "/translate") {
    json body{{"q", "x"}, {"source", "en"}, {"target", "fr"}};
    body.update(change);
    return answer(api_, path, body, status)["error"].get<std::string>();
  };
  EXPECT_THAT(error({{"source", "auto"}}), HasSubstr("source 'auto' is not served"));
  EXPECT_THAT(error({{"format", "html"}}), HasSubstr("format 'html' is not served"));
  EXPECT_EQ(error({{"target", "es"}}),
            "no translator from 'en' to 'es' is served here: there is en to fr (en-fr, en-fr-none), en to de "
            "(en-de)");
  EXPECT_THAT(error({{"model", "mine"}}),
              HasSubstr("no translator called 'mine' from 'en' to 'fr' is served here"));
  EXPECT_THAT(error({{"target", nullptr}}), HasSubstr("target is missing"));
  EXPECT_THAT(error({{"q", nullptr}}), HasSubstr("q is missing"));
  EXPECT_EQ(error({{"q", 3}}), "q is not text");
  EXPECT_EQ(error({{"q", {"a", 3}}}), "q[1] is not text");
  EXPECT_EQ(error({{"q", {{"a", 1}}}}), "q is not text");
  EXPECT_EQ(error({{"beam", "many"}}), "beam is not a whole number");
  EXPECT_EQ(error({{"beam", 7}}), "beam is 7, outside 1 to 6");
  EXPECT_EQ(error({{"beam", 1e30}}), "beam is not a whole number");
  EXPECT_EQ(error({{"beam", 18446744073709551615U}}), "beam is 18446744073709551615, outside 1 to 6");
  EXPECT_EQ(error({{"alternatives", -1}}), "alternatives is -1, outside 0 to 5");
  EXPECT_THAT(error({{"qq", 1}}), HasSubstr("'qq' is not known; there are q, source"));
  EXPECT_EQ(error({{"q", std::string(201, 'x')}}, 413), "201 characters, and 200 are allowed");
  EXPECT_EQ(error({{"q", json::array({"a", "b", "c", "d", "e"})}}, 413),
            "5 texts at a time, and 4 are allowed");
  Api::Options more = options();
  more.limits.characters = 5000;
  Api wide(*models_, more);
  const auto closely = [&](json change) {
    json body{{"q", "dog"}, {"model", "en-fr"}};
    body.update(change);
    return answer(wide, "/attention", body, 413)["error"].get<std::string>();
  };
  std::string words = "dog";
  for (int i = 0; i < 40; ++i) words += " dog";
  EXPECT_EQ(closely({{"q", words}, {"vectors", true}}),
            "vectors and without_words are of at most 40 words and 400 characters");
  EXPECT_EQ(closely({{"translation", words}, {"vectors", true}}),
            "vectors and without_words are of at most 40 words and 400 characters");
  EXPECT_EQ(closely({{"q", words + " " + words + " " + words}}),
            "attention is of at most 120 words and 1200 characters");
  EXPECT_EQ(closely({{"q", std::string(1201, 'x')}}),
            "attention is of at most 120 words and 1200 characters");
  EXPECT_EQ(error({{"q", {"a"}}}, 400, "/attention"), "q is a list; attention is of one text");
  EXPECT_EQ(error({{"q", " "}}, 400, "/attention"), "q has no words");
  EXPECT_EQ(error({{"q", "a\nb"}}, 400, "/attention"), "q has several lines; attention is of one");
  EXPECT_EQ(error({{"form", "x"}}, 400, "/attention"), "form is neither record nor page");
  EXPECT_EQ(error({{"tree", 1}}, 400, "/attention"), "tree is neither true nor false");
  EXPECT_EQ(error({{"without_words", "hide"}}, 400, "/attention"),
            "without_words is neither true nor false nor mask nor drop");
  for (const char* body :
       {"", "[]", "3", "{", "{\"q\":\"\\ud800\"}", "{\"q\":1e999}", "\xff", "null", "{\"q\":\"a\"}x"}) {
    const HttpReply reply = post(api_, "/translate", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_TRUE(json::parse(reply.body)["error"].is_string());
  }
  EXPECT_EQ(post(api_, "/translate", "{}", "text/plain").status, 415);
  EXPECT_EQ(post(api_, "/translate", "q=%ff&source=en&target=fr", "application/x-www-form-urlencoded").status,
            400);
  EXPECT_EQ(post(api_, "/health", "").status, 405);
  EXPECT_EQ(get(api_, "/../etc/passwd").status, 404);
}

// Requests of many at a time: each gets what it would get alone, and they were translated together.
TEST_F(Serve, RequestsOfSeveralPeopleAreBatched) {
  const std::vector<std::string> lines{"I am a student.", "It rains.", "Where is the station?",
                                       "The old man reads a book."};
  std::vector<std::string> wanted;
  for (const std::string& line : lines) wanted.push_back(directly(0, line, 2));
  constexpr size_t kPeople = 12, kRequests = 6;
  std::vector<std::thread> people;
  std::atomic<int> wrong = 0;
  for (size_t p = 0; p < kPeople; ++p) {
    people.emplace_back([&, p] {
      for (size_t r = 0; r < kRequests; ++r) {
        const size_t i = (p + r) % lines.size();
        const HttpReply reply =
            post(api_, "/translate", json{{"q", lines[i]}, {"source", "en"}, {"target", "fr"}}.dump());
        wrong += json::parse(reply.body)["translatedText"] != wanted[i];
      }
    });
  }
  for (std::thread& person : people) person.join();
  EXPECT_EQ(wrong, 0);
  const std::string metrics = get(api_, "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("heed_sentences_total 72\n"));
  const auto batches = std::stoi(metrics.substr(metrics.find("\nheed_batches_total ") + 20));
  EXPECT_LT(batches, 72);
  EXPECT_THAT(metrics, HasSubstr("heed_requests_total{path=\"/translate\",status=\"200\"} 72\n"));
}

TEST_F(Serve, TooMuchAtATimeIsRefused) {
  Api::Options few = options();
  few.batcher.waiting = 1;
  Api small(*models_, few);
  const json body{{"q", {"a", "b", "c"}}, {"source", "en"}, {"target", "fr"}};
  const HttpReply busy = post(small, "/translate", body.dump());
  EXPECT_EQ(busy.status, 503);
  EXPECT_THAT(busy.headers, testing::Contains(std::pair<std::string, std::string>("Retry-After", "1")));
  Api::Options hasty = options();
  hasty.batcher.seconds = 0;
  Api late(*models_, hasty);
  const std::string line = "The old man reads a book in the garden again.";
  const json much{{"q", {line, line, line, line}}, {"source", "en"}, {"target", "fr"}, {"beam", 6}};
  EXPECT_THAT(answer(late, "/translate", much, 503)["error"], HasSubstr("not translated within"));
  api_.stop();
  EXPECT_EQ(answer(api_, "/translate", body, 503)["error"], "the server is about to end");
  EXPECT_EQ(get(api_, "/health").status, 200);
}

// Every path that the description names is there, every example in it is answered as it says, and nothing is
// served that it does not name.
TEST_F(Serve, TheDescriptionIsTrue) {
  const json doc = json::parse(get(api_, "/openapi.json").body);
  EXPECT_EQ(doc["openapi"], "3.0.3");
  size_t posts = 0;
  for (const auto& [path, methods] : doc["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      HttpReply reply;
      if (method == "get") {
        reply = get(api_, path);
      } else {
        ++posts;
        const json& given = operation["requestBody"]["content"]["application/json"];
        reply = post(api_, path, given["example"].dump());
        const std::string name = given["schema"]["$ref"].get<std::string>();
        const json& schema = doc.at(json::json_pointer(name.substr(1)));
        // A parameter that it does not name is refused with all that are.
        const std::string message = json::parse(post(api_, path, R"({"no-such":1})").body)["error"];
        for (const auto& [parameter, about] : schema["properties"].items())
          EXPECT_THAT(message, HasSubstr(parameter));
      }
      EXPECT_EQ(reply.status, 200) << path << reply.body;
      const json& content = operation["responses"]["200"]["content"];
      EXPECT_TRUE(content.contains(reply.content_type.substr(0, reply.content_type.find(';')))) << path;
      if (!content.contains("application/json")) continue;
      const json body = json::parse(reply.body);
      const json& schema = content["application/json"]["schema"];
      const json& resolved = schema.contains("$ref")
                                 ? doc.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1)))
                                 : schema;
      EXPECT_EQ(resolved["type"], body.is_array() ? "array" : "object") << path;
      for (const json& key : resolved.value("required", json::array()))
        EXPECT_TRUE(body.contains(key.get<std::string>())) << path << key;
    }
  }
  EXPECT_EQ(posts, 2U);
  EXPECT_EQ(doc["paths"].size(), 8U);
}

// Lines of comments, or a name with labels and a number.
TEST_F(Serve, MetricsAreInPrometheusForm) {
  get(api_, "/health");
  std::istringstream text(get(api_, "/metrics").body);
  std::set<std::string> typed;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) typed.insert(line.substr(7, line.find(' ', 7) - 7));
    if (line.starts_with('#')) continue;
    std::string name = line.substr(0, line.find_first_of(" {"));
    for (const char* end : {"_bucket", "_sum", "_count"})
      if (name.ends_with(end) && typed.count(name.substr(0, name.size() - std::string(end).size())) > 0)
        name = name.substr(0, name.size() - std::string(end).size());
    EXPECT_EQ(typed.count(name), 1U) << line;
    EXPECT_NO_THROW(std::stod(line.substr(line.rfind(' ')))) << line;
  }
}

}  // namespace
}  // namespace heed::serve
