// Where a translator fails: counts on sentences made for each kind.
#include "models/evaluation/failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/evaluation/grammar_failures.h"
#include "models/evaluation/word_pairs.h"
#include "models/grammar/demo_corpus.h"
#include "models/text/unicode.h"

namespace heed::models {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list;
  for (const std::string_view word : split_whitespace(text)) list.emplace_back(word);
  return list;
}

// Sources, references and outputs of a run from English to German, each already in words.
class FailuresTest : public testing::Test {
 protected:
  FailuresTest() {
    run_.config.source_text.language = "en";
    run_.config.target_text.language = "de";
  }
  void add(const std::string& source, const std::string& reference, const std::string& output) {
    sources_.push_back(source);
    evaluation_.scored.reference_text.push_back(reference);
    evaluation_.scored.output_text.push_back(output);
    Translation& translation = evaluation_.translations.emplace_back();
    for (const std::string& word : words(source))
      translation.source.tokens.push_back({word, {}, false, false});
    for (const std::string& word : words(output))
      translation.target.tokens.push_back({word, {}, false, false});
    translation.source.tokens.push_back({"</s>", {}, true, false});
    translation.target.tokens.push_back({"</s>", {}, true, false});
  }
  Failures found() const { return find_failures(run_, sources_, evaluation_); }
  static FailureRate of(const Failures& failures, const std::string& group, const std::string& name) {
    for (const FailureRate& rate : failures.rates) {
      if (rate.group == group && rate.name == name) return rate;
    }
    ADD_FAILURE() << "no kind " << group << ", " << name;
    return {};
  }
  void expect(const std::string& group, const std::string& name, int64_t failures, int64_t cases) const {
    const FailureRate rate = of(found(), group, name);
    EXPECT_EQ(rate.cases, cases) << group << ", " << name;
    EXPECT_EQ(rate.failures, failures) << group << ", " << name;
  }
  LoadedRun run_;
  std::vector<std::string> sources_;
  Evaluation evaluation_;
};

TEST(WordPairs, KeptAndReplacedWordsArePairs) {
  using Pairs = std::vector<std::pair<size_t, size_t>>;
  EXPECT_EQ(word_pairs(words("a b c"), words("a x c")), (Pairs{{0, 0}, {1, 1}, {2, 2}}));
  EXPECT_EQ(word_pairs(words("a b c"), words("a c")), (Pairs{{0, 0}, {2, 1}}));
  EXPECT_EQ(word_pairs(words("b"), words("a b c")), (Pairs{{0, 1}}));
  EXPECT_EQ(word_pairs({}, words("a")), Pairs{});
}

TEST(FailureCounter, RatesHaveIntervalsAndThreeExamplesOfDifferentSentences) {
  FailureCounter counter(100);
  const size_t kind = counter.kind("group", "name", "words"), empty = counter.kind("group", "none", "words");
  for (size_t i = 0; i < 100; ++i) {
    for (int n = 0; n < 2; ++n) counter.count(kind, i, i % 4 == 0, "w" + std::to_string(i));
  }
  const FailureRate rate = counter.rates()[kind];
  EXPECT_EQ(rate.cases, 200);
  EXPECT_EQ(rate.failures, 50);
  EXPECT_EQ(rate.rate(), 0.25);
  EXPECT_NEAR(rate.interval.low, 0.165, 0.025);  // 1.96 sqrt(0.25 * 0.75 / 100) on either side
  EXPECT_NEAR(rate.interval.high, 0.335, 0.025);
  ASSERT_EQ(rate.examples.size(), kFailureExamples);
  EXPECT_EQ(rate.examples[1].sentence, 4U);
  EXPECT_EQ(rate.examples[2].what, "w8");
  EXPECT_TRUE(std::isnan(counter.rates()[empty].rate()));
}

// 0 of 10: Wilson 1927 gives 0 to z^2 / (10 + z^2); of one sentence resampling knows nothing.
TEST(FailureCounter, FewCasesHaveWideIntervals) {
  FailureCounter counter(10);
  const size_t none = counter.kind("group", "none", "words"),
               one = counter.kind("group", "one sentence", "words");
  for (size_t i = 0; i < 10; ++i) {
    counter.count(none, i, false);
    counter.count(one, 0, i < 5);
  }
  const std::vector<FailureRate> rates = counter.rates();
  EXPECT_EQ(rates[none].interval.low, 0);
  EXPECT_NEAR(rates[none].interval.high, 0.2775, 1e-4);
  EXPECT_NEAR(rates[one].interval.low, 0.2366, 1e-4);
  EXPECT_NEAR(rates[one].interval.high, 0.7634, 1e-4);
}

TEST_F(FailuresTest, WordsThatAreMissingByLengthAndFrequency) {
  run_.target.vocabulary = Vocabulary::build(std::vector<std::vector<std::string>>{words("der der Hund")});
  add("the dog sees cats", "der Hund sieht Katzen", "der der sieht");
  expect("length", "1-9 source words", 2, 4);
  expect("length", "10-19 source words", 0, 0);
  expect("frequency", "the 100 most frequent words", 1, 2);
  expect("frequency", "words outside the vocabulary", 1, 2);
  const FailureRate rate = of(found(), "length", "1-9 source words");
  ASSERT_EQ(rate.examples.size(), 1U);
  EXPECT_EQ(rate.examples[0].what, "Hund");
}

// Runs stand side by side, row by row.
TEST_F(FailuresTest, TheKindsAreTheSameWhateverTheRunIs) {
  add("the dog sees cats", "der Hund sieht Katzen", "der der sieht");
  const Failures plain = found();
  evaluation_.scored.writes_lower_case = true;
  run_.config.target_text.language = "cs";
  evaluation_.translations[0].attention = {{0, 0, std::vector(4, std::vector<float>(5, 0.2F))}};
  const Failures other = found();
  ASSERT_EQ(plain.rates.size(), other.rates.size());
  for (size_t k = 0; k < plain.rates.size(); ++k) EXPECT_EQ(plain.rates[k].name, other.rates[k].name);
}

TEST_F(FailuresTest, UnknownCopiedNumbersAndNames) {
  add("I met Peter in Berlin 3 times", "ich traf Peter in Berlin 3 Mal", "ich traf Peter in times 4 Mal");
  add("he was here", "er war hier", "er war <unk>");
  evaluation_.translations[1].source.tokens[0].unk = evaluation_.translations[1].target.tokens[2].unk = true;
  expect("names", "lost", 1, 2);
  expect("copied words", "a word that stays the same is lost", 1, 2);
  expect("copied words", "a source word is left as it is", 1, 3);  // traf, Peter, times
  expect("numbers", "lost", 1, 1);
  expect("numbers", "made up", 1, 1);
  expect("unknown words", "sentences with unknown source words", 1, 3);
  expect("unknown words", "<unk> is written", 1, 10);
  evaluation_.scored.writes_lower_case = true;
  EXPECT_THAT(found().notes, testing::Contains("names: the run writes lower case"));
  expect("names", "lost", 0, 0);
}

TEST_F(FailuresTest, NegationIsLostOrAdded) {
  add("I do not notice it", "ich bemerke es nicht", "ich bemerke es");
  add("no man sleeps", "kein Mann schläft", "keiner schläft");
  add("I see it", "ich sehe es", "ich sehe es nie");
  add("he sees it", "er sieht es", "er sieht es");
  expect("negation", "lost", 1, 2);
  expect("negation", "added", 1, 2);
  run_.config.target_text.language = "cs";
  EXPECT_THAT(found().notes, testing::Contains(testing::HasSubstr("from 'en' to 'cs'")));
  expect("negation", "lost", 0, 0);
  for (const auto& [word, language] :
       {std::pair("don't", "en"), std::pair("don\xE2\x80\x99t", "en"), std::pair("n&apos;t", "en"),
        std::pair("Keinem", "de"), std::pair("n'ai", "fr"), std::pair("aucune", "fr")})
    EXPECT_TRUE(is_negation(word, language)) << word;
  for (const auto& [word, language] :
       {std::pair("note", "en"), std::pair("klein", "de"), std::pair("passe", "fr"), std::pair("not", "de")})
    EXPECT_FALSE(is_negation(word, language)) << word;
}

TEST_F(FailuresTest, RepetitionEndsAndOmission) {
  add("a b c d", "w x y z", "w x w x w x");
  add("a b c d", "w x y z", "w");
  add("a b c d", "w x y z", "w x y z");
  evaluation_.translations[2].target.tokens.pop_back();  // no end
  expect("repetition", "two words again and again", 1, 3);
  expect("end", "too early", 1, 3);
  expect("end", "none", 1, 3);
  expect("omission", "source words that nothing looked at", 0, 0);
  EXPECT_THAT(found().notes, testing::Contains("omission: the model has no attention to read it off"));
  evaluation_.translations[1].attention = {{0, 0, {{0.9F, 0.1F, 0, 0, 0}, {0, 0.5F, 0, 0, 0.5F}}}};
  expect("omission", "source words that nothing looked at", 2, 4);  // c and d
  expect("omission", "ends with the last source words not looked at", 1, 1);
}

TEST_F(FailuresTest, WordsThatReplaceRarerOnes) {
  for (int i = 0; i < 3; ++i) add("a", "der schnelle Bus", "der schnelle Wagen");
  for (int i = 0; i < 5; ++i) add("a", "der Wagen kommt", "der Wagen kommt");
  for (int i = 0; i < 2; ++i) add("a", "ein Automobil kommt", "ein Wagen kommt");
  add("a", "ein Automobil kommt", "ein Automobil kommt");
  const Failures failures = found();
  ASSERT_EQ(failures.preferred.size(), 1U);  // Bus has three letters
  EXPECT_EQ(failures.preferred[0].name, "Wagen for Automobil");
  EXPECT_EQ(failures.preferred[0].failures, 2);
  EXPECT_EQ(failures.preferred[0].cases, 3);
}

class GrammarTest : public testing::Test {
 protected:
  // Failures of cases of each kind, in one sentence.
  static std::string counts(std::string_view reference, std::string_view output) {
    FailureCounter counter(1);
    GrammarFailures grammar(counter);
    grammar.add(0, words(reference), words(output));
    std::string text;
    for (const FailureRate& rate : counter.rates()) {
      if (rate.failures > 0) text += rate.name + " " + rate.examples[0].what + "; ";
    }
    return text;
  }
};

TEST_F(GrammarTest, EachMistakeIsOfItsKind) {
  const char* const right = "Der alte Mann sieht den Hund .";
  EXPECT_EQ(counts(right, right), "");
  EXPECT_EQ(counts(right, "Der alte Mann sehen den Hund ."), "agreement of the verb sehen for sieht; ");
  EXPECT_EQ(counts(right, "Der alte Mann sieht dem Hund ."), "case dem Hund for den Hund; ");
  EXPECT_EQ(counts(right, "Der alte Mann sieht das Hund ."), "gender das Hund for den Hund; ");
  EXPECT_EQ(counts(right, "Der alten Mann sieht den Hund ."), "ending of the adjective alten for alte; ");
  EXPECT_EQ(counts(right, "Der alte Mann sieht die Katze ."), "");  // another word is no mistake of grammar
  EXPECT_EQ(counts("Ich sehe ihn .", "Ich sehe ihm ."), "case ihm for ihn; ");
  EXPECT_EQ(counts("Er sieht den Studenten .", "Er sieht den Student ."), "case Student for Studenten; ");
  EXPECT_EQ(counts("Sie weiß , dass der Mann den Hund sieht .", "Sie weiß , dass der Mann sieht den Hund ."),
            "position of the verb sieht; ");
  EXPECT_EQ(counts("Der junge Mann schläft .", "Der Jungen Mann schläft ."), "");  // a noun for an adjective
  EXPECT_EQ(counts("Er will den Hund sehen .", "Er will sehen den Hund ."), "position of the verb sehen; ");
  EXPECT_EQ(counts("Der Hund , der Bücher liest , schläft .", "Der Hund , die Bücher liest , schläft ."), "");
}

// "der Lehrer" is a nominative as well as a genitive of several.
TEST_F(GrammarTest, NounsWhoseSingularIsTheirPlural) {
  const char* const right = "Der Lehrer sieht den Hund .";
  EXPECT_EQ(counts(right, right), "");
  EXPECT_EQ(counts(right, "Dem Lehrer sieht den Hund ."), "case Dem Lehrer for Der Lehrer; ");
  EXPECT_EQ(counts(right, "Das Lehrer sieht den Hund ."), "gender Das Lehrer for Der Lehrer; ");
  EXPECT_EQ(counts(right, "Die Lehrer sieht den Hund ."), "");  // several of them
  EXPECT_EQ(counts("Er sieht das Fenster .", "Er sieht die Fenster ."), "");
  EXPECT_EQ(counts("Er sieht das Fenster .", "Er sieht den Fenster ."),
            "gender den Fenster for das Fenster; ");
}

TEST_F(GrammarTest, TheBuiltInCorpusIsRecognisedAndItsReferencesAreWithoutMistakes) {
  const DemoCorpus corpus = make_demo_corpus({.seed = 3, .train = 300, .validation = 0, .test = 0});
  std::vector<std::vector<std::string>> german, english;
  FailureCounter counter(corpus.train.size());
  GrammarFailures grammar(counter);
  for (size_t i = 0; i < corpus.train.size(); ++i) {
    german.push_back(corpus.train[i].target);
    english.push_back(corpus.train[i].source);
    grammar.add(i, corpus.train[i].target, corpus.train[i].target);
  }
  EXPECT_TRUE(is_built_in_german(german));
  EXPECT_FALSE(is_built_in_german(english));
  EXPECT_FALSE(is_built_in_german({words("Der Mann hat gestern mit seinem Anwalt telefoniert .")}));
  EXPECT_FALSE(is_built_in_german({}));
  for (const FailureRate& rate : counter.rates()) {
    EXPECT_EQ(rate.failures, 0) << rate.name;
    EXPECT_GT(rate.cases, rate.name == "gender of the pronoun" ? 10 : 100) << rate.name;
  }
}

}  // namespace
}  // namespace heed::models
