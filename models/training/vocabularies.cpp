#include "models/training/vocabularies.h"

#include <algorithm>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "framework/core/random.h"
#include "models/text/codec.h"
#include "models/text/context.h"
#include "models/text/fingerprint.h"

namespace heed::models {
namespace {

using Words = std::span<const std::string>;

// Calls `take` with each sentence that is not too long to be trained on.
template <class Take>
void for_sentences(const RunConfig& config, const PairText& train, bool of_source, const Take& take) {
  const auto limit = static_cast<size_t>(config.train.max_length);
  train.visit([&](Words source, Words target) {
    if (source.size() <= limit && target.size() <= limit) take(of_source ? source : target);
    return true;
  });
}

// Sentences of one side, drawn by the seed where there are more than are wanted, in their order [Vitter 1985,
// algorithm R].
std::vector<std::string> sample(const RunConfig& config, const PairText& train, bool of_source) {
  const auto most = static_cast<size_t>(config.train.subword_sentences);
  const bool has_context = (of_source ? config.source_text : config.target_text).context > 0;
  // the lines before it are sentences of their own
  const auto text_of = [&](Words words) { return join(has_context ? last_sentence(words) : words); };
  Generator random(mixed_bits(config.train.seed + 2));  // its own, so that weights and dropout are as without
  std::vector<std::pair<uint64_t, std::string>> drawn;  // number of the sentence, and its text
  uint64_t seen = 0;
  for_sentences(config, train, of_source, [&](Words words) {
    const uint64_t number = seen++;
    if (most == 0 || drawn.size() < most) {
      drawn.emplace_back(number, text_of(words));
    } else if (const uint64_t place = random.next_below(seen); place < most) {
      drawn[place] = {number, text_of(words)};
    }
  });
  std::ranges::sort(drawn, {}, &std::pair<uint64_t, std::string>::first);
  std::vector<std::string> lines;
  for (auto& [number, line] : drawn) lines.push_back(std::move(line));
  return lines;
}

// Counts the units of words: themselves, or their pieces, which are asked for once while a word is
// remembered.
class UnitCounter {
 public:
  explicit UnitCounter(const TextCodec& codec) : codec_(codec) {}
  void add(Words words) {
    constexpr size_t kMost = 1 << 18;  // words that wait to be split
    for (const std::string& word : words) ++words_[word];
    if (codec_.subwords && words_.size() >= kMost) split();
  }
  Vocabulary::Counts take() {
    if (!codec_.subwords) return std::move(words_);
    split();
    return std::move(units_);
  }

 private:
  void split() {
    for (const auto& [word, count] : words_) {
      for (const std::string& unit : codec_.units(std::span(&word, 1))) units_[unit] += count;
    }
    words_.clear();
  }
  const TextCodec& codec_;
  Vocabulary::Counts words_, units_;
};

}  // namespace

LearnedText learn_side(const RunConfig& config, const PairText& train, Sides sides) {
  const auto for_sides = [&](const auto& work) {
    if (sides != Sides::target) work(/*of_source=*/true);
    if (sides != Sides::source) work(/*of_source=*/false);
  };
  LearnedText text;
  TextCodec codec;
  codec.breaks = config.source_text.context > 0 || config.target_text.context > 0;
  std::vector<std::string>
      required;  // whether they are met or not: all pieces of a model that knows any text
  if (config.train.subwords != SubwordKind::none) {
    const SubwordOptions options = subword_options(config);
    std::vector<std::string> lines;
    for_sides([&](bool of_source) {
      for (std::string& line : sample(config, train, of_source)) lines.push_back(std::move(line));
    });
    text.model = Subwords::train(lines, options);
    codec.subwords = std::make_shared<Subwords>(text.model, name_of_choice(options.kind));
    if (options.bytes) required = codec.subwords->pieces();
  }
  UnitCounter counter(codec);
  for_sides([&](bool of_source) {
    for_sentences(config, train, of_source, [&](Words words) { counter.add(words); });
  });
  Vocabulary::Counts counts = counter.take();
  for (const std::string& piece : required) {
    int64_t& count = counts[piece];
    count = std::max(count, config.train.min_count);
  }
  text.vocabulary = Vocabulary::build(counts, config.train.min_count, config.train.max_vocabulary);
  return text;
}

}  // namespace heed::models
