// What people type: options that do not exist, files given twice or packed, standard input and output by "-",
// a program that converses.
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/framework.h"
#include "models/run/attention_choice.h"
#include "tests/apps/translator_process.h"

namespace heed {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kHeatmap = HEED_BIN_DIR "/heatmap";

class Input : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir;
    std::string english, french;
    for (int i = 0; i < 50; ++i) {
      english += "red cat\nblack dog\nWhat is this ?\n";
      french += "chat rouge\nchien noir\nC'est quoi ?\n";
    }
    write(at("a.en"), english);
    write(at("a.fr"), french);
    const ProcessResult trained = translator(train_command("run"));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  static std::string at(const std::string& name) { return *dir_ / name; }
  static std::vector<std::string> train_command(const std::string& run, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"train",    "-s",
                                        at("a.en"), "-t",
                                        at("a.fr"), "--valid-source",
                                        at("a.en"), "--valid-target",
                                        at("a.fr"), "-r",
                                        at(run),    "--updates",
                                        "150",      "--target-language",
                                        "fr"};
    for (const char* size :
         {"--embedding", "--encoder-hidden", "--decoder-hidden", "--attention-size", "--readout"}) {
      command.insert(command.end(), {size, "32"});
    }
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  static TempDir* dir_;
};
TempDir* Input::dir_ = nullptr;

TEST_F(Input, AFileGivenTwiceIsRefused) {
  for (const char* option : {"-s", "-t", "--valid-source", "--valid-target", "-r"}) {
    const ProcessResult result = translator(train_command("never", {option, at("a.en")}));
    expect_failure(result, " takes one value, 2 are given", 2);
    EXPECT_FALSE(std::filesystem::exists(at("never")));
  }
  // of a number the last one counts
  EXPECT_EQ(translator(train_command("last", {"--updates", "1", "--updates", "2"})).exit_code, 0);
}

TEST_F(Input, AFolderOfSomeoneElsesIsNotOfferedForOverwriting) {
  std::filesystem::create_directory(at("mine"));
  write(at("mine/letter.txt"), "dear");
  const ProcessResult result = translator(with(train_command("never"), "-r", at("mine")));
  expect_failure(result, "holds 'letter.txt', which is not a file of a run");
  EXPECT_THAT(result.err, Not(HasSubstr("--overwrite")));
}

TEST_F(Input, AnUnknownOptionNamesTheNearestBeforeAnythingElseIsMissed) {
  expect_failure(translator({"train", "--max-updates", "100"}),
                 "--max-updates is not an option; did you mean --updates?", 2);
  expect_failure(translator({"train", "--atention=none"}), "did you mean --attention?", 2);
  expect_failure(translator({"translate", "-r", at("run"), "--beems", "3"}), "did you mean --beam?", 2);
  expect_failure(translator({"train", "--qqqqqqqq", "1"}), "--qqqqqqqq is not an option (see", 2);
  expect_failure(translator({"translate", "--tokenz"}), "did you mean --tokens?", 2);
  EXPECT_THAT(run_process({kHeatmap, "--threads", "2"}).err, HasSubstr("--threads is not an option (see"));
  expect_failure(translator({"train", "-z", "3"}), "-z is not an option (see", 2);
  write(at("empty.toml"), "");
  expect_failure(translator({"--config", at("empty.toml"), "train", "--source", at("a.en")}), "is required",
                 2);
  expect_failure(translator({"--config", at("empty.toml"), "train", "--sorce", at("a.en")}),
                 "did you mean --source?", 2);
  expect_failure(translator({"trian", "-z"}), "'trian' is not a subcommand (", 2);
  write(at("near.toml"), "[train]\nmax-updates = 3\n");
  expect_failure(translator(train_command("never", {"--config", at("near.toml")})),
                 "unknown key 'max-updates'; did you mean 'updates'?", 2);
  const ProcessResult picture = run_process({kHeatmap, "--translatoin", "a"});
  EXPECT_EQ(picture.exit_code, 2);
  EXPECT_THAT(picture.err, HasSubstr("did you mean --translation?"));
}

TEST_F(Input, EverySubcommandHasHelp) {
  const ProcessResult all = translator({"help"});
  EXPECT_EQ(all.exit_code, 0);
  for (const char* name : {"train", "translate", "evaluate", "corpus", "align", "compare", "demo"}) {
    EXPECT_THAT(all.out, HasSubstr(name));
    const ProcessResult one = translator({"help", name});
    EXPECT_EQ(one.exit_code, 0) << one.err;
    EXPECT_THAT(one.out, HasSubstr("Options:")) << name;
    EXPECT_EQ(one.err, "");
  }
  expect_failure(translator({"help", "nothing"}), "'nothing' is not a subcommand (look, ", 2);
  expect_failure(translator({"help", "data", "nothing"}), "'nothing' is not a subcommand (list, get)", 2);
  EXPECT_THAT(translator({"help", "data", "get"}).out,
              HasSubstr("Usage: translator data get [OPTIONS] NAME"));
}

TEST_F(Input, OptionsThatWouldDoNothingAreRefused) {
  const auto refused = [&](const std::vector<std::string>& options, const std::string& why) {
    std::vector<std::string> command = {
        "train",          "-s",       at("a.en"), "-t",       at("a.fr"), "--valid-source", at("a.en"),
        "--valid-target", at("a.fr"), "-r",       at("never")};
    command.insert(command.end(), options.begin(), options.end());
    expect_failure(translator(command), why, 2);
  };
  // what takes the meaning from options that have one
  const std::map<std::string, std::vector<std::string>> beside = {{"--epochs", {"--updates", "2"}},
                                                                  {"--batch-size", {"--batch-tokens", "50"}},
                                                                  {"--sinusoids", {"--positions", "rotary"}}};
  int rows = 0;
  for (const models::RunOption& row : models::run_options()) {
    if (row.idle.empty()) continue;
    ++rows;
    models::RunConfig config;
    if (!row.architecture.empty())
      config.model = models::ModelConfig(models::find_architecture(row.architecture));
    std::vector<std::string> options;
    if (!row.architecture.empty()) options = {"--architecture", row.architecture};
    options.push_back(row.flag);
    const models::OptionValue value = row.get(config);
    if (const auto* const whole = std::get_if<int64_t>(&value)) options.push_back(std::to_string(*whole + 1));
    if (std::holds_alternative<double>(value)) options.emplace_back("0.5");
    if (std::holds_alternative<std::string>(value)) options.push_back(row.values.choices[1]);
    if (const auto other = beside.find(row.flag); other != beside.end())
      options.insert(options.end(), other->second.begin(), other->second.end());
    ASSERT_EQ(row.used(config), beside.contains(row.flag)) << row.flag;
    refused(options, row.flag + ": does nothing " + row.idle);
  }
  EXPECT_GE(rows, 15);
  EXPECT_FALSE(std::filesystem::exists(at("never")));
  expect_failure(
      translator({"translate", "-r", at("run"), "--records", at("x.jsonl"), "--without-words=", "a"}),
      "--without-words: is empty", 2);
  const auto nothing = [&](std::vector<std::string> command, const std::vector<std::string>& options,
                           const std::string& how) {
    command.insert(command.end(), options.begin(), options.end());
    expect_failure(translator(command), options[0] + ": does nothing " + how, 2);
  };
  const std::vector<std::string> files = {"-s", at("a.en"), "-t", at("a.fr")};
  const auto with_files = [&](std::vector<std::string> command) {
    command.insert(command.end(), files.begin(), files.end());
    return command;
  };
  const std::vector<std::string> translate = {"translate", "-r", at("run"), "red cat"};
  nothing(translate, {"--alpha", "0.5", "--length-penalty", "none"}, "beside --length-penalty none");
  for (const char* option : {"--alpha", "--workers", "--max-output", "--decode-batch-size"})
    nothing(with_files({"translate", "-r", at("run")}), {option, "2"}, "beside --target");
  nothing({"quantize", "-r", at("run"), "-o", at("never")}, {"--beam", "2"}, "without --source and --target");
  nothing({"plot", at("run"), "-o", at("never.csv")}, {"--x", "seconds"}, "for .csv");
  nothing({"plot", at("run"), "-o", at("never.csv")}, {"--metric", "validation_bleu"}, "for .csv");
  const std::vector<std::string> prepare =
      with_files({"prepare", "-o", at("never"), "--source-language", "en", "--target-language", "fr"});
  nothing(prepare, {"--columns", "1,2"}, "without a table");
  for (const auto& [option, value, why] :
       {std::array{"--columns", "1,1", "'1,1' names one column for both sides"},
        std::array{"--columns", "1", "'1' does not name two columns"},
        std::array{"--columns", "1,", "'1,' does not name two columns"},
        std::array{"--columns", "0,1", "columns are counted from 1, got 0"},
        std::array{"--test", "1.5", "'1.5' is not a whole number"},
        std::array{"--test", "x", "'x' is not a number"}}) {
    expect_failure(translator({"prepare", at("a.en"), "-o", at("never"), "--source-language", "en",
                               "--target-language", "fr", option, value}),
                   std::string(option) + ": " + why, 2);
  }
  nothing(prepare, {"--max-ratio", "5", "--no-ratio"}, "beside --no-ratio");
  nothing(prepare, {"--max-words", "5", "--no-max-length"}, "beside --no-max-length");
  for (const char* option : {"--test", "--test-long", "--references"})
    nothing(prepare, {option, "1", "--test-source", at("a.en"), "--test-target", at("a.fr")},
            "beside --test-source");
  nothing(prepare, {"--valid", "1", "--valid-source", at("a.en"), "--valid-target", at("a.fr")},
          "beside --valid-source");
  EXPECT_FALSE(std::filesystem::exists(at("never")));
  EXPECT_FALSE(std::filesystem::exists(at("never.csv")));
  // what an option is anyway, and a seed
  EXPECT_EQ(translator(with_files({"translate", "-r", at("run"), "--beam", "1", "--alpha", "1"})).exit_code,
            0);
  EXPECT_EQ(translator({"translate", "-r", at("run"), "red cat", "--sample-seed", "2"}).exit_code, 0);
}

// A preset is written for one training; what the command line puts in the place of its options stands.
TEST_F(Input, AnOptionTakesThePlaceOfWhatAPresetHas) {
  write(at("long.toml"), "[train]\nepochs = 3\nbatch-size = 7\nschedule = \"cosine\"\nlr-floor = 0.5\n");
  EXPECT_EQ(translator(train_command("short", {"--config", at("long.toml"), "--updates", "1",
                                               "--batch-tokens", "50", "--schedule", "constant"}))
                .exit_code,
            0);
  const auto by_preset = [&](const char* preset, std::vector<std::string> more) {
    std::vector<std::string> command = train_command("never", {"--config", at(preset)});
    const auto updates = std::ranges::find(command, "--updates");
    command.erase(updates, updates + 2);
    command.insert(command.end(), more.begin(), more.end());
    return translator(command);
  };
  const std::string beside =
      "--epochs: does nothing beside --updates, which stands in its place (--config has it)";
  write(at("by_updates.toml"), "[train]\nupdates = 1\n");
  expect_failure(by_preset("by_updates.toml", {"--epochs", "3"}), beside, 2);
  write(at("both.toml"), "[train]\nupdates = 1\nepochs = 3\n");
  expect_failure(by_preset("both.toml", {}), beside, 2);
}

TEST_F(Input, OtherNamesOfAttentionAreAnswered) {
  expect_failure(translator(train_command("never", {"--attention", "bahdanau"})),
                 "--attention: 'bahdanau' is 'additive' here", 2);
  expect_failure(translator(train_command("never", {"--attention", "luong"})), "'luong' is 'general' here",
                 2);
  expect_failure(translator({"compare", "--attention", "none,bahdanau"}), "'bahdanau' is 'additive' here", 2);
}

TEST_F(Input, ADashIsStandardInputAndOutput) {
  const std::string lines = "red cat\nblack dog\n";
  const ProcessResult attention =
      translator({"translate", "-r", at("run"), "-o", at("out.txt"), "--records", "-"}, lines);
  EXPECT_EQ(attention.exit_code, 0) << attention.err;
  EXPECT_THAT(attention.out, StartsWith(R"({"format":"heed.attention")"));
  EXPECT_EQ(content(at("out.txt")), "chat rouge\nchien noir\n");
  const ProcessResult report =
      translator({"translate", "-r", at("run"), "-o", at("out.txt"), "--json", "-"}, lines);
  EXPECT_EQ(nlohmann::json::parse(report.out)["sentences"], 2);
  const ProcessResult scored =
      translator({"evaluate", "-r", at("run"), "-s", "-", "-t", at("a.fr")}, content(at("a.en")));
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_THAT(scored.out, HasSubstr("unknown words of the source 0.00 %"));
  expect_failure(translator({"evaluate", "-r", at("run"), "-s", "-", "-t", "-"}),
                 "--target: '-' is standard input, which is also that of --source");
  for (const char* output : {"-", "/dev/stdout"}) {
    const ProcessResult picture = run_process({kHeatmap, "-r", at("run"), "red cat", "-o", output});
    EXPECT_EQ(picture.exit_code, 0) << picture.err;
    EXPECT_THAT(picture.out, HasSubstr("</svg>"));
  }
  const ProcessResult json =
      translator({"evaluate", "-r", at("run"), "-s", at("a.en"), "-t", at("a.fr"), "--json", "-"});
  EXPECT_TRUE(nlohmann::json::accept(json.out)) << json.out;  // what is for people goes to standard error
  EXPECT_THAT(json.err, HasSubstr("BLEU"));
  const ProcessResult trained = translator(train_command("piped", {"--updates", "1", "--json", "-"}));
  EXPECT_EQ(nlohmann::json::parse(trained.out)["updates"], 1);
  expect_failure(translator({"translate", "-r", at("run"), "--json", "-"}, lines),
                 "is standard output, which is also that of --output");
  EXPECT_FALSE(std::filesystem::exists("-"));
}

TEST_F(Input, APackedFileIsNamedAndASentenceIsNoFile) {
  write(at("a.gz"), std::string("\x1F\x8B\x08\0\0\0", 6));
  expect_failure(translator({"translate", "-r", at("run"), "-s", at("a.gz")}),
                 "is a gzip file: unpack it first");
  expect_failure(translator({"train", "-s", at("a.gz"), "-t", at("a.fr"), "--valid-source", at("a.en"),
                             "--valid-target", at("a.fr"), "-r", at("no")}),
                 "is a gzip file: unpack it first");
  const ProcessResult picture = run_process({kHeatmap, "-r", at("run"), at("a.en"), "-o", at("x.svg")});
  EXPECT_EQ(picture.exit_code, 1);
  EXPECT_THAT(picture.err, HasSubstr("is a file, and a sentence is wanted"));
}

TEST_F(Input, WhatIsLikelyAMistakeIsSaid) {
  std::string table;
  for (int i = 0; i < 10; ++i) table += "red cat\tchat rouge\n";
  write(at("pairs.tsv"), table);
  const ProcessResult same =
      translator({"evaluate", "-r", at("run"), "-s", at("pairs.tsv"), "-t", at("pairs.tsv")});
  EXPECT_THAT(same.err, HasSubstr("is source and target at once"));
  EXPECT_THAT(same.err, HasSubstr("has a tab"));
  const ProcessResult swapped = translator({"evaluate", "-r", at("run"), "-s", at("a.fr"), "-t", at("a.en")});
  EXPECT_THAT(swapped.err, HasSubstr("are these the right files, in the right order?"));
  const ProcessResult pieces = translator(
      train_command("pieces", {"--subwords", "bpe", "--subword-vocabulary", "32000", "--updates", "1"}));
  EXPECT_EQ(pieces.exit_code, 0) << pieces.err;
  EXPECT_THAT(pieces.err, HasSubstr("of the 32000 that --subword-vocabulary asks for"));
  const ProcessResult bleu = translator(train_command("bleu", {"--keep-best-by", "bleu", "--updates", "1"}));
  EXPECT_THAT(bleu.err, Not(HasSubstr("four tokens")));  // "C'est quoi ?" has them
}

TEST_F(Input, NoEntityAndNoControlCharacterIsShown) {
  const ProcessResult translated =
      translator({"translate", "-r", at("run"), "--tokens", "--records", at("r.jsonl")}, "What is this?\n");
  EXPECT_EQ(translated.out, "C' est quoi ?\n");
  EXPECT_THAT(content(at("r.jsonl")), Not(HasSubstr("&apos;")));
  EXPECT_EQ(translator({"translate", "-r", at("run")}, "What is this?\n").out, "C'est quoi ?\n");
  write(at("bad.en"),
        "red \x1B"
        "c\xC2\x9B"
        "cat\n");
  write(at("bad.fr"), "chat\n");
  std::vector<std::string> command = train_command("bell", {"--updates", "1"});
  command = with(with(command, "--valid-source", at("bad.en")), "--valid-target", at("bad.fr"));
  const ProcessResult trained = translator(command);
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  for (const char c : trained.err) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  EXPECT_THAT(trained.err, Not(HasSubstr("\xC2\x9B")));
}

TEST_F(Input, APipeIsAnsweredLineByLine) {
  const ProcessResult talk = run_process({"/bin/bash", "-c",
                                          "coproc T { " + kTranslator + " translate -r " + at("run") +
                                              "; }; for s in 'red cat' 'black dog'; do echo \"$s\" "
                                              ">&${T[1]}; read -t 60 answer <&${T[0]} || exit 9; "
                                              "echo \"$answer\"; done; exec {T[1]}>&-; wait"});
  EXPECT_EQ(talk.exit_code, 0) << talk.err;
  EXPECT_EQ(talk.out, "chat rouge\nchien noir\n");
}

// --profile: tables for people, a trace for a browser, and the same output as without.
TEST_F(Input, AProfileSaysWhereTheTimeWent) {
  const std::vector<std::string> commands[] = {
      {"translate", "-r", at("run"), "-s", at("a.en"), "--beam", "3"},
      {"evaluate", "-r", at("run"), "-s", at("a.en"), "-t", at("a.fr")},
      train_command("profiled", {"--overwrite", "--seed", "4"})};
  for (std::vector<std::string> command : commands) {
    if (command.front() == "train") command = with(command, "--updates", "10");
    const ProcessResult plain = translator(command);
    command.insert(command.end(), {"--profile", at("trace.json")});
    const ProcessResult profiled = translator(command);
    ASSERT_EQ(profiled.exit_code, 0) << profiled.err;
    if (command.front() == "translate") {
      EXPECT_EQ(profiled.out, plain.out);
    }
    for (const char* text : {"this machine now, ", "op  ", "longest calls  ", "layer  ", "phase  ",
                             "holders at the peak", "linear"})
      EXPECT_THAT(profiled.err, HasSubstr(text)) << command.front();
    const auto trace = nlohmann::json::parse(content(at("trace.json")));
    std::map<std::string, int> kinds;
    for (const auto& event : trace["traceEvents"]) {
      if (event["ph"] != "X") continue;
      ++kinds[event["cat"]];
      EXPECT_GE(event["ts"].get<double>(), 0);
      EXPECT_GE(event["dur"].get<double>(), 0);
    }
    EXPECT_GT(kinds["forward"], 10);
    EXPECT_GT(kinds["phase"], 1);
    EXPECT_EQ(kinds["backward"] > 0, command.front() == "train");
    EXPECT_GT(trace["heed"]["machine"]["sgemm_flops_per_second"][0], 1e8);
    double seconds = 0;
    for (const auto& op : trace["heed"]["ops"]) seconds += op["seconds"].get<double>();
    EXPECT_LE(seconds, trace["heed"]["seconds"].get<double>() * trace["heed"]["op_threads"].get<double>());
  }
  // weights that have no f32 values until somebody asks
  for (const char* weights : {"int8", "bf16"}) {
    ASSERT_EQ(translator({"export", "-r", at("run"), "--weights", weights, "-o", at(weights)}).exit_code, 0);
    const ProcessResult result = run_process({"timeout", "60", kTranslator, "translate", "-r", at(weights),
                                              "red cat", "--profile", at("stored.json")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::set<std::string> layers;
    const auto trace = nlohmann::json::parse(content(at("stored.json")));
    for (const auto& op : trace["heed"]["ops"]) layers.insert(op.value("layer", ""));
    EXPECT_GT(layers.size(), 3U) << weights;
  }
  expect_failure(translator({"translate", "-r", at("run"), "-s", at("a.en"), "--profile", at("a.en")}),
                 "--profile");
  expect_failure(translator({"translate", "-r", at("run"), "red cat", "--profile", at("no/where.json")}),
                 "--profile");
  EXPECT_EQ(
      translator({"evaluate", "--hypotheses", at("a.fr"), "-t", at("a.fr"), "--profile", "-"}).exit_code, 2);
}

TEST_F(Input, ALongLineIsNamedAndTheOthersAreTranslated) {
  std::string longer;
  for (int i = 0; i < 2000; ++i) longer += "cat ";
  const ProcessResult result =
      translator({"translate", "-r", at("run")}, "red cat\n" + longer + "\nblack dog\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "chat rouge\n\nchien noir\n");
  EXPECT_EQ(result.err,
            "translator: warning: standard input line 2 is left empty: 2001 words or pieces with the end "
            "mark, 1000 are read at most\n");
}

TEST_F(Input, RecordsThatCannotBeDrawnAreNamed) {
  EXPECT_EQ(translator({"translate", "-r", at("run"), "--records", at("all.jsonl")}, "red cat\n\n").exit_code,
            0);
  const auto draw = [&](const std::string& record, const std::string& line) {
    return run_process({kHeatmap, "--records", record, "--line", line, "-o", at("x.svg")}).err;
  };
  EXPECT_THAT(draw(at("all.jsonl"), "2"), HasSubstr("line 2 is the record of a line without words"));
  const std::string text = content(at("all.jsonl"));
  for (const size_t size : {size_t{1}, size_t{50}, text.find('\n') / 2, text.find('\n') - 1}) {
    write(at("cut.jsonl"), text.substr(0, size));
    EXPECT_EQ(draw(at("cut.jsonl"), "1"),
              "heatmap: '" + at("cut.jsonl") + "' line 1: the record is cut off: its JSON ends too early\n")
        << size;
  }
  EXPECT_THAT(run_process({kHeatmap, "-r", at("missing"), "a", "-o", at("x.svg")}).err,
              HasSubstr("there is no run"));
}

// Options that would do nothing here, and texts that look like options, are named.
TEST_F(Input, WhatWouldBeIgnoredIsRefused) {
  const std::string run = at("run");
  expect_failure(translator({"look", "-r", run, "red cat", "--n-best", "2", "--beam", "2", "-o", at("look")}),
                 "n-best: look shows one translation", 2);
  expect_failure(translator({"translate", "-r", run, "red cat", "--coverage-penalty", "1"}),
                 "coverage-penalty: is of a beam", 2);
  expect_failure(translator({"translate", "-r", run, "-hello there"}), "'-hello there' is no option", 2);
  EXPECT_EQ(translator({"translate", "-r", run, "--", "-hello there"}).exit_code, 0);
  EXPECT_EQ(translator({"translate", "-r", run, "-"}, "red cat\n").out, "chat rouge\n");
  expect_failure(translator({"translate", "-r", run, "red cat", "--max-source", "1"}),
                 "the sentence is too long: ");
  const ProcessResult longer = translator({"translate", "-r", run, "red cat", "--min-output", "60"});
  EXPECT_GE(std::count(longer.out.begin(), longer.out.end(), ' '), 50) << longer.out;
  ASSERT_EQ(translator(train_command("blind", {"--attention", "none", "--overwrite"})).exit_code, 0);
  expect_failure(translator({"translate", "-r", at("blind"), "red cat", "--replace-unknown"}),
                 "has no attention");
  expect_failure(
      translator({"translate", "-r", at("blind"), "red cat", "--beam", "2", "--coverage-penalty", "1"}),
      "coverage-penalty: '" + at("blind") + "' has no attention to cover with", 2);
  EXPECT_THAT(translator({"translate", "-r", run, "red cat", "--beam", "2", "--coverage-penalty", "1"}).err,
              HasSubstr("warning: --coverage-penalty is weighed against --length-penalty wu"));
  EXPECT_EQ(translator({"translate", "-r", run, "red cat", "--beam", "2", "--coverage-penalty", "1",
                        "--length-penalty", "wu"})
                .err,
            "");
  EXPECT_THAT(translator({"translate", "-r", run, "red gnu cat yak"}).err,
              HasSubstr("warning: the model does not know: gnu yak\n"));
  EXPECT_EQ(translator({"translate", "-r", run, "red cat"}).err, "");
  write(at("links"), std::string(150, '\n'));
  expect_failure(translator(train_command("never", {"--alignments", at("links")})),
                 "--alignments: does nothing without --guided-alignment, which is 0", 2);
  write(at("table.tsv"), "red cat\tchat rouge\nblack dog\tchien noir\n");
  EXPECT_THAT(translator({"translate", "-r", run, "-s", at("table.tsv")}).err, HasSubstr("has a tab"));
  EXPECT_THAT(translator({"evaluate", "--hypotheses", at("a.fr"), "-t", at("a.fr")}).err,
              HasSubstr("are the same lines"));
  write(at("empty.fr"), std::string(150, '\n'));
  EXPECT_THAT(translator({"evaluate", "--hypotheses", at("a.fr"), "-t", at("empty.fr")}).err,
              HasSubstr("150 of 150 references are empty"));
}

// A corpus knows its languages: another one beside it is a mistake.
TEST_F(Input, ACorpusOfOtherLanguagesIsRefused) {
  std::string table;
  for (int i = 0; i < 60; ++i) table += "cat " + std::to_string(i) + "\tchat " + std::to_string(i) + "\n";
  write(at("t.tsv"), table);
  ASSERT_EQ(translator({"prepare", at("t.tsv"), "-o", at("corpus"), "--source-language", "en",
                        "--target-language", "de", "--test", "5", "--valid", "5"})
                .exit_code,
            0);
  expect_failure(translator({"train", "--init-from", at("run"), "--corpus", at("corpus"), "-r", at("tuned"),
                             "--updates", "1"}),
                 "is en to de, and '" + at("run") + "' has fr as its target language");
  expect_failure(translator({"train", "--corpus", at("corpus"), "-r", at("new"), "--source-language", "it",
                             "--updates", "1", "--size", "tiny"}),
                 "is en to de, and an option has it as its source language");
}

// Weights that cannot be stored or used are named before something comes of them.
TEST_F(Input, WeightsThatOverflowAreNamed) {
  std::vector<std::string> command = train_command("large", {"--lr", "1e6", "--clip", "1e30", "--overwrite"});
  command = with(command, "--updates", "1");
  ASSERT_EQ(translator(command).exit_code, 0);
  expect_failure(translator({"export", "-r", at("large"), "-o", at("large16"), "--weights", "f16"}),
                 "more than f16 can hold: keep f32 or bf16");
  EXPECT_FALSE(std::filesystem::exists(at("large16/model.safetensors")));
}

// A run whose files do not belong together is named; what only its terms or scores lack leaves it usable.
TEST_F(Input, RunsWithDamagedFilesAreListed) {
  const auto copy = [&](const std::string& name) {
    std::filesystem::create_directories(at("many"));
    std::filesystem::copy(at("run"), at("many/" + name), std::filesystem::copy_options::recursive);
    return at("many/" + name);
  };
  ASSERT_EQ(translator({"evaluate", "-r", at("run"), "-s", at("a.en"), "-t", at("a.fr"), "--keep-scores",
                        "--beam", "3", "--beam-patience", "1", "--lengths", "2,9"})
                .exit_code,
            0);
  const auto scores = nlohmann::json::parse(content(at("run/scores.json")));
  EXPECT_EQ(scores["search"], "beam 3, patience 1");
  EXPECT_EQ(scores["by_length"][0]["bleu"], nullptr);  // no sentence of one word
  expect_failure(translator({"evaluate", "-r", at("run"), "-s", at("a.en"), "-t", at("a.fr"), "--keep-scores",
                             "--temperature", "1"}),
                 "--keep-scores", 2);
  write(copy("a") + "/scores.json", "");
  write(copy("b") + "/config.toml", "");
  write(copy("c") + "/data.json", "{");
  std::string config = content(copy("d") + "/config.toml");
  config.replace(config.find("lowercase = false"), 17, "lowercase = true");
  write(at("many/d/config.toml"), config);
  copy("e");
  std::filesystem::create_symlink("ring", at("many/ring"));  // no run
  const ProcessResult listed = translator({"models", at("many"), at("many"), "--json", at("models.json")});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  std::map<std::string, nlohmann::json> rows;
  const auto models = nlohmann::json::parse(content(at("models.json")));
  for (const auto& row : models["models"]) {
    const std::string name = row["name"];
    if (!name.starts_with("/")) continue;
    EXPECT_FALSE(rows.contains(name));
    rows[name] = row;
  }
  EXPECT_EQ(rows.size(), 5U);
  EXPECT_THAT(rows[at("many/a")].value("damage", ""), HasSubstr("is not the scores of a run"));
  EXPECT_TRUE(rows[at("many/b")].contains("problem"));
  EXPECT_THAT(rows[at("many/c")].value("damage", ""), HasSubstr("data.json"));
  EXPECT_FALSE(rows[at("many/d")].contains("bleu"));  // of another config
  EXPECT_TRUE(rows[at("many/e")].contains("bleu"));
  EXPECT_EQ(translator({"translate", "-r", at("many/a"), "red cat"}).exit_code, 0);
}

// The map that was chosen for a run is its copy's too; a choice that cannot be read stops the copy before it
// begins.
TEST_F(Input, WhatWasChosenForARunIsPassedOn) {
  models::write_attention_choice(at("run"), {{.layer = 0, .head = 0}, "back", 0.5, 10});
  for (const char* command : {"export", "quantize"}) {
    ASSERT_EQ(translator({command, "-r", at("run"), "-o", at(command)}).exit_code, 0);
    const auto kept = models::read_attention_choice(at(command));
    ASSERT_TRUE(kept) << command;
    EXPECT_EQ(kept->choice, (models::AttentionChoice{.layer = 0, .head = 0}));
    const std::string before = content(at(command) + "/model.safetensors");
    write(at("run/attention.json"), "{");
    expect_failure(translator({command, "-r", at("run"), "-o", at(command), "--overwrite"}),
                   "is not the choice of a run's attention");
    EXPECT_EQ(content(at(command) + "/model.safetensors"), before);
    expect_failure(translator({"evaluate", "-r", at("run"), "-s", at("a.en"), "-t", at("a.fr")}),
                   "is not the choice of a run's attention");
    EXPECT_EQ(translator({"translate", "-r", at("run")}, "a dog .\n").exit_code, 0);  // it needs no map
    models::write_attention_choice(at("run"), {{.layer = 0, .head = 0}, "back", 0.5, 10});
  }
  std::filesystem::remove(at("run/attention.json"));
}

// quantize writes what export does, and says what 8 bits cost where sentences are given.
TEST_F(Input, QuantizeSaysWhatItCosts) {
  const ProcessResult plain = translator({"quantize", "-r", at("run"), "-o", at("small")});
  EXPECT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("weights as int8"));
  ASSERT_EQ(translator({"export", "-r", at("run"), "-o", at("exported"), "--weights", "int8"}).exit_code, 0);
  EXPECT_EQ(content(at("small/model.safetensors")), content(at("exported/model.safetensors")));
  expect_failure(translator({"quantize", "-r", at("run"), "-o", at("small")}), "exists already (--overwrite");
  write(at("one.fr"), "un\n");  // sentences are read before anything is written
  expect_failure(
      translator({"quantize", "-r", at("run"), "-o", at("never"), "-s", at("a.en"), "-t", at("one.fr")}),
      "line");
  EXPECT_FALSE(std::filesystem::exists(at("never")));
  const ProcessResult measured =
      translator({"quantize", "-r", at("run"), "-o", at("small"), "--overwrite", "-s", at("a.en"), "-t",
                  at("a.fr"), "--beam", "2", "--threads", "1", "--json", at("q.json")});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("of 150 translations differ"));
  const auto report = nlohmann::json::parse(content(at("q.json")));
  EXPECT_LT(report["bytes"], report["bytes_before"]);
  const ProcessResult scored = translator({"evaluate", "-r", at("small"), "-s", at("a.en"), "-t", at("a.fr"),
                                           "--beam", "2", "--threads", "1", "--json", at("e.json")});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  const auto evaluated = nlohmann::json::parse(content(at("e.json")));
  EXPECT_EQ(report["bleu_13a"][1], evaluated["bleu_13a"]);
  EXPECT_EQ(report["chrf2"][1], evaluated["chrf2"]);
  const ProcessResult again = translator({"quantize", "-r", at("small"), "-o", at("smaller")});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("nothing is saved: '" + at("small") + "' is as small already"));
  expect_failure(translator({"quantize", "-r", at("run"), "-o", at("other"), "-s", at("a.en")}), "--target",
                 2);
  EXPECT_FALSE(std::filesystem::exists(at("other")));
}

// Files of two runs in one folder are named, where each of them is whole.
TEST_F(Input, FilesOfAnotherRunAreNamed) {
  const std::filesystem::path box = HEED_SOURCE_DIR "/translators";
  const auto copy = [&](const std::string& name) {
    std::filesystem::copy(box / "en-fr", at(name), std::filesystem::copy_options::recursive);
    return std::filesystem::path(at(name));
  };
  const auto other = copy("mixed");
  std::filesystem::copy_file(box / "en-de/source.spm", other / "source.spm",
                             std::filesystem::copy_options::overwrite_existing);
  expect_failure(translator({"translate", "-r", other.string(), "I am a student."}),
                 "source.spm' does not belong to '" + (other / "source.vocab").string() + "': it has ");
  const auto swapped = copy("swapped");
  std::string lines = content(swapped / "source.vocab");
  const size_t a = lines.find('\n', 100) + 1, b = lines.find('\n', a) + 1, c = lines.find('\n', b) + 1;
  write(swapped / "source.vocab",
        lines.substr(0, a) + lines.substr(b, c - b) + lines.substr(a, b - a) + lines.substr(c));
  expect_failure(translator({"translate", "-r", swapped.string(), "I am a student."}),
                 "differ, and the model has one vocabulary for both sides");
}

// Weights whose products overflow give no probabilities.
TEST_F(Input, NaNInThePlaceOfProbabilitiesIsAnError) {
  std::filesystem::copy(at("run"), at("overflown"), std::filesystem::copy_options::recursive);
  const std::string file = at("overflown/model.safetensors");
  SafetensorsFile weights = load_safetensors(file);
  NamedTensors larger;
  for (const auto& [name, value] : weights.tensors) {
    const double most = std::max(1e-3, amax(abs(value.to(DType::f64))).item());
    larger.emplace_back(name, (value.to(DType::f64) * (3e38 / most)).to(DType::f32));
  }
  save_safetensors(file, larger, weights.metadata);
  for (const char* beam : {"1", "3"}) {
    expect_failure(translator({"translate", "-r", at("overflown"), "red cat", "--beam", beam}),
                   "the model gives NaN in the place of probabilities");
  }
}

}  // namespace
}  // namespace heed
