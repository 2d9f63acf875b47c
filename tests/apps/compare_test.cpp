// translator compare: trained runs, the built-in corpus, any corpus.
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/apps/translator_process.h"

namespace heed {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

class Compare : public WithCorpus {
 protected:
  static void SetUpTestSuite() { make_corpus(60, 8, 12); }
  // A tiny run on files, of `subcommand` train or compare.
  static std::vector<std::string> command(const std::string& subcommand, const std::string& folder,
                                          std::vector<std::string> more = {}) {
    std::vector<std::string> words = {subcommand, subcommand == "train" ? "-r" : "-o", at(folder),
                                      "--threads", "1"};
    const std::pair<const char*, std::string> options[] = {{"--source", at("corpus/train.en")},
                                                           {"--target", at("corpus/train.de")},
                                                           {"--valid-source", at("corpus/valid.en")},
                                                           {"--valid-target", at("corpus/valid.de")},
                                                           {"--embedding", "8"},
                                                           {"--encoder-hidden", "8"},
                                                           {"--decoder-hidden", "12"},
                                                           {"--attention-size", "8"},
                                                           {"--readout", "12"},
                                                           {"--updates", "8"},
                                                           {"--validate-every", "4"},
                                                           {"--batch-size", "10"}};
    for (const auto& [name, value] : options) words.insert(words.end(), {name, value});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static ProcessResult compare(const std::string& folder, std::vector<std::string> more = {}) {
    return translator(command("compare", folder, std::move(more)));
  }
  static std::vector<std::string> test_set() {
    return {"--test-source", at("corpus/test.en"), "--test-target", at("corpus/test.de")};
  }
  static nlohmann::json report(const std::string& folder) {
    return nlohmann::json::parse(content(at(folder + "/report.json")));
  }
};

TEST_F(Compare, ReportsOnAnyCorpus) {
  std::vector<std::string> options = test_set();
  options.insert(options.end(), {"--gold", at("corpus/test.gold"), "--attention", "none,general", "--json",
                                 at("copy.json")});
  const ProcessResult result = compare("files", options);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("none (1 of 2): update 8/8"), HasSubstr("general (2 of 2): update 8/8")));
  EXPECT_THAT(result.out, HasSubstr("1 left"));
  const auto made = report("files");
  EXPECT_EQ(made, nlohmann::json::parse(content(at("copy.json"))));
  EXPECT_EQ(made["scored"], "test");
  EXPECT_EQ(made["sentences"], 12);
  ASSERT_EQ(made["models"].size(), 2U);
  EXPECT_EQ(made["models"][0]["name"], "none");
  EXPECT_TRUE(made["models"][0]["aer"].is_null());
  EXPECT_EQ(made["models"][1]["name"], "general");
  EXPECT_GT(made["models"][1]["aer"], 0);
  for (const auto& model : made["models"]) {
    EXPECT_EQ(model["updates"], 8);
    EXPECT_EQ(model["curve"].size(), 2U);
    for (const char* figure : {"chrf2", "perplexity", "parameters", "train_seconds"}) {
      EXPECT_GT(model[figure].get<double>(), 0) << figure;
      EXPECT_TRUE(std::isfinite(model[figure].get<double>())) << figure;
    }
    int64_t sentences = 0;
    for (const auto& band : model["bleu_by_length"]) {
      if (band["bleu"].is_null()) continue;
      EXPECT_LE(band["low"], band["bleu"]);
      EXPECT_GE(band["high"], band["bleu"]);
      // the last is 30 and more
      if (&band != &model["bleu_by_length"].back()) sentences += band["sentences"].get<int64_t>();
    }
    EXPECT_EQ(sentences, 12);
  }
  const std::string none = content(at("files/runs/none/config.toml")),
                    general = content(at("files/runs/general/config.toml"));
  EXPECT_EQ(std::regex_replace(none, std::regex("'none'\n"), "'general'\n",
                               std::regex_constants::format_first_only),
            general);
  EXPECT_EQ(content(at("files/runs/none/source.vocab")), content(at("files/runs/general/source.vocab")));
  for (const char* file : {"report.md", "report.html", "bleu-by-length.svg", "curves.svg"}) {
    EXPECT_GT(fs::file_size(at("files/") + file), 500U) << file;
  }
  EXPECT_THAT(content(at("files/report.md")), AllOf(HasSubstr("(60 pairs)"), HasSubstr("12 test sentences"),
                                                    HasSubstr("## The longest sentences")));
  const std::string page = content(at("files/report.html"));  // one file, which loads nothing
  for (const char* outside : {"src=", "<link", "url(h", "url(\"", "url('", "@import", "href=\"http"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  EXPECT_THAT(page, HasSubstr("<svg"));
  const auto times = [&](const std::string& text) {
    int count = 0;
    for (size_t found = page.find(text); found != std::string::npos; found = page.find(text, found + 1))
      ++count;
    return count;
  };
  // of the five longest sentences, one model beside the other
  EXPECT_EQ(times("<p class=\"none\">no attention</p>"), 5);
  EXPECT_EQ(times("<g class=\"cells\">"), 5);
  EXPECT_EQ(times("<linearGradient"), 1);
}

TEST_F(Compare, ScoresTheValidationSetWithoutATestSet) {
  const ProcessResult result = compare("validated", {"--gold", at("corpus/valid.gold")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto made = report("validated");
  EXPECT_EQ(made["scored"], "validation");
  EXPECT_EQ(made["sentences"], 8);
  EXPECT_EQ(made["models"][1]["name"], "additive");
  EXPECT_GT(made["models"][1]["aer"], 0);
  EXPECT_THAT(content(at("validated/report.md")),
              AllOf(HasSubstr("without a test set"), HasSubstr("8 validation sentences")));
}

TEST_F(Compare, TrainsWhatTrainTrains) {
  const std::vector<std::string> more = {"--attention", "additive",    "--coverage", "--max-length",
                                         "30",          "--lowercase", "--schedule", "cosine",
                                         "--dropout",   "0.1",         "--seed",     "5"};
  ASSERT_EQ(compare("alike", more).exit_code, 0);
  ASSERT_EQ(translator(command("train", "alone", more)).exit_code, 0);
  for (const char* file : {"config.toml", "model.safetensors", "source.vocab"}) {
    EXPECT_EQ(content(at("alike/runs/additive/") + file), content(at("alone/") + file)) << file;
  }
}

TEST_F(Compare, HasTheOptionsOfTrain) {
  const auto options = [](const std::string& subcommand) {
    const std::string help = translator({subcommand, "--help"}).out;
    std::set<std::string> names;
    const std::regex option("\n  (?:-[a-z],)?(--[a-z0-9-]+)");
    for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it)
      names.insert((*it)[1]);
    return names;
  };
  const auto train = options("train"), compare = options("compare");
  EXPECT_GT(train.size(), 50U);
  for (const std::string& name : train) {  // models that are compared begin alike
    EXPECT_EQ(compare.contains(name), name != "--init-from" && name != "--profile" && name != "--alignments")
        << name;
  }
}

TEST_F(Compare, ReadsThePresetsOfTrain) {
  write(at("preset.toml"),
        "[train]\nattention = \"dot\"\nmin-count = 2\nlr = 0.5\nembedding = 9\n[compare]\nattention = "
        "[\"none\", \"local_m\"]\nlr = 0.25\n");
  const ProcessResult result = compare("preset", {"--config", at("preset.toml")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* kind : {"none", "local_m"}) {  // the command line wins, then [compare], then [train]
    EXPECT_THAT(content(at("preset/runs/") + kind + "/config.toml"),
                AllOf(HasSubstr("min_count = 2"), HasSubstr("lr = 0.25"), HasSubstr("embedding = 8")));
  }
  expect_failure(compare("x", {"--config", HEED_SOURCE_DIR "/presets/multi30k-transformer.toml"}),
                 "--architecture", 2);
  EXPECT_FALSE(fs::exists(at("x")));
}

TEST_F(Compare, AnInterruptedComparisonResumesToTheSameReport) {
  const std::vector<std::string> more = {"--updates", "300", "--validate-every", "300"};
  std::string line = "exec " + kTranslator;
  for (const std::string& word : command("compare", "stopped", more)) line += " " + word;
  // stands there when the first training ends
  const std::string first = at("stopped/runs/none/model.safetensors");
  const ProcessResult stopped =
      run_process({"bash", "-c",
                   "(" + line + ") & child=$!; until [ -e " + first +
                       " ] || ! kill -0 $child; do sleep 0.02; done; kill -INT $child; wait $child"});
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  EXPECT_THAT(stopped.out, AllOf(HasSubstr("1 of 2 models trained"), HasSubstr("--resume goes on")));
  EXPECT_FALSE(fs::exists(at("stopped/report.md")));
  expect_failure(compare("stopped", more),
                 "exists already (--resume goes on with it, --overwrite replaces it)");
  std::vector<std::string> resumed = more;
  resumed.emplace_back("--resume");
  const auto written = fs::last_write_time(first);
  const ProcessResult again = compare("stopped", resumed);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("none' after update 300 of 300"));
  EXPECT_EQ(fs::last_write_time(first), written);
  ASSERT_EQ(compare("whole", more).exit_code, 0);
  EXPECT_EQ(content(at("stopped/runs/additive/model.safetensors")),
            content(at("whole/runs/additive/model.safetensors")));
  const auto a = report("stopped")["models"], b = report("whole")["models"];
  for (const char* key : {"name", "updates", "bleu", "bleu_by_length", "curve", "worst", "failures"})
    EXPECT_EQ(a[1][key], b[1][key]) << key;
}

TEST_F(Compare, AnInterruptedOverwriteLeavesNoReportOfTheRunsItReplaced) {
  ASSERT_EQ(compare("replaced").exit_code, 0);
  const std::string report = at("replaced/report.md"),
                    weights = content(at("replaced/runs/none/model.safetensors"));
  const ProcessResult pieces =
      compare("replaced", {"--overwrite", "--subwords", "bpe", "--subword-vocabulary", "10"});
  expect_failure(pieces, "10 pieces do not hold the ");
  EXPECT_TRUE(fs::exists(report));
  EXPECT_TRUE(content(at("replaced/runs/none/model.safetensors")) == weights);
  std::string line = "exec " + kTranslator;
  for (const std::string& word : command("compare", "replaced", {"--updates", "3000", "--overwrite"}))
    line += " " + word;
  const ProcessResult stopped =
      run_process({"bash", "-c",
                   "(" + line + ") & child=$!; while [ -e " + report +
                       " ] && kill -0 $child; do sleep 0.02; done; kill -INT $child; wait $child"});
  EXPECT_EQ(stopped.exit_code, 130) << stopped.err;
  for (const char* file : {"report.md", "report.html", "report.json", "curves.svg"})
    EXPECT_FALSE(fs::exists(at("replaced/") + file)) << file;
}

TEST_F(Compare, ResumeAddsKindsAndKeepsTheRest) {
  ASSERT_EQ(compare("grows", {"--attention", "none"}).exit_code, 0);
  const std::string none = at("grows/runs/none/model.safetensors");
  const auto written = fs::last_write_time(none);
  // Without the options of a run: those of the runs that are there.
  ASSERT_EQ(translator({"compare", "-s", at("corpus/train.en"), "-t", at("corpus/train.de"), "--valid-source",
                        at("corpus/valid.en"), "--valid-target", at("corpus/valid.de"), "--attention",
                        "none,dot", "-o", at("grows"), "--resume"})
                .exit_code,
            0);
  EXPECT_EQ(fs::last_write_time(none), written);
  EXPECT_EQ(report("grows")["models"][1]["updates"], 8);
  expect_failure(compare("grows", {"--resume", "--lr", "0.5"}),
                 "resume: --lr is not what '" + at("grows/runs/none"));
  expect_failure(
      translator(with(with(command("compare", "grows", {"--resume"}), "--source", at("corpus/train.de")),
                      "--target", at("corpus/train.en"))),
      "train.de' is not what '" + at("grows/runs/none") + "' was started with: its lines are others");
  // the runs know their files
  ASSERT_EQ(translator({"train", "-r", at("grows/runs/dot"), "--resume"}).exit_code, 0);
  ASSERT_EQ(
      translator({"compare", "-o", at("grows"), "--attention", "none,dot,general", "--resume"}).exit_code, 0);
  EXPECT_EQ(report("grows")["models"][2]["name"], "general");
  EXPECT_EQ(fs::last_write_time(none), written);
  ASSERT_EQ(compare("grows", {"--resume", "--updates", "12", "--attention", "none"}).exit_code, 0);
  EXPECT_EQ(report("grows")["models"][0]["updates"], 12);
  expect_failure(translator({"compare", "-s", at("corpus/train.en"), "-t", at("corpus/train.de"),
                             "--valid-source", at("corpus/valid.en"), "--valid-target", at("corpus/valid.de"),
                             "--attention", "none,dot", "-o", at("grows"), "--resume"}),
                 "' differ in updates");
  expect_failure(compare("nowhere", {"--resume"}), "holds no run of none, additive");
  EXPECT_FALSE(fs::exists(at("nowhere")));
}

TEST_F(Compare, OverwriteReplacesTheKindsThatAreNamed) {
  ASSERT_EQ(compare("twice", {"--attention", "none,dot"}).exit_code, 0);
  const std::string dot = content(at("twice/runs/dot/model.safetensors")),
                    none = content(at("twice/runs/none/model.safetensors"));
  ASSERT_EQ(compare("twice", {"--attention", "none", "--seed", "9", "--overwrite"}).exit_code, 0);
  EXPECT_NE(content(at("twice/runs/none/model.safetensors")), none);
  EXPECT_EQ(content(at("twice/runs/dot/model.safetensors")), dot);
  write(at("twice/runs/dot/thesis.txt"), "years of work");
  expect_failure(compare("twice", {"--attention", "none,dot", "--overwrite"}), "thesis.txt");
  EXPECT_EQ(content(at("twice/runs/dot/model.safetensors")), dot);
}

TEST_F(Compare, ATrainingThatFailsLeavesTheOthers) {
  ASSERT_EQ(compare("hurt").exit_code, 0);
  const std::string weights = at("hurt/runs/none/model.safetensors"), whole = content(weights);
  write(weights, whole.substr(0, 500));
  const ProcessResult result = compare("hurt", {"--resume", "--updates", "12"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("warning: none: "),
                                HasSubstr("none could not be trained and is not in the report")));
  ASSERT_EQ(report("hurt")["models"].size(), 1U);
  EXPECT_EQ(report("hurt")["models"][0]["name"], "additive");
  EXPECT_EQ(report("hurt")["models"][0]["updates"], 12);
  write(weights, whole);
  EXPECT_EQ(compare("hurt", {"--resume", "--updates", "12"}).exit_code, 0);
  EXPECT_EQ(report("hurt")["models"].size(), 2U);
}

TEST_F(Compare, AReportReplacesOnlyAReport) {
  const auto of_runs = [&](const std::string& out, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"compare",
                                      "-o",
                                      at(out),
                                      "-r",
                                      "a=" + at("one"),
                                      "-r",
                                      "b=" + at("one"),
                                      "--test-source",
                                      at("corpus/test.en"),
                                      "--test-target",
                                      at("corpus/test.de")};
    words.insert(words.end(), more.begin(), more.end());
    return translator(words);
  };
  ASSERT_EQ(translator(command("train", "one")).exit_code, 0);
  fs::create_directory(at("mine"));
  write(at("mine/report.md"), "thesis");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--overwrite"}}) {
    expect_failure(of_runs("mine", more),
                   "mine/report.md' was not written by translator compare; it is left alone");
  }
  EXPECT_EQ(content(at("mine/report.md")), "thesis");
  fs::create_directory(at("notes"));
  write(at("notes/corpus.json"), "{}");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--overwrite"}})
    expect_failure(compare("notes", more), "notes' exists already and holds no comparison");
  EXPECT_EQ(std::distance(fs::directory_iterator(at("notes")), fs::directory_iterator()), 1);
  expect_failure(of_runs("one"), "is a run, not a folder for a report");
  ASSERT_EQ(of_runs("ours").exit_code, 0);
  expect_failure(of_runs("ours"), "holds a report already (--overwrite replaces it)");
  EXPECT_EQ(of_runs("ours", {"--overwrite"}).exit_code, 0);
  expect_failure(of_runs("ours", {"--overwrite", "-r", "a=" + at("one")}), "two runs are called a", 2);
}

// Nothing but scores of 0 has an axis all the same.
TEST_F(Compare, AChartOfZerosIsAChart) {
  ASSERT_EQ(translator(command("train", "poor")).exit_code, 0);
  const ProcessResult result = translator({"compare", "-r", at("poor"), "-s", at("corpus/test.en"), "-t",
                                           at("corpus/test.de"), "--max-output", "1", "-o", at("zeros")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* file : {"bleu-by-length.svg", "curves.svg", "report.html"}) {
    EXPECT_EQ(content(at(std::string("zeros/") + file)).find("nan"), std::string::npos) << file;
  }
  expect_failure(translator({"compare", "-r", at("poor"), at("nowhere"), "-s", at("corpus/test.en"), "-t",
                             at("corpus/test.de"), "-o", at("not-made")}),
                 "there is no run '");
}

TEST_F(Compare, CurvesHaveAnAxisOfNumbers) {  // updates 4 and 8 of 8: half-way and at the end of 496 px
  ASSERT_EQ(compare("curves").exit_code, 0);
  EXPECT_THAT(content(at("curves/curves.svg")),
              AllOf(HasSubstr("cx=\"312.0\""), HasSubstr("cx=\"560.0\""), HasSubstr(">8</text>")));
}

TEST_F(Compare, WrongUsageIsOneLine) {
  const auto refused = [](const std::vector<std::string>& more, const std::string& message) {
    expect_failure(compare("x", more), message, 2);
  };
  refused({"--attention", "none,none"}, "--attention: none is named twice");
  refused({"--attention", "magic"}, "--attention: 'magic' is not known (none, none_state, additive, ");
  refused({"--test-source", at("corpus/test.en")}, "--test-target: is missing");
  expect_failure(translator({"compare", "-r", at("run"), "--beam", "2", "--n-best", "2", "--test-source",
                             at("corpus/test.en"), "--test-target", at("corpus/test.de"), "-o", at("x")}),
                 "n-best: a comparison scores one translation a sentence", 2);
  refused({"--train", "5"}, "--train: is the size of the built-in corpus");
  refused({"--resume", "--overwrite"}, "excludes");
  refused({"-r", at("run")}, "with --run nothing is trained");
  const auto alone = [](std::vector<std::string> more, const std::string& message) {
    more.insert(more.begin(), {"compare", "-o", at("x")});
    expect_failure(translator(more), message, 2);
  };
  alone({"--architecture", "transformer"}, "--architecture: a transformer model has no kinds of attention");
  alone({"-s", at("corpus/train.en")}, "--target: is missing");
  alone({"-s", at("corpus/train.en"), "-t", at("corpus/train.de")}, "--valid-source: is missing");
  alone({"--test-source", at("corpus/test.en"), "--test-target", at("corpus/test.de")},
        "--test-source: needs --source");
  alone({"--gold", at("corpus/test.gold")}, "--gold: needs --source");
  alone({"-r", at("run")}, "--test-source");
  alone({"-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de"), "--max-length", "9"},
        "--max-length: belongs to training");
  alone({"-r", at("run"), "-s", at("corpus/test.en"), "-t", at("corpus/test.de"), "--attention", "dot"},
        "with --run nothing is trained");
  EXPECT_FALSE(fs::exists(at("x")));
}

TEST_F(Compare, BadInputIsOneLineBeforeAnyTraining) {
  const auto refused = [](const std::vector<std::string>& words, const std::string& message, int code = 1) {
    expect_failure(translator(words), message, code);
    EXPECT_FALSE(fs::exists(at("x"))) << message;
  };
  const auto words = command("compare", "x");
  refused(with(words, "--source", at("nowhere.en")), "nowhere.en");
  refused(with(words, "--target", at("corpus/test.de")), "train.en' has 60 lines");
  refused(with(words, "--valid-target", at("corpus/test.de")), "valid.en' has 8 lines");
  refused(command("compare", "x",
                  {"--test-source", at("corpus/test.en"), "--test-target", at("corpus/valid.de")}),
          "test.en' has 12 lines");
  refused(command("compare", "x", {"--gold", at("corpus/test.gold")}), "test.gold' has 12 lines");
  write(at("wrong.gold"), "99-0\n1-1\n1-1\n1-1\n1-1\n1-1\n1-1\n1-1\n");
  refused(command("compare", "x", {"--gold", at("wrong.gold")}), "wrong.gold' line 1: link 99-0 is outside");
  write(at("blank"), "\n\n");
  refused(with(with(words, "--source", at("blank")), "--target", at("blank")), "no training pair");
  refused(command("compare", "x", {"--lr", "-1"}), "lr: must be above 0", 2);
  refused(command("compare", "x", {"--attention", "additive,local_p", "--coverage"}),
          "--coverage: local_p attention has none", 2);
  refused(command("compare", "x", {"--json", at("no/such/x.json")}), "--json: cannot write");
  refused(command("compare", "x", {"--json", at("corpus/train.en")}), "is also an input (--source)");
  refused(with(words, "-o", at("corpus/train.en")), "train.en' is a file, not a folder");
}

TEST_F(Compare, TrainedRunsInThreeForms) {
  ASSERT_EQ(translator(command("train", "run")).exit_code, 0);
  for (const bool in_short : {true, false}) {
    const ProcessResult result =
        translator({"compare", "-r", "first=" + at("run"), at("run"), in_short ? "-s" : "--test-source",
                    at("corpus/test.en"), in_short ? "-t" : "--test-target", at("corpus/test.de"), "-o",
                    at("compared"), "--overwrite"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  const auto made = report("compared");
  ASSERT_EQ(made["models"].size(), 2U);
  EXPECT_EQ(made["models"][0]["name"], "first");
  EXPECT_EQ(made["models"][1]["p_against_first"], 1.0);  // the same model
  EXPECT_EQ(made["models"][0]["curve"].size(), 2U);
  EXPECT_THAT(content(at("compared/report.md")),
              AllOf(HasSubstr("| first |"), HasSubstr("bleu-by-length.svg"), HasSubstr("likely cause")));
  EXPECT_THAT(content(at("compared/report.html")),
              AllOf(StartsWith("<!doctype html>"), HasSubstr("<svg"), HasSubstr("</html>")));
  EXPECT_THAT(content(at("compared/bleu-by-length.svg")), AllOf(StartsWith("<svg"), HasSubstr("10-19")));
}

// Runs that were not trained here tell nothing of it, and runs of other languages cannot be compared.
TEST_F(Compare, TrainedRunsWithoutAHistory) {
  ASSERT_EQ(translator(command("train", "history")).exit_code, 0);
  ASSERT_EQ(translator({"export", "-r", at("history"), "-o", at("plain"), "--weights", "f32"}).exit_code, 0);
  const auto compare = [&](std::vector<std::string> words) {
    for (const std::string& word : {at("corpus/test.en"), std::string("-t"), at("corpus/test.de"),
                                    std::string("-o"), at("of-runs"), std::string("--overwrite")})
      words.push_back(word);
    words.insert(words.begin(), "compare");
    return translator(words);
  };
  ASSERT_EQ(compare({"-r", at("history"), "-s"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(at("of-runs/curves.svg")));
  ASSERT_EQ(compare({"-r", at("plain"), "-s"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(at("of-runs/curves.svg")));
  EXPECT_THAT(content(at("of-runs/report.md")), Not(HasSubstr("## Training")));
  expect_failure(compare({"--config", at("history/config.toml"), "-r", at("history"), "-s"}),
                 "--config: is the config of a run, and with --run nothing is trained", 2);
  for (const char* side : {"source", "target"}) {
    const std::string folder = at(std::string("other-") + side);
    ASSERT_EQ(translator({"train", "-s", at("corpus/test.en"), "-t", at("corpus/test.de"), "--valid-source",
                          at("corpus/test.en"), "--valid-target", at("corpus/test.de"), "-r", folder,
                          "--size", "tiny", "--updates", "1", "--source-language",
                          side[0] == 's' ? "nl" : "en", "--target-language", side[0] == 't' ? "nl" : "de"})
                  .exit_code,
              0);
    ASSERT_EQ(translator(command("train", "named",
                                 {"--overwrite", "--source-language", "en", "--target-language", "de",
                                  "--updates", "1"}))
                  .exit_code,
              0);
    expect_failure(compare({"-r", at("named"), "-r", folder, "-s"}),
                   "'" + folder + "' has nl as its " + side + " language, '" + at("named") + "' ");
  }
}

TEST_F(Compare, TheBuiltInCorpusTrainsAsTheDemoDoes) {
  const std::vector<std::string> size = {"--updates", "4", "--train", "200", "--threads", "1"};
  std::vector<std::string> words = {"compare", "-o", at("built-in"), "--attention", "none_state,additive"},
                           demo = {"demo", "-o", at("demo")};
  words.insert(words.end(), size.begin(), size.end());
  demo.insert(demo.end(), size.begin(), size.end());
  const ProcessResult result = translator(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto made = report("built-in");
  EXPECT_TRUE(made["models"][0]["aer"].is_null());
  const ProcessResult demo_result = translator(demo);
  ASSERT_EQ(demo_result.exit_code, 0) << demo_result.err;
  const auto demonstrated = report("demo")["models"][1];
  EXPECT_EQ(made["models"][1]["bleu"], demonstrated["bleu"]);
  EXPECT_EQ(made["models"][1]["aer"], demonstrated["aer"]);
  for (const char* file : {"config.toml", "model.safetensors"}) {
    EXPECT_EQ(content(at("built-in/runs/additive/") + file), content(at("demo/additive/") + file)) << file;
  }
  words.push_back("--resume");  // with another size of the corpus
  expect_failure(translator(with(words, "--train", "100")), "the training source is not what '");
  expect_failure(translator({"train", "-r", at("demo/additive"), "--resume"}),
                 "was trained on the built-in corpus");
}

// A program without the library beside it would train for hours and then have no report.
TEST_F(Compare, NothingIsBegunWithoutWhatDraws) {
  fs::create_directories(at("alone/bin"));
  fs::copy_file(kTranslator, at("alone/bin/translator"));
  for (const char* command : {"compare", "demo"}) {
    expect_failure(run_process({at("alone/bin/translator"), command, "-o", at("undrawn")}),
                   "cannot load what draws pictures");
    EXPECT_FALSE(fs::exists(at("undrawn")));
  }
}

}  // namespace
}  // namespace heed
