#include "models/evaluation/failures.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_map>

#include "models/evaluation/diagnosis.h"
#include "models/evaluation/grammar_failures.h"
#include "models/evaluation/word_pairs.h"
#include "models/metrics/scored_text.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

using WordList = std::vector<std::string>;

struct Negation {
  std::string_view language;
  std::vector<std::string_view> words, prefixes, suffixes;
};
const std::vector<Negation>& negations() {
  static const std::vector<Negation> rows = {
      {"en",
       {"not", "no", "never", "nothing", "nobody", "none", "neither", "nor", "nowhere", "cannot", "without"},
       {},
       {"n't"}},
      {"de",
       {"nicht", "nie", "niemals", "nichts", "weder", "ohne", "nirgends", "nein"},
       {"kein", "niemand"},
       {}},
      {"fr",
       {"pas", "ne", "jamais", "rien", "personne", "sans", "ni", "non", "nulle", "nul"},
       {"n'", "aucun"},
       {}},
      {"es", {"no", "nunca", "nada", "nadie", "sin", "ni", "jamás"}, {"ningun", "ningún"}, {}},
  };
  return rows;
}

const Negation* negation_of(std::string_view language) {
  const auto found = std::ranges::find(negations(), language, &Negation::language);
  return found == negations().end() ? nullptr : &*found;
}

bool negates(const WordList& words, std::string_view language) {
  return std::ranges::any_of(words, [&](const std::string& word) { return is_negation(word, language); });
}

bool has_letter(const std::string& word) {
  return std::ranges::any_of(code_points(word), [](char32_t c) { return is_alpha(c); });
}
bool starts_high(const std::string& word) {
  const std::u32string letters = code_points(word);
  return !letters.empty() && is_alpha(letters.front()) && to_lower(word) != word &&
         !is_lower(letters.front());
}
size_t letters_of(const std::string& word) { return code_points(word).size(); }

// The digits of a word, so that 1,000 and 1.000 are the same; empty for a word without.
std::string digits_of(const std::string& word) {
  std::string digits;
  for (const char c : word) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return digits;
}
std::vector<std::string> numbers_of(const WordList& words) {
  std::vector<std::string> numbers;
  for (const std::string& word : words) {
    if (const std::string digits = digits_of(word); !digits.empty()) numbers.push_back(digits);
  }
  return numbers;
}

bool has(const WordList& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

// A test sentence.
struct SentenceWords {
  WordList source, reference, output;
  std::vector<bool> missing;  // of the words of the reference
};

std::vector<bool> missing_words(const WordList& reference, const WordList& output) {
  std::unordered_map<std::string, int> left;
  for (const std::string& word : output) ++left[word];
  std::vector<bool> missing;
  for (const std::string& word : reference) missing.push_back(--left[word] < 0);
  return missing;
}

std::vector<SentenceWords> words_of(const LoadedRun& run, std::span<const std::string> sources,
                                    const Evaluation& evaluation) {
  const auto split = [&](const std::string& text, const std::string& language) {
    const BleuOptions options{.tokenize = bleu_tokenizer_of(language),
                              .lowercase = evaluation.scored.writes_lower_case};
    WordList words;
    const std::string tokens = bleu_tokenize(text, options);
    for (const std::string_view word : split_whitespace(tokens)) words.emplace_back(word);
    return words;
  };
  std::vector<SentenceWords> all;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::string& target = run.config.target_text.language;
    all.push_back({split(sources[i], run.config.source_text.language),
                   split(evaluation.scored.reference_text[i], target),
                   split(evaluation.scored.output_text[i], target),
                   {}});
    all.back().missing = missing_words(all.back().reference, all.back().output);
  }
  return all;
}

void count_missing(FailureCounter& counter, size_t kind, size_t sentence, const SentenceWords& words) {
  for (size_t w = 0; w < words.reference.size(); ++w)
    counter.count(kind, sentence, words.missing[w], words.reference[w]);
}

// The groups of the evaluation that do not pool others.
std::vector<LengthBucket> length_groups(const Evaluation& evaluation) {
  std::vector<LengthBucket> all, groups;
  for (const BucketBleu& bucket : evaluation.by_length) all.push_back(bucket.bucket);
  for (const LengthBucket& bucket : all.empty() ? default_length_buckets() : all) {
    if (groups.empty() || bucket.min > groups.back().max) groups.push_back(bucket);
  }
  return groups;
}

void find_by_length(FailureCounter& counter, const std::vector<SentenceWords>& sentences,
                    const Evaluation& evaluation) {
  const std::vector<LengthBucket> groups = length_groups(evaluation);
  std::vector<size_t> kinds;
  for (const LengthBucket& group : groups)
    kinds.push_back(
        counter.kind("length", fmt::format("{} source words", group.name()), "reference words, missing"));
  for (size_t i = 0; i < sentences.size(); ++i) {
    const auto length =
        std::ranges::count(evaluation.translations[i].source.tokens, false, &TranslationToken::eos);
    for (size_t g = 0; g < groups.size(); ++g) {
      if (groups[g].min <= length && length <= groups[g].max)
        count_missing(counter, kinds[g], i, sentences[i]);
    }
  }
}

// By the place of a word in the vocabulary, which is in order of frequency; of pieces, by how many a word
// needs.
void find_by_frequency(FailureCounter& counter, const LoadedRun& run,
                       const std::vector<SentenceWords>& sentences) {
  const bool pieces = run.target.subwords != nullptr;
  std::vector<size_t> kinds;  // of words, then of pieces: the same for every run
  for (const char* name :
       {"the 100 most frequent words", "the next 900", "rarer words", "words outside the vocabulary",
        "words of one piece", "of two pieces", "of three and more"})
    kinds.push_back(counter.kind("frequency", name, "reference words, missing"));
  std::unordered_map<std::string, size_t> known;  // group of each word
  const auto group_of = [&](const std::string& word) -> size_t {
    const WordList one{word};
    const std::vector<int> ids = run.target.encode(one).ids;
    if (pieces) return 3 + std::clamp<size_t>(ids.size(), 1, 3);
    if (ids.empty() || ids.front() == Vocabulary::kUnk) return 3;
    const int rank = ids.front() - Vocabulary::kSpecials;
    return rank < 100 ? 0 : rank < 1000 ? 1 : 2;
  };
  for (size_t i = 0; i < sentences.size(); ++i) {
    for (size_t w = 0; w < sentences[i].reference.size(); ++w) {
      const std::string& word = sentences[i].reference[w];
      if (!has_letter(word)) continue;
      const auto [found, fresh] = known.try_emplace(word, 0);
      if (fresh) found->second = group_of(word);
      counter.count(kinds[found->second], i, sentences[i].missing[w], word);
    }
  }
}

void find_unknown(FailureCounter& counter, const std::vector<SentenceWords>& sentences,
                  const Evaluation& evaluation) {
  const size_t with = counter.kind("unknown words", "sentences with unknown source words",
                                   "reference words, missing"),
               without = counter.kind("unknown words", "sentences without", "reference words, missing"),
               written = counter.kind("unknown words", "<unk> is written", "output words");
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Translation& translation = evaluation.translations[i];
    const bool unknown = std::ranges::any_of(translation.source.tokens, &TranslationToken::unk);
    count_missing(counter, unknown ? with : without, i, sentences[i]);
    for (const TranslationToken& token : translation.target.tokens) {
      if (!token.eos) counter.count(written, i, token.unk, token.text);
    }
  }
}

void find_copied(FailureCounter& counter, const std::vector<SentenceWords>& sentences, bool lower_case) {
  const size_t lost = counter.kind("copied words", "a word that stays the same is lost",
                                   "words of source and reference"),
               left = counter.kind("copied words", "a source word is left as it is",
                                   "output words of four letters and more"),
               number = counter.kind("numbers", "lost", "numbers of source and reference"),
               made_up = counter.kind("numbers", "made up", "numbers of the output"),
               name = counter.kind("names", "lost", "capitalised words of source and reference");
  constexpr size_t kLetters = 4;  // shorter words are often the same by chance
  for (size_t i = 0; i < sentences.size(); ++i) {
    const auto& [source, reference, output, missing] = sentences[i];
    for (size_t w = 0; w < source.size(); ++w) {
      const std::string& word = source[w];
      if (!has_letter(word) || !has(reference, word)) continue;
      const bool gone = !has(output, word);
      if (letters_of(word) >= kLetters) counter.count(lost, i, gone, word);
      if (w > 0 && !lower_case && has_letter(source[w - 1]) && letters_of(word) > 1 && starts_high(word))
        counter.count(name, i, gone, word);
    }
    for (const std::string& word : output) {
      if (has_letter(word) && letters_of(word) >= kLetters)
        counter.count(left, i, has(source, word) && !has(reference, word), word);
    }
    const WordList in_source = numbers_of(source), in_reference = numbers_of(reference),
                   in_output = numbers_of(output);
    for (const std::string& digits : in_source) {
      if (has(in_reference, digits)) counter.count(number, i, !has(in_output, digits), digits);
    }
    for (const std::string& digits : in_output)
      counter.count(made_up, i, !has(in_source, digits) && !has(in_reference, digits), digits);
  }
}

void find_negation(FailureCounter& counter, const std::vector<SentenceWords>& sentences,
                   const std::string& from, const std::string& to, std::vector<std::string>& notes) {
  const size_t lost = counter.kind("negation", "lost", "sentences whose source and reference say no"),
               added = counter.kind("negation", "added", "sentences whose source and reference do not");
  if (!knows_negation(from) || !knows_negation(to)) {
    notes.push_back(fmt::format(
        "negation: its words are known for de, en, es and fr, and the run is from '{}' to '{}'", from, to));
    return;
  }
  for (size_t i = 0; i < sentences.size(); ++i) {
    const bool source = negates(sentences[i].source, from), reference = negates(sentences[i].reference, to),
               output = negates(sentences[i].output, to);
    if (source && reference) counter.count(lost, i, !output);
    if (!source && !reference) counter.count(added, i, output);
  }
}

// What diagnose() finds in the words alone: commas may repeat.
Diagnosis diagnose_words(const SentenceWords& words, const Translation& translation) {
  Translation without;
  WordList reference;
  for (const std::string& word : words.output) {
    if (has_letter(word)) without.target.tokens.push_back({word, {}, false, false});
  }
  for (const TranslationToken& token : translation.target.tokens) {
    if (token.eos) without.target.tokens.push_back(token);
  }
  std::ranges::copy_if(words.reference, std::back_inserter(reference), has_letter);
  return diagnose(without, reference);
}

void find_in_form(FailureCounter& counter, const std::vector<SentenceWords>& sentences,
                  const Evaluation& evaluation, std::vector<std::string>& notes) {
  const size_t repeated = counter.kind("repetition", "two words again and again", "sentences"),
               early = counter.kind("end", "too early", "sentences"),
               none = counter.kind("end", "none", "sentences"),
               skipped = counter.kind("omission", "source words that nothing looked at", "source words"),
               unread =
                   counter.kind("omission", "ends with the last source words not looked at", "sentences");
  bool attention = false;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const Translation& translation = evaluation.translations[i];
    const Diagnosis diagnosis = diagnose_words(sentences[i], translation);
    counter.count(repeated, i, !diagnosis.repeated.empty(), diagnosis.repeated);
    counter.count(early, i, diagnosis.early_end);
    counter.count(none, i, diagnosis.no_end);
    const std::vector<double> coverage = attention_coverage(mean_attention(translation));
    if (coverage.empty()) continue;
    attention = true;
    std::vector<bool> unseen;
    for (size_t s = 0; s < translation.source.tokens.size(); ++s) {
      const TranslationToken& token = translation.source.tokens[s];
      if (token.eos || !has_letter(token.text)) continue;
      unseen.push_back(coverage[s] < kSkipped);
      counter.count(skipped, i, unseen.back(), token.text);
    }
    constexpr size_t kLast = 2;
    if (unseen.size() > kLast && !diagnosis.no_end)
      counter.count(unread, i, std::all_of(unseen.end() - kLast, unseen.end(), [](bool b) { return b; }));
  }
  if (!attention) notes.emplace_back("omission: the model has no attention to read it off");
}

// Words of the reference that a more frequent one of the output stands in the place of, more than once.
std::vector<FailureRate> find_preferred(const std::vector<SentenceWords>& sentences) {
  constexpr size_t kMost = 15, kLetters = 4;
  std::unordered_map<std::string, int64_t> frequency;
  std::map<std::pair<std::string, std::string>, int64_t> replaced;  // of the reference, of the output
  std::vector<std::vector<std::pair<std::string, std::string>>> of_sentence(sentences.size());
  for (size_t i = 0; i < sentences.size(); ++i) {
    const SentenceWords& words = sentences[i];
    for (const std::string& word : words.reference) ++frequency[word];
    for (const auto& [r, o] : word_pairs(words.reference, words.output)) {
      const std::string &rarer = words.reference[r], &written = words.output[o];
      if (rarer == written || !words.missing[r] || letters_of(rarer) < kLetters ||
          letters_of(written) < kLetters || !has_letter(rarer) || !has_letter(written) ||
          to_lower(rarer) == to_lower(written))
        continue;
      of_sentence[i].emplace_back(rarer, written);
      ++replaced[of_sentence[i].back()];
    }
  }
  std::vector<std::pair<std::pair<std::string, std::string>, int64_t>> order;
  for (const auto& [pair, times] : replaced) {
    const auto written = frequency.find(pair.second);
    if (times > 1 && written != frequency.end() && written->second > frequency[pair.first])
      order.emplace_back(pair, times);
  }
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.second > b.second; });
  order.resize(std::min(order.size(), kMost));
  FailureCounter counter(sentences.size());
  for (const auto& [pair, times] : order) {
    const size_t kind = counter.kind(
        "preferred words", fmt::format("{} for {}", pair.second, pair.first),
        fmt::format("references with {} ({} with {})", pair.first, frequency[pair.second], pair.second));
    for (size_t i = 0; i < sentences.size(); ++i) {
      const auto count = std::ranges::count(sentences[i].reference, pair.first);
      const auto failed = std::ranges::count(of_sentence[i], pair);
      for (int64_t n = 0; n < count; ++n) counter.count(kind, i, n < failed, pair.second);
    }
  }
  return counter.rates();
}

}  // namespace

bool is_negation(std::string_view word, std::string_view language) {
  const Negation* const words = negation_of(language);
  if (!words) return false;
  std::string lower = to_lower(word);
  constexpr std::string_view kApostrophe = "\xE2\x80\x99", kEntity = "&apos;";
  for (const std::string_view other : {kApostrophe, kEntity}) {
    for (size_t at = lower.find(other); at != std::string::npos; at = lower.find(other))
      lower.replace(at, other.size(), "'");
  }
  const auto starts = [&](std::string_view part) { return lower.starts_with(part); };
  const auto ends = [&](std::string_view part) { return lower.ends_with(part); };
  return std::ranges::find(words->words, lower) != words->words.end() ||
         std::ranges::any_of(words->prefixes, starts) || std::ranges::any_of(words->suffixes, ends);
}

bool knows_negation(std::string_view language) { return negation_of(language) != nullptr; }

Failures find_failures(const LoadedRun& run, std::span<const std::string> sources,
                       const Evaluation& evaluation) {
  Failures found;
  const std::vector<SentenceWords> sentences = words_of(run, sources, evaluation);
  FailureCounter counter(sentences.size());
  find_by_length(counter, sentences, evaluation);
  find_by_frequency(counter, run, sentences);
  find_unknown(counter, sentences, evaluation);
  find_copied(counter, sentences, evaluation.scored.writes_lower_case);
  if (evaluation.scored.writes_lower_case) found.notes.emplace_back("names: the run writes lower case");
  std::vector<WordList> references;
  for (const SentenceWords& words : sentences) references.push_back(words.reference);
  const bool built_in = is_built_in_german(references);
  // a run on files of the built-in corpus need not have been told its languages
  find_negation(counter, sentences, built_in ? "en" : run.config.source_text.language,
                built_in ? "de" : run.config.target_text.language, found.notes);
  find_in_form(counter, sentences, evaluation, found.notes);
  GrammarFailures grammar(counter);
  if (built_in) {
    for (size_t i = 0; i < sentences.size(); ++i) grammar.add(i, sentences[i].reference, sentences[i].output);
  } else {
    found.notes.emplace_back("grammar: its truth is known for the German of the built-in corpus alone");
  }
  found.rates = counter.rates();
  found.preferred = find_preferred(sentences);
  return found;
}

}  // namespace heed::models
