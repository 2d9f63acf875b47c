// Tables and pages of reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heed::apps {

/// A table that Markdown and HTML share.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};

/// Text as a cell of a table shows it: neither its end nor markup.
std::string markdown_cell(std::string_view text);
std::string markdown(const Table& table);
std::string html(const Table& table);

/// A page up to where its body begins, with the look of a report; it needs no other file.
/// @param title of the window
/// @param style rules of its own
std::string page_head(const std::string& title, const std::string& style = "");
constexpr const char* kPageEnd = "</body></html>\n";

}  // namespace heed::apps
