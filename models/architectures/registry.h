// The table of architectures. A row has everything that runs, command lines and training need to know about
// an architecture; no code outside an architecture's folder depends on it.
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

/// A lower bound on the size of a weights file, implied by the value of an option; it is checked before the
/// model is built.
struct LeastSize {
  std::string key;          // key of the option
  double wanted = 0;        // smallest number of elements, or of tensors
  bool in_tensors = false;  // whether `wanted` is a number of tensors
};

/// How large a model is; automatic: by the number of training pairs (size_for).
enum class ModelSize : uint8_t { automatic, tiny, small, base };
/// The names of ModelSize.
template <>
inline constexpr std::array<std::string_view, 4> kNames<ModelSize>{"auto", "tiny", "small", "base"};

/// An option that makes a model larger or smaller, and its value in each size.
struct Dimension {
  std::string key;                        // key of the option
  int64_t tiny = 0, small = 0, base = 0;  // values
};

/// One architecture. Its options are passed as std::any that holds the options struct of the architecture's
/// folder.
struct Architecture {
  std::string name;                         // name for --architecture
  std::string what;                         // one line for --help
  std::vector<OptionOf<std::any>> options;  // the table of its options
  std::any defaults;                        // default options, of the folder's options struct
  std::string source_table, target_table;   // names of the embedding weights
  /// Throws ValueError naming the option if options contradict each other. The range of each option alone is
  /// checked by its row.
  std::function<void(const std::any&)> check;
  std::function<bool(const std::any&)> one_vocabulary;  // whether both sides must share one vocabulary
  /// Largest number of source units, end mark included; INT64_MAX: unlimited.
  std::function<int64_t(const std::any&)> longest_source;
  std::function<std::vector<LeastSize>(const std::any&)> least_sizes;  // see LeastSize
  std::vector<Dimension> dimensions;                                   // see Dimension
  std::function<std::unique_ptr<TranslationModel>(const std::any&, int64_t source_vocabulary,
                                                  int64_t target_vocabulary)>
      make;  // creates a model
};

/// The same row with the type of the options struct, as an architecture's folder writes it.
template <class Options>
struct ArchitectureOf {
  std::string name;                                       // as in Architecture
  std::string what;                                       // one line for --help
  std::vector<OptionOf<Options>> options;                 // the table of its options
  std::string source_table;                               // name of the source embedding weight
  std::string target_table;                               // name of the target embedding weight
  void (*check)(const Options&);                          // throws if options contradict each other
  bool (*one_vocabulary)(const Options&);                 // whether both sides must share one vocabulary
  int64_t (*longest_source)(const Options&);              // largest number of source units
  std::vector<LeastSize> (*least_sizes)(const Options&);  // see LeastSize
  std::vector<Dimension> dimensions;                      // see Dimension
  /// Creates a model.
  std::unique_ptr<TranslationModel> (*make)(const Options&, int64_t source_vocabulary,
                                            int64_t target_vocabulary);

  /// @return the row for architectures()
  Architecture row() const {
    const auto of = [](const std::any& any) -> const Options& { return std::any_cast<const Options&>(any); };
    Architecture row{name, what, {}, Options{}, source_table, target_table, {}, {}, {}, {}, dimensions, {}};
    for (const OptionOf<Options>& option : options) {
      row.options.push_back({option, std::function<const Options&(const std::any&)>(of),
                             std::function<Options&(std::any&)>(
                                 [](std::any& any) -> Options& { return std::any_cast<Options&>(any); })});
    }
    row.check = [of, check = check](const std::any& any) { check(of(any)); };
    row.one_vocabulary = [of, one = one_vocabulary](const std::any& any) { return one(of(any)); };
    row.longest_source = [of, longest = longest_source](const std::any& any) { return longest(of(any)); };
    row.least_sizes = [of, least = least_sizes](const std::any& any) { return least(of(any)); };
    row.make = [of, make = make](const std::any& any, int64_t source, int64_t target) {
      return make(of(any), source, target);
    };
    return row;
  }
};

/// Help text of the option for weight tying.
constexpr const char* kTieHelp =
    "tables that are one: none, output (target embedding = projection), all (source embedding too)";
/// @return allowed numbers of layers; without a limit, a mistyped number would make the program build layers
///   until it runs out of memory
inline Values layer_count() { return between(1, 1000); }

/// @return all architectures, the default one first
const std::vector<const Architecture*>& architectures();
/// @param name name of an architecture
/// @return its row in the table
/// @throws ValueError "architecture: 'magic' is not known (recurrent, transformer, convolutional)"
const Architecture& find_architecture(const std::string& name);

/// The configuration of a model: its architecture and the options of that architecture. A value type.
class ModelConfig {
 public:
  /// The default architecture with its default options.
  ModelConfig() : ModelConfig(*architectures().front()) {}
  /// @param architecture architecture, with its default options
  explicit ModelConfig(const Architecture& architecture)
      : architecture_(&architecture), options_(architecture.defaults) {}
  /// @param options options struct of an architecture, such as RecurrentOptions
  template <class Options>
  requires requires(const Options& o) { architecture_of(o); }
  // NOLINTNEXTLINE(google-explicit-constructor): options are a config
  ModelConfig(Options options) : architecture_(&architecture_of(options)), options_(std::move(options)) {}

  /// @return its row in the table
  const Architecture& architecture() const { return *architecture_; }
  /// @return the options, to be passed to the functions of the row
  const std::any& options() const { return options_; }
  /// @return the options, for changing them
  std::any& options() { return options_; }
  /// The options as their own type.
  /// @return the options
  /// @throws std::bad_any_cast when they belong to another architecture
  template <class Options>
  const Options& as() const {
    return std::any_cast<const Options&>(options_);
  }
  /// The options as their own type, for changing them.
  /// @return the options
  template <class Options>
  Options& as() {
    return std::any_cast<Options&>(options_);
  }
  /// @param other configuration of any architecture
  /// @return whether architecture and options are equal
  bool operator==(const ModelConfig& other) const;

 private:
  const Architecture* architecture_;
  std::any options_;
};

/// Finds an option of a configuration by its key.
/// @param config the configuration
/// @param key key of the option: "attention"
/// @return the option, or null if the architecture has no such option
const OptionOf<std::any>* find_option(const ModelConfig& config, const std::string& key);

/// The size of a model that so many pairs can train: up to 10 000 tiny, up to 100 000 small, above base. A
/// larger model learns such pairs by heart, or trains for hours.
/// @param training_pairs number of pairs
/// @return tiny, small or base
ModelSize size_for(int64_t training_pairs);
/// Sets every dimension of a configuration to its value in a size.
/// @param config the configuration
/// @param size tiny, small or base
void set_size(ModelConfig& config, ModelSize size);
/// @param config configuration of a model
/// @param key key of an option
/// @return whether it is a dimension of this architecture
bool is_dimension(const ModelConfig& config, const std::string& key);

/// Throws if a configuration is invalid.
/// @param config the configuration given by the user
/// @throws ValueError naming the option
void check(const ModelConfig& config);
/// Throws if a configuration is invalid, or if its options require one vocabulary for both sides and there
/// are two.
/// @param config the configuration given by the user
/// @param source_vocabulary,target_vocabulary numbers of entries (words or pieces)
/// @throws ValueError naming the option
void check(const ModelConfig& config, int64_t source_vocabulary, int64_t target_vocabulary);

/// Creates a model with initial weights.
/// @param config configuration of the model
/// @param source_vocabulary,target_vocabulary numbers of entries
/// @return the model
/// @throws ValueError for an invalid configuration
std::unique_ptr<TranslationModel> make_model(const ModelConfig& config, int64_t source_vocabulary,
                                             int64_t target_vocabulary);

/// Throws if a configuration describes a larger model than a weights file contains. Called before the model
/// is built, so that a damaged configuration cannot allocate more memory than the file's size suggests.
/// @param config configuration of the model
/// @param weights weights by name
/// @param file file of the configuration, used in the error message
/// @throws FormatError naming the option. Only products of sizes that every model of the architecture has as
///   a weight are compared
void check_sizes(const ModelConfig& config, const std::map<std::string, Tensor>& weights,
                 const std::string& file);

}  // namespace heed::models
