// translator prepare as people call it: what they have in, a corpus folder out, and what is wrong in one
// line.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "tests/apps/translator_process.h"
#include "tests/testing/packed.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream text(content(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// 60 English sentences, a third of them with two French translations.
std::string some_table() {
  std::string table;
  for (int i = 0; i < 60; ++i) {
    table += fmt::format("The cat number {} sleeps.\tLe chat numéro {} dort.\n", i, i);
    if (i % 3 == 0)
      table += fmt::format("The cat number {} sleeps.\tC'est le chat numéro {} qui dort\u00A0!\n", i, i);
  }
  return table;
}

class Prepare : public testing::Test {
 protected:
  std::string at(const std::string& name) const { return dir_ / name; }
  ProcessResult prepare(std::vector<std::string> arguments, const std::string& input = "") const {
    std::vector<std::string> command = {"prepare", "--source-language", "en", "--target-language", "fr"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return translator(command, input);
  }
  nlohmann::json described(const std::string& folder) const {
    return nlohmann::json::parse(content(at(folder + "/corpus.json")));
  }
  TempDir dir_;
};

TEST_F(Prepare, ThreeCommandsFromATableToAScore) {
  write(at("t.tsv.gz"), packed_as("gz", {{"", some_table()}}));
  const ProcessResult made = prepare({at("t.tsv.gz"), "-o", at("c"), "--test", "6", "--valid", "5",
                                      "--licence", "CC BY", "--attribution", "those who wrote them"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("80 pairs read from t.tsv.gz"), HasSubstr("6 test")));
  std::vector<std::string> command = {"train", "--corpus", at("c"), "-r", at("run"), "--updates", "20"};
  for (const char* size :
       {"--embedding", "--encoder-hidden", "--decoder-hidden", "--attention-size", "--readout"})
    command.insert(command.end(), {size, "16"});
  const ProcessResult trained = translator(command);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string config = content(at("run/config.toml"));
  EXPECT_THAT(config, AllOf(HasSubstr("language = 'en'"), HasSubstr("language = 'fr'")));
  const auto data = nlohmann::json::parse(content(at("run/data.json")));
  EXPECT_EQ(data["licence"], "CC BY");
  EXPECT_EQ(data["attribution"], "those who wrote them");
  EXPECT_EQ(data["source"]["lines"], described("c")["train"]);
  const ProcessResult scored =
      translator({"evaluate", "-r", at("run"), "-s", at("c/test.en"), "-t", at("c/test.fr")});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  // it goes on with the same files and keeps the terms
  ASSERT_EQ(translator({"train", "-r", at("run"), "--resume"}).exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(content(at("run/data.json")))["licence"], "CC BY");
  // a description that does not fit its files
  std::string description = content(at("c/corpus.json"));
  const std::string right = description;
  description.replace(description.find("\"valid\": 5"), 10, "\"valid\": 4");
  write(at("c/corpus.json"), description);
  expect_failure(translator({"train", "--corpus", at("c"), "-r", at("other")}),
                 "c/corpus.json' contradicts itself: 'valid' is 4, and 'valid.en' has 5 lines");
  write(at("c/corpus.json"), right);
  // a changed file is named, before anything is trained
  write(at("c/valid.fr"), content(at("c/valid.fr")) + "one more\n");
  expect_failure(translator({"train", "--corpus", at("c"), "-r", at("other")}),
                 "c/valid.fr' is not what was written with the corpus: 6 lines, and it had 5");
  EXPECT_FALSE(fs::exists(at("other")));
}

TEST_F(Prepare, TheSplitIsBySourceSentence) {
  write(at("t.tsv"), some_table());
  ASSERT_EQ(prepare({at("t.tsv"), "-o", at("c"), "--test", "20", "--valid", "5"}).exit_code, 0);
  std::set<std::string> all;
  size_t lines = 0;
  for (const char* part : {"train", "valid", "test"}) {
    std::set<std::string> distinct;
    for (const std::string& line : lines_of(at(fmt::format("c/{}.en", part)))) distinct.insert(line);
    lines += distinct.size();
    all.insert(distinct.begin(), distinct.end());
    EXPECT_EQ(lines_of(at(fmt::format("c/{}.en", part))).size(),
              lines_of(at(fmt::format("c/{}.fr", part))).size());
  }
  EXPECT_EQ(all.size(), 60U);
  EXPECT_EQ(lines, 60U);
  const auto test = lines_of(at("c/test.fr")), second = lines_of(at("c/test.2.fr"));
  ASSERT_EQ(test.size(), 20U);
  ASSERT_EQ(second.size(), 20U);
  EXPECT_NE(test, second);
  EXPECT_EQ(described("c")["references"], 2);
  const ProcessResult scored = translator({"prepare", "--help"});
  EXPECT_THAT(scored.out, HasSubstr("--test-long"));
}

TEST_F(Prepare, WhatPeopleHaveGivesTheSameCorpus) {
  const std::string table = some_table();
  std::string english, french, numbered, named = "id\tFrench\tEnglish\n", manythings;
  std::istringstream rows(table);
  int id = 0;
  for (std::string row; std::getline(rows, row);) {
    const std::string en = row.substr(0, row.find('\t')), fr = row.substr(row.find('\t') + 1);
    english += en + "\n";
    french += fr + "\r\n";
    ++id;
    numbered += fmt::format("{}\t{}\t{}\t{}\n", id, en, id + 1000, fr);
    named += fmt::format("{}\t{}\t{}\n", id, fr, en);
    manythings += fmt::format("{}\t{}\tCC-BY 2.0 (France) Attribution: tatoeba.org #{} (a)\n", en, fr, id);
  }
  write(at("a.en"), english);
  write(at("a.fr.xz"), packed_as("xz", {{"", french}}));
  write(at("numbered.tsv"), numbered);
  write(at("named.tsv.zst"), packed_as("zst", {{"", named}}));
  write(at("fra-eng.zip"), packed_as("zip", {{"_about.txt", "about this\nfile"}, {"fra.txt", manythings}}));
  write(at("opus.zip"),
        packed_as("zip",
                  {{"README", "x"}, {"LICENSE", "free"}, {"T.en-fr.en", english}, {"T.en-fr.fr", french}}));
  write(at("t.tar.bz2"), packed_as("tar.bz2", {{"x/t.tsv", table}}));
  const std::vector<std::vector<std::string>> ways = {
      {"-s", at("a.en"), "-t", at("a.fr.xz")},
      {at("numbered.tsv")},
      {at("named.tsv.zst"), "--columns", "English,French"},
      {at("named.tsv.zst"), "--columns", "3,2", "--header"},
      {at("fra-eng.zip")},
      {at("opus.zip")},
      {at("t.tar.bz2")},
  };
  ASSERT_EQ(prepare({"-", "-o", at("first")}, table).exit_code, 0);
  ASSERT_EQ(prepare({"-", "-o", at("packed")}, packed_as("gz", {{"", table}})).exit_code, 0);
  const std::vector<std::string> files = {"train.en", "train.fr", "valid.en", "valid.fr",
                                          "test.en",  "test.fr",  "test.2.fr"};
  for (const std::string& file : files)
    EXPECT_EQ(content(at("packed/" + file)), content(at("first/" + file)));
  for (size_t i = 0; i < ways.size(); ++i) {
    std::vector<std::string> arguments = ways[i];
    const std::string folder = fmt::format("c{}", i);
    arguments.insert(arguments.end(), {"-o", at(folder)});
    const ProcessResult made = prepare(arguments);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    for (const std::string& file : files)
      EXPECT_EQ(content(at(folder + "/" + file)), content(at("first/" + file))) << i << " " << file;
  }
  EXPECT_EQ(content(at("c4/fra-eng.zip._about.txt")), "about this\nfile\n");
  EXPECT_EQ(described("c4")["licence"], "CC-BY 2.0 (France)");
  EXPECT_EQ(lines_of(at("c4/train.attribution")).size(), lines_of(at("c4/train.en")).size());
  EXPECT_EQ(content(at("c5/opus.zip.LICENSE")), "free\n");
  // several at once: the second time every pair is a duplicate
  ASSERT_EQ(prepare({at("numbered.tsv"), at("opus.zip"), "-o", at("both")}).exit_code, 0);
  EXPECT_EQ(described("both")["dropped"]["duplicate"], 80);
  EXPECT_EQ(content(at("both/train.fr")), content(at("first/train.fr")));
}

// --blank-lines holds for every input: a file, a stream, packed or not, and given parts.
TEST_F(Prepare, BlankLinesEndDocumentsOfEveryInput) {
  std::string table;
  for (int i = 0; i < 40; ++i) table += fmt::format("{}Line {}\tLigne {}\n", i % 4 == 0 ? "\n" : "", i, i);
  write(at("t.tsv"), table);
  write(at("v.en"), "alpha b c.\n\nbeta d e.\n\ngamma f.\n");
  write(at("v.fr"), "alpha b c.\n\nbêta d e.\n\ngamma f.\n");
  const auto made = [&](const std::string& folder, std::vector<std::string> arguments,
                        const std::string& input) {
    if (folder != "given") arguments.insert(arguments.end(), {"--valid", "4"});
    arguments.insert(arguments.end(), {"--blank-lines", "--test", "4", "-o", at(folder)});
    return prepare(arguments, input);
  };
  ASSERT_EQ(made("file", {at("t.tsv")}, "").exit_code, 0);
  ASSERT_EQ(made("stream", {"-"}, table).exit_code, 0);
  ASSERT_EQ(made("packed", {"-"}, packed_as("gz", {{"", table}})).exit_code, 0);
  ASSERT_EQ(lines_of(at("file/train.documents")).size(), 8U);
  for (const char* part : {"train", "valid", "test"}) {
    for (const char* folder : {"stream", "packed"}) {
      EXPECT_EQ(content(at(fmt::format("{}/{}.documents", folder, part))),
                content(at(fmt::format("file/{}.documents", part))));
    }
  }
  ASSERT_EQ(
      made("given", {at("t.tsv"), "--valid-source", at("v.en"), "--valid-target", at("v.fr")}, "").exit_code,
      0);
  EXPECT_EQ(lines_of(at("given/valid.en")).size(), 3U);
  EXPECT_EQ(lines_of(at("given/valid.documents")).size(), 3U);
  expect_failure(made("few", {"-"}, "a b\tc d\n\ne f\tg h\n"), "there are 2 documents: too few to split by");
  expect_failure(prepare({"--blank-lines", "-", "-o", at("few")}, "a b\tc d\n\ne f\tg h\n"),
                 "there are 2 documents: too few to split by; --split sentences takes them as any other");
  EXPECT_FALSE(std::filesystem::exists(at("few")));
}

TEST_F(Prepare, WhatIsDroppedIsToldWithItsReason) {
  std::string table = some_table();
  table +=
      "Alone\n\tnothing here\nsame\tsame\nA <b>tag</b>\tUne balise\nbad \xFF"
      "\tmal\nПривет всем\tSalut\n";
  table += "Hidden test sentence!\tx\n" + fmt::format("{}\tcourt\n", std::string(400, 'a'));
  write(at("t.tsv"), table);
  write(at("hidden.en"), "hidden TEST sentence\n");
  const ProcessResult made = prepare({"-o", at("c"), "--avoid", at("hidden.en"), at("t.tsv"), "--dropped",
                                      at("dropped.tsv"), "--json", at("made.json")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto dropped = nlohmann::json::parse(content(at("made.json")))["dropped"];
  for (const char* reason :
       {"columns", "empty", "copied", "markup", "encoding", "script", "overlap", "ratio"})
    EXPECT_EQ(dropped.value(reason, 0), 1) << reason;
  EXPECT_THAT(made.out, HasSubstr("1 dropped: tags, entities or templates (markup, "));
  EXPECT_THAT(content(at("dropped.tsv")),
              AllOf(HasSubstr("overlap\tHidden test sentence!\tx\n"), HasSubstr("columns\tAlone\t\n")));
  ASSERT_EQ(prepare({at("t.tsv"), "-o", at("c"), "--overwrite", "--no-copied", "--no-markup", "--no-script",
                     "--no-ratio"})
                .exit_code,
            0);
  EXPECT_FALSE(described("c")["dropped"].contains("markup"));
  EXPECT_THAT(content(at("c/train.en")) + content(at("c/test.en")) + content(at("c/valid.en")),
              HasSubstr("A <b>tag</b>"));
}

TEST_F(Prepare, BadInputIsOneLineAndNothingIsWritten) {
  const std::string table = some_table(), zip = packed_as("zip", {{"t.tsv", table}}),
                    gz = packed_as("gz", {{"", table}});
  const auto refused = [&](const std::string& name, const std::string& bytes, const std::string& message,
                           std::vector<std::string> more = {}) {
    write(at(name), bytes);
    more.insert(more.end(), {at(name), "-o", at("never")});
    expect_failure(prepare(more), message);
    EXPECT_FALSE(fs::exists(at("never")));
    fs::remove(at(name));
    EXPECT_TRUE(fs::is_empty(dir_.path())) << message;  // no temporary is left
  };
  refused("one.tsv", "a\nb\nc\n", "one.tsv' line 1 has 1 column, and the target is in column 2");
  refused("t.tsv", table, "t.tsv' line 1 has 2 columns, and the source is in column 5", {"--columns", "5,1"});
  refused("empty.tsv", "", "the input has no line");
  refused("empty.gz", packed_as("gz", {{"", ""}}), "the input has no line");
  refused("empty.zip", packed_as("zip", {}), "empty.zip' holds no file");
  refused("cut.gz", gz.substr(0, gz.size() / 2), "cut.gz' is broken: ");
  refused("cut.xz", packed_as("xz", {{"", table}}).substr(0, 200), "cut.xz' is broken: ");
  refused("cut.zip", zip.substr(0, zip.size() / 2), "cut.zip' is broken: ");
  refused("secret.zip", packed("zip", "", {{"t.tsv", table}}, "key"), "'t.tsv' is encrypted");
  refused("utf16.tsv", std::string("\xFF\xFEh\0i\0", 6), "is UTF-16");
  refused("bomb.gz", packed_as("gz", {{"", std::string(size_t{80} << 20, 'a')}}),
          "line 1 is longer than 1048576 bytes");
  refused("bad.tsv", "\xFF\t\xFE\n", "no pair is left of 1: all were dropped");
  refused("small.tsv", "a\tb\n", "leave none to train on: there is 1 distinct source sentence");
  refused("long.tsv", table, "5 sentences of 15 words and more are asked for the test, and there are 0",
          {"--test-long", "5"});
  expect_failure(prepare({at("gone.tsv"), "-o", at("never")}),
                 "cannot read '" + at("gone.tsv") + "': No such file");
  expect_failure(prepare({"-", "-o", at("never")}, zip), "standard input' is an archive");
  expect_failure(prepare({"-o", at("never")}), "is required", 2);
  expect_failure(prepare({"-s", "x", "-o", at("never")}), "1 source and 0 target files are given", 2);
  expect_failure(prepare({"-s", "-", "-t", "-", "-o", at("never")}),
                 "is standard input, which is also that of");
  expect_failure(translator({"prepare", "x", "-o", at("never"), "--source-language", "english",
                             "--target-language", "fr"}),
                 "'english' is not a language code", 2);
  write(at("a"), "1\n2\n");
  write(at("b"), "1\n");
  expect_failure(prepare({"-s", at("a"), "-t", at("b"), "-o", at("never")}), "a' has 2 lines, '");
  EXPECT_FALSE(fs::exists(at("never")));
  // what cannot be read, and folders that were to be made on the way
  fs::create_directory(at("folder"));
  expect_failure(prepare({at("folder"), "-o", at("never")}), "folder' is a folder, not a file");
  expect_failure(prepare({at("a"), "-o", at("new/folder/never")}), "a' line 1 has 1 column");
  EXPECT_FALSE(fs::exists(at("new")));
  write(at("notes.zip"), packed_as("zip", {{"README", "x"}, {"a.en", "x\n"}, {"b.bin", "y"}}));
  expect_failure(prepare({at("notes.zip"), "-o", at("never")}), "has no two members that end in .en and .fr");
  std::string shifted;
  std::istringstream rows(table);
  for (std::string row; std::getline(rows, row);) shifted += "1\t" + row + "\n";
  write(at("two.tsv"), table + shifted);
  expect_failure(prepare({at("two.tsv"), "-o", at("never")}),
                 "two.tsv' line 81 has 3 columns, and the first lines have 2; so it is with 80 of 160 lines");
  EXPECT_FALSE(fs::exists(at("never")));
}

TEST_F(Prepare, OnlyItsOwnCorpusIsReplaced) {
  write(at("t.tsv"), some_table());
  ASSERT_EQ(prepare({at("t.tsv"), "-o", at("c")}).exit_code, 0);
  const std::string before = content(at("c/corpus.json"));
  expect_failure(prepare({at("t.tsv"), "-o", at("c"), "--seed", "2"}),
                 "c' exists already (--overwrite replaces");
  write(at("c/notes"), "mine");
  expect_failure(prepare({at("t.tsv"), "-o", at("c"), "--seed", "2", "--overwrite"}),
                 "c/notes' was not written by translator prepare");
  EXPECT_EQ(content(at("c/corpus.json")), before);
  fs::remove(at("c/notes"));
  // an input that breaks off leaves the old corpus
  write(at("cut.gz"), packed_as("gz", {{"", some_table()}}).substr(0, 100));
  expect_failure(prepare({at("cut.gz"), "-o", at("c"), "--overwrite"}), "is broken");
  EXPECT_EQ(content(at("c/corpus.json")), before);
  ASSERT_EQ(prepare({at("t.tsv"), "-o", at("c"), "--seed", "2", "--overwrite"}).exit_code, 0);
  EXPECT_NE(content(at("c/corpus.json")), before);
  expect_failure(translator({"corpus", "-o", at("c"), "--overwrite"}),
                 "was not written by translator corpus");
  expect_failure(prepare({at("t.tsv"), "-o", at("d"), "--dropped", at("d/x")}), "lies in the corpus folder");
  // nor the folder that its own input lies in
  const std::string now = content(at("c/corpus.json"));
  fs::create_directory_symlink(at("c"), at("link"));
  for (const auto& [inputs, folder] : {std::pair("c", "c"), {"link", "c"}, {"c", "link"}, {"c/../c", "c/"}}) {
    const std::string in = at(inputs);
    expect_failure(
        prepare({"-s", in + "/train.en", "-t", in + "/train.fr", "-o", at(folder), "--overwrite"}),
        "--output: '" + at(folder) + "' holds what it is made from (--source '" + in + "/train.en')");
    expect_failure(prepare({at("t.tsv"), "--avoid", in + "/test.en", "-o", at(folder), "--overwrite"}),
                   "holds what it is made from (--avoid '");
  }
  EXPECT_EQ(content(at("c/corpus.json")), now);
}

TEST_F(Prepare, CompareTakesACorpusToo) {
  ASSERT_EQ(
      translator({"corpus", "-o", at("c"), "--train", "60", "--validation", "6", "--test", "8"}).exit_code,
      0);
  std::vector<std::string> command = {"compare",   "--corpus", at("c"),       "-o",      at("report"),
                                      "--updates", "5",        "--attention", "none,dot"};
  for (const char* size :
       {"--embedding", "--encoder-hidden", "--decoder-hidden", "--attention-size", "--readout"})
    command.insert(command.end(), {size, "16"});
  const ProcessResult compared = translator(command);
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const std::string report = content(at("report/report.md"));
  EXPECT_THAT(report, AllOf(HasSubstr("c/train.en"), HasSubstr("c/test.de")));
  EXPECT_THAT(content(at("report/runs/dot/config.toml")),
              AllOf(HasSubstr("language = 'en'"), HasSubstr("language = 'de'")));
  const ProcessResult runs = translator({"compare", "--corpus", at("c"), "-r", at("report/runs/dot"), "-r",
                                         at("report/runs/none"), "-o", at("again")});
  EXPECT_EQ(runs.exit_code, 0) << runs.err;
  EXPECT_THAT(content(at("again/report.md")), HasSubstr("c/test.de"));
  expect_failure(translator({"compare", "--corpus", at("c"), "-s", "x", "-o", at("never")}), "excludes", 2);
}

// Packed files cut and changed at any place: a corpus or one line, never a crash, and never half a folder.
TEST_F(Prepare, DamagedFilesGiveACorpusOrOneLine) {
  std::mt19937 random(7);
  for (const char* kind : {"gz", "bz2", "xz", "zst", "zip", "tar", "tar.gz"}) {
    const std::string whole = packed_as(kind, {{"t.tsv", some_table()}});
    for (int i = 0; i < 12; ++i) {
      std::string bytes = whole;
      if (i % 2 == 0) {
        bytes.resize(random() % bytes.size());
      } else {
        for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      write(at("x"), bytes);
      const ProcessResult made = prepare({at("x"), "-o", at("c")});
      ASSERT_TRUE(made.exit_code == 0 || made.exit_code == 1)
          << kind << " " << i << ": " << made.exit_code << made.err;
      EXPECT_EQ(std::count(made.err.begin(), made.err.end(), '\n'), made.exit_code) << made.err;
      EXPECT_EQ(fs::exists(at("c")), made.exit_code == 0);
      fs::remove_all(at("c"));
      fs::remove(at("x"));
      ASSERT_TRUE(fs::is_empty(dir_.path()));
    }
  }
}

// What a command writes beside a corpus does not lie in it.
TEST_F(Prepare, ItsFolderHoldsItsOwnFilesAlone) {
  write(at("t.tsv"), some_table());
  for (const char* option : {"--json", "--dropped"}) {
    for (const char* name : {"c/train.en", "c/report"}) {
      expect_failure(prepare({at("t.tsv"), "-o", at("c"), option, at(name)}), std::string(option) + ": '");
      EXPECT_FALSE(fs::exists(at("c")));
    }
  }
}

// A column of numbers in front of the sentences, as lists of Tatoeba have, is no side.
TEST_F(Prepare, NumbersInFrontOfTheSentencesAreNoSide) {
  std::string table;
  for (int i = 0; i < 60; ++i)
    table += fmt::format("{}\tThe cat {} sleeps.\tLe chat {} dort.\n", 1000 + i, i, i);
  write(at("t.tsv"), table);
  ASSERT_EQ(prepare({at("t.tsv"), "-o", at("c"), "--test", "5", "--valid", "5"}).exit_code, 0);
  EXPECT_THAT(lines_of(at("c/train.en")).front(), testing::StartsWith("The cat "));
  EXPECT_THAT(lines_of(at("c/train.fr")).front(), testing::StartsWith("Le chat "));
}

TEST_F(Prepare, AMemberIsOfAnArchive) {
  write(at("t.tsv"), some_table());
  expect_failure(prepare({at("t.tsv"), "-o", at("c"), "--member", "x"}),
                 "member: 'x' is of an archive, and none is given");
}

// Input that never comes, and a line without end, stop at the first signal, and nothing is left.
TEST_F(Prepare, StopsAtASignalWhileItReads) {
  for (const char* input : {"<(sleep 60)", "/dev/zero"}) {
    fs::create_directory(at("stopped"));
    const ProcessResult result = run_process(
        {"/bin/bash", "-c",
         kTranslator + " prepare --source-language en --target-language fr -o " + at("stopped/c") + " " +
             input + " & pid=$!; for i in $(seq 100); do sleep 0.1; [ -n \"$(ls -A " + at("stopped") +
             ")\" ] && break; done; sleep 0.3; kill -TERM $pid; wait $pid"});
    EXPECT_EQ(result.exit_code, 143) << input << result.err;
    EXPECT_TRUE(fs::is_empty(at("stopped"))) << input;
    fs::remove_all(at("stopped"));
  }
}

}  // namespace
}  // namespace heed
