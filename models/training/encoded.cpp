#include "models/training/encoded.h"

#include <fmt/format.h>

#include <algorithm>

#include "framework/core/error.h"
#include "models/metrics/scored_text.h"
#include "models/text/counted.h"
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
