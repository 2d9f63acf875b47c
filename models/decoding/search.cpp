#include "models/decoding/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "framework/core/random.h"
#include "models/text/vocabulary.h"

namespace heed::models {
namespace {

constexpr int kFirst = Vocabulary::kEos;  // <pad> and <s> are never output
static_assert(Vocabulary::kPad < kFirst && Vocabulary::kBos < kFirst);

// The models of an ensemble side by side: one row of log probabilities for each row of the batch.
class Ensemble {
 public:
  Ensemble(std::span<const TranslationModel* const> models, const Batch& batch) {
    for (const TranslationModel* model : models) {
      decodings_.push_back(model->begin(batch));
      longest_ = std::min(longest_, model->longest_target());
    }
  }
  int64_t longest_target() const { return longest_; }
  // Log probabilities [B, V], or for a single model when `raw` its logits, which have the same order.
  Decoding::Step step(const std::vector<int64_t>& words, bool raw) {
    const Tensor ids = from_vector(words, {static_cast<int64_t>(words.size())});
    Decoding::Step result = decodings_.front()->step(ids);
    if (decodings_.size() == 1) {
      if (!raw) result.logits = log_softmax(result.logits);
      return result;
    }
    Tensor total = softmax(result.logits);
    for (size_t i = 1; i < decodings_.size(); ++i) total = total + softmax(decodings_[i]->step(ids).logits);
    result.logits = log(total / static_cast<double>(decodings_.size()));
    return result;
  }
  void select(const std::vector<int64_t>& rows) {
    for (const auto& decoding : decodings_) decoding->select(rows);
  }

 private:
  std::vector<std::unique_ptr<Decoding>> decodings_;
  int64_t longest_ = std::numeric_limits<int64_t>::max();
};

// What all hypotheses of a sentence have in common.
struct Limits {
  int64_t source_length = 0, most = 0;  // units
};

Limits limits_of(const Batch& batch, size_t row, const SearchOptions& options, int64_t longest) {
  Limits limits;
  limits.source_length = batch.source_lengths.data<int64_t>()[row];
  limits.most = options.max_length > 0
                    ? options.max_length
                    : static_cast<int64_t>(options.length_factor * static_cast<double>(limits.source_length)) + options.length_extra;
  limits.most = std::min(limits.most, longest);
  return limits;
}

void append_attention(Hypothesis& hypothesis, const Decoding::Step& step, size_t row, int64_t source_length) {
  if (!step.weights.defined()) return;
  const int64_t maps = step.weights.size(1), S = step.weights.size(2);
  hypothesis.attention.resize(static_cast<size_t>(maps));
  for (int64_t m = 0; m < maps; ++m) {
    const float* const weights = step.weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * S;
    hypothesis.attention[static_cast<size_t>(m)].emplace_back(weights, weights + source_length);
  }
}

// ---- greedy ----------------------------------------------------------------------------------------------------------

// The best word of one row of logits, and its log probability.
struct Choice {
  int id;
  double log_probability;
};
Choice best_word(const float* logits, int64_t V, bool may_end) {
  const float* const best = std::max_element(logits + (may_end ? kFirst : kFirst + 1), logits + V);
  const float most = may_end ? *best : *std::max_element(logits + kFirst, logits + V);
  double total = 0;
  for (int64_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[v] - most));
  return {static_cast<int>(best - logits), static_cast<double>(*best - most) - std::log(total)};
}

// One hypothesis a row until each has ended; choose(row of log probabilities, result, may_end) picks the next word.
template <class Choose>
void decode_rows(Ensemble& models, std::vector<Hypothesis*> running, std::vector<Limits> limits, const SearchOptions& options, bool raw,
                 const Choose& choose) {
  std::vector<int64_t> words(running.size(), Vocabulary::kBos);
  while (!running.empty()) {
    const Decoding::Step step = models.step(words, raw);
    const int64_t V = step.logits.size(1);
    std::vector<int64_t> kept;
    for (size_t row = 0; row < running.size(); ++row) {
      Hypothesis& result = *running[row];
      const bool may_end = static_cast<int64_t>(result.ids.size()) >= options.min_length;
      const Choice choice = choose(step.logits.data<float>() + static_cast<int64_t>(row) * V, V, result, may_end);
      result.score += choice.log_probability;
      if (options.keep_attention) append_attention(result, step, row, limits[row].source_length);
      if (choice.id == Vocabulary::kEos) {
        result.ended = true;
        continue;
      }
      result.ids.push_back(choice.id);
      if (static_cast<int64_t>(result.ids.size()) < limits[row].most) kept.push_back(static_cast<int64_t>(row));
    }
    if (kept.empty()) return;
    if (kept.size() != running.size()) {
      models.select(kept);
      for (size_t i = 0; i < kept.size(); ++i) {
        running[i] = running[static_cast<size_t>(kept[i])];
        limits[i] = limits[static_cast<size_t>(kept[i])];
      }
      running.resize(kept.size());
      limits.resize(kept.size());
    }
    words.clear();
    for (const Hypothesis* hypothesis : running) words.push_back(hypothesis->ids.back());
  }
}

// ---- sampling --------------------------------------------------------------------------------------------------------

Choice sample_word(const float* log_probabilities, int64_t V, bool may_end, const SearchOptions& options, Generator& random) {
  std::vector<std::pair<double, int>> candidates;  // log probability at the temperature, id
  for (int64_t v = may_end ? kFirst : kFirst + 1; v < V; ++v) {
    candidates.emplace_back(static_cast<double>(log_probabilities[v]) / options.temperature, static_cast<int>(v));
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  if (options.top_k > 0) candidates.resize(std::min(candidates.size(), static_cast<size_t>(options.top_k)));
  const double most = candidates.front().first;
  std::vector<double> weights;
  for (const auto& candidate : candidates) weights.push_back(std::exp(candidate.first - most));
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1) {
    double kept = 0;
    size_t n = 0;
    while (n < weights.size() && kept < options.top_p * total) kept += weights[n++];
    weights.resize(n);
    total = kept;
  }
  double at = static_cast<double>(random.next_below(uint64_t{1} << 53)) / 9007199254740992.0 * total;
  size_t i = 0;
  while (i + 1 < weights.size() && at >= weights[i]) at -= weights[i++];
  return {candidates[i].second, static_cast<double>(log_probabilities[candidates[i].second])};
}

// ---- beam search -----------------------------------------------------------------------------------------------------

double length_divisor(const SearchOptions& options, int64_t n) {
  const auto length = static_cast<double>(std::max<int64_t>(n, 1));
  if (options.length_penalty == "average") return std::pow(length, options.alpha);
  if (options.length_penalty == "wu") return std::pow((5 + length) / 6, options.alpha);
  return 1;
}

// A hypothesis of a beam: its last step points at the one before, so that prefixes are shared.
struct Link {
  int64_t before;  // index into links, -1 at the start
  int id;
  std::vector<std::vector<float>> attention;  // [maps][source length] of this step
};
struct Live {
  int64_t link = -1;
  double score = 0;
  std::vector<double> covered;  // attention summed over steps, maps averaged
};

class Beam {
 public:
  Beam(const SearchOptions& options, Limits limits) : options_(options), limits_(limits), live_{{-1, 0, {}}} {}

  const std::vector<Live>& live() const { return live_; }
  int64_t word_of(const Live& live) const { return live.link < 0 ? Vocabulary::kBos : links_[static_cast<size_t>(live.link)].id; }

  // Takes the log probabilities of the live rows, which begin at `first` in the step, and returns which of them the next live ones
  // stem from (relative to `first`).
  std::vector<int64_t> advance(const Decoding::Step& step, size_t first) {
    struct Candidate {
      double score;
      size_t row;
      int id;
    };
    const int64_t V = step.logits.size(1);
    const auto width = static_cast<size_t>(options_.beam);
    const bool may_end = length_ >= options_.min_length;
    std::vector<Candidate> candidates;
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.row != b.row ? a.row < b.row : a.id < b.id;
    };
    for (size_t row = 0; row < live_.size(); ++row) {
      const float* const scores = step.logits.data<float>() + static_cast<int64_t>(first + row) * V;
      for (int v = may_end ? kFirst : kFirst + 1; v < V; ++v) {
        const Candidate candidate{live_[row].score + static_cast<double>(scores[v]), row, v};
        if (candidates.size() < 2 * width) {
          candidates.push_back(candidate);
          std::push_heap(candidates.begin(), candidates.end(), better);
        } else if (better(candidate, candidates.front())) {
          std::pop_heap(candidates.begin(), candidates.end(), better);
          candidates.back() = candidate;
          std::push_heap(candidates.begin(), candidates.end(), better);
        }
      }
    }
    std::sort_heap(candidates.begin(), candidates.end(), better);
    std::vector<Live> next;
    std::vector<int64_t> parents;
    for (size_t i = 0; i < candidates.size() && next.size() < width; ++i) {
      const Candidate& c = candidates[i];
      Live grown = extend(live_[c.row], step, first + c.row, c);
      if (c.id == Vocabulary::kEos) {
        if (i < width) finish(grown, /*ended=*/true);
        continue;
      }
      next.push_back(std::move(grown));
      parents.push_back(static_cast<int64_t>(c.row));
    }
    ++length_;
    if (length_ >= limits_.most) {  // out of room: what runs counts as it stands
      for (const Live& live : next) finish(live, /*ended=*/false);
      next.clear();
      parents.clear();
    }
    // Nothing that can still win is dropped: the bound takes no further loss of probability at the length that divides most.
    live_.clear();
    std::vector<int64_t> kept;
    for (size_t i = 0; i < next.size(); ++i) {
      if (done_.size() >= static_cast<size_t>(options_.n_best) &&
          bound(next[i]) <= done_[static_cast<size_t>(options_.n_best) - 1].ranking_score)
        continue;
      live_.push_back(std::move(next[i]));
      kept.push_back(parents[i]);
    }
    return kept;
  }

  std::vector<Hypothesis> results() const {
    return {done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(std::min(done_.size(), static_cast<size_t>(options_.n_best)))};
  }

 private:
  template <class Candidate>
  Live extend(const Live& from, const Decoding::Step& step, size_t row, const Candidate& candidate) {
    Live grown{static_cast<int64_t>(links_.size()), candidate.score, from.covered};
    Link link{from.link, candidate.id, {}};
    if (step.weights.defined() && (options_.keep_attention || options_.coverage > 0)) {
      const int64_t maps = step.weights.size(1), S = step.weights.size(2);
      grown.covered.resize(static_cast<size_t>(limits_.source_length));
      for (int64_t m = 0; m < maps; ++m) {
        const float* const weights = step.weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * S;
        if (options_.keep_attention) link.attention.emplace_back(weights, weights + limits_.source_length);
        for (size_t s = 0; s < grown.covered.size(); ++s) grown.covered[s] += static_cast<double>(weights[s]) / static_cast<double>(maps);
      }
    }
    links_.push_back(std::move(link));
    return grown;
  }

  double ranking(double score, int64_t units, const std::vector<double>& covered) const {
    double result = score / length_divisor(options_, units);
    if (options_.coverage > 0) {
      for (const double c : covered) result += options_.coverage * std::log(std::clamp(c, 1e-9, 1.0));
    }
    return result;
  }
  // The best that a running hypothesis can become: all further words certain, everything covered.
  double bound(const Live& live) const { return live.score / length_divisor(options_, limits_.most + 1); }

  void finish(const Live& live, bool ended) {
    Hypothesis result;
    result.ended = ended;
    result.score = live.score;
    std::vector<const Link*> path;
    for (int64_t at = live.link; at >= 0; at = links_[static_cast<size_t>(at)].before) path.push_back(&links_[static_cast<size_t>(at)]);
    std::reverse(path.begin(), path.end());
    result.ranking_score = ranking(live.score, static_cast<int64_t>(path.size()), live.covered);
    for (const Link* link : path) {
      if (link->id != Vocabulary::kEos) result.ids.push_back(link->id);
      result.attention.resize(link->attention.size());
      for (size_t m = 0; m < link->attention.size(); ++m) result.attention[m].push_back(link->attention[m]);
    }
    const auto place = std::upper_bound(done_.begin(), done_.end(), result,
                                        [](const Hypothesis& a, const Hypothesis& b) { return a.ranking_score > b.ranking_score; });
    done_.insert(place, std::move(result));
    if (done_.size() > static_cast<size_t>(options_.beam)) done_.pop_back();
  }

  const SearchOptions& options_;
  Limits limits_;
  int64_t length_ = 0;  // units so far
  std::vector<Link> links_;
  std::vector<Live> live_;
  std::vector<Hypothesis> done_;  // by falling ranking score, at most `beam`
};

void beam_batch(Ensemble& models, const Batch& batch, std::span<const int64_t> indices, const SearchOptions& options,
                std::vector<std::vector<Hypothesis>>& results) {
  std::vector<Beam> beams;
  std::vector<int64_t> words(indices.size(), Vocabulary::kBos);
  for (size_t row = 0; row < indices.size(); ++row) beams.emplace_back(options, limits_of(batch, row, options, models.longest_target()));
  while (!words.empty()) {
    const Decoding::Step step = models.step(words, /*raw=*/false);
    std::vector<int64_t> rows;
    words.clear();
    size_t first = 0;
    for (Beam& beam : beams) {
      const size_t count = beam.live().size();
      if (count == 0) continue;
      for (const int64_t parent : beam.advance(step, first)) rows.push_back(static_cast<int64_t>(first) + parent);
      for (const Live& live : beam.live()) words.push_back(beam.word_of(live));
      first += count;
    }
    if (!rows.empty()) models.select(rows);
  }
  for (size_t row = 0; row < indices.size(); ++row) results[static_cast<size_t>(indices[row])] = beams[row].results();
}

}  // namespace

namespace {
// Far above what helps any model: a mistyped number would run for hours.
constexpr int64_t kLargestBeam = 1000, kMostSamples = 100'000;
constexpr double kLeastTemperature = 1e-6;  // below it logits overflow
constexpr int64_t kLongestTarget = 1'000'000, kLargestBatch = 1'000'000;
}  // namespace

void check(const SearchOptions& o) {
  const auto require = [](bool good, const std::string& what) {
    if (!good) throw ValueError(what);
  };
  require(o.beam >= 1, fmt::format("beam: must be at least 1, got {}", o.beam));
  require(o.n_best >= 1, fmt::format("n-best: must be at least 1, got {}", o.n_best));
  require(o.temperature > 0 || o.n_best <= o.beam, fmt::format("n-best: {} outputs need a beam as wide, got {}", o.n_best, o.beam));
  require(o.temperature == 0 || o.temperature >= kLeastTemperature,
          fmt::format("temperature: must be 0 or at least {}, got {}", kLeastTemperature, o.temperature));
  require(o.temperature == 0 || o.beam == 1, "temperature: sampling and a beam exclude each other");
  require(o.top_k >= 0, fmt::format("top-k: must not be negative, got {}", o.top_k));
  require(o.temperature > 0 || o.top_k == 0, "top-k: is of sampling, which needs a temperature above 0");
  require(o.temperature > 0 || o.top_p == 1, "top-p: is of sampling, which needs a temperature above 0");
  require(o.beam <= kLargestBeam, fmt::format("beam: must be at most {}, got {}", kLargestBeam, o.beam));
  require(o.top_p > 0 && o.top_p <= 1, fmt::format("top-p: {} is outside (0, 1]", o.top_p));
  require(o.length_penalty == "none" || o.length_penalty == "average" || o.length_penalty == "wu",
          fmt::format("length-penalty: '{}' is not known (none, average, wu)", o.length_penalty));
  require(o.alpha >= 0, fmt::format("alpha: must not be negative, got {}", o.alpha));
  require(o.coverage >= 0, fmt::format("coverage-penalty: must not be negative, got {}", o.coverage));
  require(o.n_best <= kMostSamples, fmt::format("n-best: must be at most {}, got {}", kMostSamples, o.n_best));
  require(o.max_length <= kLongestTarget, fmt::format("max-output: must be at most {}, got {}", kLongestTarget, o.max_length));
  require(o.min_length <= kLongestTarget, fmt::format("min-output: must be at most {}, got {}", kLongestTarget, o.min_length));
  require(o.max_length >= 0 && o.min_length >= 0, "max-output and min-output must not be negative");
  require(o.max_length == 0 || o.min_length <= o.max_length, "min-output is above max-output");
  require(o.batch_size <= kLargestBatch, fmt::format("decode-batch-size: must be at most {}, got {}", kLargestBatch, o.batch_size));
  require(o.batch_size >= 1, fmt::format("decode-batch-size: must be at least 1, got {}", o.batch_size));
}

std::vector<std::vector<Hypothesis>> search(std::span<const TranslationModel* const> models, std::span<const std::vector<int>> sources,
                                            const SearchOptions& options, const std::function<bool()>& keep_going) {
  check(options);
  if (models.empty()) throw ValueError("search: there is no model");
  const NoGradGuard no_grad;
  std::vector<std::vector<Hypothesis>> results(sources.size());
  const bool sampling = options.temperature > 0;
  for (const std::vector<int64_t>& indices : batches_by_length(sources, options.batch_size)) {
    if (keep_going && !keep_going()) break;
    const Batch batch = make_source_batch(sources, indices);
    Ensemble ensemble(models, batch);
    if (options.beam > 1) {
      beam_batch(ensemble, batch, indices, options, results);
      continue;
    }
    const auto copies = static_cast<size_t>(options.n_best);
    std::vector<Hypothesis*> running;
    std::vector<Limits> limits;
    std::vector<int64_t> rows;
    std::vector<std::unique_ptr<Generator>> random;
    for (size_t row = 0; row < indices.size(); ++row) {
      auto& outputs = results[static_cast<size_t>(indices[row])];
      outputs.resize(copies);
      for (size_t k = 0; k < copies; ++k) {
        running.push_back(&outputs[k]);
        limits.push_back(limits_of(batch, row, options, ensemble.longest_target()));
        rows.push_back(static_cast<int64_t>(row));
      }
    }
    if (copies > 1) ensemble.select(rows);
    if (!sampling) {
      decode_rows(ensemble, running, limits, options, /*raw=*/models.size() == 1,
                  [](const float* logits, int64_t V, const Hypothesis&, bool may_end) { return best_word(logits, V, may_end); });
      continue;
    }
    std::vector<std::pair<const Hypothesis*, Generator>> streams;
    for (size_t i = 0; i < running.size(); ++i) {
      const uint64_t sentence = options.first + static_cast<uint64_t>(indices[i / copies]);
      streams.emplace_back(running[i], Generator((options.seed * 0x9E3779B97F4A7C15U) ^ (sentence * copies + i % copies + 1)));
    }
    decode_rows(ensemble, running, limits, options, /*raw=*/false,
                [&](const float* log_probabilities, int64_t V, const Hypothesis& result, bool may_end) {
                  const auto stream = std::find_if(streams.begin(), streams.end(), [&](const auto& s) { return s.first == &result; });
                  return sample_word(log_probabilities, V, may_end, options, stream->second);
                });
    for (size_t row = 0; row < indices.size(); ++row) {
      auto& outputs = results[static_cast<size_t>(indices[row])];
      std::stable_sort(outputs.begin(), outputs.end(), [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    }
  }
  if (options.beam == 1) {
    for (auto& outputs : results) {
      for (Hypothesis& h : outputs) h.ranking_score = h.score / length_divisor(options, static_cast<int64_t>(h.ids.size()) + h.ended);
    }
  }
  return results;
}

std::vector<Hypothesis> search_best(const TranslationModel& model, std::span<const std::vector<int>> sources, const SearchOptions& options,
                                    const std::function<bool()>& keep_going) {
  const TranslationModel* const one[] = {&model};
  SearchOptions single = options;
  single.n_best = 1;
  std::vector<Hypothesis> best;
  for (std::vector<Hypothesis>& outputs : search(one, sources, single, keep_going)) {
    best.push_back(outputs.empty() ? Hypothesis{} : std::move(outputs.front()));
  }
  return best;
}

std::vector<Hypothesis> forced_decoding(const TranslationModel& model, std::span<const EncodedPair> pairs, int64_t batch_size) {
  const NoGradGuard no_grad;
  std::vector<std::vector<int>> sources;
  for (const EncodedPair& pair : pairs) sources.push_back(pair.source);
  std::vector<Hypothesis> results(pairs.size());
  for (const std::vector<int64_t>& indices : batches_by_length(sources, batch_size)) {
    const Batch batch = make_batch(pairs, indices);
    const TranslationModel::Forced forced = model.forced(batch);
    const int64_t T = batch.target_out.size(1);
    for (size_t row = 0; row < indices.size(); ++row) {
      const EncodedPair& pair = pairs[static_cast<size_t>(indices[row])];
      const auto length = static_cast<int64_t>(pair.target.size()) + 1;
      Hypothesis& result = results[static_cast<size_t>(indices[row])];
      result.ids = pair.target;
      result.ended = true;
      for (int64_t t = 0; t < length; ++t) {
        result.score += static_cast<double>(forced.log_probabilities.data<float>()[static_cast<int64_t>(row) * T + t]);
      }
      if (!forced.weights.defined()) continue;
      const int64_t maps = forced.weights.size(1), S = forced.weights.size(3);
      result.attention.resize(static_cast<size_t>(maps));
      for (int64_t m = 0; m < maps; ++m) {
        for (int64_t t = 0; t < length; ++t) {
          const float* const weights = forced.weights.data<float>() + ((static_cast<int64_t>(row) * maps + m) * T + t) * S;
          result.attention[static_cast<size_t>(m)].emplace_back(weights, weights + pair.source.size());
        }
      }
    }
  }
  return results;
}

}  // namespace heed::models
