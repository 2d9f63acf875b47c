// translator serve: translations, attention and a page to look at them, over HTTP.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_option.h"
#include "apps/serve/api.h"
#include "apps/translator/commands.h"
#include "framework/core/error.h"
#include "models/run/box.h"

namespace heed::apps {
namespace {

struct ServeOptions {
  std::vector<std::string> runs;
  serve::HttpOptions http;
  serve::Api::Options api;
  bool whole_lines = false;
  int threads = 0;
};

void serve_runs(ServeOptions& options) {
  use_threads(options.threads);
  serve::ServedModels served;
  for (const NamedRun& run : named_runs("--run", options.runs))
    served.add(run.name, models::load_run(run.folder));
  if (options.api.beam > options.api.limits.beam)
    throw CLI::ValidationError(
        "--beam", fmt::format("is {}, --max-beam {}", options.api.beam, options.api.limits.beam));
  options.api.split_sentences = !options.whole_lines;
  // A character takes four bytes at most, six as JSON's \u, some more in a list.
  options.http.max_body = 12 * options.api.limits.characters + 4096;
  serve::Api api(served, options.api);
  const std::unique_ptr<serve::HttpServer> server =
      serve::listen(options.http, [&](const serve::HttpRequest& request) { return api.handle(request); });
  api.set_door([&] { return server->counts(); });
  catch_interrupts();
  std::atomic<bool> ended = false;
  std::thread watch([&] {
    while (interrupted.load() == 0 && !ended) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (interrupted.load() != 0) note("ends when what is under way is answered\n");
    api.stop();
    server->stop();
  });
  const bool every = options.http.host == "0.0.0.0" || options.http.host == "::";
  const std::string host = every                                              ? "localhost"
                           : options.http.host.find(':') == std::string::npos ? options.http.host
                                                                              : "[" + options.http.host + "]";
  say("{}: http://{}:{}/\n", served.summary(), host, server->port());
  std::fflush(stdout);  // a program that started this one waits for the line
  // Signals are for the thread that watches: accept() would end at one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const bool whole = server->run();
  ended = true;
  watch.join();
  if (!whole && interrupted.load() == 0) throw Error("serve", "no more connections can be accepted");
}

}  // namespace

Command add_serve(CLI::App& cli) {
  const auto o = std::make_shared<ServeOptions>();
  add_runs_option(
      cli, o->runs,
      "a translator to serve: a run folder or a name of the box, or NAME=FOLDER; -r again for one more")
      ->required();
  cli.add_option("--host", o->http.host, "address to listen on; anybody who reaches it may ask")
      ->capture_default_str();
  cli.add_option("--port", o->http.port, "port; 0 for one that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  cli.add_option("--name", o->http.names,
                 "a further host name that requests may be for, such as the one that a proxy passes on");
  cli.add_option("--beam", o->api.beam, "beam where a request says nothing")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  cli.add_option("--max-beam", o->api.limits.beam, "largest beam that a request may ask for")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  cli.add_option("--characters", o->api.limits.characters, "most characters of a request")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  cli.add_option("--texts", o->api.limits.texts, "most texts of a request")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  cli.add_option("--seconds", o->api.batcher.seconds, "longest time for a request, waiting included")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  cli.add_option("--waiting", o->api.batcher.waiting,
                 "most sentences that wait; a request above is told to come back")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  cli.add_option("--connections", o->http.connections, "most connections at a time")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  cli.add_option("--batch", o->api.batcher.batch, "most sentences translated together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  cli.add_flag("--whole-lines", o->whole_lines, "translate each line as it is, and not sentence by sentence");
  cli.add_option("--threads", o->threads, "threads (default: what the container allows)")
      ->check(CLI::Range(0, 1024));
  return [o] { serve_runs(*o); };
}

}  // namespace heed::apps
