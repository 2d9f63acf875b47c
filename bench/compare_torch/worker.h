// What a worker does: reads one command a line, answers one line. Shared by both workers; needs neither
// library.
//   time NAME SECONDS  -> ok MICROSECONDS   a call, over about SECONDS of calls after a warm-up
//   check NAME         -> ok FIGURE...      both sides must agree on each; none where there is chance in it
//   save FILE KIND     -> ok                heed writes the weights of the translator (KIND: none, additive,
//                      transformer)
//   load FILE KIND     -> ok                PyTorch reads them
//   model KIND         -> ok LOSS NORM      of the first batch, without dropout
//   drop NAME          -> ok                forgets the case and its memory
// Anything that goes wrong answers "error MESSAGE".
#pragma once

#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "bench/workload.h"

namespace workload {

struct Worker {
  std::string greeting;  // versions and settings, for the record
  std::function<Case(const std::string& name)> make_case;
  std::function<void(const std::string&file, const std::string&kind)> save, load;
  std::function<std::pair<double, double>(const std::string& kind)> model;
};

inline double time_case(const Case& c, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  (c.warm ? c.warm : c.run)();
  const auto start = Clock::now();
  double elapsed = 0;
  int64_t runs = 0;
  for (int64_t stretch = 1; elapsed < seconds; stretch *= 2) {  // the clock is read less and less often
    for (int64_t i = 0; i < stretch; ++i) c.run();
    runs += stretch;
    elapsed = since(start);
    if (elapsed + elapsed / static_cast<double>(runs) * static_cast<double>(stretch) > 2 * seconds) break;
  }
  return elapsed * 1e6 / static_cast<double>(runs * c.calls);
}

inline int serve(const Worker& worker) {
  std::map<std::string, Case> cases;
  const auto find = [&](const std::string& name) -> const Case& {
    const auto found = cases.find(name);
    return found != cases.end() ? found->second : cases.emplace(name, worker.make_case(name)).first->second;
  };
  const auto answer = [](const char* format, auto... values) {
    std::printf(format, values...);
    std::fflush(stdout);
  };
  answer("ok %s\n", worker.greeting.c_str());
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, first, second;
    words >> command >> first >> second;
    try {
      if (command == "time") {
        answer("ok %.9g\n", time_case(find(first), std::stod(second)));
      } else if (command == "check") {
        std::string figures;
        if (const Case& c = find(first); c.check) {
          for (const double figure : c.check()) {
            char text[32];
            std::snprintf(text, sizeof text, " %.12g", figure);
            figures += text;
          }
        }
        answer("ok%s\n", figures.c_str());
      } else if (command == "save" && worker.save) {
        worker.save(first, second);
        answer("ok\n");
      } else if (command == "load" && worker.load) {
        worker.load(first, second);
        answer("ok\n");
      } else if (command == "model") {
        const auto [loss, norm] = worker.model(first);
        answer("ok %.12g %.12g\n", loss, norm);
      } else if (command == "drop") {
        cases.erase(first);
        answer("ok\n");
      } else {
        answer("error unknown command '%s'\n", command.c_str());
      }
    } catch (const std::exception& e) {
      std::string message = e.what();
      message = message.substr(0, message.find('\n'));
      answer("error %s\n", message.c_str());
    }
  }
  return 0;
}

}  // namespace workload
