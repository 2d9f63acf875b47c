// What doctor finds out: facts of the machine, the libraries and the environment, each with a verdict.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heed::apps {

/// How a fact is judged.
enum class Verdict : uint8_t {
  fine,
  slow,      // it works, but slower than it could
  optional,  // something is missing that not everybody needs
  broken,    // something is missing without which heed does not work here
};

/// A fact, its verdict, and what to do about it.
struct CheckedFact {
  std::string section, name, value;  // "processor", "threads", "16"
  Verdict verdict = Verdict::fine;
  std::string advice = {};           // where the verdict is not fine
  nlohmann::ordered_json data = {};  // the value for a program; null: as `value`
};

/// Looks at everything; takes about a second, most of it for the speed of products.
/// @return the facts in the order in which they are shown
std::vector<CheckedFact> check_machine();

}  // namespace heed::apps
