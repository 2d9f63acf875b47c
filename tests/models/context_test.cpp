// Lines before a sentence as its context: how they are put together, read as tokens and ids and written
// again, learned from, and what they buy on documents whose pronouns depend on the line before.
#include "models/text/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "framework/io/file.h"
#include "models/architectures/recurrent/options.h"
#include "models/corpus/documents.h"
#include "models/evaluation/evaluation.h"
#include "models/grammar/demo_corpus.h"
#include "models/run/translator.h"
#include "models/training/session.h"
#include "models/training/vocabularies.h"
#include "tests/models/tokens_of.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::ElementsAre;

std::vector<std::string> tokens(std::string_view text, const TextSettings& settings) {
  std::vector<std::string> result;
  for (Token& token : tokenize(text, settings)) result.push_back(std::move(token.text));
  return result;
}

TEST(ContextLines, StandBeforeALine) {
  const std::vector<std::string> lines{"a b", "c", "d", " ", "e", "x <brk> y", "f"};
  EXPECT_EQ(with_context(lines, 0), lines);
  EXPECT_THAT(with_context(lines, 1),
              ElementsAre("a b", "a b <brk> c", "c <brk> d", " ", "e", "x <brk> y", "e <brk> f"));
  EXPECT_THAT(with_context(lines, 2),
              ElementsAre("a b", "a b <brk> c", "a b <brk> c <brk> d", " ", "e", "x <brk> y", "e <brk> f"));
  const std::vector<std::string> plain{"a", "b", "c", "d"};
  EXPECT_THAT(with_context(plain, 1, {1, 3}), ElementsAre("a", "b", "b <brk> c", "c <brk> d"));
}

TEST(ContextLines, LastSentenceIsBehindTheLastBreak) {
  EXPECT_EQ(last_sentence(std::string_view("a <brk> b c")), "b c");
  EXPECT_EQ(last_sentence(std::string_view("a<brk>b<brk>c")), "c");
  EXPECT_EQ(last_sentence(std::string_view("a b")), "a b");
  EXPECT_EQ(last_sentence(std::string_view("a <brk>")), "");
  const std::vector<std::string> words{"a", "<brk>", "b", "c"};
  const auto last = last_sentence(std::span<const std::string>(words));
  EXPECT_EQ(std::vector<std::string>(last.begin(), last.end()), (std::vector<std::string>{"b", "c"}));
}

TEST(ContextLines, BreakIsATokenWhateverTheTokenizer) {
  const std::string text = "He's here. <brk> It is.";
  for (const Tokenizer tokenizer :
       {Tokenizer::words, Tokenizer::none, Tokenizer::whitespace, Tokenizer::characters}) {
    const TextSettings with{.tokenizer = tokenizer, .language = "en", .context = 1},
        without{.tokenizer = tokenizer, .language = "en"};
    std::vector<std::string> expected = tokens("He's here.", without);
    expected.emplace_back("<brk>");
    for (std::string& token : tokens("It is.", without)) expected.push_back(std::move(token));
    EXPECT_EQ(tokens(text, with), expected) << name_of_choice(tokenizer);
    EXPECT_EQ(detokenize(expected, with), text) << name_of_choice(tokenizer);
    for (const Token& token : tokenize(text, with)) {
      const bool is_break = token.text == "<brk>";
      EXPECT_EQ(text.substr(token.begin, token.end - token.begin) == "<brk>", is_break);
    }
  }
}

TEST(ContextLines, BreakIsOneIdAndComesBack) {
  RunConfig config;
  config.train.subwords = SubwordKind::bpe;
  config.train.subword_vocabulary = 300;
  config.source_text = config.target_text = {.tokenizer = Tokenizer::none, .context = 1};
  TokenisedCorpus corpus;
  for (int i = 0; i < 30; ++i) {
    corpus.source.push_back({"one", "two", "<brk>", "three"});
    corpus.target.push_back({"eins", "<brk>", "zwei", "drei"});
  }
  const LearnedText learned = learn_side(config, PairsInMemory(corpus), Sides::source);
  EXPECT_EQ(learned.model.find("<brk>"), std::string::npos);  // no piece of it
  TextCodec codec{learned.vocabulary, std::make_shared<Subwords>(learned.model, "model")};
  codec.breaks = true;
  const std::vector<std::string> words{"two", "<brk>", "one", "<brk>", "three", "two"};
  const TextCodec::Encoded encoded = codec.encode(words);
  EXPECT_EQ(std::ranges::count(encoded.ids, codec.vocabulary.id("<brk>")), 2);
  EXPECT_EQ(std::ranges::count(encoded.ids, Vocabulary::kUnk), 0);
  const TextCodec::Decoded decoded = codec.decode(encoded.ids);
  EXPECT_EQ(decoded.words, words);
  EXPECT_EQ(decoded.word_of, encoded.word_of);
  codec.breaks = false;  // of a run without context it is text like any other
  EXPECT_EQ(std::ranges::count(codec.encode(words).ids, codec.vocabulary.id("<brk>")), 0);
  EXPECT_EQ(codec.decode(codec.encode(words).ids).words, words);
}

TEST(PairsInFiles, GiveLinesTheirContext) {
  const TempDir folder;
  write_file_atomically(folder / "a.en", "a\nb\nc\n\nd\ne\n");
  write_file_atomically(folder / "a.de", "A\nB\nC\nX\nD\nE\n");
  const auto read = [&](int64_t source, int64_t target, std::vector<uint64_t> documents) {
    const PairsInFiles pairs({folder / "a.en", {.tokenizer = Tokenizer::none, .context = source}},
                             {folder / "a.de", {.tokenizer = Tokenizer::none, .context = target}}, 6,
                             std::move(documents));
    const TokenisedCorpus corpus = tokens_of(pairs);
    std::vector<std::string> all;
    for (size_t i = 0; i < corpus.source.size(); ++i)
      all.push_back(join(corpus.source[i]) + "|" + join(corpus.target[i]));
    return all;
  };
  EXPECT_THAT(read(1, 0, {}), ElementsAre("a|A", "a <brk> b|B", "b <brk> c|C", "|X", "d|D", "d <brk> e|E"));
  EXPECT_THAT(read(2, 1, {2, 4}),
              ElementsAre("a|A", "a <brk> b|A <brk> B", "c|C", "|C <brk> X", "d|D", "d <brk> e|D <brk> E"));
}

TEST(PairsInFiles, DocumentsBesideATextAreThoseOfItsPart) {
  const TempDir folder;
  write_file_atomically(folder / "test.en", "a\nb\nc\n");
  EXPECT_TRUE(documents_beside(folder / "test.en", 3).empty());
  write_file_atomically(folder / "test.documents", "1\tone\n2\ttwo\n");
  EXPECT_TRUE(documents_beside(folder / "test.en", 3).empty());  // somebody else's file
  write_file_atomically(folder / kCorpusFile, "{}");
  EXPECT_THAT(documents_beside(folder / "test.en", 3), ElementsAre(1, 2));
  EXPECT_THROW(documents_beside(folder / "test.en", 4), FormatError);
  EXPECT_TRUE(documents_beside("-", 3).empty());
}

TEST(DemoDocuments, PronounsDependOnTheLineBefore) {
  const DemoDocuments made = make_demo_documents({.seed = 3, .train = 3000, .validation = 50, .test = 301});
  EXPECT_EQ(made.pairs.train.size(), 3000U);
  EXPECT_EQ(made.pairs.test.size(), 301U);
  uint64_t lines = 0;
  for (const uint64_t size : made.test) lines += size;
  EXPECT_EQ(lines, 301U);
  // of a line with "it" the translation is not one: the same source has several in training
  std::map<std::string, std::map<std::string, int>> pronouns;
  size_t at = 0;
  for (const uint64_t size : made.train) {
    for (uint64_t i = 0; i < size; ++i, ++at) {
      const AlignedPair& pair = made.pairs.train[at];
      const bool says_it = std::ranges::find(pair.source, "it") != pair.source.end() ||
                           std::ranges::find(pair.source, "It") != pair.source.end();
      EXPECT_EQ(says_it, i % 2 == 1) << join(pair.source);
      if (says_it) ++pronouns[join(pair.source)][join(pair.target)];
    }
  }
  size_t ambiguous = 0;
  for (const auto& [source, targets] : pronouns) ambiguous += targets.size() > 1 ? 1 : 0;
  EXPECT_GT(ambiguous, 20U);
}

// Given alignments count words of the sentence; the lines before it stand in front of them.
TEST(Context, AlignmentsAreOfTheSentenceAlone) {
  RunConfig config;
  config.source_text = config.target_text = {.tokenizer = Tokenizer::none};
  config.source_text.context = 1;
  config.target_text.context = 2;
  const ParallelLines lines{{"a b", "c d"}, {"A B C", "D E"}};
  const TokenisedCorpus corpus = tokenised(config, lines);
  const TextFiles text = learn_text(config, PairsInMemory(corpus));
  const auto [source, target] = codecs_of(config, [&](const std::string& name) {
    return NamedContent{name, text.at(name)};
  });
  const WordLinks links{{{0, 2}}, {{1, 0}}};
  const EncodedData data = encode(config, source, target, TrainingData(corpus, corpus), &links);
  EXPECT_THAT(data.train[0].links, ElementsAre(AlignmentLink{0, 2}));
  EXPECT_THAT(data.train[1].links, ElementsAre(AlignmentLink{4, 4}));  // a b <brk> c [d], A B C <brk> [D] E
  const WordLinks outside{{}, {{2, 0}}};
  EXPECT_THROW(encode(config, source, target, TrainingData(corpus, corpus), &outside), ValueError);
}

// One word says which of two words the next line has: without the line before it is a guess.
TEST(Context, IsLearnedFrom) {
  ParallelLines train;
  Generator random(5);
  const auto add = [&](ParallelLines& lines, int documents) {
    for (int i = 0; i < documents; ++i) {
      const bool first = random.next_below(2) == 0;
      lines.source.emplace_back(first ? "lamp" : "table");
      lines.target.emplace_back(first ? "Lampe" : "Tisch");
      lines.source.emplace_back("it");
      lines.target.emplace_back(first ? "sie" : "er");
      lines.source.emplace_back();
      lines.target.emplace_back();
    }
  };
  add(train, 60);
  ParallelLines test;
  add(test, 20);
  for (const int64_t context : {0, 1}) {
    for (const int64_t target_context : {int64_t{0}, context}) {
      RunConfig config;
      config.model = RecurrentOptions{
          .embedding = 16, .encoder_hidden = 16, .decoder_hidden = 16, .readout = 16, .attention_size = 16};
      config.source_text = config.target_text = {.tokenizer = Tokenizer::none};
      config.source_text.context = context;
      config.target_text.context = target_context;
      config.train.batch_size = 8;
      config.train.updates = 250;
      config.train.lr = 1e-2;
      config.train.label_smoothing = 0;
      const TempDir folder;
      double now = 0;
      const auto clock = [&] { return now += 0.01; };
      TrainingSession::start(folder / "run", config, prepare(config, train, test)).run({.clock = clock});
      const Translator translator(load_run(folder / "run"));
      const Evaluation result = evaluate(translator, test.source, test.target, clock);
      int right = 0;
      for (size_t i = 1; i < test.source.size(); i += 3)
        right += result.scored.output_text[i] == test.target[i] ? 1 : 0;
      if (context == 0) {
        EXPECT_LT(right, 18);
      } else {
        EXPECT_EQ(right, 20) << target_context;
        EXPECT_EQ(translator.written(result.translations[1]), test.target[1]) << target_context;
        EXPECT_EQ(result.translations[1].source.tokens[1].text, "<brk>");
      }
      const bool written = result.translations[1].target.text.find(" <brk> ") != std::string::npos;
      EXPECT_EQ(written, target_context > 0);
    }
  }
}

}  // namespace
}  // namespace heed::models
