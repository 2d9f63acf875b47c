// The exercises of the course, and how far a learner has come.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace heed::learn {

/// An exercise: a folder of apps/learn/exercises.
struct Exercise {
  std::string name;              // "01_softmax"
  std::string title;             // the first line of its lesson, "Softmax without overflow"
  std::filesystem::path folder;  // lesson.md, start.cpp, hints.txt
  std::filesystem::path solution;

  /// @return "1" for "01_softmax"
  std::string number() const;
  /// @return "softmax" for "01_softmax"
  std::string word() const;
};

/// All exercises in order.
/// @param source apps/learn
/// @throws IoError, FormatError
std::vector<Exercise> read_exercises(const std::filesystem::path& source);

/// The three hints of an exercise, the weakest first.
/// @throws FormatError unless hints.txt has three parts that begin with "## "
std::vector<std::string> read_hints(const Exercise& exercise);

/// How far a learner has come, in the file progress.json of the learner's folder.
class Progress {
 public:
  /// @param folder of the learner's files; need not exist
  /// @throws FormatError for a file that this program did not write
  explicit Progress(std::filesystem::path folder);
  void save() const;

  std::string current;                 // name of an exercise; "" at first
  std::set<std::string> passed, seen;  // seen: whose solution was opened before it passed
  std::map<std::string, int> hints;    // how many were shown

 private:
  std::filesystem::path file_;
};

}  // namespace heed::learn
