// translator import as a user runs it, and everything that works on a run on the run that it makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/translator_process.h"
#include "tests/models/marian_fixture.h"
#include "tests/testing/temp_dir.h"

namespace heed {
namespace {

using models::MarianFixture;
using testing::HasSubstr;

TEST(ImportCommand, MakesARunThatEverythingWorksOn) {
  const TempDir dir;
  models::write_hugging_face(dir / "hf", MarianFixture());
  const std::string run = dir / "run";
  const ProcessResult made = translator({"import", dir / "hf", "-o", run, "--json", dir / "import.json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out,
              HasSubstr("Hugging Face Marian: Transformer 2+2, 8 wide, 2 heads, 0.0 million parameters, "
                        "vocabularies of 12 and 12\n"));
  EXPECT_THAT(made.out,
              HasSubstr("a sentence begins with the language that it is to be translated into: >>xx<<\n"));
  EXPECT_THAT(made.out, HasSubstr("its makers translate with --beam 4 --length-penalty average --alpha 1\n"));
  EXPECT_EQ(nlohmann::json::parse(content(dir / "import.json")).at("target_vocabulary"), 12);
  // translate, with records and pictures of every map
  write(dir / "test.en", ">>xx<< a b\nc\n\nb a c\n");
  write(dir / "test.de", "b a\nc\n\na b c\n");
  for (const char* beam : {"1", "4"}) {
    const ProcessResult written =
        translator({"translate", "-r", run, "-s", dir / "test.en", "-o", dir / "test.out", "--records",
                    dir / "test.jsonl", "--self-attention", "--beam", beam});
    ASSERT_EQ(written.exit_code, 0) << written.err;
    EXPECT_EQ(std::ranges::count(content(dir / "test.out"), '\n'), 4);
    EXPECT_THAT(content(dir / "test.out"), testing::Not(HasSubstr("<unk>")));
    EXPECT_THAT(content(dir / "test.out"), testing::Not(HasSubstr("\xE2\x96\x81")));
  }
  const ProcessResult picture = run_process(
      {HEED_BIN_DIR "/heatmap", "--records", dir / "test.jsonl", "--line", "1", "-o", dir / "map.svg"}, "");
  EXPECT_EQ(picture.exit_code, 0) << picture.err;
  EXPECT_THAT(content(dir / "map.svg"), HasSubstr("&gt;&gt;xx&lt;&lt;"));
  // align, evaluate, an ensemble
  const ProcessResult aligned =
      translator({"align", "-r", run, "-s", dir / "test.en", "-t", dir / "test.de"});
  EXPECT_EQ(aligned.exit_code, 0) << aligned.err;
  EXPECT_EQ(std::ranges::count(aligned.out, '\n'), 4);
  const ProcessResult scored =
      translator({"evaluate", "-r", run, "-r", run, "-s", dir / "test.en", "-t", dir / "test.de"});
  EXPECT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_THAT(scored.out, HasSubstr("4 sentences"));
  // a language that it does not have
  expect_failure(translator({"translate", "-r", run}, ">>fr<< a\n"),
                 "'>>fr<<' is no target language of the model, which has >>xx<<");
  // it stays, unless it is to be replaced
  expect_failure(translator({"import", dir / "hf", "-o", run}), "exists already");
  expect_failure(translator({"import", dir / "hf", "-o", dir / "run/../hf", "--overwrite"}),
                 "hf' is also what it is made from (the model)");
  EXPECT_EQ(translator({"import", dir / "hf", "-r", run, "--overwrite", "--weights", "bf16",
                        "--source-language", "en", "--target-language", "zh"})
                .exit_code,
            0);
  EXPECT_THAT(translator({"evaluate", "-r", run, "-s", dir / "test.en", "-t", dir / "test.de"}).out,
              testing::Not(HasSubstr("tok:13a")));  // by character
  expect_failure(translator({"import", dir / "hf", "-r", dir / "never", "--source-language", "English"}),
                 "--source-language", 2);
  EXPECT_EQ(translator({"translate", "-r", run}, "a b\n").exit_code, 0);
}

TEST(ImportCommand, TrainsOnFromARun) {
  const TempDir dir;
  models::write_marian(dir / "m", MarianFixture());
  ASSERT_EQ(translator({"import", dir / "m", "-o", dir / "run"}).exit_code, 0);
  std::string source, target;
  for (int i = 0; i < 12; ++i) {
    source += "a b c\nb c\nc a\n";
    target += "c b a\nc b\na c\n";
  }
  write(dir / "train.en", source);
  write(dir / "train.de", target);
  write(dir / "valid.en", "a b\nb c\n");
  write(dir / "valid.de", "b a\nc b\n");
  const std::vector<std::string> command{"train",
                                         "-s",
                                         dir / "train.en",
                                         "-t",
                                         dir / "train.de",
                                         "--valid-source",
                                         dir / "valid.en",
                                         "--valid-target",
                                         dir / "valid.de",
                                         "--init-from",
                                         dir / "run",
                                         "-r",
                                         dir / "tuned",
                                         "--updates",
                                         "30",
                                         "--validate-every",
                                         "10",
                                         "--lr",
                                         "0.003",
                                         "--schedule",
                                         "linear",
                                         "--dropout",
                                         "0"};
  const ProcessResult tuned = translator(command);
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_EQ(content(dir / "tuned" / "target.vocab"), content(dir / "run" / "target.vocab"));
  EXPECT_THAT(content(dir / "tuned" / "config.toml"),
              testing::AllOf(HasSubstr("lr = 0.003"), HasSubstr("decoder_start = 'zero'"),
                             HasSubstr("whole_lines = true")));
  EXPECT_EQ(translator({"translate", "-r", dir / "tuned"}, "a b\n").exit_code, 0);
  EXPECT_EQ(translator({"train", "-r", dir / "tuned", "--resume"}).exit_code, 0);
  const auto more = [&](std::vector<std::string> options) {
    std::vector<std::string> all = with(command, "-r", dir / "other");
    all.insert(all.end(), options.begin(), options.end());
    return translator(all);
  };
  expect_failure(more({"--heads", "4"}),
                 "init-from: --heads is not what '" + (dir / "run").string() + "' has");
  expect_failure(more({"--subwords", "bpe"}), "init-from: --subwords is not what");
  for (const char* overwrite : {"", "--overwrite"}) {
    std::vector<std::string> onto_itself = with(command, "-r", dir / "run");
    if (*overwrite) onto_itself.emplace_back(overwrite);
    expect_failure(translator(onto_itself), "run' is also what it is made from (--init-from)");
  }
  // where the training has begun already, the same command with --resume goes on
  std::vector<std::string> again = command;
  again.emplace_back("--resume");
  EXPECT_EQ(translator(again).exit_code, 0);
  expect_failure(more({"--resume"}), "is not a run");
  expect_failure(translator(with(command, "--init-from", dir / "none")), "exists already");
  expect_failure(translator(with(with(command, "-r", dir / "new"), "--init-from", dir / "none")),
                 "there is no run");
}

TEST(ImportCommand, BadInputIsOneClearLine) {
  const TempDir dir;
  const std::string run = dir / "run";
  for (const auto& [type, family] :
       {std::pair("bart", "BART"), std::pair("t5", "T5"), std::pair("m2m_100", "M2M-100 and NLLB")}) {
    MarianFixture fixture;
    fixture.config["model_type"] = type;
    models::write_hugging_face(dir / type, fixture);
    expect_failure(
        translator({"import", dir / type, "-o", run}),
        std::string("model_type is '") + type + "': models of the family " + family + " are not read");
  }
  expect_failure(translator({"import", dir / "no", "-o", run}), "import: there is no '");
  make_folder(dir / "empty");
  expect_failure(translator({"import", dir / "empty", "-o", run}),
                 "it is none of CTranslate2 (model.bin), Marian (");
  models::write_ctranslate2(dir / "ct", MarianFixture());
  write(dir / "ct" / "model.bin", content(dir / "ct" / "model.bin").substr(0, 1000));
  expect_failure(translator({"import", dir / "ct", "-o", run}), "import 'model.bin': the file is cut off");
  models::write_marian(dir / "m", MarianFixture());
  write(dir / "m" / "model.npz", "PK");
  expect_failure(translator({"import", dir / "m", "-o", run}), "import 'model.npz': it is no zip archive");
  EXPECT_EQ(translator({"import", dir / "m"}).exit_code, 2);
  EXPECT_EQ(translator({"import", dir / "m", "-o", run, "--arithmetic", "mine"}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(dir / "run" / "config.toml"));
}

TEST(ImportCommand, NamesAModelThatIsProbablyBroken) {
  const TempDir dir;
  MarianFixture fixture;
  fixture.at("final_logits_bias").data<float>()[4] = 50;
  models::write_hugging_face(dir / "hf", fixture);
  const ProcessResult made = translator({"import", dir / "hf", "-o", dir / "run"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(
      made.out,
      HasSubstr("note: it says one word twenty times for every test sentence: it is probably broken"));
  write(dir / "test.en", "a b c a b c a b c a b c a b c\nc b a c b a\n");
  write(dir / "test.de", "c\nc\n");
  const ProcessResult scored =
      translator({"evaluate", "-r", dir / "run", "-s", dir / "test.en", "-t", dir / "test.de"});
  EXPECT_THAT(scored.err, HasSubstr("the model says one word again and again for every sentence"));
}

}  // namespace
}  // namespace heed
