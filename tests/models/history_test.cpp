// What a run's metrics.jsonl tells: order, resumed runs, lines that are no records.
#include "models/run/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/io/file.h"
#include "tests/testing/temp_dir.h"

namespace heed::models {
namespace {

using testing::ElementsAre;

std::string report(int update, double loss) {
  return R"({"update":)" + std::to_string(update) + R"(,"epoch":1,"loss":)" + std::to_string(loss) +
         R"(,"lr":0.001,"tokens_per_second":100.0,"skipped":0,"seconds":)" + std::to_string(update / 10.0) +
         "}\n";
}
std::string validation(int update, double bleu, bool best, int averaged = 0) {
  return R"({"update":)" + std::to_string(update) + R"(,"epoch":1,"validation_bleu":)" +
         std::to_string(bleu) + R"(,"validation_loss":2.5,"best":)" + (best ? "true" : "false") +
         R"(,"averaged":)" + std::to_string(averaged) + R"(,"seconds":1.5})" + "\n";
}

TrainingHistory history_of(const std::string& text) {
  const TempDir folder;
  write_file_atomically(folder.path() / "metrics.jsonl", text);
  return read_history(folder.path());
}

std::vector<int64_t> updates_of(const TrainingHistory& history) {
  std::vector<int64_t> updates;
  for (const TrainingRecord& record : history.records) updates.push_back(record.update);
  return updates;
}

TEST(TrainingHistory, HoldsReportsAndValidationsInTheirOrder) {
  const TrainingHistory history = history_of(report(5, 4) + report(10, 3) + validation(10, 7, true) +
                                             report(15, 2) + validation(15, 6, false));
  EXPECT_THAT(updates_of(history), ElementsAre(5, 10, 10, 15, 15));
  EXPECT_EQ(history.broken_line, 0);
  EXPECT_EQ(history.repeated, 0);
  const TrainingRecord& first = history.records[0];
  EXPECT_FALSE(first.validation);
  EXPECT_EQ(first.epoch, 1);
  EXPECT_EQ(first.seconds, 0.5);
  EXPECT_EQ(first.value("loss"), 4);
  EXPECT_EQ(first.value("lr"), 0.001);
  EXPECT_EQ(first.value("validation_bleu"), std::nullopt);
  ASSERT_NE(history.best(), nullptr);
  EXPECT_EQ(history.best()->update, 10);
  EXPECT_EQ(history.best()->value("validation_bleu"), 7);
}

TEST(TrainingHistory, TheLaterReportOfAResumedTrainingCounts) {
  const TrainingHistory history = history_of(report(5, 4) + report(10, 3) + validation(10, 7, true) +
                                             report(15, 2) + report(10, 3.5) + validation(10, 8, true));
  EXPECT_THAT(updates_of(history), ElementsAre(5, 10, 10));
  EXPECT_EQ(history.records[1].value("loss"), 3.5);
  EXPECT_EQ(history.best()->value("validation_bleu"), 8);
  EXPECT_EQ(history.repeated, 3);
}

TEST(TrainingHistory, AMeanAtTheEndRepeatsNothing) {
  const TrainingHistory history =
      history_of(report(10, 3) + validation(10, 7, true) + validation(10, 9, true, 4));
  EXPECT_EQ(history.records.size(), 3U);
  EXPECT_EQ(history.repeated, 0);
  EXPECT_EQ(history.best()->averaged, 4);
}

TEST(TrainingHistory, NamesTheFirstLineThatIsNoRecord) {
  for (const std::string odd : {"{\"update\":3,\n", "[1]\n", "null\n", "{\"update\":\"three\"}\n", "{}\n",
                                "\n", "{\"update\":0}\n", "{\"update\":-1}\n"}) {
    const TrainingHistory history = history_of(report(5, 4) + odd + odd + report(10, 3));
    EXPECT_EQ(history.broken_line, 2) << odd;
    EXPECT_THAT(updates_of(history), ElementsAre(5, 10)) << odd;
  }
}

TEST(TrainingHistory, ALossThatWasNullIsAbsentAndALineBeingWrittenIsLeftOut) {
  const TrainingHistory history =
      history_of(report(5, 4) + "{\"update\":10,\"loss\":null,\"lr\":0.5}\n{\"update\":15,\"lo");
  EXPECT_THAT(updates_of(history), ElementsAre(5, 10));
  EXPECT_EQ(history.broken_line, 0);
  EXPECT_EQ(history.records[1].value("loss"), std::nullopt);
  EXPECT_EQ(history.records[1].value("lr"), 0.5);
}

TEST(TrainingHistory, IsEmptyWithoutReports) {
  EXPECT_TRUE(history_of("").records.empty());
  EXPECT_TRUE(read_history(TempDir().path()).records.empty());
  EXPECT_EQ(history_of(report(5, 4)).best(), nullptr);
}

}  // namespace
}  // namespace heed::models
