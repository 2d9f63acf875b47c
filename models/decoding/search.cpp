#include "models/decoding/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "framework/core/autocast.h"
#include "framework/core/parallel.h"
#include "framework/core/profiler.h"
#include "models/decoding/strategies.h"

namespace heed::models {

Ensemble::Ensemble(std::span<const TranslationModel* const> models, const Batch& batch, bool attention) {
  for (const TranslationModel* model : models) {
    const PackedWeights::Scope packed(model->packed_weights());
    members_.push_back({model, model->begin(batch, attention && members_.empty())});
    longest_ = std::min(longest_, model->longest_target());
    const OutputRules& rules = model->output_rules();
    rules_.banned.insert(rules_.banned.end(), rules.banned.begin(), rules.banned.end());
    rules_.end_at_limit = rules_.end_at_limit || rules.end_at_limit;
    rules_.renormalise = rules_.renormalise || rules.renormalise;
  }
  std::ranges::sort(rules_.banned);
  rules_.banned.erase(std::unique(rules_.banned.begin(), rules_.banned.end()), rules_.banned.end());
}

IdRanges Ensemble::allowed(bool may_end, int64_t V) const {
  IdRanges ranges;
  int first = may_end ? kFirstOutput : kFirstOutput + 1;
  for (const int id : rules_.banned) {
    if (id < first) continue;
    if (id > first) ranges.emplace_back(first, id);
    first = id + 1;
  }
  if (first < V) ranges.emplace_back(first, static_cast<int>(V));
  if (ranges.empty()) ranges.emplace_back(Vocabulary::kEos, Vocabulary::kEos + 1);
  return ranges;
}

// Probabilities that sum to one over the rest.
void Ensemble::leave_out_banned(const Tensor& logits) const {
  const int64_t V = logits.size(1);
  for (int64_t row = 0; row < logits.size(0); ++row) {
    float* const values = logits.data<float>() + row * V;
    std::fill(values, values + kFirstOutput, -std::numeric_limits<float>::infinity());
    for (const int id : rules_.banned) values[id] = -std::numeric_limits<float>::infinity();
  }
}

Decoding::Step Ensemble::step_of(const Member& member, const Tensor& ids) const {
  const PackedWeights::Scope packed(member.model->packed_weights());
  Decoding::Step result = member.decoding->step(ids);
  if (rules_.renormalise) leave_out_banned(result.logits);
  return result;
}

Decoding::Step Ensemble::step(const std::vector<int64_t>& words) {
  const Tensor ids = from_vector(words, {static_cast<int64_t>(words.size())});
  Decoding::Step result = step_of(members_.front(), ids);
  if (members_.size() == 1) return result;
  Tensor total = softmax(result.logits);
  for (size_t i = 1; i < members_.size(); ++i) total = total + softmax(step_of(members_[i], ids).logits);
  result.logits = log(total / static_cast<double>(members_.size()));
  return result;
}

void Ensemble::select(const std::vector<int64_t>& rows) {
  for (const Member& member : members_) member.decoding->select(rows);
}

Limits limits_of(const Batch& batch, size_t row, const SearchOptions& options, const Ensemble& models) {
  Limits limits;
  limits.source_length = batch.source_lengths.data<int64_t>()[row];
  limits.most =
      options.max_length > 0
          ? options.max_length
          : static_cast<int64_t>(options.length_factor * static_cast<double>(limits.source_length)) +
                options.length_extra;
  if (options.max_length == 0) limits.most = std::max(limits.most, options.min_length);
  limits.most = std::min(limits.most, models.longest_target());
  limits.end = models.end_at_limit();
  return limits;
}

double length_divisor(const SearchOptions& options, int64_t n) {
  const auto length = static_cast<double>(std::max<int64_t>(n, 1));
  if (options.length_penalty == LengthPenalty::average) return std::pow(length, options.alpha);
  if (options.length_penalty == LengthPenalty::wu) return std::pow((5 + length) / 6, options.alpha);
  return 1;
}

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
  require(o.temperature > 0 || o.n_best <= o.beam,
          fmt::format("n-best: {} outputs need a beam as wide, got {}", o.n_best, o.beam));
  require(o.temperature == 0 || o.temperature >= kLeastTemperature,
          fmt::format("temperature: must be 0 or at least {}, got {}", kLeastTemperature, o.temperature));
  require(o.temperature == 0 || o.beam == 1, "temperature: sampling and a beam exclude each other");
  require(o.top_k >= 0, fmt::format("top-k: must not be negative, got {}", o.top_k));
  require(o.temperature > 0 || o.top_k == 0, "top-k: is of sampling, which needs a temperature above 0");
  require(o.temperature > 0 || o.top_p == 1, "top-p: is of sampling, which needs a temperature above 0");
  require(o.beam <= kLargestBeam, fmt::format("beam: must be at most {}, got {}", kLargestBeam, o.beam));
  require(o.top_p > 0 && o.top_p <= 1, fmt::format("top-p: {} is outside (0, 1]", o.top_p));
  require(o.alpha >= 0, fmt::format("alpha: must not be negative, got {}", o.alpha));
  require(o.coverage >= 0, fmt::format("coverage-penalty: must not be negative, got {}", o.coverage));
  require(o.coverage == 0 || o.beam > 1, "coverage-penalty: is of a beam, which is 2 or wider");
  require(o.patience >= 0, fmt::format("beam-patience: must not be negative, got {}", o.patience));
  require(o.patience == 0 || o.beam > 1, "beam-patience: is of a beam, which is 2 or wider");
  require(o.n_best <= kMostSamples,
          fmt::format("n-best: must be at most {}, got {}", kMostSamples, o.n_best));
  require(o.max_length <= kLongestTarget,
          fmt::format("max-output: must be at most {}, got {}", kLongestTarget, o.max_length));
  require(o.min_length <= kLongestTarget,
          fmt::format("min-output: must be at most {}, got {}", kLongestTarget, o.min_length));
  require(o.max_length >= 0, fmt::format("max-output: must not be negative, got {}", o.max_length));
  require(o.min_length >= 0, fmt::format("min-output: must not be negative, got {}", o.min_length));
  require(o.max_length == 0 || o.min_length <= o.max_length,
          fmt::format("min-output: {} is above max-output, {}", o.min_length, o.max_length));
  require(o.batch_size <= kLargestBatch,
          fmt::format("decode-batch-size: must be at most {}, got {}", kLargestBatch, o.batch_size));
  require(o.workers >= 0, fmt::format("workers: must not be negative, got {}", o.workers));
  require(o.batch_size >= 1, fmt::format("decode-batch-size: must be at least 1, got {}", o.batch_size));
}

namespace {

// Memory grows with the words of a batch, and a step of some dozens of rows takes a row no longer than one of
// more: long sentences come in smaller batches.
constexpr int64_t kUnitsPerRow = 14;

// Few sentences are shared out between the workers, but not where results must not depend on their number;
// and memory does not grow with the workers.
int64_t batch_size_for(int64_t sentences, int64_t wanted, int64_t workers) {
  constexpr int64_t kLeast = 8;
  if (deterministic()) return wanted;
  const int64_t most = std::min(wanted, std::max(kLeast, 2 * wanted / workers));
  return std::clamp<int64_t>((sentences + workers - 1) / workers, 1, most);
}

// Decodes the sentences of these indices together, on the calling thread's models.
void decode_batch(std::span<const TranslationModel* const> models, std::span<const std::vector<int>> sources,
                  std::span<const std::vector<int>> hidden, std::span<const int64_t> indices,
                  const SearchOptions& options, std::vector<std::vector<Hypothesis>>& results) {
  const NoGradGuard no_grad;
  const Batch batch = make_source_batch(sources, indices, hidden);
  Ensemble ensemble = [&] {
    const ProfilePhase phase("encode");
    return Ensemble(models, batch, options.keep_attention || options.coverage > 0);
  }();
  const ProfilePhase phase("decode");
  if (options.beam > 1) return decode_with_beam(ensemble, batch, indices, options, results);
  const auto copies = static_cast<size_t>(options.n_best);
  std::vector<Hypothesis*> running;
  std::vector<Limits> limits;
  std::vector<int64_t> rows;
  for (size_t row = 0; row < indices.size(); ++row) {
    auto& outputs = results[static_cast<size_t>(indices[row])];
    outputs.resize(copies);
    for (size_t k = 0; k < copies; ++k) {
      running.push_back(&outputs[k]);
      limits.push_back(limits_of(batch, row, options, ensemble));
      rows.push_back(static_cast<int64_t>(row));
    }
  }
  if (copies > 1) ensemble.select(rows);
  if (options.temperature == 0)
    return decode_greedily(ensemble, std::move(running), std::move(limits), options);
  std::vector<uint64_t> seeds;
  for (size_t i = 0; i < running.size(); ++i) {
    const uint64_t sentence = options.first + static_cast<uint64_t>(indices[i / copies]);
    seeds.push_back((options.seed * 0x9E3779B97F4A7C15U) ^ (sentence * copies + i % copies + 1));
  }
  decode_by_sampling(ensemble, running, limits, options, seeds);
  for (const int64_t index : indices) {
    auto& outputs = results[static_cast<size_t>(index)];
    std::stable_sort(outputs.begin(), outputs.end(),
                     [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
  }
}

ProductType products_of(Products asked, const TranslationModel& model) {
  switch (asked) {
    case Products::f32:
      return ProductType::f32;
    case Products::bf16:
      return ProductType::bf16;
    case Products::int8:
      return ProductType::int8;
    default:
      return model.products();
  }
}

}  // namespace

std::vector<std::vector<Hypothesis>> search(std::span<const TranslationModel* const> models,
                                            std::span<const std::vector<int>> sources,
                                            const SearchOptions& options,
                                            std::span<const std::vector<int>> hidden) {
  check(options);
  if (models.empty()) throw ValueError("search", "there is no model");
  for (const TranslationModel* model : models) {
    model->packed_weights().compute_in(products_of(options.products, *model));
    model->packed_weights().recheck();
  }
  std::vector<std::vector<Hypothesis>> results(sources.size());
  const int64_t threads = num_threads(),
                most = options.workers > 0 ? std::min(options.workers, threads) : threads;
  const int64_t rows = batch_size_for(static_cast<int64_t>(sources.size()), options.batch_size, most);
  const auto batches = batches_by_length(sources, rows, rows * kUnitsPerRow);
  const int64_t workers = std::min(most, static_cast<int64_t>(batches.size()));
  if (workers < 2) {
    // One batch alone: on a core that is busy a second thread makes it many times slower, on an idle one
    // hardly faster. With --workers 1 it has all threads.
    const heed::detail::ProductThreads one(options.workers != 1);
    for (const std::vector<int64_t>& indices : batches)
      decode_batch(models, sources, hidden, indices, options, results);
  } else {
    std::atomic<size_t> next{0};
    const bool rounded = AutocastGuard::active();
    const int part = heed::detail::profile_part();
    parallel_for(workers, 1, [&](int64_t, int64_t) {  // a range is a worker
      const AutocastGuard as_caller(rounded);
      const heed::detail::ProfileInherit in_part(part);
      for (size_t i = next++; i < batches.size(); i = next++)
        decode_batch(models, sources, hidden, batches[i], options, results);
    });
  }
  if (options.beam == 1) {
    for (auto& outputs : results) {
      for (Hypothesis& h : outputs)
        h.ranking_score = h.score / length_divisor(options, static_cast<int64_t>(h.ids.size()) + h.ended);
    }
  }
  return results;
}

std::vector<Hypothesis> search_best(const TranslationModel& model, std::span<const std::vector<int>> sources,
                                    const SearchOptions& options) {
  const TranslationModel* const one[] = {&model};
  SearchOptions single = options;
  single.n_best = 1;
  std::vector<Hypothesis> best;
  for (std::vector<Hypothesis>& outputs : search(one, sources, single)) {
    best.push_back(outputs.empty() ? Hypothesis{} : std::move(outputs.front()));
  }
  return best;
}

}  // namespace heed::models
