#include "models/training/encoded.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "models/metrics/scored_text.h"
#include "models/text/counted.h"
#include "models/text/fingerprint.h"
#include "models/text/tokenizer.h"

namespace heed::models {
namespace {

constexpr size_t kLongestValidated = 1000;  // words or pieces per side, as translate reads by default

// The tokens as a reader is shown them.
std::string shown(std::span<const std::string> tokens, const TextSettings& settings) {
  return settings.raw() ? detokenize(tokens, settings) : unescape(join(tokens));
}

// The links between the words of a pair as links between their tokens.
std::vector<AlignmentLink> token_links(std::span<const AlignmentLink> words, const TextCodec::Encoded& source,
                                       const TextCodec::Encoded& target) {
  std::vector<AlignmentLink> links;
  for (const AlignmentLink& word : words) {
    for (size_t t = 0; t < target.ids.size(); ++t) {
      for (size_t s = 0; target.word_of[t] == word.target && s < source.ids.size(); ++s)
        if (source.word_of[s] == word.source) links.push_back({static_cast<int>(s), static_cast<int>(t)});
    }
  }
  std::ranges::sort(links, [](const AlignmentLink& a, const AlignmentLink& b) {
    return std::pair(a.target, a.source) < std::pair(b.target, b.source);
  });
  links.erase(std::unique(links.begin(), links.end()), links.end());
  return links;
}

void check_links(const WordLinks& links, const TokenisedCorpus& train) {
  if (links.size() != train.source.size()) {
    throw ValueError("alignments", fmt::format("{} of {}", counted(links.size(), "line"),
                                               counted(train.source.size(), "training pair")));
  }
  for (size_t i = 0; i < links.size(); ++i) {
    const size_t s = train.source[i].size(), t = train.target[i].size();
    for (const AlignmentLink& link : links[i]) {
      if (link.source < 0 || link.target < 0 || link.source >= static_cast<int>(s) ||
          link.target >= static_cast<int>(t))
        throw ValueError("alignments", fmt::format("line {} links {}-{}, the pair has {} and {} words", i + 1,
                                                   link.source, link.target, s, t));
    }
  }
}

}  // namespace

ValidationText validation_text(std::span<const std::string> tokens, const TextSettings& settings) {
  if (!settings.raw()) return {join(tokens), join(tokens)};
  return {scored_words(tokens, settings), detokenize(tokens, settings)};
}

EncodedData encode(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                   const TokenisedCorpus& train, const TokenisedCorpus& validation, const WordLinks* links) {
  if (links) check_links(*links, train);
  EncodedData data;
  const auto limit = static_cast<size_t>(config.train.max_length);
  for (size_t i = 0; i < train.source.size(); ++i) {
    TextCodec::Encoded from = source.encode(train.source[i]), to = target.encode(train.target[i]);
    EncodedPair pair;
    if (links) pair.links = token_links((*links)[i], from, to);
    pair.source = with_end(source, std::move(from.ids));
    pair.target = std::move(to.ids);
    const size_t s = pair.source.size() - 1, t = pair.target.size();
    if (s == 0 || t == 0 || s > limit || t > limit) {
      ++data.skipped;
    } else {
      data.train.push_back(std::move(pair));
    }
  }
  for (size_t i = 0; i < validation.source.size(); ++i) {
    if (validation.source[i].empty() || validation.target[i].empty()) continue;
    EncodedPair pair{encode_source(source, validation.source[i]), target.encode(validation.target[i]).ids};
    if (std::max(pair.source.size() - 1, pair.target.size()) > kLongestValidated) {
      data.skipped_validation.push_back(static_cast<int64_t>(i));
      continue;
    }
    data.validation.push_back(std::move(pair));
    data.validation_sources.push_back(shown(validation.source[i], config.source_text));
    ValidationText reference = validation_text(validation.target[i], config.target_text);
    data.references.push_back(std::move(reference.words));
    data.reference_texts.push_back(std::move(reference.text));
  }
  if (data.train.empty()) {
    throw ValueError(fmt::format("no training pair has between 1 and {} tokens on both sides", limit));
  }
  if (data.validation.empty()) {
    throw ValueError(
        fmt::format("no validation pair has between 1 and {} tokens on both sides", kLongestValidated));
  }
  return data;
}

void sample_validation(EncodedData& data, int64_t most, uint64_t seed) {
  const auto count = static_cast<int64_t>(data.validation.size());
  if (most == 0 || most >= count) return;
  Generator random(mixed_bits(seed + 1));  // its own, so that weights and dropout are as without
  std::vector<size_t> chosen(data.validation.size());
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  for (int64_t i = 0; i < most; ++i) {
    std::swap(chosen[static_cast<size_t>(i)],
              chosen[static_cast<size_t>(i) + random.next_below(static_cast<uint64_t>(count - i))]);
  }
  chosen.resize(static_cast<size_t>(most));
  std::ranges::sort(chosen);
  const auto keep = [&](auto& all) {
    for (size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i] != i) all[i] = std::move(all[chosen[i]]);
    }
    all.resize(chosen.size());
  };
  keep(data.validation);
  keep(data.references);
  keep(data.reference_texts);
  keep(data.validation_sources);
}

int64_t fingerprint_of(const EncodedData& data) {
  uint64_t hash = 0;
  const auto add = [&](uint64_t value) { hash = mixed_bits(hash + 0x9E3779B97F4A7C15U + value); };
  for (const std::vector<EncodedPair>* pairs : {&data.train, &data.validation}) {
    add(pairs->size());
    for (const EncodedPair& pair : *pairs) {
      for (const std::vector<int>* ids : {&pair.source, &pair.target}) {
        add(ids->size());
        for (const int id : *ids) add(static_cast<uint64_t>(id));
      }
    }
  }
  return std::max<int64_t>(static_cast<int64_t>(hash >> 1), 1);
}

void check_positions(const TranslationModel& model, const std::vector<EncodedPair>& validation) {
  for (size_t i = 0; i < validation.size(); ++i) {
    const auto s = static_cast<int64_t>(validation[i].source.size()),
               t = static_cast<int64_t>(validation[i].target.size());
    if (s <= model.longest_source() && t <= model.longest_target()) continue;
    throw ValueError(
        fmt::format("validation pair {} has {} and {} units, positions end at {}: raise max-positions", i + 1,
                    s, t, model.longest_source()));
  }
}

}  // namespace heed::models
