#include "models/run/attention_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/run/scores.h"
#include "models/text/json.h"

namespace heed::models {
namespace {

constexpr const char* kChoiceFormat = "heed.attention-choice";

}  // namespace

std::string name_of(const AttentionChoice& choice) {
  std::string name = choice.layer < 0  ? "mean of all maps"
                     : choice.head < 0 ? fmt::format("layer {}, mean of its heads", choice.layer)
                                       : fmt::format("layer {}, head {}", choice.layer, choice.head);
  return choice.after ? name + ", read one step later" : name;
}

void write_attention_choice(const std::filesystem::path& folder, const KeptChoice& kept) {
  const nlohmann::ordered_json json{{"format", kChoiceFormat},     {"run", fingerprint_of_run(folder)},
                                    {"layer", kept.choice.layer},  {"head", kept.choice.head},
                                    {"after", kept.choice.after},  {"reverse", kept.reverse},
                                    {"agreement", kept.agreement}, {"sentences", kept.sentences}};
  write_file_atomically(folder / run_files::kAttention,
                        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<KeptChoice> read_attention_choice(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / run_files::kAttention;
  if (!file_exists(file)) return std::nullopt;
  const auto json = parse_json(read_run_file(file));
  const auto fail = [&] {
    throw FormatError(fmt::format("'{}' is not the choice of a run's attention", file.string()));
  };
  KeptChoice kept;
  try {
    if (json.at("format").get<std::string>() != kChoiceFormat) fail();
    constexpr int64_t kMost = std::numeric_limits<int>::max();
    const auto layer = whole_number(json.at("layer"), -1, kMost),
               head = whole_number(json.at("head"), -1, kMost),
               sentences = whole_number(json.at("sentences"), 0, std::numeric_limits<int64_t>::max());
    if (!layer || !head || !sentences) fail();
    kept.choice.layer = static_cast<int>(*layer);
    kept.choice.head = static_cast<int>(*head);
    kept.sentences = *sentences;
    json.at("after").get_to(kept.choice.after);
    json.at("reverse").get_to(kept.reverse);
    json.at("agreement").get_to(kept.agreement);
    const bool possible =
        (kept.choice.layer >= 0 || kept.choice.head < 0) && kept.agreement >= 0 && kept.agreement <= 1;
    if (!possible) fail();
    if (json.at("run").get<std::string>() != fingerprint_of_run(folder)) return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    fail();
  }
  return kept;
}

AttentionMap guided_map(const TrainConfig& config, const TranslationModel& model) {
  const std::vector<AttentionMap>& maps = model.attention_maps();
  if (maps.empty())
    throw ValueError("guided-alignment", fmt::format("'{}' has no attention", model.describe()));
  const int last = maps.back().layer;
  const AttentionMap wanted{
      config.guided_layer < 0 ? std::max(0, last - 1) : static_cast<int>(config.guided_layer),
      static_cast<int>(config.guided_head)};
  if (std::ranges::find(maps, wanted) == maps.end()) {
    throw ValueError("guided-alignment", fmt::format("'{}' has no layer {} with a head {}", model.describe(),
                                                     wanted.layer, wanted.head));
  }
  return wanted;
}

AttentionChoice usual_attention(const std::filesystem::path& folder, const RunConfig& config,
                                const TranslationModel& model) {
  if (const auto kept = read_attention_choice(folder)) {
    const AttentionChoice& choice = kept->choice;
    const bool there =
        choice.layer < 0 || std::ranges::any_of(model.attention_maps(), [&](const AttentionMap& map) {
          return choice.has(map.layer, map.head);
        });
    if (!there) {
      throw FormatError(fmt::format("'{}': the model has no {}", (folder / run_files::kAttention).string(),
                                    name_of(choice)));
    }
    return choice;
  }
  if (config.train.guided_alignment == 0 || !model.has_attention()) return {};
  const AttentionMap map = guided_map(config.train, model);
  return {.layer = map.layer, .head = map.head};
}

}  // namespace heed::models
