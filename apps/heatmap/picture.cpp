#include "apps/heatmap/picture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "framework/core/error.h"
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

// How many tokens there are to draw, and which of them are drawn, as indices.
struct Kept {
  size_t all = 0;
  std::vector<size_t> indices;
};
Kept kept(const Axis& axis, const PictureOptions& options) {
  Kept result;
  for (size_t i = 0; i < axis.tokens.size(); ++i) {
    if (options.keep_eos || !axis.tokens[i].eos) result.indices.push_back(i);
  }
  result.all = result.indices.size();
  const size_t most = static_cast<size_t>(options.max_tokens) + (axis.begins ? 1 : 0);
  if (options.max_tokens > 0) result.indices.resize(std::min(result.all, most));
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

const models::AttentionWeights& choose(const std::vector<models::AttentionWeights>& maps,
                                       const PictureOptions& options) {
  std::string there;
  for (const auto& map : maps) {
    if ((options.layer < 0 || map.layer == options.layer) && (options.head < 0 || map.head == options.head))
      return map;
    there += fmt::format("{}layer {} head {}", there.empty() ? "" : ", ", map.layer, map.head);
  }
  const auto wanted = [](int n) { return n < 0 ? std::string("any") : std::to_string(n); };
  throw ValueError(fmt::format("no attention of layer {}, head {} in the record: it has {}",
                               wanted(options.layer), wanted(options.head), there));
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

Picture make_picture(const models::Translation& record, const PictureOptions& options) {
  const std::vector<models::AttentionWeights>& maps = maps_of(record, options.which);
  const models::AttentionWeights map = options.mean ? mean_map(maps, options.layer) : choose(maps, options);
  const Axes axes = axes_of(record, options.which);
  const Kept columns = kept(axes.columns, options), rows = kept(axes.rows, options);
  if (columns.all == 0 || rows.all == 0) {
    throw ValueError(fmt::format("the {} has no words to draw", columns.all == 0 ? "source" : "output"));
  }
  Picture picture;
  picture.title = options.title.empty() ? record.model : options.title;
  picture.columns_name = axes.columns.name;
  picture.rows_name = axes.rows.name;
  std::vector<std::string> parts;
  if (options.which != Which::cross) parts.push_back(kind_of(options.which));
  const bool single = options.mean && maps.size() == 1;  // its own mean
  if (!single)
    parts.push_back(!options.mean   ? fmt::format("layer {}, head {}", map.layer, map.head)
                    : map.layer < 0 ? fmt::format("mean of {} maps", maps.size())
                                    : fmt::format("layer {}, mean of its heads", map.layer));
  if (options.which != Which::encoder) parts.push_back(fmt::format("score {:.2f}", record.score));
  if (maps.size() > 1 && !options.mean) parts.push_back(fmt::format("1 of {} maps", maps.size()));
  const auto cropped = [&](const Kept& axis, const char* name) {
    if (axis.indices.size() < axis.all)
      parts.push_back(fmt::format("first {} of {} {} tokens", axis.indices.size(), axis.all, name));
  };
  if (options.which == Which::cross) cropped(columns, "source");
  cropped(rows, options.which == Which::encoder ? "source" : "output");
  picture.caption = fmt::format("{}", fmt::join(parts, " \xC2\xB7 "));
  picture.columns = labels_of(axes.columns, columns.indices);
  picture.rows = labels_of(axes.rows, rows.indices);
  for (const size_t t : rows.indices) {
    auto& row = picture.weights.emplace_back();
    for (const size_t s : columns.indices) row.push_back(map.weights[t][s]);
  }
  picture.palette = options.palette;
  picture.brightest = options.brightest > 0 ? options.brightest : largest_weight(picture);
  return picture;
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
  if (options.brightest == 0) {  // one scale for all, so that they can be compared
    double largest = 0;
    for (const Picture& picture : pictures) largest = std::max(largest, picture.brightest);
    for (Picture& picture : pictures) picture.brightest = largest;
  }
  return pictures;
}

}  // namespace heed::heatmap
