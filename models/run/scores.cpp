#include "models/run/scores.h"

#include <fmt/format.h>

#include <cmath>
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
                                  entry.at("sentences").get<int64_t>(),
                                  entry.at("bleu").is_null() ? NAN : entry.at("bleu").get<double>()});
      if (scores.by_length.back().sentences < 0 || !may_be(scores.by_length.back().bleu)) fail();
    }
    if (scores.sentences < 0 || !may_be(scores.bleu) || !may_be(scores.chrf)) fail();
    if (json.at("run").get<std::string>() != fingerprint_of_run(folder)) return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    fail();
  }
  return scores;
}

}  // namespace heed::models
