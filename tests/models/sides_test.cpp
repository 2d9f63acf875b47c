// Test sets in SGM and XML, talks with tags, OPUS's ids, and the corpora with documents that come of them.
#include "models/corpus/sides.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <set>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/documents.h"
#include "models/corpus/prepare.h"
#include "tests/testing/packed.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// A text that comes in pieces of `size` bytes.
LineSource in_pieces(std::string text, const std::string& name, size_t size = 7) {
  const auto rest = std::make_shared<std::pair<std::string, size_t>>(std::move(text), 0);
  return {[rest, size] {
            const std::string_view piece = std::string_view(rest->first).substr(rest->second, size);
            rest->second += piece.size();
            return piece;
          },
          name};
}

// "document/id: text" of each segment.
std::vector<std::string> segments(const std::string& text, const std::string& file) {
  const auto side = open_side(in_pieces(text, "'" + file + "'"), file);
  std::vector<std::string> all;
  for (Segment segment; side->next(segment);)
    all.push_back(fmt::format("{}/{}: {}", segment.document, segment.id, segment.text));
  EXPECT_EQ(side->count(), all.size());
  return all;
}

constexpr const char* kSgm = R"(<srcset setid="newstest" srclang="any">
<doc sysid="ref" docid="bbc.1" genre="news" origlang="en">
<hl>
<seg id="1">Fish &amp; chips &lt;b&gt; &#8364; &#xe4; AT&T &unknown; &#0;</seg>
</hl>
<p><seg id="2"> over
two lines </seg><seg id="3">the same line</seg>
</DOC>
<DOC docid='b 2'><seg id=1></seg></doc>
</srcset>
)";

TEST(Sides, SgmGivesSegmentsWithTheirPlaces) {
  EXPECT_THAT(segments(kSgm, "x/news-src.en.sgm"),
              ElementsAre("bbc.1/1: Fish & chips <b> € ä AT&T &unknown; &#0;", "bbc.1/2: over two lines",
                          "bbc.1/3: the same line", "b 2/1: "));
  EXPECT_THAT(segments(kSgm, "IWSLT.en.xml.gz"), testing::SizeIs(4));
  EXPECT_THAT(segments("a <seg> b", "a.en"), ElementsAre("/: a <seg> b"));
}

TEST(Sides, XmlHasEmptySegmentsAndTextThatIsNoMarkup) {
  EXPECT_THAT(segments("<doc docid='d'>\n<seg id=\"1\"/>\n<seg id=\"2\" />\n<seg id=\"3\">a<![CDATA[ < &amp; "
                       "]]>&amp;b&nbsp;c</seg>"
                       "<seg id=\"4\">open <![CDATA[ &lt;</seg>",
                       "a.xml"),
              ElementsAre("d/1: ", "d/2: ", "d/3: a < &amp; &b\u00A0c", "d/4: open <![CDATA[ <"));
}

TEST(Sides, BrokenSgmIsRefused) {
  const auto refused = [](const std::string& text, const std::string& message) {
    EXPECT_THAT([&] { segments(text, "a.sgm"); }, ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  refused("only\ntext\n", "'a.sgm' has no <seg>: it is no test set in SGM or XML");
  refused("<doc>\n<seg id=\"7\">text\n", "'a.sgm' line 2: segment '7' has no end");
  refused("<seg id=\"7\">text</seg>\n<seg id=", "'a.sgm' ends inside a tag");
  refused("<seg id='1'>" + std::string(1 << 20, 'a') + "\nb\nc</seg>", "longer than 1048576 bytes");
  std::string endless = "<seg id='1'>\n";
  for (int i = 0; i < 40; ++i) endless += std::string(1 << 15, 'a') + "\n";
  refused(endless, "has more than 1048576 bytes without an end");
}

TEST(Sides, TalksLoseTheirTagsAndKeepTheirTitles) {
  const std::string tags =
      "<url>http://x</url>\n<keywords>a, b</keywords>\n<speaker>S</speaker>\n<talkid>7</talkid>\n"
      "<title>On cats</title>\n<description>S: cats.</description>\n Cats sleep. \n<cough> They do.\n"
      "<url>http://y</url>\n<talkid>8</talkid>\n<title>On dogs</title>\nDogs bark.\n";
  EXPECT_THAT(segments(tags, "de-en/train.tags.de-en.en"),
              ElementsAre("talk 1/: On cats", "talk 1/: S: cats.", "talk 1/:  Cats sleep. ",
                          "talk 1/: <cough> They do.", "talk 2/: On dogs", "talk 2/: Dogs bark."));
}

TEST(Documents, OfOneFilmAreOneGroup) {
  EXPECT_EQ(group_of("en/1999/133093/1.xml.gz\tde/1999/133093/7.xml.gz"), "1999/133093");
  EXPECT_EQ(group_of("en/1999/133093/2.xml.gz\tde/1999/133093/7.xml.gz"), "1999/133093");
  EXPECT_EQ(group_of("en/ep-00-01.xml.gz\tde/ep-00-01.xml.gz"), "en/ep-00-01.xml.gz\tde/ep-00-01.xml.gz");
  EXPECT_EQ(group_of("en/a/1/x"), "en/a/1/x");
}

class PreparedCorpora : public testing::Test {
 protected:
  // 12 films with two subtitles each of 5 pairs; "Yes." begins every one of them.
  static PackedMembers films(const std::string& stem = "OpenSubtitles.en-fr") {
    std::string english, french, ids;
    for (int film = 0; film < 12; ++film) {
      for (int subtitle = 0; subtitle < 2; ++subtitle) {
        for (int line = 0; line < 5; ++line) {
          english += line == 0 ? "Yes.\n" : fmt::format("Film {} text {} line {}\n", film, subtitle, line);
          french +=
              line == 0 ? "Oui.\n" : fmt::format("Le film {} texte {} ligne {}\n", film, subtitle, line);
          ids += fmt::format("en/2001/{}/{}.xml.gz\tfr/2001/{}/9.xml.gz\t{}\t{}\n", film, subtitle, film,
                             line + 1, line + 1);
        }
      }
    }
    return {{"README", "of OPUS"}, {stem + ".en", english}, {stem + ".fr", french}, {stem + ".ids", ids}};
  }
  PrepareOptions options(const std::string& input) const {
    PrepareOptions options;
    options.source_language = "en";
    options.target_language = "fr";
    options.folder = dir_ / "corpus";
    options.overwrite = true;
    if (!input.empty()) options.inputs.emplace_back().source = dir_ / input;
    return options;
  }
  std::string file(const std::string& name) const { return read_file(dir_.path() / "corpus" / name); }
  void write(const std::string& name, const std::string& text) const {
    write_file_atomically(dir_ / name, text);
  }
  TempDir dir_;
  const std::function<void(uint64_t)> quiet_ = [](uint64_t) {};
};

TEST_F(PreparedCorpora, ADocumentLiesInOnePartWithItsFilm) {
  write("films.zip", packed_as("zip", films()));
  const CorpusInfo info = prepare_corpus(options("films.zip"), quiet_);
  EXPECT_EQ(info.train + info.valid + info.test, 97U);  // "Yes." begins all of them, and is there once
  EXPECT_EQ(info.settings.back(), (std::pair<std::string, std::string>("split", "documents")));
  std::set<std::string> films;
  size_t documents = 0;
  for (const char* part : {"train", "valid", "test"}) {
    std::set<std::string> here;
    const auto all = read_documents(dir_ / "corpus", info, part);
    for (const CorpusDocument& document : all) {
      EXPECT_TRUE(document.pairs == 4 || document.pairs == 5);
      here.emplace(group_of(document.name));
    }
    documents += all.size();
    for (const std::string& film : here) EXPECT_TRUE(films.insert(film).second) << film << " " << part;
  }
  EXPECT_EQ(documents, 24U);
  EXPECT_EQ(films.size(), 12U);
  EXPECT_EQ(info.test_seen, 0U);
  EXPECT_THAT(file("train.en"), HasSubstr("text 0 line 1\nFilm "));
  const CorpusInfo again = read_corpus(dir_ / "corpus");
  EXPECT_EQ(again.documents, info.documents);
  EXPECT_EQ(again.test_seen, info.test_seen);
  // another seed, other films; and the wish for sentences is heard
  PrepareOptions other = options("films.zip");
  const std::string test = file("test.en");
  other.split.seed = 2;
  prepare_corpus(other, quiet_);
  EXPECT_NE(file("test.en"), test);
  other.split_by = SplitBy::sentences;
  EXPECT_TRUE(prepare_corpus(other, quiet_).documents.empty());
  EXPECT_EQ(read_corpus(dir_ / "corpus").dropped,
            (std::vector<std::pair<std::string, uint64_t>>{{"duplicate", 23}}));
}

TEST_F(PreparedCorpora, SentencesOfTheTestThatTrainingHasTooAreCounted) {
  PackedMembers films = PreparedCorpora::films();
  for (size_t i = 1; i < 3; ++i) {  // each second line is the same in all
    std::string& text = films[i].second;
    for (size_t at = 0; (at = text.find(" 2\n", at)) != text.npos; ++at) {
      const size_t begin = text.rfind('\n', at) + 1;
      text.replace(begin, at + 2 - begin, i == 1 ? "Indeed." : "En effet.");
      at = begin;
    }
  }
  write("films.zip", packed_as("zip", films));
  const CorpusInfo info = prepare_corpus(options("films.zip"), quiet_);
  EXPECT_EQ(info.dropped, (std::vector<std::pair<std::string, uint64_t>>{{"duplicate", 23}}));
  const auto documents = read_documents(dir_ / "corpus", info, "test");
  EXPECT_EQ(info.test_seen, documents.size());
}

TEST_F(PreparedCorpora, DialoguesThatComeAgainAreDuplicates) {
  PackedMembers twice = films();
  for (size_t i = 1; i < 3; ++i) twice[i].second += twice[i].second;
  std::string& ids = twice[3].second;
  std::string more = ids;
  for (size_t at = 0; (at = more.find("/2001/", at)) != more.npos; ++at) more[at + 4] = '2';
  ids += more;
  write("films.zip", packed_as("zip", twice));
  const CorpusInfo info = prepare_corpus(options("films.zip"), quiet_);
  EXPECT_EQ(info.dropped, (std::vector<std::pair<std::string, uint64_t>>{{"duplicate", 143}}));
}

TEST_F(PreparedCorpora, FewDocumentsAreSplitBySentences) {
  PackedMembers one = films();
  std::string& ids = one[3].second;
  for (size_t at = 0; (at = ids.find("/2001/", at)) != ids.npos; ++at) ids.erase(at, ids.find('\t', at) - at);
  write("one.zip", packed_as("zip", one));
  EXPECT_TRUE(prepare_corpus(options("one.zip"), quiet_).documents.empty());
  PrepareOptions asked = options("one.zip");
  asked.split_by = SplitBy::documents;
  EXPECT_THAT([&] { prepare_corpus(asked, quiet_); },
              ThrowsMessage<ValueError>("prepare: there is 1 document: too few to split by"));
}

TEST_F(PreparedCorpora, BlankLinesEndDocumentsWhereAskedFor) {
  std::string english, french;
  for (int i = 0; i < 40; ++i) {
    if (i % 4 == 0) english += "\n \n", french += "\n\n";
    english += fmt::format("Sentence {}\n", i);
    french += fmt::format("Phrase {}\n", i);
  }
  write("a.en", english);
  write("a.fr", french);
  PrepareOptions o = options("a.en");
  o.inputs[0].target = dir_ / "a.fr";
  EXPECT_EQ(prepare_corpus(o, quiet_).dropped,
            (std::vector<std::pair<std::string, uint64_t>>{{"empty", 20}}));
  o.inputs[0].blank_lines = true;
  const CorpusInfo info = prepare_corpus(o, quiet_);
  EXPECT_TRUE(info.dropped.empty());
  EXPECT_EQ(info.test, 4U);
  EXPECT_EQ(read_documents(dir_ / "corpus", info, "train").size(), 8U);
}

TEST_F(PreparedCorpora, BlankLinesEndDocumentsOfATable) {
  std::string table;
  for (int i = 0; i < 240; ++i) {
    if (i % 4 == 0) table += i % 8 == 0 ? "\n" : " \t\n";
    table += fmt::format("Sentence {}\tPhrase {}\n", i, i);
  }
  write("a.tsv", table);
  PrepareOptions o = options("a.tsv");
  EXPECT_EQ(prepare_corpus(o, quiet_).dropped,
            (std::vector<std::pair<std::string, uint64_t>>{{"empty", 60}}));
  o.inputs[0].blank_lines = true;
  const CorpusInfo info = prepare_corpus(o, quiet_);
  EXPECT_TRUE(info.dropped.empty());
  const uint64_t pairs = info.train + info.valid + info.test;
  EXPECT_EQ(pairs, 240U);
  EXPECT_EQ(read_documents(dir_ / "corpus", info, "train").size(), info.train / 4);
  write("b.tsv", "\n\nonly one\n\nagain one\n");
  o.inputs[0].source = dir_ / "b.tsv";
  o.overwrite = true;
  EXPECT_THAT([&] { prepare_corpus(o, quiet_); },
              testing::Throws<Error>(testing::Property(&Error::what, HasSubstr("line 3 has 1 column"))));
}

// Documents of different files are different ones, neighbours too, whatever their numbers.
TEST_F(PreparedCorpora, BlankLinesOfSeveralTables) {
  PrepareOptions o = options("t0.tsv");
  o.inputs.clear();
  for (int file = 0; file < 4; ++file) {
    std::string table;
    for (int i = 0; i < 3; ++i) table += fmt::format("Sentence {} {}\tPhrase {} {}\n", file, i, file, i);
    write(fmt::format("t{}.tsv", file), table + (file == 3 ? "\nLast one\tDernier\n" : ""));
    o.inputs.push_back({.source = dir_ / fmt::format("t{}.tsv", file), .blank_lines = true});
  }
  o.split_by = SplitBy::documents;
  const CorpusInfo info = prepare_corpus(o, quiet_);
  size_t documents = 0;
  for (const auto& [part, count] : info.documents) documents += count;
  EXPECT_EQ(documents, 5U);
  for (const CorpusDocument& d : read_documents(dir_ / "corpus", info, "train")) EXPECT_LE(d.pairs, 3U);
  o.inputs.resize(2);
  o.overwrite = true;
  EXPECT_THAT([&] { prepare_corpus(o, quiet_); },
              ThrowsMessage<ValueError>("prepare: there are 2 documents: too few to split by"));
}

TEST_F(PreparedCorpora, IdsThatDoNotBelongToTheLinesAreRefused) {
  const auto refused = [&](const std::function<void(std::string&)>& change, const std::string& message) {
    PackedMembers members = films();
    change(members[3].second);
    write("films.zip", packed_as("zip", members));
    EXPECT_THAT([&] { prepare_corpus(options("films.zip"), quiet_); },
                testing::Throws<Error>(testing::Property(&Error::what, HasSubstr(message))));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "corpus"));
  };
  refused([](std::string& ids) { ids += "a\tb\t1\t1\n"; },
          "OpenSubtitles.en-fr.en' has 120 lines, '" + (dir_ / "films.zip").string() +
              "': 'OpenSubtitles.en-fr.ids' has 121: they do not belong together");
  refused([](std::string& ids) { ids.resize(ids.rfind('\n', ids.size() - 2) + 1); }, "ids' has 119");
  refused([](std::string& ids) { ids.replace(ids.find('\t'), 1, " "); },
          "ids' line 1 has 3 columns, and ids of OPUS have 4");
}

TEST_F(PreparedCorpora, GivenPartsAreTakenAsTheyAreAndKeptApart) {
  std::string english, french;
  for (int i = 0; i < 30; ++i) {
    english += fmt::format("A cat numbered {}\n", i);
    french += fmt::format("Un chat no {}\n", i);
  }
  write("train.tgz", packed_as("tar.gz", {{"a/x.fr-en.fr", french}, {"a/x.fr-en.en", english}}));
  const auto sgm = [](const std::string& first, const std::string& second) {
    return fmt::format("<doc docid=\"d\"><seg id=\"1\">{}</seg><seg id=\"2\">{}</seg></doc>", first, second);
  };
  write("dev.tar", packed_as("tar", {{"news-src.en.sgm", sgm("A cat numbered 3", "a &amp; b")},
                                     {"news-ref.en.sgm", sgm("x", "x")},
                                     {"news-src.fr.sgm", sgm("x", "x")},
                                     {"news-ref.fr.sgm", sgm("Le chat 3", "a &amp; b")}}));
  PrepareOptions o = options("train.tgz");
  o.inputs[0].source_member = "x.fr-en.en";
  o.inputs[0].target_member = "x.fr-en.fr";
  o.inputs[0].pairs = 30;
  PairInput news;
  news.source = dir_ / "dev.tar";
  o.given = {{"test", {news}}, {"test_again", {news, news}}};
  o.split.valid = 4;
  const CorpusInfo info = prepare_corpus(o, quiet_);
  EXPECT_EQ(info.train, 25U);
  EXPECT_EQ(info.valid, 4U);
  EXPECT_EQ(info.test, 2U);
  EXPECT_EQ(file("test.en"), "A cat numbered 3\na & b\n");  // the same on both sides, and an entity
  EXPECT_EQ(file("test.documents"), "2\td\n");
  EXPECT_EQ(file("test_again.fr"), "Le chat 3\na & b\nLe chat 3\na & b\n");
  EXPECT_EQ(info.dropped, (std::vector<std::pair<std::string, uint64_t>>{{"overlap", 1}}));
  EXPECT_EQ(read_corpus(dir_ / "corpus").tests.at(0).pairs, 4U);
  o.apart = false;
  o.given.emplace_back(GivenPart{"valid", {news}});
  EXPECT_EQ(prepare_corpus(o, quiet_).train, 30U);
  o.given.pop_back();
  o.valid_every = 7;
  EXPECT_EQ(prepare_corpus(o, quiet_).valid, 4U);
  EXPECT_THAT(file("valid.en"), testing::StartsWith("A cat numbered 6\nA cat numbered 13\n"));
  o.inputs[0].pairs = 31;
  EXPECT_THAT([&] { prepare_corpus(o, quiet_); },
              ThrowsMessage<ValueError>("'train.tgz: x.fr-en.en' has 30 pairs, and there must be 31: it is "
                                        "damaged, or another version"));
}

TEST_F(PreparedCorpora, SegmentsOfOtherPlacesDoNotBelongTogether) {
  write("a.sgm", "<doc docid=\"d\"><seg id=\"1\">a</seg><seg id=\"2\">b</seg></doc>");
  const auto refused = [&](const std::string& target, const std::string& message) {
    write("b.sgm", target);
    PrepareOptions o = options("a.sgm");
    o.inputs[0].target = dir_ / "b.sgm";
    EXPECT_THAT([&] { prepare_corpus(o, quiet_); }, ThrowsMessage<ValueError>(HasSubstr(message)));
  };
  refused("<doc docid=\"d\"><seg id=\"1\">a</seg><seg id=\"3\">b</seg></doc>",
          "a.sgm' has segment '2' of 'd' where '" + (dir_ / "b.sgm").string() + "' has segment '3' of 'd'");
  refused("<doc docid=\"e\"><seg id=\"1\">a</seg><seg id=\"2\">b</seg></doc>", "segment '1' of 'e'");
  refused("<doc docid=\"d\"><seg id=\"1\">a</seg></doc>",
          "has 2 segments, '" + (dir_ / "b.sgm").string() + "' has 1");
}

TEST_F(PreparedCorpora, ADocumentsFileThatDoesNotFitItsPartIsRefused) {
  EXPECT_THAT([] { parse_documents(in_pieces("2\ta\nx\tb\n", "'d'"), 3); },
              ThrowsMessage<FormatError>("'d' line 2 is no number of pairs, a tab and a name"));
  EXPECT_THAT([] { parse_documents(in_pieces("2\ta\n2\tb\n", "'d'"), 3); },
              ThrowsMessage<FormatError>(HasSubstr("line 2: its documents have more pairs than the part")));
  EXPECT_THAT([] { parse_documents(in_pieces("2\ta\n", "'d'"), 3); },
              ThrowsMessage<FormatError>("'d': its documents have 2 pairs, and the part has 3"));
}

}  // namespace
}  // namespace heed::models
