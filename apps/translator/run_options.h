// The options that make a run, the same for every subcommand that trains. The kind of attention is the subcommand's own.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/run/folder.h"

namespace heed::apps {

constexpr const char *kPairs = "Sentence pairs", *kModel = "Model", *kTraining = "Training", *kText = "Text";  // groups of --help

/// Whether an option makes a run or names its sentence pairs: what a preset's [train] means to every subcommand that trains.
bool makes_run(const CLI::Option& option);

/// The kinds of attention of the recurrent translator: none, none_state, and those of nn/attention/.
std::vector<std::string> attention_choices();
/// A check for one of them; the names that papers and other programs give them are answered with heed's.
CLI::Validator one_attention_kind();

class RunOptions {
 public:
  RunOptions() = default;
  RunOptions(const RunOptions&) = delete;  // the options refer to it
  RunOptions& operator=(const RunOptions&) = delete;

  /// Adds all options but --attention.
  void add_to(CLI::App& cli);
  /// Adds --attention for one kind.
  void add_attention(CLI::App& cli);

  /// A copy of `base` with every option that was given in its place.
  models::RunConfig applied_to(models::RunConfig base = {}) const;
  /// The names of those that were given, "--lr".
  std::vector<std::string> given() const;
  /// What a run in `folder` goes on with: its own config, which may become longer where its rates do not depend on the length, and another
  /// --on-bad-gradient.
  /// Throws ValueError `resume: --lr is not what 'run' was started with` for an option that was given and cannot change.
  models::RunConfig resumed(const models::RunConfig& run, const std::string& folder) const;

 private:
  struct Entry {
    const CLI::Option* option;
    std::function<void(models::RunConfig&)> assign;
    std::function<bool(const models::RunConfig&)> differs;  // empty for what may change: resumed()
  };
  template <class Field>
  CLI::Option* enter(CLI::Option* option, const char* group, Field field);
  void lengthen(models::RunConfig& run, const std::string& folder) const;

  models::RunConfig config_;
  std::vector<Entry> entries_;
  const CLI::Option *epochs_ = nullptr, *updates_ = nullptr, *on_bad_gradient_ = nullptr;
};

}  // namespace heed::apps
