#include "apps/heatmap/picture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "framework/core/error.h"
#include "models/text/script.h"
#include "models/text/tokenizer.h"
#include "models/text/unicode.h"
#include "models/text/vocabulary.h"

namespace heed::heatmap {
namespace {

// The tokens along one side of a map.
struct Axis {
  std::string name;
  const models::TranslationSide* side;           // whose tokens they are
  std::vector<models::TranslationToken> tokens;  // as they stand along the axis
  bool begins = false;                           // the first is <s>: always drawn, no word
};
struct Axes {
  Axis columns, rows;
};

Axes axes_of(const models::Translation& record, Which which) {
  if (which == Which::encoder)
    return {{"source, attended to", &record.source, record.source.tokens},
            {"source, attending", &record.source, record.source.tokens}};
  if (which == Which::cross) {
    return {{"source", &record.source, record.source.tokens},
            {"output", &record.target, record.target.tokens}};
  }
  Axis read{"output so far, attended to",
            &record.target,
            {{std::string(models::Vocabulary::kSpecialTokens[models::Vocabulary::kBos]), {}}},
            true};
  for (const models::TranslationToken& token : record.target.tokens) {
    if (!token.eos) read.tokens.push_back(token);
  }
  return {std::move(read), {"output, attending", &record.target, record.target.tokens}};
}

// Which tokens are drawn, as indices, and how many there are to draw.
struct Kept {
  size_t all = 0;
  std::vector<size_t> indices;
  bool part = false;  // whether words are left out
  std::string title;  // of the axis
};
Kept kept(const Axis& axis, bool of_source, const PictureOptions& options) {
  const apps::Range& range = of_source ? options.source_words : options.target_words;
  const char* const name = of_source ? "source" : "output";
  Kept result;
  size_t first = 0, last = 0;  // positions from 1 of those that are drawn; <s> has none
  for (size_t i = 0; i < axis.tokens.size(); ++i) {
    if (axis.tokens[i].eos && !options.keep_eos) continue;
    const bool begin = axis.begins && i == 0;
    const size_t position = begin ? 0 : ++result.all;
    if (!begin && !range.holds(static_cast<int64_t>(position))) continue;
    result.indices.push_back(i);
    if (begin) continue;
    if (first == 0) first = position;
    last = position;
  }
  if (result.all == 0 && !axis.begins) throw ValueError(fmt::format("the {} has no words to draw", name));
  if (first == 0 && !axis.begins)
    throw ValueError(fmt::format("{} words {}: the sentence has {}{}", name, range.text(), result.all,
                                 options.keep_eos ? " with its end mark" : ""));
  const size_t drawn = first == 0 ? 0 : last - first + 1;
  result.part = drawn < result.all;
  result.title = !result.part ? axis.name
                 : drawn == 0 ? fmt::format("{}, none of {}", axis.name, result.all)
                 : drawn == 1 ? fmt::format("{}, {} of {}", axis.name, first, result.all)
                              : fmt::format("{}, {}\xE2\x80\x93{} of {}", axis.name, first, last, result.all);
  return result;
}

std::vector<Label> labels_of(const Axis& axis, const std::vector<size_t>& indices) {
  std::vector<Label> labels;
  for (const size_t i : indices) {
    const models::TranslationToken& token = axis.tokens[i];
    const bool end = token.eos || (axis.begins && i == 0);
    labels.push_back({display(token, axis.side->text), end         ? LabelStyle::end_of_sentence
                                                       : token.unk ? LabelStyle::unknown
                                                                   : LabelStyle::word});
  }
  return labels;
}

// Whether the first word stands on the right.
bool is_turned(const Axis& columns, ColumnOrder order) {
  return order == ColumnOrder::automatic ? models::is_right_to_left(columns.side->text)
                                         : order == ColumnOrder::right_to_left;
}

const models::AttentionWeights& choose(const std::vector<models::AttentionWeights>& maps,
                                       const PictureOptions& options) {
  std::set<int> layers, heads;
  for (const auto& map : maps) {
    if ((options.layer < 0 || map.layer == options.layer) && (options.head < 0 || map.head == options.head))
      return map;
    layers.insert(map.layer);
    heads.insert(map.head);
  }
  std::vector<std::string> wanted;
  if (options.layer >= 0) wanted.push_back(fmt::format("layer {}", options.layer));
  if (options.head >= 0) wanted.push_back(fmt::format("head {}", options.head));
  const auto named = [](const char* one, const std::set<int>& all) {
    return all.size() == 1 ? fmt::format("{} {}", one, *all.begin())
                           : fmt::format("{}s {} to {}", one, *all.begin(), *all.rbegin());
  };
  throw ValueError(fmt::format("no attention of {} in the record: it has {}, {}", fmt::join(wanted, ", "),
                               named("layer", layers), named("head", heads)));
}

}  // namespace

std::string display(const models::TranslationToken& token, std::string_view side) {
  const bool written =
      token.span && side.substr(token.span->first, token.span->second - token.span->first) == token.text;
  std::string text;
  for (const char32_t c : models::code_points(written ? token.text : models::unescape(token.text))) {
    if (models::is_space(c)) {
      text += "\xE2\x90\xA3";  // open box
    } else {
      models::append_utf8(text, c < 0x20 || (c >= 0x7F && c < 0xA0) ? U'\uFFFD' : c);
    }
  }
  return text.empty() ? "\xE2\x88\x85" : text;
}

namespace {

// The mean of all maps, or of one layer's.
models::AttentionWeights mean_map(const std::vector<models::AttentionWeights>& maps, int layer) {
  std::vector<models::AttentionWeights> part;
  for (const models::AttentionWeights& map : maps) {
    if (layer < 0 || map.layer == layer) part.push_back(map);
  }
  if (part.empty()) throw ValueError(fmt::format("the record has no layer {}", layer));
  return {layer, -1, models::mean_attention(part)};
}

// The part of what the rows attend to that lies in the columns.
double weight_drawn(const models::AttentionWeights& map, const Kept& rows, const Kept& columns) {
  double drawn = 0, all = 0;
  for (const size_t t : rows.indices) {
    for (const float weight : map.weights[t]) all += static_cast<double>(weight);
    for (const size_t s : columns.indices) drawn += static_cast<double>(map.weights[t][s]);
  }
  return all > 0 ? drawn / all : 0;
}

// 1 where all are 0.
double largest_weight(const Picture& picture) {
  float largest = 0;
  for (const std::vector<float>& row : picture.weights) {
    for (const float weight : row) largest = std::max(largest, weight);
  }
  return largest > 0 ? static_cast<double>(largest) : 1;
}

// "", or which self-attention.
std::string kind_of(Which which) {
  return which == Which::cross     ? ""
         : which == Which::encoder ? "encoder self-attention"
                                   : "decoder self-attention";
}

}  // namespace

const std::vector<models::AttentionWeights>& maps_of(const models::Translation& record, Which which) {
  if (which == Which::cross) {
    if (record.attention.empty())
      throw ValueError(fmt::format("model '{}' has no attention to draw", record.model));
    return record.attention;
  }
  const auto& maps = which == Which::encoder ? record.encoder_self_attention : record.decoder_self_attention;
  if (maps.empty()) {
    throw ValueError(fmt::format(
        "the record of model '{}' has no {}: 'translator translate --records FILE --self-attention' "
        "writes it, where the model has it",
        record.model, kind_of(which)));
  }
  return maps;
}

namespace {

// The map that was chosen for the record's run, unless the user says which.
PictureOptions with_usual_map(const models::Translation& record, PictureOptions options) {
  const bool said = options.layer >= 0 || options.head >= 0 || options.mean || options.grid;
  if (said || options.which != Which::cross || !record.usual_map) return options;
  options.layer = record.usual_map->layer;
  options.head = record.usual_map->head;
  options.mean = options.head < 0;
  return options;
}

}  // namespace

Picture make_picture(const models::Translation& record, const PictureOptions& wanted) {
  const PictureOptions options = with_usual_map(record, wanted);
  const std::vector<models::AttentionWeights>& maps = maps_of(record, options.which);
  const bool mean = options.mean || (options.layer < 0 && options.head < 0 && maps.size() > 1);
  const models::AttentionWeights map = mean ? mean_map(maps, options.layer) : choose(maps, options);
  const Axes axes = axes_of(record, options.which);
  const bool source_across = options.which != Which::decoder, source_down = options.which == Which::encoder;
  const Kept rows = kept(axes.rows, source_down, options);
  Kept columns = kept(axes.columns, source_across, options);
  if (is_turned(axes.columns, options.order)) std::ranges::reverse(columns.indices);
  Picture picture;
  picture.title = options.title.empty() ? record.model : options.title;
  picture.columns_name = columns.title;
  picture.rows_name = rows.title;
  std::vector<std::string> parts;
  if (options.which != Which::cross) parts.push_back(kind_of(options.which));
  const bool single = options.mean && maps.size() == 1;  // its own mean
  if (!single)
    parts.push_back(!mean           ? fmt::format("layer {}, head {}", map.layer, map.head)
                    : map.layer < 0 ? fmt::format("mean of {} maps", maps.size())
                                    : fmt::format("layer {}, mean of its heads", map.layer));
  if (options.which != Which::encoder) parts.push_back(fmt::format("score {:.2f}", record.score));
  if (maps.size() > 1 && !mean) parts.push_back(fmt::format("1 of {} maps", maps.size()));
  if (columns.part)
    parts.push_back(fmt::format("{:.0f} % of the weight is drawn", 100 * weight_drawn(map, rows, columns)));
  picture.caption = fmt::format("{}", fmt::join(parts, " \xC2\xB7 "));
  picture.columns = labels_of(axes.columns, columns.indices);
  picture.rows = labels_of(axes.rows, rows.indices);
  for (const size_t t : rows.indices) {
    auto& row = picture.weights.emplace_back();
    for (const size_t s : columns.indices) row.push_back(map.weights[t][s]);
    if (options.which != Which::decoder) continue;
    auto& masked = picture.masked.emplace_back();  // a word of several pieces reads its own earlier ones
    for (const size_t s : columns.indices) masked.push_back(s > t && map.weights[t][s] == 0);
  }
  picture.palette = options.palette;
  picture.brightest = options.brightest > 0 ? options.brightest : largest_weight(picture);
  return picture;
}

namespace {

// One scale for all, so that they can be compared.
void share_scale(std::vector<Picture>& pictures, const PictureOptions& options) {
  if (options.brightest > 0) return;
  double largest = 0;
  for (const Picture& picture : pictures) largest = std::max(largest, picture.brightest);
  for (Picture& picture : pictures) picture.brightest = largest;
}

// Throws unless the words along an axis are the same.
void require_same_words(const std::vector<Label>& a, const std::vector<Label>& b, const Picture& first,
                        const Picture& second, const std::string& axis) {
  const auto [x, y] = std::ranges::mismatch(a, b, {}, &Label::text, &Label::text);
  if (x == a.end() && y == b.end()) return;
  const std::string facts =
      x == a.end() || y == b.end()
          ? fmt::format("{} has {} words and {} has {}", first.title, a.size(), second.title, b.size())
          : fmt::format("word {} is '{}' in {} and '{}' in {}", x - a.begin() + 1, x->text, first.title,
                        y->text, second.title);
  throw ValueError(fmt::format("--difference takes records of the same words, and the {} differs: {}{}", axis,
                               facts,
                               axis == "output" ? " (--translation gives several runs the same)" : ""));
}

Picture difference_of(const Picture& a, const Picture& b, const PictureOptions& options) {
  require_same_words(a.columns, b.columns, a, b, options.which == Which::decoder ? "output" : "source");
  require_same_words(a.rows, b.rows, a, b, options.which == Which::encoder ? "source" : "output");
  Picture picture = a;
  picture.title = fmt::format("{} \xE2\x88\x92 {}", a.title, b.title);  // a minus sign
  picture.caption = fmt::format("orange: more weight in {} \xC2\xB7 blue: more in {}", a.title, b.title);
  double largest = 0;
  for (size_t t = 0; t < a.rows.size(); ++t) {
    for (size_t s = 0; s < a.columns.size(); ++s) {
      picture.weights[t][s] = a.weights[t][s] - b.weights[t][s];
      largest = std::max(largest, std::abs(static_cast<double>(picture.weights[t][s])));
      if (!picture.masked.empty()) picture.masked[t][s] = a.masked[t][s] && b.masked[t][s];
    }
  }
  picture.brightest = options.brightest > 0 ? options.brightest : largest > 0 ? largest : 1;
  picture.palette.difference = true;
  return picture;
}

}  // namespace

std::vector<Picture> make_pictures(const std::vector<NamedRecord>& records, const PictureOptions& options) {
  if (records.size() == 1) {
    const models::Translation& record = records.front().record;
    return options.grid ? make_grid(record, options) : std::vector{make_picture(record, options)};
  }
  if (options.grid) throw ValueError("--grid draws the maps of one record");
  std::vector<Picture> pictures;
  for (const NamedRecord& one : records) {
    PictureOptions titled = options;
    titled.title = one.name;
    pictures.push_back(make_picture(one.record, titled));
    pictures.back().caption =
        one.record.model + (pictures.back().caption.empty() ? "" : " \xC2\xB7 ") + pictures.back().caption;
  }
  share_scale(pictures, options);
  if (options.difference) pictures.push_back(difference_of(pictures[0], pictures[1], options));
  return pictures;
}

std::vector<Picture> make_grid(const models::Translation& record, const PictureOptions& options) {
  std::vector<Picture> pictures;
  for (const models::AttentionWeights& map : maps_of(record, options.which)) {
    PictureOptions one = options;
    one.layer = map.layer;
    one.head = map.head;
    pictures.push_back(make_picture(record, one));
    const char* side = options.which == Which::cross     ? ""
                       : options.which == Which::encoder ? "encoder "
                                                         : "decoder ";
    pictures.back().title = fmt::format("{}layer {}, head {}", side, map.layer, map.head);
    pictures.back().caption.clear();
  }
  share_scale(pictures, options);
  return pictures;
}

}  // namespace heed::heatmap
