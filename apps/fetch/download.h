// A file from one of several addresses onto the disk, whole or not at all: resumed, checked, and put in its
// place when it is right.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "framework/core/error.h"
#include "models/corpus/published.h"

namespace heed::fetch {

/// No address gave the file.
struct Unreachable : IoError {
  using IoError::IoError;
};

/// An address to try, and what a right file is: one of these.
struct Source {
  std::string url;
  std::vector<models::FileAddress> right;  // bytes and sums; their urls do not matter
};

/// What is to be fetched and how.
struct DownloadOptions {
  std::string name;              // of the file; what it ends in says what its first bytes are
  std::filesystem::path folder;  // where it is put, made where it is not there
  std::vector<Source> sources;   // in order of trial
  std::string user_agent;
  double idle_seconds = 60;                          // as GetRequest
  std::function<void()> poll;                        // called often; what it throws ends the work
  std::function<void(uint64_t, uint64_t)> progress;  // bytes that are there, and in all (0: not known)
  std::function<void(const std::string&)> note;      // a line about what went wrong and is tried otherwise
};

/// Fetches a file into folder/name. While it comes it lies in NAME.part, which stays when the work ends in
/// between, and NAME.part.from says of where it is; the next call goes on with it if the server can. Where
/// the file lies there already it is checked and left.
/// @param options what and how
/// @return whether it was fetched; false: it was there
/// @throws Unreachable `cannot fetch 'dev.tgz': https://...: the server answers 404; ...`; IoError for a disk
///   that is full, for a file that is there and is not right; what `poll` throws
bool download(const DownloadOptions& options);

/// Why a file is none of those that are right; empty: it is one.
/// @param path of the file
/// @param right bytes and sums, of which one must fit
/// @param poll called often; what it throws ends the work
/// @throws IoError
std::string why_wrong(const std::filesystem::path& path, const std::vector<models::FileAddress>& right,
                      const std::function<void()>& poll);

}  // namespace heed::fetch
