#include "apps/serve/models.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "framework/core/error.h"

namespace heed::serve {

void ServedModels::add(const std::string& name, models::LoadedRun run) {
  for (const ServedModel& model : models_)
    if (model.name == name) throw ValueError("serve", fmt::format("two translators are called '{}'", name));
  ServedModel model{
      .name = name, .source = run.config.source_text.language, .target = run.config.target_text.language};
  model.translator = std::make_unique<models::Translator>(std::move(run));
  model.translator->usual_map();  // what is wrong with it is said before anybody asks
  models_.push_back(std::move(model));
}

size_t ServedModels::find(const std::string& name, const std::string& source,
                          const std::string& target) const {
  for (size_t i = 0; i < models_.size(); ++i) {
    const ServedModel& model = models_[i];
    const bool named = name.empty() || model.name == name;
    const auto fits = [&](const std::string& wanted, const std::string& own) {
      return wanted.empty() || own == wanted || (own.empty() && !name.empty());
    };
    if (named && fits(source, model.source) && fits(target, model.target)) return i;
  }
  std::string wanted;
  if (!name.empty()) wanted += fmt::format(" called '{}'", name.substr(0, 60));
  if (!source.empty()) wanted += fmt::format(" from '{}'", source.substr(0, 20));
  if (!target.empty()) wanted += fmt::format(" to '{}'", target.substr(0, 20));
  throw ValueError(fmt::format("no translator{} is served here: there is {}", wanted, summary()));
}

std::string ServedModels::summary() const {
  std::vector<std::pair<std::string, std::vector<std::string>>> pairs;
  for (const ServedModel& model : models_) {
    const std::string pair = model.source.empty() || model.target.empty()
                                 ? "languages unknown"
                                 : fmt::format("{} to {}", model.source, model.target);
    auto found = std::ranges::find(pairs, pair, &std::pair<std::string, std::vector<std::string>>::first);
    if (found == pairs.end()) found = pairs.insert(pairs.end(), {pair, {}});
    found->second.push_back(model.name);
  }
  std::vector<std::string> texts;
  for (const auto& [pair, names] : pairs)
    texts.push_back(fmt::format("{} ({})", pair, fmt::join(names, ", ")));
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace heed::serve
