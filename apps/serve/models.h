// The translators that a server has, and which of them a request means.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/run/translator.h"

namespace heed::serve {

/// A translator with the name that requests give it.
struct ServedModel {
  std::string name;
  std::string source, target;  // languages, ISO 639 codes; "" where the run does not say
  std::unique_ptr<models::Translator> translator;
};

/// The translators of a server, in the order in which they were given.
class ServedModels {
 public:
  /// Adds a run.
  /// @param name for requests
  /// @param run loaded
  /// @throws ValueError for a name that is there already
  void add(const std::string& name, models::LoadedRun run);
  /// Finds the one that a request means: by its name, or the first of the two languages.
  /// @param name of a model, or ""
  /// @param source,target languages, or "" where any will do
  /// @return its index
  /// @throws ValueError saying what is served
  size_t find(const std::string& name, const std::string& source, const std::string& target) const;
  /// @return the translators
  const std::vector<ServedModel>& all() const { return models_; }
  /// @return "en to fr (en-fr, en-fr-additive), en to de (en-de)"
  std::string summary() const;

 private:
  std::vector<ServedModel> models_;
};

}  // namespace heed::serve
