#include "apps/translator/experiment/table.h"

#include "apps/translator/experiment/chart.h"

namespace heed::apps {

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') {
      cell += "\\|";
    } else if (c == '<') {
      cell += "&lt;";
    } else {
      cell += c == '\n' ? ' ' : c;
    }
  }
  return cell;
}

std::string markdown(const Table& table) {
  std::string text = "|", rule = "|";
  for (const std::string& head : table.head) {
    text += " " + markdown_cell(head) + " |";
    rule += "---|";
  }
  text += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    text += "|";
    for (const std::string& cell : row) text += " " + markdown_cell(cell) + " |";
    text += "\n";
  }
  return text;
}

std::string html(const Table& table) {
  std::string text = "<table><thead><tr>";
  for (const std::string& head : table.head) text += "<th>" + escape_xml(head) + "</th>";
  text += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (const std::string& cell : row) text += "<td>" + escape_xml(cell) + "</td>";
    text += "</tr>";
  }
  return text + "</tbody></table>\n";
}

std::string page_head(const std::string& title, const std::string& style) {
  return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         escape_xml(title) +
         "</title><style>body{font-family:sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
         "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
         "th,td{border:1px solid #ccc;padding:.3rem "
         ".6rem;text-align:left;vertical-align:top}th{background:#f4f4f4}svg{max-width:100%;height:auto}" +
         style + "</style></head><body>";
}

}  // namespace heed::apps
