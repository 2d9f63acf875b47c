// Describes an option in one place: command lines, config.toml, presets, checks, resume rules, --help and
// docs/options.md are all derived from this row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "models/options/choice.h"

namespace heed::models {

/// The value of an option: a switch, an integer, a number, or a text (for a choice, its name).
using OptionValue = std::variant<bool, int64_t, double, std::string>;

/// Whether an option may have another value when a run is resumed.
enum class OnResume : uint8_t {
  fixed,   // it must keep the value that the run was started with
  free,    // it may change freely
  length,  // it may grow, unless a learning rate depends on it
};

/// The allowed values of an option.
struct Values {
  std::vector<std::string> choices;  // allowed texts; empty: any text
  /// Pairs of an alternative name of a choice, and the choice.
  std::vector<std::pair<std::string, std::string>> other_names;
  double least = 0, most = 1e9;                  // range of a number
  bool above_least = false, below_most = false;  // whether the bound itself is excluded
  bool (*fits)(std::string_view) = nullptr;      // whether a text is allowed; null: any is
  std::string form = {};  // what such a text is, "a language code of two or three letters"
};
/// @param least the smallest value
/// @param most the largest
/// @return the numbers in [least, most]
Values between(double least, double most = 1e9);
/// @param least the lower bound, itself excluded
/// @return the numbers above `least`
Values above(double least);
/// @return the numbers that are at least 0
Values not_negative();
/// @return the numbers in [0, 1)
Values fraction();
/// @param choices the allowed texts
/// @param other_names pairs of an alternative name of a choice, and the choice
/// @return these texts
Values one_of(std::vector<std::string> choices,
              std::vector<std::pair<std::string, std::string>> other_names = {});
/// @param may_be_empty whether no code is one too
/// @return codes of languages: two or three lower-case letters, or nothing
Values language_code(bool may_be_empty = true);

/// The description of an option, whatever struct its value is stored in.
struct Option {
  std::string key;                       // key in config.toml: batch_size
  std::string help;                      // one line for --help
  Values values;                         // allowed values
  OnResume on_resume = OnResume::fixed;  // whether a resumed run may change it
  bool training_only =
      false;          // whether the weights are as good for any value: a run begun with them may choose
  std::string other;  // flag of the option that decides whether this one means something; empty: it does
  std::string idle;   // how it then does nothing: "without --patience, which is 0"

  /// @return the name on a command line: "batch-size"
  std::string name() const;
  /// Throws if a value is not allowed.
  /// @param value a value of the option's type
  /// @param called its name in the message; empty: name()
  /// @throws ValueError "batch-size: must be at least 1, got 0"
  void check(const OptionValue& value, const std::string& called = {}) const;
};

/// @param value up to INT64_MAX
/// @param option name of the option, used in the error message
/// @return the same number as int64_t, the integer type of config.toml
/// @throws ValueError "seed: must be at most 9223372036854775807, got 9223372036854775808"
int64_t whole_number(uint64_t value, const std::string& option);

/// Converts a field of a struct to an OptionValue.
/// @param field bool, int64_t, uint64_t, double, std::string, or an enum with kNames
/// @param option name of the option, used in error messages
/// @return the value of the field
/// @throws ValueError for a uint64_t above INT64_MAX, which config.toml cannot hold
template <class Field>
OptionValue to_value(const Field& field, const std::string& option) {
  if constexpr (std::is_enum_v<Field>) {
    return name_of_choice(field);
  } else if constexpr (std::is_same_v<Field, uint64_t>) {
    return whole_number(field, option);
  } else {
    return field;
  }
}

/// An option whose value is a field of the struct Owner.
template <class Owner>
struct OptionOf : Option {
  /// @param in_file key in config.toml
  /// @param field the field: bool, int64_t, uint64_t (up to INT64_MAX), double, std::string, or an enum with
  ///   kNames
  /// @param what one line of help
  /// @param taken allowed values; for an enum its names are used instead
  /// @param resumed whether a resumed run may change it
  template <class Field>
  OptionOf(std::string in_file, Field Owner::*field, std::string what, Values taken = {},
           OnResume resumed = OnResume::fixed)
      : Option{std::move(in_file), std::move(what), std::move(taken), resumed} {
    if constexpr (std::is_enum_v<Field>) values.choices.assign(kNames<Field>.begin(), kNames<Field>.end());
    get = [field, name = name()](const Owner& owner) { return to_value(owner.*field, name); };
    set = [field](Owner& owner, const OptionValue& value) {
      if constexpr (std::is_enum_v<Field>) {
        owner.*field = *choice_named<Field>(std::get<std::string>(value));
      } else if constexpr (std::is_same_v<Field, uint64_t>) {
        owner.*field = static_cast<uint64_t>(std::get<int64_t>(value));
      } else {
        owner.*field = std::get<Field>(value);
      }
    };
  }
  /// Makes an option of a part of Owner into an option of Owner.
  /// @param option option of the part
  /// @param read,write functions that return the part of an owner, for reading and for writing
  template <class Part>
  OptionOf(const OptionOf<Part>& option, const std::function<const Part&(const Owner&)>& read,
           const std::function<Part&(Owner&)>& write)
      : Option(option),
        get([option, read](const Owner& owner) { return option.get(read(owner)); }),
        set([option, write](Owner& owner, const OptionValue& value) { option.set(write(owner), value); }) {
    if (option.used) used = [option, read](const Owner& owner) { return option.used(read(owner)); };
  }

  std::function<OptionValue(const Owner&)> get;         // reads the value
  std::function<void(Owner&, const OptionValue&)> set;  // sets the value, which must pass check()
  std::function<bool(const Owner&)> used;               // whether the value means something; null: always
};

/// @param option any option
/// @return the same as one that only training uses
template <class Owner>
OptionOf<Owner> only_in_training(OptionOf<Owner> option) {
  option.training_only = true;
  return option;
}

/// @param other flag of the option that decides whether this one means something
/// @param idle how it does nothing otherwise, in words behind "does nothing"
/// @param used whether it means something
/// @param option any option
/// @return the same as one that does nothing unless `used` holds
template <class Owner>
OptionOf<Owner> only_with(std::string other, std::string idle, bool (*used)(const Owner&),
                          OptionOf<Owner> option) {
  option.other = std::move(other);
  option.idle = std::move(idle);
  option.used = used;
  return option;
}

/// Throws if any option of an owner has a value that is not allowed.
/// @param owner struct with values given by the user
/// @param options all options of Owner
/// @throws ValueError naming the option
template <class Owner>
void check_values(const Owner& owner, const std::vector<OptionOf<Owner>>& options) {
  for (const OptionOf<Owner>& option : options) option.check(option.get(owner));
}

}  // namespace heed::models
