#include "models/import/keys.h"

#include <fmt/format.h>

#include <cmath>

#include "models/import/tensors.h"
#include "models/text/json.h"

namespace heed::models {

JsonKeys::JsonKeys(const std::string& text, std::string file)
    : file_(std::move(file)), json_(parse_json(text)) {
  if (json_.is_discarded()) throw import_error(file_, "it is not JSON");
  if (!json_.is_object()) throw import_error(file_, "it is no JSON object");
}

bool JsonKeys::has(const std::string& key) const {
  const auto found = json_.find(key);
  return found != json_.end() && !found->is_null();
}

int64_t JsonKeys::integer(const std::string& key, int64_t least, int64_t most) const {
  if (!has(key)) throw import_error(file_, fmt::format("{} is missing", key));
  const nlohmann::json& value = json_.at(key);
  if (!value.is_number_integer()) throw import_error(file_, fmt::format("{} is no whole number", key));
  const bool huge = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  const int64_t number = huge ? INT64_MAX : value.get<int64_t>();
  if (huge || number < least || number > most)
    throw import_error(file_, fmt::format("{} is {}, outside {} to {}", key, value.dump(), least, most));
  return number;
}

bool JsonKeys::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_.at(key).is_boolean())
    throw import_error(file_, fmt::format("{} is neither true nor false", key));
  return json_.at(key).get<bool>();
}

double JsonKeys::number(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_.at(key).is_number()) throw import_error(file_, fmt::format("{} is no number", key));
  return json_.at(key).get<double>();
}

std::string JsonKeys::text(const std::string& key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_.at(key).is_string()) throw import_error(file_, fmt::format("{} is no text", key));
  return json_.at(key).get<std::string>();
}

}  // namespace heed::models
