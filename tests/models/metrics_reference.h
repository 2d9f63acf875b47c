// The values of sacreBLEU 2.6.0 that BLEU and chrF are tested against.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "framework/io/file.h"

namespace heed::models {

using Strings = std::vector<std::string>;

constexpr double kTolerance = 1e-9;

inline const nlohmann::json& reference_values() {
  static const auto values =
      nlohmann::json::parse(read_file(HEED_SOURCE_DIR "/tests/models/data/sacrebleu_values.json"));
  return values;
}
inline const nlohmann::json& reference_cases() { return reference_values().at("cases"); }

// References by sentence; the file has them by translator.
inline std::vector<Strings> references_of(const nlohmann::json& test_case) {
  std::vector<Strings> references(test_case.at("hyp").size());
  for (const auto& set : test_case.at("refs")) {
    const auto& stream = reference_values().at("reference_sets").at(set.get<size_t>());
    for (size_t i = 0; i < references.size(); ++i) references[i].push_back(stream.at(i).get<std::string>());
  }
  return references;
}

// sacreBLEU's signature has neither the metric's name nor our version.
inline std::string as_ours(const std::string& name, const nlohmann::json& expected) {
  const auto signature = expected.at("signature").get<std::string>();
  return name + "|" + signature.substr(0, signature.rfind("version:")) + "version:heed-0.2.0";
}

}  // namespace heed::models
