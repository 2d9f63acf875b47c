// Compiles a learner's file, links it with the check of its exercise, and runs that.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::learn {

/// How a learner's file is compiled, as the build wrote it (course.txt of apps/learn/CMakeLists.txt).
struct Toolchain {
  std::string compiler;
  std::vector<std::string> flags;
  std::filesystem::path format;                // of fmt, which checks call
  std::filesystem::path library;               // libheed_course.so
  std::vector<std::filesystem::path> objects;  // a check each: .../01_softmax.cpp.o

  /// @throws IoError, FormatError
  static Toolchain read(const std::filesystem::path& file);
  /// @return the check's object of an exercise
  /// @throws ValueError for an exercise that the build did not know
  std::filesystem::path object_of(const std::string& exercise) const;
};

/// How a child process ended.
struct Ended {
  int code = 0;           // exit code; -1 if a signal ended it
  int signal = 0;         // the signal
  bool too_long = false;  // it was ended at its time limit
  double seconds = 0;
};

/// Runs a program and waits. A ^C ends it as well.
/// @param arguments the program first
/// @param output a file for what it writes to both streams; empty: where this program writes
/// @param limit seconds; 0: none
Ended run_program(const std::vector<std::string>& arguments, const std::filesystem::path& output,
                  double limit);

/// The same for a program that may write without end: what it writes to both streams is written on to
/// standard output, up to a size, and ends with a line end.
/// @param most bytes that are written on at once; of the rest the last lines, and how much is left out
Ended run_shown(const std::vector<std::string>& arguments, double limit, size_t most = 50'000);

/// A learner's file, compiled and linked with the check of its exercise.
struct Built {
  std::filesystem::path program;
  std::string errors;   // what is wrong with the file, in a few lines; empty when nothing is
  std::string warning;  // the compiler's first, a line; may be empty
};

/// Compiles and links.
/// @param source the learner's file
/// @param scratch folder for what is made
Built build_answer(const Toolchain& tools, const std::string& exercise, const std::filesystem::path& source,
                   const std::filesystem::path& scratch);

}  // namespace heed::learn
