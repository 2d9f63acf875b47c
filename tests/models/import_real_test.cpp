// A real model of another program: Arabic to Latin transliteration (CTranslate2's model.bin, MIT), in the
// folder that HEED_DATA names. Strings and scores are the expectations of CTranslate2's own tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "models/decoding/forced.h"
#include "models/import/import.h"
#include "models/run/translator.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

// The characters of a text with spaces between them.
std::string spaced(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (!result.empty() && (static_cast<unsigned char>(c) & 0xC0) != 0x80) result += ' ';
    result += c;
  }
  return result;
}

class Transliteration : public testing::Test {
 protected:
  void SetUp() override {
    const char* const data = std::getenv("HEED_DATA");
    const std::filesystem::path folder = std::filesystem::path(data ? data : "") / "aren_transliteration";
    if (!data || !std::filesystem::exists(folder / "model.bin"))
      GTEST_SKIP() << "HEED_DATA has no aren_transliteration";
    report_ = import_run(folder, dir_ / "run");
  }
  TempDir dir_;
  ImportReport report_;
};

TEST_F(Transliteration, HasTheScoresOfItsProgram) {
  struct Expected {
    const char *source, *target;
    std::vector<double> scores;  // of each token, the end last
  };
  const std::vector<Expected> all{
      {"آتزمون", "atzmon", {-0.106023, -0.065410, -0.056002, -0.447953, -0.230714, -0.092184, -0.063463}},
      {"آتشيسون",
       "achison",
       {-0.072660, -0.300309, -0.181187, -0.395671, -0.025631, -0.123466, -0.002034, -0.012639}},
      {"آرباكه", "arbake", {-0.103136, -0.089504, -0.063889, -0.007327, -0.452072, -0.060154, -0.016636}},
      {"آرثر", "arther", {-0.076704, -0.036037, -0.029253, -0.030273, -0.149276, -0.002440, -0.003742}}};
  const LoadedRun run = load_run(dir_ / "run");
  size_t compared = 0;
  for (const Expected& expected : all) {
    const auto words = [](const std::string& text) {
      std::vector<std::string> result;
      for (const Token& token : tokenize(spaced(text), {.tokenizer = Tokenizer::none}))
        result.push_back(token.text);
      return result;
    };
    const std::vector<EncodedPair> pair{
        {encode_source(run.source, words(expected.source)), run.target.encode(words(expected.target)).ids}};
    const NoGradGuard no_grad;
    const auto scores =
        run.model->forced(make_batch(pair, std::vector<int64_t>{0})).log_probabilities.to_vector<float>();
    ASSERT_EQ(scores.size(), expected.scores.size());
    for (size_t i = 0; i < scores.size(); ++i, ++compared)
      EXPECT_NEAR(scores[i], expected.scores[i], 1e-5) << expected.target << " " << i;
  }
  EXPECT_EQ(compared, 29U);
}

TEST_F(Transliteration, WritesWhatItsProgramWrites) {
  EXPECT_EQ(report_.kind, "CTranslate2");
  EXPECT_EQ(report_.parameters, 182731);
  EXPECT_EQ(report_.model, "Transformer 6+6, 32 wide, 8 heads");
  EXPECT_EQ(report_.source_vocabulary, 51);
  EXPECT_EQ(report_.target_vocabulary, 43);
  const Translator translator(load_run(dir_ / "run"));
  const std::vector<std::string> sources{spaced("آتزمون"), spaced("آزا"), spaced("محمد"), spaced("لندن")};
  const std::vector<std::string> targets{"a t z m o n", "a z z a", "m a h m a d", "l e n d e n"};
  const std::vector<double> scores{-1.06175, -0.75456, -2.11133, -1.16494};
  const std::vector<Translation> written = translator.translate(sources);
  for (size_t i = 0; i < sources.size(); ++i) {
    EXPECT_EQ(written[i].target.text, targets[i]);
    EXPECT_NEAR(written[i].score, scores[i], 2e-5);
    EXPECT_FALSE(written[i].source.tokens.back().eos);  // its sources have no end mark
  }
  // cross-attention of the last layer, head 0, where it writes the t of atzmon
  for (const AttentionWeights& map : written[0].attention) {
    if (map.layer != 5 || map.head != 0) continue;
    const std::vector<float> wanted{.05F, .13F, .77F, .04F, .00F, .01F};
    EXPECT_THAT(map.weights[1], testing::Pointwise(testing::FloatNear(0.005F), wanted));
  }
  EXPECT_EQ(written[0].attention.size(), 48U);
}

}  // namespace
}  // namespace heed::models
