#include "apps/heatmap/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "framework/core/error.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"

namespace heed::heatmap {
namespace {

constexpr double kMargin = 16, kGap = 8;
constexpr double kLargestCell = 44, kSmallestCell = 22;
constexpr double kGridTarget = 760;  // a grid grows beyond this only when its cells are as small as they may be
constexpr double kTitleFont = 15, kCaptionFont = 11.5, kAxisFont = 13, kTickFont = 10.5;
constexpr double kBarWidth = 14, kSmallestBar = 60, kLargestBar = 320;
constexpr double kNarrowestTitle = 420;  // titles wrap here or at the width of the picture, whichever is wider
constexpr double kSlack = 1.04;          // fonts of other machines may be a little wider than the one measured

// What people see of a token: without entities, white space made visible, control characters gone.
std::string display(const models::TranslationToken& token) {
  std::string text;
  for (const char32_t c : models::code_points(models::unescape(token.text))) {
    if (models::is_space(c)) {
      text += "\xE2\x90\xA3";  // open box
    } else {
      models::append_utf8(text, c < 0x20 || (c >= 0x7F && c < 0xA0) ? U'\uFFFD' : c);
    }
  }
  return text.empty() ? "\xE2\x88\x85" : text;
}

// The tokens that are drawn, as indices.
std::vector<size_t> kept(const std::vector<models::TranslationToken>& tokens, const PictureOptions& options) {
  std::vector<size_t> indices;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (options.keep_eos || !tokens[i].eos) indices.push_back(i);
  if (options.max_tokens > 0 && indices.size() > static_cast<size_t>(options.max_tokens)) {
    indices.resize(static_cast<size_t>(options.max_tokens));
  }
  return indices;
}

std::vector<Label> labels_of(const std::vector<models::TranslationToken>& tokens, const std::vector<size_t>& indices) {
  std::vector<Label> labels;
  for (const size_t i : indices) {
    const auto style = tokens[i].eos ? LabelStyle::end_of_sentence : tokens[i].unk ? LabelStyle::unknown : LabelStyle::word;
    labels.push_back({display(tokens[i]), style});
  }
  return labels;
}

const models::AttentionWeights& choose(const models::Translation& record, const PictureOptions& options) {
  std::string there;
  for (const auto& map : record.attention) {
    if ((options.layer < 0 || map.layer == options.layer) && (options.head < 0 || map.head == options.head)) return map;
    there += fmt::format("{}layer {} head {}", there.empty() ? "" : ", ", map.layer, map.head);
  }
  const auto wanted = [](int n) { return n < 0 ? std::string("any") : std::to_string(n); };
  throw ValueError(
      fmt::format("no attention of layer {}, head {} in the record: it has {}", wanted(options.layer), wanted(options.head), there));
}

// Words of `text` in lines of at most `width`; a longer word has a line of its own.
std::vector<std::string> wrapped(std::string_view text, double font_size, double width, const Measure& measure) {
  std::vector<std::string> lines;
  for (const auto word : models::split_whitespace(text)) {
    std::string longer = lines.empty() ? std::string() : lines.back() + " ";
    longer += word;
    if (!lines.empty() && measure(longer, font_size).width * kSlack <= width) {
      lines.back() = longer;
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

PlacedText::Role role_of(LabelStyle style) {
  if (style == LabelStyle::end_of_sentence) return PlacedText::Role::end_of_sentence;
  return style == LabelStyle::unknown ? PlacedText::Role::unknown : PlacedText::Role::label;
}

struct Extent {
  double width = 0, height = 0;  // of the widest and of the tallest
};

Extent extent_of(const std::vector<Label>& labels, double font_size, const Measure& measure) {
  Extent extent;
  for (const auto& label : labels) {
    const Size size = measure(label.text, font_size);
    extent.width = std::max(extent.width, std::ceil(size.width * kSlack));
    extent.height = std::max(extent.height, std::ceil(size.height));
  }
  return extent;
}

}  // namespace

namespace {

// The mean of all maps, or of one layer's.
models::AttentionWeights mean_map(const models::Translation& record, int layer) {
  models::Translation part;
  part.source = record.source;
  for (const models::AttentionWeights& map : record.attention) {
    if (layer < 0 || map.layer == layer) part.attention.push_back(map);
  }
  if (part.attention.empty()) throw ValueError(fmt::format("the record has no layer {}", layer));
  return {layer, -1, models::mean_attention(part)};
}

}  // namespace

Picture make_picture(const models::Translation& record, const PictureOptions& options) {
  if (record.attention.empty()) throw ValueError(fmt::format("model '{}' has no attention to draw", record.model));
  const models::AttentionWeights map = options.mean ? mean_map(record, options.layer) : choose(record, options);
  const auto columns = kept(record.source.tokens, options), rows = kept(record.target.tokens, options);
  if (columns.empty() || rows.empty()) {
    throw ValueError(fmt::format("the {} has no words to draw", columns.empty() ? "source" : "output"));
  }
  Picture picture;
  picture.title = options.title.empty() ? record.model : options.title;
  const std::string what = !options.mean   ? fmt::format("layer {}, head {}", map.layer, map.head)
                           : map.layer < 0 ? fmt::format("mean of {} maps", record.attention.size())
                                           : fmt::format("layer {}, mean of its heads", map.layer);
  picture.caption = fmt::format("{} \xC2\xB7 score {:.2f}", what, record.score);
  if (record.attention.size() > 1 && !options.mean) picture.caption += fmt::format(" \xC2\xB7 1 of {} maps", record.attention.size());
  const auto cropped = [&](const char* name, size_t shown, const std::vector<models::TranslationToken>& tokens) {
    const auto all = static_cast<size_t>(std::ranges::count_if(tokens, [&](const auto& t) { return options.keep_eos || !t.eos; }));
    if (shown < all) picture.caption += fmt::format(" \xC2\xB7 first {} of {} {} tokens", shown, all, name);
  };
  cropped("source", columns.size(), record.source.tokens);
  cropped("output", rows.size(), record.target.tokens);
  picture.columns = labels_of(record.source.tokens, columns);
  picture.rows = labels_of(record.target.tokens, rows);
  for (const size_t t : rows) {
    auto& row = picture.weights.emplace_back();
    for (const size_t s : columns) row.push_back(map.weights[t][s]);
  }
  return picture;
}

std::vector<Picture> make_grid(const models::Translation& record, const PictureOptions& options) {
  if (record.attention.empty()) throw ValueError(fmt::format("model '{}' has no attention to draw", record.model));
  std::vector<Picture> pictures;
  for (const models::AttentionWeights& map : record.attention) {
    PictureOptions one = options;
    one.layer = map.layer;
    one.head = map.head;
    pictures.push_back(make_picture(record, one));
    pictures.back().title = fmt::format("layer {}, head {}", map.layer, map.head);
    pictures.back().caption.clear();
  }
  return pictures;
}

Sheet lay_out_sheet(std::vector<Picture> pictures, size_t columns, const Measure& measure) {
  Sheet sheet;
  std::vector<double> widths(columns, 0), heights((pictures.size() + columns - 1) / columns, 0);
  for (size_t i = 0; i < pictures.size(); ++i) {
    Layout layout = lay_out(pictures[i], measure);
    widths[i % columns] = std::max(widths[i % columns], layout.width);
    heights[i / columns] = std::max(heights[i / columns], layout.height);
    sheet.panels.push_back({std::move(pictures[i]), std::move(layout)});
  }
  for (size_t i = 0; i < sheet.panels.size(); ++i) {
    for (size_t c = 0; c < i % columns; ++c) sheet.panels[i].x += widths[c];
    for (size_t r = 0; r < i / columns; ++r) sheet.panels[i].y += heights[r];
  }
  for (const double width : widths) sheet.width += width;
  for (const double height : heights) sheet.height += height;
  return sheet;
}

Layout lay_out(const Picture& picture, const Measure& measure) {
  using Role = PlacedText::Role;
  const auto columns = static_cast<double>(picture.columns.size()), rows = static_cast<double>(picture.rows.size());
  Layout layout;

  // A cell is never lower than the words beside it, so that labels cannot overlap.
  const double fitting = std::clamp(kGridTarget / std::max(columns, rows), kSmallestCell, kLargestCell);
  const double font = std::clamp(fitting * 0.45, 11.0, 14.0);
  const Extent down = extent_of(picture.rows, font, measure), across = extent_of(picture.columns, font, measure);
  const double cell = layout.cell = std::floor(std::max({fitting, down.height + 2, across.height + 2}));

  // Column labels: straight where each fits over its cell, else leaning at 45 degrees, else (tall scripts)
  // upright.
  const double lean = std::numbers::pi / 4;
  const bool straight = across.width + 4 <= cell;
  const bool leaning = !straight && across.height + 1 <= cell * std::sin(lean);
  const double angle = straight ? 0 : leaning ? -45 : -90;
  double labels_height = across.height,
         overhang = 0;  // overhang: how far labels reach beyond the right edge of the grid
  if (leaning) {
    labels_height = (across.width + across.height) * std::sin(lean);
    for (size_t i = 0; i < picture.columns.size(); ++i) {
      const double reach = (measure(picture.columns[i].text, font).width * kSlack + across.height) * std::cos(lean);
      overhang = std::max(overhang, reach - (columns - static_cast<double>(i) - 0.5) * cell);
    }
  } else if (!straight) {
    labels_height = across.width;
  }

  // Left to right.
  const double axis_height = std::ceil(measure("source", kAxisFont).height);
  const double grid_x = kMargin + axis_height + kGap + down.width + kGap;
  const double grid_width = columns * cell, grid_height = rows * cell;
  const double tick_width = std::ceil(measure("0.00", kTickFont).width * kSlack);
  const double bar_x = grid_x + grid_width + 2 * kGap;
  const double right = std::max(bar_x + kBarWidth + kGap / 2 + tick_width, grid_x + grid_width + overhang);
  const auto titles = wrapped(picture.title, kTitleFont, std::max(kNarrowestTitle, right - kMargin), measure);
  const auto captions = wrapped(picture.caption, kCaptionFont, std::max(kNarrowestTitle, right - kMargin), measure);
  double text_width = right - kMargin;
  for (const auto& line : titles) text_width = std::max(text_width, measure(line, kTitleFont).width * 1.12);  // bold
  for (const auto& line : captions) text_width = std::max(text_width, measure(line, kCaptionFont).width * kSlack);
  layout.width = std::ceil(kMargin + text_width + kMargin);

  // Top to bottom.
  double y = kMargin;
  const auto stack = [&](const std::vector<std::string>& lines, double size, Role role) {
    for (const auto& line : lines) {
      const double height = std::ceil(measure(line, size).height);
      layout.texts.push_back({line, kMargin, y + height / 2, 0, size, Align::start, role});
      y += height + 2;
    }
  };
  stack(titles, kTitleFont, Role::title);
  stack(captions, kCaptionFont, Role::caption);
  y += kGap;
  layout.texts.push_back({"source", grid_x + grid_width / 2, y + axis_height / 2, 0, kAxisFont, Align::middle, Role::axis});
  y += axis_height + kGap / 2;
  const double grid_y = std::ceil(y + labels_height + kGap / 2);
  layout.grid = {grid_x, grid_y, grid_width, grid_height};
  const double axis_length = measure("output", kAxisFont).width * kSlack;
  const double bar_height = std::clamp(grid_height, kSmallestBar, kLargestBar);
  const double bottom = grid_y + std::max({grid_height, bar_height, axis_length});
  layout.height = std::ceil(bottom + kMargin);
  layout.texts.push_back(
      {"output", kMargin + axis_height / 2, grid_y + std::max(grid_height, axis_length) / 2, -90, kAxisFont, Align::middle, Role::axis});

  for (size_t i = 0; i < picture.columns.size(); ++i) {
    const double middle = grid_x + (static_cast<double>(i) + 0.5) * cell;
    const double foot = grid_y - kGap / 2 - (straight ? across.height / 2 : leaning ? across.height * 0.35 : 0);
    layout.texts.push_back(
        {picture.columns[i].text, middle, foot, angle, font, straight ? Align::middle : Align::start, role_of(picture.columns[i].style)});
  }
  for (size_t i = 0; i < picture.rows.size(); ++i) {
    layout.texts.push_back({picture.rows[i].text, grid_x - kGap, grid_y + (static_cast<double>(i) + 0.5) * cell, 0, font, Align::end,
                            role_of(picture.rows[i].style)});
  }

  layout.bar = {bar_x, grid_y, kBarWidth, bar_height};
  for (int tick = 0; tick <= 4; ++tick) {
    const double value = tick / 4.0, inset = kTickFont * 0.4;  // the end ticks stay level with the bar
    layout.texts.push_back({fmt::format("{:.2f}", value), bar_x + kBarWidth + kGap / 2,
                            grid_y + inset + (1 - value) * (bar_height - 2 * inset), 0, kTickFont, Align::start, Role::tick});
  }
  return layout;
}

}  // namespace heed::heatmap
