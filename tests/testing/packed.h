// Packed files for tests, made by libarchive in memory.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace heed {

using PackedMembers = std::vector<std::pair<std::string, std::string>>;  // name, content

namespace detail {

inline la_ssize_t append_packed(archive*, void* out, const void* data, size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<la_ssize_t>(size);
}

inline void require_packed(int result, archive* writer) {
  if (result != ARCHIVE_OK) throw std::runtime_error(archive_error_string(writer));
}

}  // namespace detail

/// An archive, or a stream where `format` is "raw" and there is one member. Filters: "", "gzip", "bzip2",
/// "xz", "zstd", "lz4", "lzma". A password makes an encrypted zip.
inline std::string packed(const std::string& format, const std::string& filter, const PackedMembers& members,
                          const std::string& password = "") {
  std::string bytes;
  archive* const writer = archive_write_new();
  const auto require = [&](int result) { detail::require_packed(result, writer); };
  require(format == "raw" ? archive_write_set_format_raw(writer)
                          : archive_write_set_format_by_name(writer, format.c_str()));
  if (!filter.empty()) require(archive_write_add_filter_by_name(writer, filter.c_str()));
  archive_write_set_bytes_in_last_block(writer, 1);
  if (!password.empty()) {
    require(archive_write_set_options(writer, "zip:encryption=traditional"));
    require(archive_write_set_passphrase(writer, password.c_str()));
  }
  require(archive_write_open(writer, &bytes, nullptr, detail::append_packed, nullptr));
  for (const auto& [name, content] : members) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    const bool folder = name.ends_with('/');
    archive_entry_set_filetype(entry, folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    if (!folder) archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    require(archive_write_header(writer, entry));
    if (!folder &&
        archive_write_data(writer, content.data(), content.size()) != static_cast<la_ssize_t>(content.size()))
      throw std::runtime_error(archive_error_string(writer));
    archive_entry_free(entry);
  }
  require(archive_write_close(writer));
  archive_write_free(writer);
  return bytes;
}

/// "zip", or filter and format of a tar or stream: "tar.xz", "gz".
inline std::string packed_as(const std::string& ending, const PackedMembers& members) {
  static const std::vector<std::pair<std::string, std::string>> kFilters = {
      {"gz", "gzip"}, {"bz2", "bzip2"}, {"xz", "xz"}, {"zst", "zstd"}, {"lz4", "lz4"}, {"lzma", "lzma"}};
  if (ending == "zip") return packed("zip", "", members);
  if (ending == "tar") return packed("ustar", "", members);
  const bool tar = ending.starts_with("tar.");
  for (const auto& [name, filter] : kFilters) {
    if (ending == (tar ? "tar." + name : name)) return packed(tar ? "ustar" : "raw", filter, members);
  }
  throw std::runtime_error("no such format: " + ending);
}

}  // namespace heed
