// JSON of files: values that lie too deep in one another, and numbers that are none of a count.
#include "models/text/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/corpus/corpus_folder.h"
#include "models/import/keys.h"
#include "models/run/attention_choice.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/run/history.h"
#include "models/run/scores.h"
#include "models/run/translation.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, DepthIsThatOfOpenBrackets) {
  EXPECT_FALSE(nests_too_deeply(nested(200)));
  EXPECT_TRUE(nests_too_deeply(nested(201)));
  EXPECT_FALSE(nests_too_deeply('[' + nested(150) + ',' + nested(150) + ']'));
  EXPECT_FALSE(nests_too_deeply('"' + nested(300) + '"'));
  EXPECT_TRUE(nests_too_deeply("\"\\\"\"" + nested(300)));
  EXPECT_TRUE(parse_json(nested(201)).is_discarded());
  EXPECT_TRUE(parse_json(nested(200)).is_array());
}

TEST(Json, WholeNumbersAreWhole) {
  EXPECT_EQ(whole_number(7, 0, 9), 7);
  for (const nlohmann::json& value : {nlohmann::json(10), nlohmann::json(-1), nlohmann::json(7.0),
                                      nlohmann::json(1e300), nlohmann::json("7"), nlohmann::json(nullptr)})
    EXPECT_EQ(whole_number(value, 0, 9), std::nullopt) << value;
  EXPECT_EQ(whole_number(UINT64_MAX, INT64_MIN, INT64_MAX), std::nullopt);
  EXPECT_EQ(whole_number(INT64_MIN, INT64_MIN, INT64_MAX), INT64_MIN);
}

// A hundred thousand brackets: nlohmann/json parses them, and whoever copies or writes them ends by a signal.
TEST(Json, DeepValuesAreRefusedByEveryReader) {
  const std::string deep = nested(100000);
  const TempDir folder;
  const auto put = [&](const char* name, const std::string& text) {
    write_file_atomically(folder / name, text);
  };
  put(run_files::kData,
      R"({"format": "heed.data", "source": {"path": null, "lines": 1, "fingerprint": "", "x": )" + deep +
          R"(}, "target": {"path": null, "lines": 1, "fingerprint": ""}, "valid_source": )" +
          R"({"path": null, "lines": 1, "fingerprint": ""}, "valid_target": )" +
          R"({"path": null, "lines": 1, "fingerprint": ""}})");
  EXPECT_THROW(run_data_to_pass_on(folder.path()), FormatError);
  put(run_files::kData, R"({"format": )" + deep + "}");
  EXPECT_THROW(files_of_run(folder.path()), FormatError);
  put(run_files::kScores, R"({"format": )" + deep + "}");
  EXPECT_THROW(read_scores(folder.path()), FormatError);
  put(run_files::kAttention, R"({"format": )" + deep + "}");
  EXPECT_THROW(read_attention_choice(folder.path()), FormatError);
  put(run_files::kMetrics, R"({"update": )" + deep + "}\n{\"update\": 1}\n");
  EXPECT_EQ(read_history(folder.path()).broken_line, 1);
  EXPECT_THROW(parse_corpus_json(R"({"format": )" + deep + "}", "corpus.json"), FormatError);
  EXPECT_THROW(parse_translation(R"({"format": )" + deep + "}", "records", 1), FormatError);
  EXPECT_THROW(JsonKeys(R"({"a": )" + deep + "}", "config.json"), FormatError);
}

// Each was converted, which no C++ program may do with 1e300, or cut down to another number.
TEST(Json, CountsThatAreNoneAreRefused) {
  const TempDir folder;
  write_file_atomically(folder / run_files::kConfig, "format = \"heed.run\"\n");
  write_scores(folder.path(), {.test = "test.fr",
                               .sentences = 1000031,
                               .search = "beam 5",
                               .bleu = 12.5,
                               .chrf = 33,
                               .by_length = {{1000041, 1000051, 1000021, 11}}});
  write_attention_choice(
      folder.path(),
      {.choice = {.layer = 1000071, .head = 1000081}, .reverse = "back", .sentences = 1000091});
  ASSERT_TRUE(read_scores(folder.path()) && read_attention_choice(folder.path()));
  const auto refuse = [&](const char* file, const std::string& number, const auto& read) {
    const std::string whole = read_file(folder / file);
    ASSERT_NE(whole.find(number), std::string::npos) << number;
    for (const char* other :
         {"1e300", "-1e300", "18446744073709551615", "4294967296000000000000", "-2", "0.5"}) {
      std::string changed = whole;
      write_file_atomically(folder / file, changed.replace(whole.find(number), number.size(), other));
      EXPECT_THROW(read(folder.path()), FormatError) << number << " is " << other;
    }
    write_file_atomically(folder / file, whole);
  };
  for (const char* number : {"1000031", "1000041", "1000051", "1000021"})
    refuse(run_files::kScores, number, read_scores);
  for (const char* number : {"1000071", "1000081", "1000091"})
    refuse(run_files::kAttention, number, read_attention_choice);
}

}  // namespace
}  // namespace heed::models
