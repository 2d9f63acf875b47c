// The files that a command reads and writes, checked before it works: nothing of the user's is overwritten,
// and a path that cannot be written is reported before an hour of training and not behind it.
#pragma once

#include <string>
#include <vector>

namespace heed::apps {

struct NamedPath {
  const char* option;  // "--json"
  std::string path;    // "" for an option that was not given; "-" for standard input or output
};

struct Files {
  std::vector<NamedPath> inputs, outputs;
  std::vector<std::string> runs;  // run folders read or written: their files are written by training alone
  // folders that the command makes when they are not there, and may empty when they are; an output may lie in
  // one
  std::vector<NamedPath> new_folders;
  std::vector<NamedPath> run_outputs;  // files of the runs that the command writes all the same
  // files and folders that the new folders are made from
  std::vector<NamedPath> sources;
};

/// Throws IoError naming the option when an output is an input, another output, a file of a run (these or any
/// other), a directory or not writable, when an input is a file of a run that will be made anew, when a
/// folder is or holds one of the sources, or cannot be made. Creates, opens and changes nothing. Of outputs
/// that are "-" there is one at most; say() then writes to standard error. Devices and pipes (/dev/null,
/// /dev/stdout) may be named as often as one likes.
void check_files(const Files& files);
/// Throws IoError naming the option for a path that lies in a corpus folder, whose files are its own.
/// @param folder the corpus folder, which need not be there
/// @param paths of what is written beside it
void require_outside_corpus(const std::string& folder, const std::vector<NamedPath>& paths);

}  // namespace heed::apps
