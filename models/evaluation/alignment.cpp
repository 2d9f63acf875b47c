#include "models/evaluation/alignment.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/corpus/pharaoh.h"

namespace heed::models {
namespace {

using Weights = std::vector<std::vector<float>>;

Weights mean_of(const std::vector<AttentionWeights>& maps, const AttentionChoice& choice) {
  Weights mean;
  float count = 0;
  for (const AttentionWeights& map : maps) {
    if (!choice.has(map.layer, map.head) || map.weights.empty()) continue;
    ++count;
    if (mean.empty()) mean.resize(map.weights.size(), std::vector<float>(map.weights.front().size()));
    for (size_t t = 0; t < mean.size(); ++t)
      for (size_t s = 0; s < mean[t].size(); ++s) mean[t][s] += map.weights[t][s];
  }
  if (mean.empty()) throw ValueError("attention", fmt::format("a record has no map '{}'", name_of(choice)));
  for (std::vector<float>& row : mean)
    for (float& weight : row) weight /= count;
  return mean;
}

// Each row the one after; the last has none and stays.
void shift(Weights& weights) {
  if (weights.size() > 1) std::rotate(weights.begin(), weights.begin() + 1, weights.end());
  if (weights.size() > 1) weights.back() = weights[weights.size() - 2];
}

// Pieces as words: the mean over those of a row's word, the sum over those of a column's.
Weights merged(const Weights& pieces, const Translation& record) {
  Weights words(record.target.tokens.size(), std::vector<float>(record.source.tokens.size()));
  std::vector<float> parts(words.size());
  for (size_t t = 0; t < pieces.size(); ++t) ++parts[record.pieces->target[t].word];
  for (size_t t = 0; t < pieces.size(); ++t) {
    const size_t word = record.pieces->target[t].word;
    for (size_t s = 0; s < pieces[t].size(); ++s)
      words[word][record.pieces->source[s].word] += pieces[t][s] / parts[word];
  }
  return words;
}

// The tokens that are words.
std::vector<size_t> words_of(const TranslationSide& side) {
  std::vector<size_t> words;
  for (size_t i = 0; i < side.tokens.size(); ++i)
    if (!side.tokens[i].eos) words.push_back(i);
  return words;
}

int64_t common(std::vector<AlignmentLink> a, std::vector<AlignmentLink> b) {
  std::vector<AlignmentLink> both;
  std::ranges::sort(a);
  std::ranges::sort(b);
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return static_cast<int64_t>(both.size());
}

}  // namespace

std::vector<AttentionChoice> attention_choices(const Translation& record) {
  std::vector<AttentionChoice> choices{{}};
  std::vector<int> layers;
  for (const AttentionWeights& map : record.attention) {
    if (std::ranges::find(layers, map.layer) == layers.end()) layers.push_back(map.layer);
  }
  if (record.attention.size() > layers.size() && layers.size() > 1)
    for (const int layer : layers) choices.push_back({.layer = layer});
  if (record.attention.size() > 1)
    for (const AttentionWeights& map : record.attention)
      choices.push_back({.layer = map.layer, .head = map.head});
  const size_t written = choices.size();
  for (size_t i = 0; i < written; ++i) {
    choices.push_back(choices[i]);
    choices.back().after = true;
  }
  return choices;
}

Weights chosen_weights(const Translation& record, const AttentionChoice& choice) {
  if (!choice.after) return mean_of(record.attention, choice);
  Weights weights = mean_of(record.pieces ? record.pieces->attention : record.attention, choice);
  shift(weights);
  return record.pieces ? merged(weights, record) : weights;
}

std::vector<AlignmentLink> attention_links(const Translation& record, const AttentionChoice& choice) {
  std::vector<AlignmentLink> links;
  if (record.attention.empty()) return links;
  const Weights weights = chosen_weights(record, choice);
  for (size_t t = 0; t < record.target.tokens.size(); ++t) {
    if (record.target.tokens[t].eos) continue;
    int best = -1;
    for (size_t s = 0; s < record.source.tokens.size(); ++s) {
      if (!record.source.tokens[s].eos && (best < 0 || weights[t][s] > weights[t][static_cast<size_t>(best)]))
        best = static_cast<int>(s);
    }
    if (best >= 0) links.push_back({best, static_cast<int>(t)});
  }
  return links;
}

std::vector<AlignmentLink> joint_links(const Translation& forward, const Translation& backward,
                                       const AttentionChoice& mine, const AttentionChoice& theirs) {
  if (forward.attention.empty() || backward.attention.empty()) return {};
  const std::vector<size_t> source = words_of(forward.source), target = words_of(forward.target),
                            back_source = words_of(backward.target), back_target = words_of(backward.source);
  if (source.size() != back_source.size() || target.size() != back_target.size()) {
    throw ValueError(
        "align",
        fmt::format("pair {} has {} and {} words in one direction, {} and {} in the other", forward.id,
                    source.size(), target.size(), back_source.size(), back_target.size()));
  }
  if (source.empty() || target.empty()) return {};
  const Weights there = chosen_weights(forward, mine), back = chosen_weights(backward, theirs);
  const auto product = [&](size_t s, size_t t) {
    return there[target[t]][source[s]] * back[back_source[s]][back_target[t]];
  };
  std::vector<AlignmentLink> links;
  const auto best = [&](size_t count, auto weight) {
    size_t found = 0;
    for (size_t i = 1; i < count; ++i)
      if (weight(i) > weight(found)) found = i;
    return found;
  };
  for (size_t t = 0; t < target.size(); ++t)
    links.push_back({static_cast<int>(source[best(source.size(), [&](size_t s) { return product(s, t); })]),
                     static_cast<int>(target[t])});
  for (size_t s = 0; s < source.size(); ++s)
    links.push_back({static_cast<int>(source[s]),
                     static_cast<int>(target[best(target.size(), [&](size_t t) { return product(s, t); })])});
  std::ranges::sort(links);
  links.erase(std::unique(links.begin(), links.end()), links.end());
  return links;
}

double agreement(std::span<const std::vector<AlignmentLink>> forward,
                 std::span<const std::vector<AlignmentLink>> backward) {
  int64_t both = 0, all = 0;
  for (size_t i = 0; i < forward.size(); ++i) {
    both += common(forward[i], reversed(backward[i]));
    all += static_cast<int64_t>(forward[i].size() + backward[i].size());
  }
  return all == 0 ? 0 : 2 * static_cast<double>(both) / static_cast<double>(all);
}

AgreedChoice choose_attention(std::span<const Translation> forward, std::span<const Translation> backward) {
  if (forward.size() != backward.size()) {
    throw ValueError("attention",
                     fmt::format("{} records forward, {} backward", forward.size(), backward.size()));
  }
  std::vector<size_t> pairs;  // with attention on both sides
  for (size_t i = 0; i < forward.size(); ++i)
    if (!forward[i].attention.empty() && !backward[i].attention.empty()) pairs.push_back(i);
  if (pairs.empty()) throw ValueError("attention", "no pair of records has any");
  const auto links_of = [&](std::span<const Translation> records, const AttentionChoice& choice) {
    std::vector<std::vector<AlignmentLink>> links;
    for (const size_t i : pairs) links.push_back(attention_links(records[i], choice));
    return links;
  };
  const std::vector<AttentionChoice> theirs = attention_choices(backward[pairs.front()]);
  std::vector<std::vector<std::vector<AlignmentLink>>> back;
  for (const AttentionChoice& choice : theirs) back.push_back(links_of(backward, choice));
  AgreedChoice best{.agreement = -1};
  for (const AttentionChoice& mine : attention_choices(forward[pairs.front()])) {
    const std::vector<std::vector<AlignmentLink>> there = links_of(forward, mine);
    for (size_t b = 0; b < theirs.size(); ++b) {
      const double found = agreement(there, back[b]);
      if (best.agreement < 0) best.usual = found;  // the first two are the means of all maps
      if (found > best.agreement) best = {mine, theirs[b], found, best.usual};
    }
  }
  return best;
}

}  // namespace heed::models
