#include "models/run/scores.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/fingerprint.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScoresFormat = "heed.scores";

// In percent; of no sentences NaN.
bool may_be(double score) { return std::isnan(score) || (score >= 0 && score <= 100 + 1e-6); }

}  // namespace

std::string fingerprint_of_run(const fs::path& folder) {
  std::string prints;
  for (const std::string& name :
       {std::string(run_files::kConfig), std::string(run_files::kModel), run_files::vocabulary("source"),
        run_files::vocabulary("target"), run_files::pieces("source"), run_files::pieces("target")}) {
    if (file_exists(folder / name)) prints += name + fingerprint(read_run_file(folder / name));
  }
  return fingerprint(prints);
}

void write_scores(const fs::path& folder, const RunScores& scores) {
  nlohmann::ordered_json json{{"format", kScoresFormat},
                              {"run", fingerprint_of_run(folder)},
                              {"test", scores.test},
                              {"sentences", scores.sentences},
                              {"search", scores.search},
                              {"bleu", scores.bleu},
                              {"bleu_signature", scores.bleu_signature},
                              {"chrf", scores.chrf},
                              {"chrf_signature", scores.chrf_signature},
                              {"by_length", nlohmann::ordered_json::array()}};
  for (const LengthScore& score : scores.by_length) {
    json["by_length"].push_back(
        {{"min", score.min},
         {"max", score.max == kNoMaximum ? nlohmann::ordered_json() : nlohmann::ordered_json(score.max)},
         {"sentences", score.sentences},
         {"bleu", std::isnan(score.bleu) ? nlohmann::ordered_json() : nlohmann::ordered_json(score.bleu)}});
  }
  write_file_atomically(folder / run_files::kScores,
                        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<RunScores> read_scores(const fs::path& folder) {
  const fs::path file = folder / run_files::kScores;
  if (!file_exists(file)) return std::nullopt;
  const auto json = parse_json(read_run_file(file));
  const auto fail = [&] { throw FormatError(fmt::format("'{}' is not the scores of a run", file.string())); };
  const auto count = [&](const nlohmann::json& value, int64_t most) {
    const auto number = whole_number(value, 0, most);
    if (!number) fail();
    return *number;
  };
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  RunScores scores;
  try {
    if (json.at("format").get<std::string>() != kScoresFormat) fail();
    json.at("test").get_to(scores.test);
    scores.sentences = count(json.at("sentences"), kMost);
    json.at("search").get_to(scores.search);
    json.at("bleu").get_to(scores.bleu);
    json.at("bleu_signature").get_to(scores.bleu_signature);
    json.at("chrf").get_to(scores.chrf);
    json.at("chrf_signature").get_to(scores.chrf_signature);
    for (const auto& entry : json.at("by_length")) {
      const auto& max = entry.at("max");
      scores.by_length.push_back({static_cast<int>(count(entry.at("min"), kNoMaximum)),
                                  max.is_null() ? kNoMaximum : static_cast<int>(count(max, kNoMaximum)),
                                  count(entry.at("sentences"), kMost),
                                  entry.at("bleu").is_null() ? NAN : entry.at("bleu").get<double>()});
      if (!may_be(scores.by_length.back().bleu)) fail();
    }
    if (!may_be(scores.bleu) || !may_be(scores.chrf)) fail();
    if (json.at("run").get<std::string>() != fingerprint_of_run(folder)) return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    fail();
  }
  return scores;
}

}  // namespace heed::models
