// The options of a run on a command line: the table of models/run/options.h, the same for every subcommand
// that trains.
#pragma once

#include <CLI/CLI.hpp>
#include <list>
#include <string>
#include <vector>

#include "models/run/options.h"

namespace heed::apps {

constexpr const char* kPairs = "Sentence pairs";  // the group of --help beside those of the table

/// Whether an option makes a run or names its sentence pairs: what a preset's [train] means to every
/// subcommand that trains.
bool makes_run(const CLI::Option& option);

/// A check for a text by the rule of its row.
CLI::Validator allowed_text(const models::Values& values);

/// A check for a choice; the names that papers and other programs give one are answered with heed's.
CLI::Validator one_of(const models::Values& values);
/// The row of a run option, by the flag it has: "--attention".
const models::RunOption& run_option(const std::string& flag);

/// Throws ValueError `OP: --config is not what 'run' was started with: lr 0.5 is given, and it has 0.001`
/// unless what a preset makes of the config of the run in `folder` is that config.
void require_preset_of(const models::RunConfig& preset, const models::RunConfig& run, const char* op,
                       const std::string& folder);

/// Throws ValueError `resume: --seed is not what 'run' was started with: 2 is given, and it has 1` unless the
/// two are the same.
void require_same(const std::string& option, const models::OptionValue& given, const models::OptionValue& has,
                  const std::string& folder);

/// models::check of a config that options made: CLI::ValidationError "--heads: 4 do not divide a model-size
/// of 3" where it throws ValueError.
void check_given(const models::RunConfig& config);

class RunOptions {
 public:
  RunOptions() = default;
  RunOptions(const RunOptions&) = delete;  // the options refer to it
  RunOptions& operator=(const RunOptions&) = delete;

  /// Adds all options but those with the flags in `without`.
  void add_to(CLI::App& cli, const std::vector<std::string>& without = {});

  /// A copy of `base` with every option that was given in its place. Throws CLI::ValidationError for one that
  /// the architecture does not have, and for one that does nothing without another.
  /// @param size of the model where it is one, before its dimensions that were given; automatic: none is set
  models::RunConfig applied_to(models::RunConfig base = {},
                               models::ModelSize size = models::ModelSize::automatic) const;

  /// The size of a new model, as --size says, or where nothing says how large it is.
  struct Size {
    models::ModelSize size = models::ModelSize::automatic;  // automatic: the dimensions say it
    std::string why;                                        // a line for the beginning of a training
  };
  /// @param base what the run is without options
  /// @param sized whether `base` says how large the model is: a file of options was given
  /// @param training_pairs for --size auto
  Size size_of(const models::RunConfig& base, bool sized, size_t training_pairs) const;
  /// What a new run begins with whose weights and vocabularies are those of the run in `folder`: its model
  /// and text, the training that was given. Throws ValueError `init-from: --heads is not what 'run' has: ...`
  /// for an option of the model (dropout excepted) or of the text that was given and differs.
  models::RunConfig begun_from(const models::RunConfig& run, const std::string& folder) const;
  /// The names of those that were given, "--lr".
  std::vector<std::string> given() const;
  /// What a run in `folder` goes on with: its own config, changed where a resumed run may be, and longer
  /// where its rates do not depend on the length. Throws ValueError `resume: --lr is not what 'run' was
  /// started with: 0.5 is given, and it has 0.001` for an option that was given and cannot change.
  models::RunConfig resumed(const models::RunConfig& run, const std::string& folder) const;

 private:
  struct Entry {
    std::vector<const models::RunOption*> rows;  // of one flag
    models::OptionValue value;                   // what was given
    const CLI::Option* option = nullptr;
    bool given() const { return option->count() > 0; }
  };
  void refuse_idle(const models::RunConfig& config, const models::RunConfig& otherwise) const;
  void lengthen(models::RunConfig& run, const std::string& folder) const;
  void refuse_size(const std::string& op, const std::string& folder) const;
  bool has_size(const models::RunConfig& run) const;
  std::vector<std::string> given_dimensions(const models::RunConfig& config) const;

  const CLI::App* cli_ = nullptr;
  std::list<Entry> entries_;  // where they lie is where CLI11 writes to
  models::ModelSize size_ = models::ModelSize::automatic;
  const CLI::Option* size_option_ = nullptr;
};

}  // namespace heed::apps
