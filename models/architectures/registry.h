// The table of architectures: what a run, a command line or a trainer asks of one stands in its row, and nothing outside its folder knows
// which architecture it has.
#pragma once

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/architectures/architecture.h"
#include "models/options/option.h"

namespace heed::models {

/// The least that a file of weights holds if it is of a model with an option's value: compared before the model is built.
struct LeastSize {
  std::string key;          // of the option
  double wanted = 0;        // elements, or tensors
  bool in_tensors = false;  // wanted counts tensors
};

/// One architecture. Options stand as std::any, of the type that its folder defines.
struct Architecture {
  std::string name;                         // what --architecture calls it
  std::string what;                         // a line for --help
  std::vector<OptionOf<std::any>> options;  // each of its options once
  std::any defaults;                        // of the folder's type
  std::string source_table, target_table;   // the weights with a row for each entry of a vocabulary
  /// Refuses options that do not go together; each alone is checked by its row. Throws ValueError naming the option.
  std::function<void(const std::any&)> check;
  std::function<bool(const std::any&)> one_vocabulary;                 // whether both sides must have the same
  std::function<int64_t(const std::any&)> longest_source;              // units with the end mark; INT64_MAX: unbounded
  std::function<std::vector<LeastSize>(const std::any&)> least_sizes;  // see LeastSize
  std::function<std::unique_ptr<TranslationModel>(const std::any&, int64_t source_vocabulary, int64_t target_vocabulary)>
      make;  // a new model
};

/// The same with the type of the options, as a folder writes it down.
template <class Options>
struct ArchitectureOf {
  std::string name;                                       // as in Architecture, and so the others
  std::string what;                                       // a line for --help
  std::vector<OptionOf<Options>> options;                 // each of its options once
  std::string source_table;                               // the weight with a row for each entry of the source's vocabulary
  std::string target_table;                               // of the target's
  void (*check)(const Options&);                          // refuses options that do not go together
  bool (*one_vocabulary)(const Options&);                 // whether both sides must have the same
  int64_t (*longest_source)(const Options&);              // units with the end mark
  std::vector<LeastSize> (*least_sizes)(const Options&);  // see LeastSize
  std::unique_ptr<TranslationModel> (*make)(const Options&, int64_t source_vocabulary, int64_t target_vocabulary);  // a new model

  /// @return the row for architectures()
  Architecture row() const {
    const auto of = [](const std::any& any) -> const Options& { return std::any_cast<const Options&>(any); };
    Architecture row{name, what, {}, Options{}, source_table, target_table, {}, {}, {}, {}, {}};
    for (const OptionOf<Options>& option : options) {
      row.options.push_back({option, std::function<const Options&(const std::any&)>(of),
                             std::function<Options&(std::any&)>([](std::any& any) -> Options& { return std::any_cast<Options&>(any); })});
    }
    row.check = [of, check = check](const std::any& any) { check(of(any)); };
    row.one_vocabulary = [of, one = one_vocabulary](const std::any& any) { return one(of(any)); };
    row.longest_source = [of, longest = longest_source](const std::any& any) { return longest(of(any)); };
    row.least_sizes = [of, least = least_sizes](const std::any& any) { return least(of(any)); };
    row.make = [of, make = make](const std::any& any, int64_t source, int64_t target) { return make(of(any), source, target); };
    return row;
  }
};

/// What an option for a Tie says of itself.
constexpr const char* kTieHelp = "tables that are one: none, output (target embedding = projection), all (source embedding too)";
/// @return the numbers of layers that a model may have: a mistyped one would be built until memory ends
inline Values layer_count() { return between(1, 1000); }

/// @return all of them, the default one first
const std::vector<const Architecture*>& architectures();
/// @param name of one
/// @return its row
/// @throws ValueError "architecture: 'magic' is not known (recurrent, transformer)"
const Architecture& find_architecture(const std::string& name);

/// What a translator is before it is made: its architecture and that architecture's options. A value.
class ModelConfig {
 public:
  /// The default architecture with its defaults.
  ModelConfig() : ModelConfig(*architectures().front()) {}
  /// @param architecture with its defaults
  explicit ModelConfig(const Architecture& architecture) : architecture_(&architecture), options_(architecture.defaults) {}
  /// @param options of one architecture, such as RecurrentOptions
  template <class Options>
  requires requires(const Options& o) { architecture_of(o); }
  ModelConfig(Options options) : architecture_(&architecture_of(options)), options_(std::move(options)) {}  // NOLINT: options are a config

  /// @return its row
  const Architecture& architecture() const { return *architecture_; }
  /// @return the options, for the functions of the row
  const std::any& options() const { return options_; }
  /// @return the same, to be changed
  std::any& options() { return options_; }
  /// The options by their type.
  /// @return them
  /// @throws std::bad_any_cast when they are another architecture's
  template <class Options>
  const Options& as() const {
    return std::any_cast<const Options&>(options_);
  }
  /// The same, to be changed.
  /// @return the options
  template <class Options>
  Options& as() {
    return std::any_cast<Options&>(options_);
  }
  /// @param other of any architecture
  /// @return whether both are the same
  bool operator==(const ModelConfig& other) const;

 private:
  const Architecture* architecture_;
  std::any options_;
};

/// An option of a config by its key.
/// @param config to look at
/// @param key "attention"
/// @return the row, or null where the architecture has no such option
const OptionOf<std::any>* find_option(const ModelConfig& config, const std::string& key);

/// Refuses a config that makes no sense.
/// @param config as a user gave it
/// @throws ValueError naming the option
void check(const ModelConfig& config);
/// The same, and one vocabulary for both sides where the options need it.
/// @param config as a user gave it
/// @param source_vocabulary,target_vocabulary entries, words or pieces
/// @throws ValueError as above
void check(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

/// A new model.
/// @param config what it is
/// @param source_vocabulary,target_vocabulary entries
/// @return the model, with initial weights
/// @throws ValueError for a config that makes no sense
std::unique_ptr<TranslationModel> make_model(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

/// Refuses a config that describes a larger model than the weights are, before it is built: its size is that of the file and no more.
/// @param config the model's
/// @param weights by name
/// @param file of the config; stands in the message
/// @throws FormatError naming the option. Compared are products of sizes that every model of the kind has as a weight
void check_sizes(const ModelConfig& config, const std::map<std::string, Tensor>& weights, const std::string& file);

}  // namespace heed::models
