// The geometry of a heatmap, the same for every output format: source words across, output words down (or one
// side across and down), brightness the weight.
//
//        title lines
//            source            <- axis title
//          l a b e l s         <- straight if they fit, else rotated; the picture grows with them
//   o  la  +---------+  1.0
//   u  be  | cells   |  bar
//   t  ls  +---------+  0.0
// All lengths in px (1/96 inch), y down.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/options/choice.h"
#include "models/run/translation.h"

namespace heed::heatmap {

enum class LabelStyle { word, unknown, end_of_sentence };

struct Label {
  std::string text;
  LabelStyle style = LabelStyle::word;
};

/// Which attention of a record is drawn.
enum class Which : uint8_t {
  cross,    // output words to source words
  encoder,  // source words to source words
  decoder,  // output words to what the decoder had written before them, <s> first
};
}  // namespace heed::heatmap
/// The names of Which.
template <>
inline constexpr std::array<std::string_view, 3> heed::models::kNames<heed::heatmap::Which>{
    "cross", "encoder", "decoder"};
namespace heed::heatmap {

/// What is drawn: one layer and head of a record, perhaps cropped.
struct Picture {
  std::string title, caption;               // the model; which layer and head, and what was left out
  std::string columns_name, rows_name;      // the titles of the axes
  std::vector<Label> columns, rows;         // what is attended to, and what attends
  std::vector<std::vector<float>> weights;  // [rows][columns], in [0, 1]
  double brightest = 1;                     // the weight that is drawn brightest; larger ones look the same
};

struct PictureOptions {
  Which which = Which::cross;
  int layer = -1, head = -1;  // -1: the first that the record has
  bool mean = false;          // the mean of all maps instead, or of those of `layer`
  bool grid = false;          // every map, a row a layer and a column a head
  bool keep_eos = true;
  int max_tokens = 0;    // 0: all
  double brightest = 1;  // the weight that is drawn brightest; 0: the largest of those drawn
  std::string title;     // empty: the record's model
};

/// What people see of a token of a text: without the entities of the tokenizer, white space made visible,
/// control characters gone.
std::string display(const models::TranslationToken& token, std::string_view side);

/// The maps of the record that `which` names. Throws ValueError when it has none, and says how to make them.
const std::vector<models::AttentionWeights>& maps_of(const models::Translation& record, Which which);

/// Throws as maps_of, and ValueError for a layer, head or sentence that is not there.
Picture make_picture(const models::Translation& record, const PictureOptions& options);

/// One picture for each map of the record, titled by its layer and head. Throws as make_picture.
std::vector<Picture> make_grid(const models::Translation& record, const PictureOptions& options);

struct Size {
  double width = 0, height = 0;
};
/// The extent of a line of text in the label font at `font_size` px.
using Measure = std::function<Size(std::string_view text, double font_size)>;

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

enum class Align { start, middle, end };

/// A line of text, turned by `angle` degrees (clockwise) around its anchor, which lies at its vertical
/// middle.
struct PlacedText {
  std::string text;
  double x = 0, y = 0;
  double angle = 0;
  double font_size = 0;
  Align align = Align::start;
  enum class Role { title, caption, axis, label, unknown, end_of_sentence, tick } role = Role::label;
};

struct Layout {
  double width = 0, height = 0;
  double cell = 0;  // side of a cell
  Box grid, bar;    // bar: bright on top
  std::vector<PlacedText> texts;
};

Layout lay_out(const Picture& picture, const Measure& measure);

/// A picture and where its left upper corner lies.
struct Panel {
  Picture picture;
  Layout layout;
  double x = 0, y = 0;
};
/// Panels in rows of `columns`, each column as wide as its widest and each row as high as its highest; lines
/// of text above them.
struct Sheet {
  std::vector<Panel> panels;
  std::vector<PlacedText> texts;
  double width = 0, height = 0;
};
/// `title` and `caption` stand above several panels; empty: nothing.
Sheet lay_out_sheet(std::vector<Picture> pictures, size_t columns, const Measure& measure,
                    const std::string& title = "", const std::string& caption = "");

}  // namespace heed::heatmap
