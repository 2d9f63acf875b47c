// Trained translators that come with heed: run folders that are called by their name alone, "en-fr".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace heed::models {

/// Where they are looked for, the first folder that has a name first: the folders of the environment variable
/// HEED_TRANSLATORS (separated by colons), share/heed/translators beside the program's bin, `translators` in
/// the source tree that the program was built in, and where heed was installed.
/// @return those that exist
std::vector<std::filesystem::path> box_folders();

/// @return the runs in these folders, sorted by name, each name once
std::vector<std::filesystem::path> box_runs();

/// What a run's name means: a path that exists is that path, and a name of the box its folder there.
/// @param name a path or a name
/// @return the folder; the name itself when it is neither, which load_run then refuses
std::filesystem::path find_run(const std::string& name);

/// What a run is called where nobody named it.
/// @param run its folder, which may end with a slash
/// @return the last part of the path
std::string name_of_run(const std::filesystem::path& run);

/// Throws unless there is a folder.
/// @param folder as find_run gives it
/// @throws IoError `there is no run 'en-xx' (the box has en-de, en-fr)`
void require_run(const std::filesystem::path& folder);

}  // namespace heed::models
