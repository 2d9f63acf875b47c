// What is drawn of a record: one map of it, or several, with the words along both sides; the same for every
// output format.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common/ranges.h"
#include "apps/heatmap/colour.h"
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
/// In which direction the words of the columns follow each other.
enum class ColumnOrder : uint8_t { automatic, left_to_right, right_to_left };  // automatic: as the text does
}  // namespace heed::heatmap
/// The names of Which.
template <>
inline constexpr std::array<std::string_view, 3> heed::models::kNames<heed::heatmap::Which>{
    "cross", "encoder", "decoder"};
/// The names of ColumnOrder, the page's.
template <>
inline constexpr std::array<std::string_view, 3> heed::models::kNames<heed::heatmap::ColumnOrder>{
    "auto", "ltr", "rtl"};
namespace heed::heatmap {

/// What is drawn: one layer and head of a record, perhaps cropped.
struct Picture {
  std::string title, caption;               // the model; which layer and head, and what was left out
  std::string columns_name, rows_name;      // the titles of the axes
  std::vector<Label> columns, rows;         // what is attended to, and what attends
  std::vector<std::vector<float>> weights;  // [rows][columns], in [0, 1]
  std::vector<std::vector<bool>> masked;    // [rows][columns], or empty: what could not be attended to
  double brightest = 1;  // the weight at the strong end of the colours; larger ones look the same
  Palette palette;

  bool is_masked(size_t row, size_t column) const { return !masked.empty() && masked[row][column]; }
};

/// A record of a picture or a page.
struct NamedRecord {
  models::Translation record;
  std::string name;  // tells it from others: its file's or its run's; may be empty where it is alone
};

struct PictureOptions {
  Which which = Which::cross;
  /// -1: the first that the record has; both: its usual_map, without one the mean where there are several.
  int layer = -1, head = -1;
  bool mean = false;        // the mean of all maps instead, or of those of `layer`
  bool difference = false;  // of two records also the first less the second
  bool grid = false;        // every map, a row a layer and a column a head
  bool keep_eos = true;
  ColumnOrder order = ColumnOrder::automatic;
  apps::Range source_words, target_words;  // which are drawn, </s> being the last; by_pieces: which pieces
  double brightest = 1;  // the weight that is drawn brightest; 0: the largest of those drawn
  std::string title;     // empty: the record's model
  Palette palette;
};

/// What people see of a token of a text: without the entities of the tokenizer, white space made visible,
/// control characters gone.
std::string display(const models::TranslationToken& token, std::string_view side);

/// The maps of the record that `which` names. Throws ValueError when it has none, and says how to make them.
const std::vector<models::AttentionWeights>& maps_of(const models::Translation& record, Which which);

/// Throws as maps_of, and ValueError for a layer, head, sentence or range of words that is not there.
Picture make_picture(const models::Translation& record, const PictureOptions& options);

/// What is drawn side by side of records, on one scale: a picture of each, titled by its name where they are
/// several; of one record its grid where that is asked for. `difference` adds that of the first two, on a
/// scale of its own. Throws as make_picture, and ValueError for a grid of several and for a difference of
/// records whose words are not the same.
std::vector<Picture> make_pictures(const std::vector<NamedRecord>& records, const PictureOptions& options);

/// One picture for each map of the record, titled by its layer and head. Throws as make_picture.
std::vector<Picture> make_grid(const models::Translation& record, const PictureOptions& options);

}  // namespace heed::heatmap
