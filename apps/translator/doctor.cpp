// translator doctor: what this machine gives heed, what makes it slow, and what is missing.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/common/files.h"
#include "apps/common/print.h"
#include "apps/common/streams.h"
#include "apps/translator/checkup.h"
#include "apps/translator/commands.h"
#include "framework/core/error.h"
#include "models/text/counted.h"

namespace heed::apps {
namespace {

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::fine:
      return "fine";
    case Verdict::slow:
      return "slow";
    case Verdict::optional:
      return "optional";
    case Verdict::broken:
      return "broken";
  }
  return "";
}

void print(const std::vector<CheckedFact>& facts) {
  size_t width = 0;
  for (const CheckedFact& fact : facts) width = std::max(width, fact.name.size());
  std::string section;
  for (const CheckedFact& fact : facts) {
    if (fact.section != section) say("{}{}\n", section.empty() ? "" : "\n", fact.section);
    section = fact.section;
    const bool fine = fact.verdict == Verdict::fine;
    say("  {:<{}}  {}{}\n", fact.name, width, fact.value,
        fine ? "" : fmt::format("  <- {}: {}", name_of(fact.verdict), fact.advice));
  }
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(facts, verdict, &CheckedFact::verdict);
  };
  const auto slow = count(Verdict::slow);
  say("\n{}, {} that {} heed down, {} that not everybody needs\n",
      count(Verdict::broken) == 0
          ? "nothing that heed needs is missing"
          : models::counted(count(Verdict::broken), "thing") + " that heed needs missing",
      models::counted(slow, "thing"), slow == 1 ? "slows" : "slow", count(Verdict::optional));
}

void doctor(const std::string& json) {
  check_files({.outputs = {{"--json", json}}});
  const std::vector<CheckedFact> facts = check_machine();
  print(facts);
  nlohmann::ordered_json report;
  std::vector<std::string> broken;
  for (const CheckedFact& fact : facts) {
    nlohmann::ordered_json row{
        {"section", fact.section},
        {"name", fact.name},
        {"value", fact.data.is_null() ? nlohmann::ordered_json(fact.value) : fact.data},
        {"verdict", name_of(fact.verdict)}};
    if (!fact.advice.empty()) row["advice"] = fact.advice;
    report["facts"].push_back(std::move(row));
    if (fact.verdict == Verdict::broken) broken.push_back(fmt::format("{}: {}", fact.name, fact.advice));
  }
  report["works"] = broken.empty();
  write_json(json, report);
  if (!broken.empty()) throw Error("doctor", broken.front());
}

}  // namespace

Command add_doctor(CLI::App& cli) {
  const auto json = std::make_shared<std::string>();
  cli.add_option("--json", *json, "write the facts as JSON; - for standard output")
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  return [json] { doctor(*json); };
}

}  // namespace heed::apps
