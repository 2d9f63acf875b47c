// The course of trainings, from what their run folders tell: charts, a page, a table of numbers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/translator/experiment/chart.h"
#include "models/options/choice.h"
#include "models/run/history.h"

namespace heed::apps {

struct TrainingCurves {
  std::string name;
  models::TrainingHistory history;
};

/// What can be drawn: a value of the records of a run.
struct CurveKind {
  std::string key;  // as in metrics.jsonl: "validation_bleu"
  std::string title, unit;
  bool from_zero = true, drawn_unless_asked = true;
};
/// All of them, in the order of the panels: training loss, validation loss and scores, learning rate, speed.
const std::vector<CurveKind>& curve_kinds();

/// What lies on the axis across.
enum class CurveAxis : uint8_t { updates, seconds };

/// A chart for each kind that a run has values of, with a line for every run; a ring around the weights that
/// the run kept. Of more than 1000 reports neighbours are averaged.
/// @param runs one or more
/// @param keys of curve_kinds()
/// @param axis what lies across
/// @return in the order of curve_kinds()
std::vector<Chart> curve_charts(const std::vector<TrainingCurves>& runs, const std::vector<std::string>& keys,
                                CurveAxis axis);

/// The charts side by side.
std::string curves_svg(const std::vector<Chart>& charts);
/// A page that needs no other file: the charts, a table of the runs, a table of each run's validations.
std::string curves_html(const std::vector<TrainingCurves>& runs, const std::vector<Chart>& charts);
/// All records of all runs, one a row (RFC 4180, lines end in LF); a field is empty where a record has no
/// such value.
std::string curves_csv(const std::vector<TrainingCurves>& runs);

/// "run: 900 updates in 14:16, kept update 500: BLEU 13.02, chrF2 31.00, loss 2.796 nats a token"
std::string course(const TrainingCurves& run);
nlohmann::ordered_json course_json(const TrainingCurves& run);

}  // namespace heed::apps

namespace heed::models {
/// The names of CurveAxis.
template <>
inline constexpr std::array<std::string_view, 2> kNames<apps::CurveAxis>{"updates", "seconds"};
}  // namespace heed::models
