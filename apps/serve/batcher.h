// Requests of several people translated together: while a batch is under way others gather, and the next one
// takes lines from all of them in turn.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "models/run/translator.h"

namespace heed::serve {

/// What to translate, and how.
struct Work {
  size_t model = 0;                        // which of the batcher's translators
  std::vector<std::string> lines;          // ordinary text, one sentence each
  std::optional<std::string> translation;  // scored, in the place of a new one; of a single line
  int64_t beam = 1, n_best = 1;
  bool attention = false;  // with attention maps, of both sides' self-attention too where there are
  bool vectors = false;    // see models::TranslateOptions
  bool tree = false;       // the beam's
  std::optional<models::WithoutKind> without_words = {};
  int64_t best_words = 0;
};

/// Why work is not done.
struct Refused {
  int status = 503;  // of HTTP
  std::string message;
};

/// Numbers so far.
struct BatcherCounts {
  int64_t batches = 0, sentences = 0;  // translated
  int64_t waiting = 0;                 // sentences now
  int64_t refused = 0, late = 0;       // requests
};

/// Translates on one thread of its own, which uses as many as models::SearchOptions::workers says.
class Batcher {
 public:
  /// Limits.
  struct Options {
    int64_t batch = 64;          // sentences translated together, at most
    size_t waiting = 2048;       // sentences that may wait
    double seconds = 30;         // for a request, after which what is left of it is dropped
    double length_factor = 2.0;  // see models::SearchOptions
    int64_t max_source = 300;    // units of a sentence
  };
  /// @param translators outlive the batcher
  /// @param options limits
  Batcher(std::vector<const models::Translator*> translators, const Options& options);
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Waits for the translations of all lines; called by many threads at a time.
  /// @param work what to translate
  /// @return for each line its n_best translations, the best first
  /// @throws Refused when too much waits, the time is over, or stop() was called; what translation throws
  std::vector<std::vector<models::Translation>> translate(const Work& work);
  /// Takes no more work; what waits is still translated.
  void stop();
  /// @return the numbers so far
  BatcherCounts counts() const;

 private:
  struct Job;
  struct Line {
    std::shared_ptr<Job> job;
    size_t index;
  };
  void run();
  std::vector<Line> next_batch();
  void translate_batch(std::span<const Line> batch);

  std::vector<const models::Translator*> translators_;
  Options options_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_, finished_;
  std::list<std::shared_ptr<Job>> waiting_;  // with lines that no batch has taken yet
  BatcherCounts counts_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace heed::serve
