#include "apps/serve/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace heed::serve {

struct Batcher::Job {
  Work work;
  std::vector<std::vector<models::Translation>> results;
  size_t taken = 0, done = 0;  // lines
  std::exception_ptr error;

  // Whether lines of both can be translated together.
  bool goes_with(const Job& other) const {
    const auto how = [](const Work& w) {
      return std::tuple(w.model, w.beam, w.n_best, w.attention, w.vectors, w.tree, w.without_words,
                        w.best_words);
    };
    return how(work) == how(other.work) && !work.translation && !other.work.translation;
  }
};

Batcher::Batcher(std::vector<const models::Translator*> translators, const Options& options)
    : translators_(std::move(translators)), options_(options), thread_([this] { run(); }) {}

Batcher::~Batcher() {
  stop();
  thread_.join();
}

void Batcher::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  arrived_.notify_all();
}

BatcherCounts Batcher::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::vector<std::vector<models::Translation>> Batcher::translate(const Work& work) {
  if (work.lines.empty()) return {};
  const auto job = std::make_shared<Job>();
  job->work = work;
  job->results.resize(work.lines.size());
  std::unique_lock lock(mutex_);
  if (stopping_) throw Refused{503, "the server is about to end"};
  if (static_cast<size_t>(counts_.waiting) + work.lines.size() > options_.waiting) {
    ++counts_.refused;
    throw Refused{503, fmt::format("{} sentences are waiting: come back later", counts_.waiting)};
  }
  counts_.waiting += static_cast<int64_t>(work.lines.size());
  waiting_.push_back(job);
  arrived_.notify_one();
  finished_.wait_for(lock, std::chrono::duration<double>(options_.seconds),
                     [&] { return job->done == work.lines.size() || job->error; });
  const auto left = static_cast<int64_t>(work.lines.size() - job->taken);  // those that no batch took
  counts_.waiting -= left;
  std::erase(waiting_, job);
  if (job->error) std::rethrow_exception(job->error);
  if (job->done == work.lines.size()) return std::move(job->results);
  ++counts_.late;
  throw Refused{503, fmt::format("not translated within {} s: send less at a time", options_.seconds)};
}

void Batcher::run() {
  for (std::vector<Line> batch = next_batch(); !batch.empty(); batch = next_batch()) translate_batch(batch);
}

// Lines of the first job and of those that go with it, in turn; empty at the end.
std::vector<Batcher::Line> Batcher::next_batch() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  std::vector<Line> batch;
  if (waiting_.empty()) return batch;
  const std::shared_ptr<Job> first = waiting_.front();
  // What is looked at closely costs many times a translation.
  constexpr int64_t kLooks = 4;
  const auto most =
      static_cast<size_t>(first->work.attention ? std::min(kLooks, options_.batch) : options_.batch);
  for (bool more = true; more && batch.size() < most;) {
    more = false;
    for (auto it = waiting_.begin(); it != waiting_.end() && batch.size() < most;) {
      Job& job = **it;
      if (*it != first && !first->goes_with(job)) {
        ++it;
        continue;
      }
      batch.push_back({*it, job.taken++});
      --counts_.waiting;
      more = true;
      it = job.taken == job.work.lines.size() ? waiting_.erase(it) : std::next(it);
    }
  }
  // A long one goes behind the others.
  if (first->taken < first->work.lines.size()) waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
  return batch;
}

void Batcher::translate_batch(std::span<const Line> batch) {
  const Work& how = batch.front().job->work;
  const models::Translator& translator = *translators_.at(how.model);
  models::TranslateOptions wanted;
  wanted.search.batch_size = options_.batch;
  wanted.search.length_factor = options_.length_factor;
  wanted.search.beam = how.beam;
  wanted.search.n_best = how.n_best;
  wanted.tokens = wanted.search.keep_attention = how.attention;
  wanted.search.keep_tree = how.tree && how.beam > 1;
  wanted.max_source = options_.max_source;
  wanted.self_attention = how.attention && translator.run().model->has_self_attention();
  wanted.vectors = how.vectors;
  wanted.without_words = how.without_words;
  wanted.best_words = how.best_words;
  std::vector<std::string> lines;
  for (const Line& line : batch) lines.push_back(line.job->work.lines[line.index]);
  std::vector<models::Translation> results;
  std::exception_ptr error;
  try {
    results = how.translation ? translator.force(lines, std::vector<std::string>{*how.translation}, wanted)
                              : translator.translate(lines, wanted);
  } catch (...) {
    error = std::current_exception();
  }
  if (error && batch.size() > 1) {  // one of them is at fault, and the others are not to suffer
    for (const Line& line : batch) translate_batch({&line, 1});
    return;
  }
  const std::lock_guard lock(mutex_);
  ++counts_.batches;
  counts_.sentences += static_cast<int64_t>(batch.size());
  for (models::Translation& result : results) {
    const Line& line = batch[static_cast<size_t>(result.id) - 1];
    result.id = static_cast<int64_t>(line.index) + 1;
    line.job->results[line.index].push_back(std::move(result));
  }
  for (const Line& line : batch) {
    ++line.job->done;
    if (error) line.job->error = error;
  }
  finished_.notify_all();
}

}  // namespace heed::serve
