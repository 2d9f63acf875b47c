// heatmap as a user runs it, on records that a test writes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "framework/io/file.h"
#include "models/run/translation.h"
#include "tests/testing/process.h"
#include "tests/testing/temp_dir.h"

namespace heed {

class HeatmapProcess : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return dir_ / name; }
  std::string write(const std::string& name, const std::vector<models::Translation>& records) const {
    std::string text;
    for (const models::Translation& record : records) text += to_json_line(record) + "\n";
    write_file_atomically(path(name), text);
    return path(name);
  }
  static ProcessResult run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), HEED_BIN_DIR "/heatmap");
    return run_process(arguments, input);
  }
  // The file that heatmap makes of records, without a message.
  std::string drawn(const std::vector<models::Translation>& records, const std::string& output,
                    const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"--records", write("r.jsonl", records), "-o", path(output)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.exit_code == 0 ? read_file(path(output)) : "";
  }
  void expect_failure(const std::vector<std::string>& arguments, int code, const std::string& message) const {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, testing::StartsWith("heatmap: "));
    EXPECT_THAT(result.err, testing::HasSubstr(message));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  }
  TempDir dir_;
};

}  // namespace heed
