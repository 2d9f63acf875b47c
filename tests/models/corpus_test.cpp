// From raw pairs to a corpus folder: packed files, tables, rules, the split, corpus.json.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/archive.h"
#include "models/corpus/clean.h"
#include "models/corpus/corpus_folder.h"
#include "models/corpus/prepare.h"
#include "models/corpus/raw_pairs.h"
#include "models/corpus/split.h"
#include "models/text/lines.h"
#include "models/text/script.h"
#include "tests/testing/packed.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

namespace fs = std::filesystem;

fs::path put(const TempDir& dir, const std::string& name, const std::string& content) {
  const fs::path path = dir / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::vector<std::string> all_lines(LineSource lines) {
  std::vector<std::string> all;
  for (std::string_view line; lines.next(line);) all.emplace_back(line);
  return all;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs all_pairs(const PairInput& input, const TableOptions& options = {}, const std::string& source = "en",
                const std::string& target = "fr") {
  const auto reader = open_pairs(input, options, source, target);
  Pairs pairs;
  RawPair pair;
  while (reader->next(pair) == PairReader::Found::pair) pairs.emplace_back(pair.source, pair.target);
  return pairs;
}

const std::vector<std::string> kStreams = {"gz", "bz2", "xz", "zst", "lz4", "lzma"};
const std::vector<std::string> kArchives = {"zip", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst"};

TEST(Archive, EveryStreamAndArchiveGivesItsLines) {
  const TempDir dir;
  std::string text;
  for (int i = 0; i < 30000; ++i) text += fmt::format("line {} of a text\n", i);
  const std::vector<std::string> expected = split_lines(text, "text");
  EXPECT_EQ(all_lines(open_lines(put(dir, "plain.txt", text))), expected);
  for (const std::string& kind : kStreams)
    EXPECT_EQ(all_lines(open_lines(put(dir, "a." + kind, packed_as(kind, {{"data", text}})))), expected)
        << kind;
  for (const std::string& kind : kArchives) {
    const fs::path path =
        put(dir, "b." + kind,
            packed_as(kind, {{"folder/", ""}, {"folder/README", "me"}, {"folder/a.txt", text}}));
    EXPECT_THAT(archive_members(path), ElementsAre("folder/README", "folder/a.txt")) << kind;
    EXPECT_EQ(all_lines(open_lines(path, "folder/a.txt")), expected) << kind;
    EXPECT_THAT([&] { open_lines(path, "b.txt"); },
                ThrowsMessage<FormatError>(HasSubstr("has no member 'b.txt'")));
    const fs::path nested =
        put(dir, "c." + kind, packed_as(kind, {{"a.txt.gz", packed_as("gz", {{"", text}})}}));
    EXPECT_EQ(all_lines(open_lines(nested, "a.txt.gz")), expected) << kind;
  }
}

TEST(Archive, LinesEndAtLineFeedsAlone) {
  const TempDir dir;
  const std::string text =
      "\xEF\xBB\xBF"
      "a\xE2\x80\xA8"
      "b\rc\r\n\x85\x0B\x0C\n\nlast";
  EXPECT_THAT(all_lines(open_lines(put(dir, "a", text))), ElementsAre("a\xE2\x80\xA8"
                                                                      "b\rc",
                                                                      "\x85\x0B\x0C", "", "last"));
  EXPECT_THAT(all_lines(open_lines(put(dir, "empty", ""))), ElementsAre());
  EXPECT_THAT(all_lines(open_lines(put(dir, "empty.gz", packed_as("gz", {{"", ""}})))), ElementsAre());
}

TEST(Archive, WhatIsNoTextIsRefusedInOneLine) {
  const TempDir dir;
  const auto refused = [&](const std::string& content, const std::string& message) {
    const fs::path path = put(dir, "x", content);
    EXPECT_THAT([&] { all_lines(open_lines(path)); }, ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  refused(std::string("\xFF\xFEh\0i\0", 6), "is UTF-16");
  refused(std::string("good\nbad\0\n", 10), "line 2 has a zero byte");
  refused("7z\xBC\xAF\x27\x1C and more\n", "is a 7-Zip file");
  refused("x\n" + std::string(size_t{2} << 20, 'a'), "line 2 is longer than 1048576 bytes");
  EXPECT_THAT([&] { open_lines(dir / "gone"); }, ThrowsMessage<IoError>(HasSubstr("No such file")));
  EXPECT_THAT([&] { open_lines(dir.path()); }, ThrowsMessage<IoError>(HasSubstr("is a folder")));
  EXPECT_THAT([&] { archive_members(put(dir, "none.zip", packed_as("zip", {}))); },
              ThrowsMessage<FormatError>(HasSubstr("holds no file")));
}

TEST(Archive, EncryptedMembersAndBombsAreRefused) {
  const TempDir dir;
  const fs::path secret = put(dir, "s.zip", packed("zip", "", {{"a.txt", "hello hello hello"}}, "password"));
  EXPECT_THAT([&] { all_lines(open_lines(secret, "a.txt")); },
              ThrowsMessage<FormatError>(AllOf(HasSubstr("'a.txt' is encrypted"))));
  const std::string zeros(size_t{4} << 20, '\n');
  for (const char* kind : {"gz", "zip", "tar.xz"}) {
    Unpacker bomb(put(dir, "bomb", packed_as(kind, {{"a.txt", zeros}})),
                  {.free_bytes = 1 << 20, .ratio = 100});
    ASSERT_TRUE(bomb.next());
    EXPECT_THAT(
        [&] {
          while (!bomb.read().empty()) {
          }
        },
        ThrowsMessage<FormatError>(HasSubstr("unpacks to more than 100 times its size")))
        << kind;
  }
}

TEST(RawPairs, ColumnsAreFoundByLooking) {
  const auto columns = [](const std::vector<std::string>& lines, const TableOptions& options = {},
                          const std::string& target = "fr") {
    const TableColumns c = find_columns(lines, "'t'", options, target);
    return std::vector<size_t>{c.source, c.target, c.attribution, c.header ? size_t{1} : size_t{0}};
  };
  EXPECT_THAT(columns({"Hi.\tSalut !", "Run!\tCours !"}), ElementsAre(1, 2, 0, 0));
  EXPECT_THAT(columns({"Hi.\tSalut !\tCC-BY 2.0 (France) x"}), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(columns({"Hi.\tSalut !\tCC-BY 2.0 (France) x"}, {}, "en"), ElementsAre(2, 1, 3, 0));
  EXPECT_THAT(columns({"12\tHi.\t13\tSalut !"}), ElementsAre(2, 4, 0, 0));
  EXPECT_THAT(columns({"12\tHi.\t13\tSalut !"}, {.columns = "4,2"}), ElementsAre(4, 2, 0, 0));
  EXPECT_THAT(
      columns({"id\ten\tfr\twho", "1\tHi.\tSalut !\tme"}, {.columns = "fr,en", .attribution_column = "who"}),
      ElementsAre(3, 2, 4, 1));
  const auto refused = [&](const std::vector<std::string>& lines, const TableOptions& options,
                           const std::string& why) {
    EXPECT_THAT([&] { columns(lines, options); },
                testing::Throws<Error>(testing::Property(&Error::what, HasSubstr(why))));
  };
  refused({"one column"}, {}, "'t' line 1 has 1 column, and the target is in column 2");
  refused({"a\tb"}, {.columns = "1,3"}, "'t' line 1 has 2 columns, and the target is in column 3");
  refused({"a\tb"}, {.columns = "en,fr"}, "'t' has no column 'en': its first line names a, b");
  refused({"a\tb"}, {.columns = "1"}, "does not name two columns");
  refused({"a\tb"}, {.columns = "2,2"}, "names one column for both sides");
  refused({"a\tb"}, {.attribution_column = "3"},
          "'t' line 1 has 2 columns, and the attribution is in column 3");
  refused({"a\tb"}, {.columns = "0,1"}, "columns are counted from 1, got 0");
  refused({"1\teng\tHi.", "2\tfra\tSalut !"}, {}, "a list of sentences, not of pairs");
}

TEST(RawPairs, MembersOfArchivesAreChosenByLanguage) {
  const TempDir dir;
  const Pairs expected = {{"Hi.", "Salut !"}, {"Run!", "Cours !"}};
  const std::string en = "Hi.\nRun!\n", fr = "Salut !\nCours !\n", tsv = "Hi.\tSalut !\nRun!\tCours !\n";
  for (const std::string& kind : kArchives) {
    const auto archive = [&](const PackedMembers& members) {
      return put(dir, "x." + kind, packed_as(kind, members));
    };
    EXPECT_EQ(all_pairs({archive({{"README", ""},
                                  {"LICENSE", ""},
                                  {"T.en-fr.en", en},
                                  {"T.en-fr.fr", fr},
                                  {"T.en-fr.xml", ""}}),
                         {},
                         ""}),
              expected);
    EXPECT_EQ(all_pairs({archive({{"d/train.src.gz", packed_as("gz", {{"", en}})},
                                  {"d/train.trg.gz", packed_as("gz", {{"", fr}})}}),
                         {},
                         ""}),
              expected);
    EXPECT_EQ(all_pairs({archive({{"fra.txt", tsv}, {"_about.txt", "about"}}), {}, ""}), expected);
    const fs::path two = archive({{"a.en", "x\n"}, {"a.fr", "y\n"}, {"b.en", en}, {"b.fr", fr}});
    EXPECT_THAT(
        [&] {
          all_pairs({two, {}, ""});
        },
        ThrowsMessage<ValueError>(HasSubstr("holds several corpora: a, b; choose one with --member")));
    EXPECT_EQ(all_pairs({two, {}, "b"}), expected);
    EXPECT_THAT(
        [&] {
          all_pairs({archive({{"a.en", en}}), {}, ""});
        },
        ThrowsMessage<FormatError>(HasSubstr("has no two members that end in .en and .fr")));
  }
  EXPECT_EQ(all_pairs({put(dir, "a.gz", packed_as("gz", {{"", en}})),
                       put(dir, "b.zip", packed_as("zip", {{"x.txt", fr}})), ""}),
            expected);
}

// A line of another form is dropped; a part of another form is another table.
TEST(RawPairs, ATableOfTwoFormsIsRefusedWithItsLine) {
  const TempDir dir;
  const auto table = [&](size_t lines, size_t from, size_t to, const std::string& other) {
    std::string text;
    for (size_t i = 0; i < lines; ++i)
      text += i >= from && i < to ? other : fmt::format("a {}\tb {}\n", i, i);
    return put(dir, "t.tsv", text);
  };
  const auto count = [&](const fs::path& path, const TableOptions& options = {}) {
    const auto reader = open_pairs({path, {}, ""}, options, "en", "fr");
    std::map<PairReader::Found, size_t> found;
    RawPair pair;
    for (auto what = reader->next(pair); what != PairReader::Found::end; what = reader->next(pair))
      ++found[what];
    return std::vector<size_t>{found[PairReader::Found::pair], found[PairReader::Found::other_columns]};
  };
  const auto refused = [&](const fs::path& path, const std::string& why, const TableOptions& options = {}) {
    EXPECT_THAT([&] { count(path, options); }, ThrowsMessage<FormatError>(HasSubstr(why)));
  };
  for (const char* other : {"one\n", "1\ta\tb\n"})
    EXPECT_THAT(count(table(200, 150, 160, other)), ElementsAre(190, 10));
  refused(table(200, 150, 200, "1\ta\tb\n"),
          "t.tsv' line 151 has 3 columns, and the first lines have 2; so it is with 50 of 200 lines");
  refused(table(50, 30, 50, "1\ta\tb\n"),
          "t.tsv' line 31 has 3 columns, and the first lines have 2; so it is with 20 of 50 lines");
  refused(table(200, 120, 200, "one\n"), "t.tsv' line 121 has 1 column, and the first lines have 2");
  EXPECT_THAT(count(table(200, 120, 200, "\n")), ElementsAre(120, 80));  // lines of nothing are no table
  // whoever names columns takes those
  EXPECT_THAT(count(table(200, 150, 200, "1\ta\tb\n"), {.columns = "1,2"}), ElementsAre(200, 0));
  EXPECT_THAT(count(table(200, 150, 200, "one\n"), {.columns = "1,2"}), ElementsAre(150, 50));
  refused(table(300, 110, 300, "one\n"),
          "t.tsv' line 111 has 1 column, and column 2 is asked for; so it is with 190 of 300 lines",
          {.columns = "1,2"});
}

TEST(RawPairs, TwoFilesOfDifferentLengthsAreRefused) {
  const TempDir dir;
  const fs::path a = put(dir, "a", "1\n2\n3\n"), b = put(dir, "b", "1\n2\xE2\x80\xA8\r5\n");
  EXPECT_THAT(
      [&] {
        all_pairs({a, b, ""});
      },
      ThrowsMessage<ValueError>(AllOf(HasSubstr("a' has 3 lines, "), HasSubstr("b' has 2"))));
  EXPECT_THAT(
      [&] {
        all_pairs({b, a, ""});
      },
      ThrowsMessage<ValueError>(AllOf(HasSubstr("b' has 2 lines, "), HasSubstr("a' has 3"))));
}

TEST(Clean, FoldingComparesLettersAndDigits) {
  EXPECT_EQ(folded("  Don't STOP,  now! "), "don t stop now");
  EXPECT_EQ(folded("Ça va\u00A0?"), folded("c\u0327a VA"));
  EXPECT_EQ(folded("?!"), "?!");
  EXPECT_NE(folded("A1"), folded("A2"));
  EXPECT_EQ(trimmed(" \u00A0a b\u3000\r"), "a b");
  EXPECT_EQ(trimmed(" \u2028 "), "");
}

TEST(Clean, WordsAndRatios) {
  EXPECT_EQ(count_words(" one  two\u00A0three "), 3);
  EXPECT_EQ(count_words("\u4F60\u597D\uFF0C\u4E16\u754C\u3002 ok"), 6);
  EXPECT_EQ(count_words(""), 0);
  EXPECT_DOUBLE_EQ(length_ratio("ab", "abcd"), 24.0 / 22.0);
  EXPECT_DOUBLE_EQ(length_ratio(std::string(100, 'a'), "\u4F60\u597D"), 120.0 / 26.0);
}

TEST(Clean, MarkupIsToldFromSigns) {
  for (const char* text : {"a <b>b</b>", "</p>", "x &amp; y", "it&#39;s", "{{cite}}", "<!-- x -->"})
    EXPECT_TRUE(has_markup(text)) << text;
  for (const char* text : {"a < b and c > d", "AT&T; no", "R&D", "I <3 you", "{x}", "a & b; c", "<"}) {
    if (std::string_view(text) == "AT&T; no") continue;  // as an entity is written
    EXPECT_FALSE(has_markup(text)) << text;
  }
}

TEST(Clean, ScriptsOfLanguages) {
  const std::string russian = "\u041F\u0440\u0438\u0432\u0435\u0442",
                    japanese = "\u3053\u3093\u306B\u3061\u306F\u4E16\u754C";
  EXPECT_TRUE(LanguageScripts("en").is_foreign(russian));
  EXPECT_FALSE(LanguageScripts("en").is_foreign("The word " + russian + " is Russian"));
  EXPECT_FALSE(LanguageScripts("ru").is_foreign(russian));
  EXPECT_TRUE(LanguageScripts("rus").is_foreign("Privet"));
  EXPECT_FALSE(LanguageScripts("ja").is_foreign(japanese));
  EXPECT_TRUE(LanguageScripts("fr").is_foreign(japanese));
  EXPECT_TRUE(LanguageScripts("yi").is_foreign("abc"));
  EXPECT_FALSE(LanguageScripts("yi").is_foreign("\u05E9\u05DC\u05D5\u05DD"));
  EXPECT_FALSE(LanguageScripts("en").is_foreign("1234 !?"));
  for (const char* unknown : {"sr", "qqq", "", "xx"}) {
    EXPECT_FALSE(LanguageScripts(unknown).known()) << unknown;
    EXPECT_FALSE(LanguageScripts(unknown).is_foreign(russian)) << unknown;
  }
}

TEST(Clean, EveryRuleDropsAndCanBeSwitchedOff) {
  const std::string russian = "\u041F\u0440\u0438\u0432\u0435\u0442";
  struct Case {
    Drop why;
    std::string source, target;
    std::function<void(CleanOptions&)> off;
  };
  const std::vector<Case> cases = {
      {Drop::encoding, "a\xFF", "b", {}},
      {Drop::empty, "", "b", {}},
      {Drop::empty, "a", "", {}},
      {Drop::too_long, std::string(1001, 'a'), std::string(900, 'b'), [](auto& o) { o.too_long = false; }},
      {Drop::ratio, std::string(300, 'a'), "b", [](auto& o) { o.ratio = false; }},
      {Drop::copied, "Paris", "Paris", [](auto& o) { o.copied = false; }},
      {Drop::script, "Hello", russian, [](auto& o) { o.script = false; }},
      {Drop::markup, "a <b>c</b>", "d", [](auto& o) { o.markup = false; }},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Cleaner(CleanOptions{}, "en", "fr").judge(c.source, c.target), c.why) << c.source;
    if (!c.off) continue;
    CleanOptions options;
    c.off(options);
    EXPECT_EQ(Cleaner(options, "en", "fr").judge(c.source, c.target), std::nullopt) << c.source;
  }
  Cleaner cleaner({}, "en", "fr");
  cleaner.avoid("Keep out!");
  EXPECT_EQ(cleaner.judge("a", "b"), std::nullopt);
  EXPECT_EQ(cleaner.judge("a", "b"), Drop::duplicate);
  EXPECT_EQ(cleaner.judge("b", "a"), std::nullopt);
  EXPECT_EQ(cleaner.judge("keep OUT", "x"), Drop::overlap);
  EXPECT_EQ(cleaner.judge("x", "Keep out."), Drop::overlap);
  CleanOptions twice;
  twice.duplicate = false;
  Cleaner keeps(twice, "en", "fr");
  EXPECT_EQ(keeps.judge("a", "b"), std::nullopt);
  EXPECT_EQ(keeps.judge("a", "b"), std::nullopt);
}

TEST(Clean, HashSetHoldsWhatWasInserted) {
  HashSet set;
  std::set<uint64_t> reference;
  for (uint64_t i = 0; i < 5000; ++i) {
    const uint64_t value = (i * 7919) % 3001;  // zero too, and many twice
    EXPECT_EQ(set.insert(value), reference.insert(value).second);
  }
  EXPECT_EQ(set.size(), reference.size());
  EXPECT_TRUE(set.contains(0));
  EXPECT_FALSE(set.contains(5000));
  EXPECT_FALSE(HashSet().contains(1));
}

std::vector<SplitKey> keys_of(const Pairs& pairs) {
  std::vector<SplitKey> keys;
  for (const auto& [source, target] : pairs)
    keys.push_back(
        {text_hash(folded(source)), text_hash(folded(target)), static_cast<uint32_t>(count_words(source))});
  return keys;
}

// 600 sources with one to three translations; every tenth target is shared by two sources.
Pairs many_pairs() {
  Pairs pairs;
  for (int i = 0; i < 600; ++i) {
    std::string source = fmt::format("sentence {}", i);
    for (int w = 0; w < i % 20; ++w) source += " word";
    for (int k = 0; k <= i % 3; ++k)
      pairs.emplace_back(source, i % 10 == 9 && k == 0
                                     ? fmt::format("phrase {}", i - 1)
                                     : fmt::format("phrase {}{}", i,
                                                   k == 0 ? "" : std::string(static_cast<size_t>(k), 'x')));
  }
  return pairs;
}

TEST(Split, NoSourceAndNoTargetOfAHeldBackSentenceIsInTraining) {
  const Pairs pairs = many_pairs();
  const Split split = split_corpus(keys_of(pairs), {.valid = 40, .test = 60, .test_long = 30, .seed = 3});
  std::map<Part, std::set<std::string>> sources, targets;
  for (size_t i = 0; i < pairs.size(); ++i) {
    sources[split.parts[i]].insert(pairs[i].first);
    targets[split.parts[i]].insert(pairs[i].second);
  }
  EXPECT_EQ(split.sources, 600);
  EXPECT_GE(sources[Part::test].size(), 60U);
  EXPECT_EQ(sources[Part::test].size(), static_cast<size_t>(split.test));
  EXPECT_EQ(split.test_long, 30);
  EXPECT_EQ(split.valid, 40);
  EXPECT_GT(targets[Part::none].size(), 0U);
  for (const auto& [one, other] :
       {std::pair(Part::test, Part::train), {Part::test, Part::valid}, {Part::valid, Part::train}}) {
    for (const std::string& source : sources[one]) EXPECT_FALSE(sources[other].contains(source)) << source;
    for (const std::string& target : targets[one]) EXPECT_FALSE(targets[other].contains(target)) << target;
  }
  const Split loose = split_corpus(
      keys_of(pairs), {.valid = 40, .test = 60, .test_long = 30, .targets_apart = false, .seed = 3});
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_NE(loose.parts[i], Part::none);
}

TEST(Split, DependsOnSentencesAndSeedAlone) {
  Pairs pairs = many_pairs();
  const auto held = [](const Pairs& all, uint64_t seed) {
    const Split split = split_corpus(keys_of(all), {.valid = 40, .test = 60, .seed = seed});
    std::set<std::string> sources;
    for (size_t i = 0; i < all.size(); ++i) {
      if (split.parts[i] == Part::test) sources.insert(all[i].first);
    }
    return sources;
  };
  const std::set<std::string> first = held(pairs, 1);
  EXPECT_NE(first, held(pairs, 2));
  std::ranges::reverse(pairs);
  EXPECT_EQ(first, held(pairs, 1));
}

TEST(Split, SizesFollowTheCorpus) {
  Pairs pairs;
  for (int i = 0; i < 100; ++i) pairs.emplace_back(fmt::format("a {}", i), fmt::format("b {}", i));
  const Split split = split_corpus(keys_of(pairs), {});
  EXPECT_EQ(split.test, 5);
  EXPECT_EQ(split.valid, 5);
  EXPECT_THAT([&] { split_corpus(keys_of(pairs), {.valid = 40, .test = 60}); },
              ThrowsMessage<ValueError>(
                  HasSubstr("leave none to train on: there are 100 distinct source sentences")));
  EXPECT_THAT([&] { split_corpus(keys_of(pairs), {.test_long = 3}); },
              ThrowsMessage<ValueError>(
                  HasSubstr("3 sentences of 15 words and more are asked for the test, and there are 0")));
  EXPECT_THAT(
      [&] {
        split_corpus(keys_of({{"a", "b"}}), {.valid = 1, .test = 0});
      },
      testing::Throws<ValueError>());
}

CorpusInfo some_info() {
  CorpusInfo info;
  info.writer = "translator prepare";
  info.source_language = "en";
  info.target_language = "fr";
  info.licence = "CC BY";
  info.inputs = {{"a.tsv", 15}};
  info.train = 9;
  info.test = 2;
  info.references = 2;
  info.sources = 10;
  info.settings = {{"max_words", "150"}};
  info.dropped = {{"empty", 3}};
  for (const char* file : {"train.en", "train.fr", "test.en", "test.fr", "test.2.fr"})
    info.files.push_back({file, std::string(file).starts_with("train") ? 9U : 2U, "0123456789abcdef"});
  return info;
}

TEST(CorpusFolder, WhatIsWrittenIsRead) {
  const CorpusInfo read = parse_corpus_json(corpus_json(some_info()), "corpus.json");
  EXPECT_EQ(corpus_json(read), corpus_json(some_info()));
  EXPECT_THAT(read.dropped, ElementsAre(Pair("empty", 3)));
  ASSERT_NE(read.find("train.en"), nullptr);
  EXPECT_EQ(read.find("valid.fr"), nullptr);
}

TEST(CorpusFolder, WhatIsNoCorpusIsRefusedByName) {
  const auto refused = [](const std::string& from, const std::string& to, const std::string& message) {
    std::string text = corpus_json(some_info());
    ASSERT_NE(text.find(from), text.npos) << from;
    text.replace(text.find(from), from.size(), to);
    EXPECT_THAT([&] { parse_corpus_json(text, "c/corpus.json"); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  refused("heed.corpus", "heed.data", "'c/corpus.json' is not the description of a corpus");
  refused("\"version\": 1", "\"version\": 2", "is of version 2, and this heed reads version 1");
  refused("\"train\": 9", "\"train\": -9", "'train' is not a whole number");
  refused("\"licence\": \"CC BY\"", "\"licence\": 1", "'licence' is not a text");
  refused("\"licence\"", "\"license\"", "has no 'licence'");
  refused("\"fr\"", "\"../fr\"", "'target_language' is not the code of a language");
  refused("\"train.en\"", "\"../train.en\"", "is not the name of a file");
  refused("0123456789abcdef", "0123456789ABCDEF", "'fingerprint' is not 16 hexadecimal digits");
  refused("\"empty\": 3", "\"empty\": 1.5", "'empty' is not a whole number");
  refused("\"train\": 9", "\"train\": 18446744073709551615",
          "'train' is 18446744073709551615, and no corpus has");
}

TEST(CorpusFolder, WhatContradictsItselfIsRefused) {
  const auto refused = [](const std::function<void(CorpusInfo&)>& change, const std::string& why) {
    CorpusInfo info = some_info();
    change(info);
    EXPECT_THAT([&] { parse_corpus_json(corpus_json(info), "c/corpus.json"); },
                ThrowsMessage<FormatError>("'c/corpus.json' contradicts itself: " + why));
  };
  refused([](auto& info) { info.target_language = "en"; }, "both languages are 'en'");
  refused([](auto& info) { info.target_language = "de"; }, "'train' is 9, and it lists no file 'train.de'");
  refused([](auto& info) { info.train = 8; }, "'train' is 8, and 'train.en' has 9 lines");
  refused([](auto& info) { info.valid = 1; }, "'valid' is 1, and it lists no file 'valid.en'");
  refused([](auto& info) { info.files[1].lines = 10; }, "'train' is 9, and 'train.fr' has 10 lines");
  refused(
      [](auto& info) {
        info.files.push_back({"train.gold", 7, "0123456789abcdef"});
      },
      "'train' is 9, and 'train.gold' has 7 lines");
  refused([](auto& info) { info.references = 0; }, "'references' is 0, and a test has one at least");
  refused([](auto& info) { info.references = 3; }, "'test' is 2, and it lists no file 'test.3.fr'");
  refused([](auto& info) { info.sources = 12; }, "'sources' is 12, of 11 pairs in all parts");
  refused([](auto& info) { info.test_long = 3; }, "'test_long' is 3, and 'test' is 2");
  for (const uint64_t read : {13U, 17U})
    refused([&](auto& info) { info.inputs[0].pairs = read; },
            fmt::format("{} pairs were read, 11 are in its parts and 3 were dropped", read));
  CorpusInfo made = some_info();  // not read from files
  made.inputs.clear();
  EXPECT_NO_THROW(parse_corpus_json(corpus_json(made), "c/corpus.json"));
}

TEST(CorpusFolder, IsWrittenAsAWholeAndReplacesItsOwnAlone) {
  const TempDir dir;
  const fs::path folder = dir / "corpus";
  const auto make = [&](const std::string& line, bool overwrite) {
    CorpusWriter writer(folder, "tests", overwrite);
    for (const char* file : {"train.en", "train.fr"}) writer.file(file).write(line);
    CorpusInfo info;
    info.source_language = "en";
    info.target_language = "fr";
    info.train = 1;
    writer.finish(info);
  };
  const auto entries = [&] { return list_folder(dir.path()).size(); };
  make("one", false);
  EXPECT_EQ(read_file(folder / "train.en"), "one\n");
  EXPECT_THAT([&] { make("two", false); }, ThrowsMessage<IoError>(HasSubstr("exists already (--overwrite")));
  make("two", true);
  EXPECT_EQ(read_file(folder / "train.en"), "two\n");
  EXPECT_EQ(corpus_file(folder, read_corpus(folder), "train.en"), folder / "train.en");
  EXPECT_EQ(entries(), 1U);  // nothing is left beside it
  {
    CorpusWriter stopped(folder, "tests", true);
    stopped.file("train.en").write("half");
  }
  EXPECT_EQ(read_file(folder / "train.en"), "two\n");
  EXPECT_EQ(entries(), 1U);
  put(dir, "corpus/mine.txt", "mine");
  EXPECT_THAT([&] { make("three", true); },
              ThrowsMessage<IoError>(HasSubstr("mine.txt' was not written by tests")));
  remove_file(folder / "mine.txt");
  put(dir, "corpus/train.en", "changed\n");
  EXPECT_THAT([&] { make("three", true); },
              ThrowsMessage<IoError>(HasSubstr("train.en' was not written by tests")));
  EXPECT_THAT([&] { corpus_file(folder, read_corpus(folder), "train.en"); },
              ThrowsMessage<FormatError>(
                  HasSubstr("train.en' is not what was written with the corpus: its lines are others")));
  EXPECT_THAT([&] { CorpusWriter(folder, "another", true); },
              ThrowsMessage<IoError>(HasSubstr("was not written by another")));
  remove_file(folder / "train.en");
  EXPECT_THAT([&] { corpus_file(folder, read_corpus(folder), "train.en"); },
              ThrowsMessage<IoError>(HasSubstr("is gone")));
}

TEST(Prepare, TheFurtherTranslationsOfTheTestAreReferences) {
  const TempDir dir;
  std::string table;
  for (int i = 0; i < 50; ++i)
    table += fmt::format("source {}\ttarget {}\nsource {}\ttarget {} more\nSource {}!\tTarget {} !!\n", i, i,
                         i, i, i, i);
  PrepareOptions options;
  options.inputs = {{put(dir, "t.tsv", table), {}, ""}};
  options.source_language = "en";
  options.target_language = "fr";
  options.split = {.valid = 4, .test = 6};
  options.folder = dir / "corpus";
  options.dropped = dir / "dropped";
  uint64_t polled = 0;
  const CorpusInfo info = prepare_corpus(options, [&](uint64_t pairs) { polled = pairs; });
  EXPECT_EQ(polled, 150U);
  EXPECT_EQ(info.sources, 50U);
  EXPECT_EQ(info.train, 120U);
  EXPECT_EQ(info.valid, 4U);
  EXPECT_EQ(info.test, 6U);
  EXPECT_EQ(info.references, 2U);
  EXPECT_THAT(info.dropped, ElementsAre(Pair("variant", 10), Pair("further", 4)));
  const auto test = read_lines(options.folder / "test.en"), first = read_lines(options.folder / "test.fr"),
             second = read_lines(options.folder / "test.2.fr");
  const auto train = read_lines(options.folder / "train.en");
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(second[i], first[i] + " more");
    EXPECT_EQ(test[i].substr(7), first[i].substr(7));
    for (const std::string& line : train) EXPECT_NE(folded(line), folded(test[i]));
  }
  EXPECT_EQ(read_lines(options.dropped).size(), 14U);
}

}  // namespace
}  // namespace heed::models
