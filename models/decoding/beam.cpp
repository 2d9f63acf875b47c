#include <algorithm>
#include <cmath>

#include "models/decoding/strategies.h"

namespace heed::models {
namespace {

// A hypothesis of a beam: its last step points at the one before, so that prefixes are shared.
struct Link {
  int64_t before;  // index into links, -1 at the start
  int id;
  std::vector<std::vector<float>> attention;  // [maps][source length] of this step
  int64_t node = -1;                          // index into the tree
};
struct Live {
  int64_t link = -1;
  double score = 0;
  std::vector<double> covered;  // attention summed over steps, maps averaged
};

class Beam {
 public:
  Beam(const SearchOptions& options, Limits limits)
      : options_(options), limits_(limits), live_{{-1, 0, {}}} {}

  const std::vector<Live>& live() const { return live_; }
  int64_t word_of(const Live& live) const {
    return live.link < 0 ? Vocabulary::kBos : links_[static_cast<size_t>(live.link)].id;
  }

  // Whether </s> may follow.
  bool may_end() const { return length_ >= options_.min_length; }

  // Takes the most probable words of the live rows, which begin at `first` in the step, and returns which of
  // them the next live ones stem from (relative to `first`).
  std::vector<int64_t> advance(const Decoding::Step& step, size_t first,
                               const std::vector<std::vector<ProbableId>>& words) {
    struct Candidate {
      double score;
      size_t row;
      int id;
    };
    const auto width = static_cast<size_t>(options_.beam);
    if (limits_.end && length_ >= limits_.most) {  // what runs ends here, </s> is all that may follow
      for (size_t row = 0; row < live_.size(); ++row)
        finish(extend(live_[row], step, first + row, Candidate{live_[row].score, row, Vocabulary::kEos}),
               true);
      live_.clear();
      return {};
    }
    std::vector<Candidate> candidates;
    const auto better = [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.row != b.row ? a.row < b.row : a.id < b.id;
    };
    for (size_t row = 0; row < live_.size(); ++row) {
      for (const ProbableId& word : words[first + row])
        candidates.push_back({live_[row].score + word.log_probability, row, word.id});
    }
    const size_t most = std::min(candidates.size(), 2 * width);
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(most),
                      candidates.end(), better);
    candidates.resize(most);
    std::vector<Live> next;
    std::vector<int64_t> parents;
    for (size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& c = candidates[i];
      if (next.size() >= width) {
        note(live_[c.row], c, BeamFate::pruned);
        continue;
      }
      Live grown = extend(live_[c.row], step, first + c.row, c);
      if (c.id == Vocabulary::kEos) {
        if (i < width)
          finish(grown, /*ended=*/true);
        else
          mark(grown, BeamFate::pruned);
        continue;
      }
      next.push_back(std::move(grown));
      parents.push_back(static_cast<int64_t>(c.row));
    }
    ++length_;
    if (length_ >= limits_.most && !limits_.end) {  // out of room: what runs counts as it stands
      for (const Live& live : next) finish(live, /*ended=*/false);
      next.clear();
      parents.clear();
    }
    live_.clear();
    if (options_.patience > 0 && done_.size() >= static_cast<size_t>(options_.n_best) &&
        static_cast<double>(ended_) >= options_.patience * static_cast<double>(options_.beam))
      return {};
    // Nothing that can still win is dropped: the bound takes no further loss of probability at the length
    // that divides most.
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
    std::vector<Hypothesis> best{
        done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(
                                           std::min(done_.size(), static_cast<size_t>(options_.n_best)))};
    if (!best.empty()) best.front().tree = tree_;
    return best;
  }

 private:
  template <class Candidate>
  Live extend(const Live& from, const Decoding::Step& step, size_t row, const Candidate& candidate) {
    Live grown{static_cast<int64_t>(links_.size()), candidate.score, from.covered};
    Link link{from.link, candidate.id, {}, note(from, candidate, BeamFate::kept)};
    if (step.weights.defined() && (options_.keep_attention || options_.coverage > 0)) {
      const int64_t maps = step.weights.size(1), S = step.weights.size(2);
      grown.covered.resize(static_cast<size_t>(limits_.source_length));
      for (int64_t m = 0; m < maps; ++m) {
        const float* const weights = step.weights.data<float>() + (static_cast<int64_t>(row) * maps + m) * S;
        if (options_.keep_attention) link.attention.emplace_back(weights, weights + limits_.source_length);
        for (size_t s = 0; s < grown.covered.size(); ++s)
          grown.covered[s] += static_cast<double>(weights[s]) / static_cast<double>(maps);
      }
    }
    links_.push_back(std::move(link));
    return grown;
  }

  // Adds a candidate to the tree, where that is kept; returns its index, or -1.
  template <class Candidate>
  int64_t note(const Live& from, const Candidate& candidate, BeamFate fate) {
    if (!options_.keep_tree) return -1;
    tree_.push_back({from.link < 0 ? -1 : links_[static_cast<size_t>(from.link)].node, candidate.id,
                     candidate.score, fate});
    return static_cast<int64_t>(tree_.size()) - 1;
  }
  void mark(const Live& live, BeamFate fate) {
    if (options_.keep_tree && live.link >= 0)
      tree_[static_cast<size_t>(links_[static_cast<size_t>(live.link)].node)].fate = fate;
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
    mark(live, BeamFate::ended);
    Hypothesis result;
    result.ended = ended;
    ended_ += ended;
    result.score = live.score;
    std::vector<const Link*> path;
    for (int64_t at = live.link; at >= 0; at = links_[static_cast<size_t>(at)].before)
      path.push_back(&links_[static_cast<size_t>(at)]);
    std::reverse(path.begin(), path.end());
    result.ranking_score = ranking(live.score, static_cast<int64_t>(path.size()), live.covered);
    for (const Link* link : path) {
      if (link->id != Vocabulary::kEos) result.ids.push_back(link->id);
      result.attention.resize(link->attention.size());
      for (size_t m = 0; m < link->attention.size(); ++m) result.attention[m].push_back(link->attention[m]);
    }
    const auto place = std::upper_bound(
        done_.begin(), done_.end(), result,
        [](const Hypothesis& a, const Hypothesis& b) { return a.ranking_score > b.ranking_score; });
    done_.insert(place, std::move(result));
    if (done_.size() > static_cast<size_t>(options_.beam)) done_.pop_back();
  }

  const SearchOptions& options_;
  Limits limits_;
  int64_t length_ = 0;  // units so far
  size_t ended_ = 0;    // hypotheses that were ended, those since dropped from done_ too
  std::vector<Link> links_;
  std::vector<Live> live_;
  std::vector<BeamNode> tree_;    // where it is kept
  std::vector<Hypothesis> done_;  // by falling ranking score, at most `beam`
};

}  // namespace

void decode_with_beam(Ensemble& models, const Batch& batch, std::span<const int64_t> indices,
                      const SearchOptions& options, std::vector<std::vector<Hypothesis>>& results) {
  std::vector<Beam> beams;
  std::vector<int64_t> words(indices.size(), Vocabulary::kBos);
  for (size_t row = 0; row < indices.size(); ++row)
    beams.emplace_back(options, limits_of(batch, row, options, models));
  while (!words.empty()) {
    const Decoding::Step step = models.step(words);
    const int64_t V = step.logits.size(1);
    const IdRanges ranges[] = {models.allowed(/*may_end=*/false, V), models.allowed(/*may_end=*/true, V)};
    std::vector<const IdRanges*> allowed;
    for (const Beam& beam : beams) allowed.insert(allowed.end(), beam.live().size(), &ranges[beam.may_end()]);
    // twice the width: as many may end
    const auto best = most_probable(step.logits, 2 * options.beam, allowed, models.scale());
    std::vector<int64_t> rows;
    words.clear();
    size_t first = 0;
    for (Beam& beam : beams) {
      const size_t count = beam.live().size();
      if (count == 0) continue;
      for (const int64_t parent : beam.advance(step, first, best))
        rows.push_back(static_cast<int64_t>(first) + parent);
      for (const Live& live : beam.live()) words.push_back(beam.word_of(live));
      first += count;
    }
    if (!rows.empty()) models.select(rows);
  }
  for (size_t row = 0; row < indices.size(); ++row)
    results[static_cast<size_t>(indices[row])] = beams[row].results();
}

}  // namespace heed::models
