#include "models/run/scores.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/fingerprint.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScoresFormat = "heed.scores";

std::string fingerprint_of_weights(const fs::path& folder) {
  return fingerprint(read_run_file(folder / run_files::kModel));
}

}  // namespace

void write_scores(const fs::path& folder, const RunScores& scores) {
  nlohmann::ordered_json json{{"format", kScoresFormat},
                              {"weights", fingerprint_of_weights(folder)},
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
         {"bleu", score.bleu}});
  }
  write_file_atomically(folder / run_files::kScores,
                        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<RunScores> read_scores(const fs::path& folder) {
  const fs::path file = folder / run_files::kScores;
  if (!file_exists(file)) return std::nullopt;
  const auto json = nlohmann::json::parse(read_run_file(file), nullptr, /*allow_exceptions=*/false);
  const auto fail = [&] { throw FormatError(fmt::format("'{}' is not the scores of a run", file.string())); };
  RunScores scores;
  try {
    if (json.at("format").get<std::string>() != kScoresFormat) fail();
    json.at("test").get_to(scores.test);
    json.at("sentences").get_to(scores.sentences);
    json.at("search").get_to(scores.search);
    json.at("bleu").get_to(scores.bleu);
    json.at("bleu_signature").get_to(scores.bleu_signature);
    json.at("chrf").get_to(scores.chrf);
    json.at("chrf_signature").get_to(scores.chrf_signature);
    for (const auto& entry : json.at("by_length")) {
      const auto& max = entry.at("max");
      scores.by_length.push_back({entry.at("min").get<int>(), max.is_null() ? kNoMaximum : max.get<int>(),
                                  entry.at("sentences").get<int64_t>(), entry.at("bleu").get<double>()});
    }
    if (json.at("weights").get<std::string>() != fingerprint_of_weights(folder)) return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    fail();
  }
  return scores;
}

}  // namespace heed::models
