// translator as a user runs it, and what its tests look at.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/testing/process.h"

namespace heed {

inline const std::string kTranslator = HEED_BIN_DIR "/translator";

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline ProcessResult translator(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), kTranslator);
  return run_process(arguments, input);
}

/// The command with another value of an option that stands in it.
inline std::vector<std::string> with(std::vector<std::string> command, const std::string& option,
                                     const std::string& value) {
  for (size_t i = 0; i + 1 < command.size(); ++i) {
    if (command[i] == option) command[i + 1] = value;
  }
  return command;
}

inline void expect_failure(const ProcessResult& result, const std::string& message, int code = 1) {
  EXPECT_EQ(result.exit_code, code) << result.err;
  EXPECT_THAT(result.err, testing::AllOf(testing::StartsWith("translator: "), testing::HasSubstr(message)));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

/// A suite of tests with a folder that holds a small built-in corpus in `corpus`.
class WithCorpus : public testing::Test {
 protected:
  static void make_corpus(int train, int validation, int test) {
    dir_ = std::make_unique<TempDir>();
    ASSERT_EQ(translator({"corpus", "-o", at("corpus"), "--train", std::to_string(train), "--validation",
                          std::to_string(validation), "--test", std::to_string(test)})
                  .exit_code,
              0);
  }
  static void TearDownTestSuite() { dir_.reset(); }
  static std::string at(const std::string& name) { return *dir_ / name; }

  static inline std::unique_ptr<TempDir> dir_;  // of the suite that runs
};

}  // namespace heed
