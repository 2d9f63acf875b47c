#include "models/training/encoded.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "framework/core/error.h"
#include "framework/core/random.h"
#include "models/metrics/scored_text.h"
#include "models/text/context.h"
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

// The ids of words that were met before: most words of a text are.
class WordIds {
 public:
  explicit WordIds(const TextCodec& codec) : codec_(codec) {}
  // As codec.encode(words).ids, valid until the next call.
  const std::vector<int>& of(std::span<const std::string> words) {
    constexpr size_t kMost = 1 << 18;  // words that are remembered; some 30 MB
    ids_.clear();
    if (codec_.whole_lines) {
      ids_ = codec_.encode(words).ids;
      return ids_;
    }
    for (const std::string& word : words) {
      auto found = known_.find(word);
      if (found == known_.end()) {
        if (known_.size() >= kMost) known_.clear();
        found = known_.emplace(word, codec_.encode(std::span(&word, 1)).ids).first;
      }
      ids_.insert(ids_.end(), found->second.begin(), found->second.end());
    }
    return ids_;
  }

 private:
  const TextCodec& codec_;
  std::unordered_map<std::string, std::vector<int>> known_;
  std::vector<int> ids_;
};

// Whether a training takes a pair of so many ids, without end marks.
bool is_taken(const RunConfig& config, size_t source, size_t target) {
  const auto limit = static_cast<size_t>(config.train.max_length);
  return source > 0 && target > 0 && source <= limit && target <= limit;
}

void encode_pairs(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                  const PairText& text, PairWriter& writer) {
  WordIds sources(source), targets(target);
  text.visit([&](std::span<const std::string> from, std::span<const std::string> to) {
    const std::vector<int> ids = with_end(source, sources.of(from));
    const std::vector<int>& target_ids = targets.of(to);
    if (is_taken(config, ids.size() - (source.ends ? 1 : 0), target_ids.size())) {
      writer.add(ids, target_ids);
    } else {
      writer.skip();
    }
    return true;
  });
}

// All that decides which ids a text becomes, in a text.
std::string encoding_of(const RunConfig& config, const TextCodec& source, const TextCodec& target) {
  std::string result = fmt::format("{}\n", config.train.max_length);
  for (const auto& [codec, text] :
       {std::pair(&source, &config.source_text), std::pair(&target, &config.target_text)}) {
    result += fmt::format("{} {} {} {} '{}' {} {} {} {} {}\n", name_of_choice(text->tokenizer),
                          text->lowercase, text->normalise, text->escape, text->language, text->context,
                          codec->whole_lines, codec->ends, fingerprint(codec->vocabulary.save()),
                          codec->subwords ? fingerprint(codec->subwords->model()) : "words");
    if (text->spacing == Spacing::kept) result += "spacing kept\n";
  }
  return result;
}

EncodedPairs training_pairs(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                            const TrainingData& data, IdFile& file) {
  const int source_entries = source.vocabulary.size(), target_entries = target.vocabulary.size();
  const auto fill = [&](PairWriter& writer) { encode_pairs(config, source, target, *data.train, writer); };
  if (data.ids.empty()) return EncodedPairs::in_memory(source_entries, target_entries, fill);
  return stored_pairs({.folder = data.ids,
                       .text_mark = data.text_mark,
                       .encoding = encoding_of(config, source, target),
                       .source_entries = source_entries,
                       .target_entries = target_entries},
                      fill, data.note, file);
}

// The links of the pairs that are taken, between their tokens.
WordLinks links_of_tokens(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                          const PairText& train, const WordLinks& links) {
  if (static_cast<int64_t>(links.size()) != train.size()) {
    throw ValueError("alignments", fmt::format("{} of {}", counted(links.size(), "line"),
                                               counted(train.size(), "training pair")));
  }
  WordLinks result;
  size_t i = 0;
  train.visit([&](std::span<const std::string> all_from, std::span<const std::string> all_to) {
    const auto from = config.source_text.context > 0 ? last_sentence(all_from) : all_from,
               to = config.target_text.context > 0 ? last_sentence(all_to) : all_to;
    std::vector<AlignmentLink> of_words = links[i];  // of the sentence, behind the lines before it
    for (AlignmentLink& link : of_words) {
      if (link.source < 0 || link.target < 0 || link.source >= static_cast<int>(from.size()) ||
          link.target >= static_cast<int>(to.size()))
        throw ValueError("alignments", fmt::format("line {} links {}-{}, the pair has {} and {} words", i + 1,
                                                   link.source, link.target, from.size(), to.size()));
      link.source += static_cast<int>(all_from.size() - from.size());
      link.target += static_cast<int>(all_to.size() - to.size());
    }
    const TextCodec::Encoded source_ids = source.encode(all_from), target_ids = target.encode(all_to);
    if (is_taken(config, source_ids.ids.size(), target_ids.ids.size()))
      result.push_back(token_links(of_words, source_ids, target_ids));
    ++i;
    return true;
  });
  return result;
}

}  // namespace

ValidationText validation_text(std::span<const std::string> all, const TextSettings& settings) {
  const std::span<const std::string> tokens = settings.context > 0 ? last_sentence(all) : all;
  if (!settings.raw()) return {join(tokens), join(tokens)};
  return {scored_words(tokens, settings), detokenize(tokens, settings)};
}

EncodedData encode(const RunConfig& config, const TextCodec& source, const TextCodec& target,
                   const TrainingData& pairs, const WordLinks* links) {
  EncodedData data;
  data.train = training_pairs(config, source, target, pairs, data.file);
  if (links) data.train.set_links(links_of_tokens(config, source, target, *pairs.train, *links));
  const TokenisedCorpus& validation = pairs.validation;
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
  if (data.train.size() == 0) {
    throw ValueError(
        fmt::format("no training pair has between 1 and {} tokens on both sides", config.train.max_length));
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
  PairHash hash = data.train.hash();
  hash.add(data.validation.size());
  for (const EncodedPair& pair : data.validation) hash.add(pair.source, pair.target);
  return std::max<int64_t>(static_cast<int64_t>(hash.value() >> 1), 1);
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
