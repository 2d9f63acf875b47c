// An option, said once: the row that command lines, config.toml, presets, checks, resume rules, --help and docs/options.md walk.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace heed::models {

/// What an option holds: a switch, a whole number, a number, or a text (of a choice its name).
using OptionValue = std::variant<bool, int64_t, double, std::string>;

/// The names of an enum's values, in their order; a specialisation beside each enum that is an option.
template <class Enum>
inline constexpr std::array<std::string_view, 0> kNames{};

/// @param value of an enum that has kNames
/// @return its name
template <class Enum>
std::string name_of_choice(Enum value) {
  return std::string(kNames<Enum>[static_cast<size_t>(value)]);
}

/// What a resumed run may do with an option.
enum class OnResume : uint8_t {
  fixed,   // it stays as the run was started
  free,    // it may change
  length,  // it may grow, where no rate depends on it
};

/// Which values an option takes.
struct Values {
  std::vector<std::string> choices;                              // of a text; empty: any
  std::vector<std::pair<std::string, std::string>> other_names;  // what others call a choice, and the choice
  double least = 0, most = 1e9;                                  // of a number; far above what helps, so that products stay in 64 bits
  bool above_least = false, below_most = false;                  // the bound itself is refused
};
/// @param least the smallest value
/// @param most the largest
/// @return the values from one to the other
Values between(double least, double most = 1e9);
/// @param least is refused itself
/// @return the numbers above it
Values above(double least);
/// @return the numbers from 0 on
Values not_negative();
/// @return the numbers from 0 to below 1
Values fraction();
/// @param choices what it may be
/// @param other_names what others call one of them, and that one
/// @return these texts
Values one_of(std::vector<std::string> choices, std::vector<std::pair<std::string, std::string>> other_names = {});
/// @return any text
Values any_text();

/// What is known of an option wherever it stands.
struct Option {
  std::string key;                       // in config.toml, batch_size
  std::string help;                      // a line
  Values values;                         // it takes
  OnResume on_resume = OnResume::fixed;  // what a resumed run may do with it

  /// @return the name on a command line, "batch-size"
  std::string name() const;
  /// Refuses values that the option does not take.
  /// @param value of the option's kind
  /// @throws ValueError "batch-size: must be at least 1, got 0"
  void check(const OptionValue& value) const;
};

/// @param value up to INT64_MAX
/// @param option its name, for the message
/// @return the same as config.toml holds it
/// @throws ValueError "seed: must be at most 9223372036854775807, got 9223372036854775808"
int64_t whole_number(uint64_t value, const std::string& option);

/// A field as an OptionValue.
/// @param field bool, int64_t, uint64_t, double, std::string, or an enum with kNames
/// @param option its name, for messages
/// @return its value
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

/// An option that is a field of an Owner.
template <class Owner>
struct OptionOf : Option {
  /// @param in_file its key
  /// @param field bool, int64_t, uint64_t (up to INT64_MAX), double, std::string, or an enum with kNames
  /// @param what a line of help
  /// @param taken the values; an enum's are its names
  /// @param resumed what a resumed run may do with it
  template <class Field>
  OptionOf(std::string in_file, Field Owner::*field, std::string what, Values taken = {}, OnResume resumed = OnResume::fixed)
      : Option{std::move(in_file), std::move(what), std::move(taken), resumed} {
    if constexpr (std::is_enum_v<Field>) values.choices.assign(kNames<Field>.begin(), kNames<Field>.end());
    get = [field, name = name()](const Owner& owner) { return to_value(owner.*field, name); };
    set = [field](Owner& owner, const OptionValue& value) {
      if constexpr (std::is_enum_v<Field>) {
        const auto& names = kNames<Field>;
        owner.*field = static_cast<Field>(std::ranges::find(names, std::get<std::string>(value)) - names.begin());
      } else if constexpr (std::is_same_v<Field, uint64_t>) {
        owner.*field = static_cast<uint64_t>(std::get<int64_t>(value));
      } else {
        owner.*field = std::get<Field>(value);
      }
    };
  }
  /// An option of something that an Owner holds.
  /// @param option of the part
  /// @param read,write an owner's part, for reading and for writing
  template <class Part>
  OptionOf(const OptionOf<Part>& option, const std::function<const Part&(const Owner&)>& read, const std::function<Part&(Owner&)>& write)
      : Option(option),
        get([option, read](const Owner& owner) { return option.get(read(owner)); }),
        set([option, write](Owner& owner, const OptionValue& value) { option.set(write(owner), value); }) {}

  std::function<OptionValue(const Owner&)> get;         // what it is
  std::function<void(Owner&, const OptionValue&)> set;  // makes it so; the value is one that check() takes
};

/// Refuses an owner with a value that one of its options does not take.
/// @param owner as a user gave it
/// @param options all of it
/// @throws ValueError naming the option
template <class Owner>
void check_values(const Owner& owner, const std::vector<OptionOf<Owner>>& options) {
  for (const OptionOf<Owner>& option : options) option.check(option.get(owner));
}

}  // namespace heed::models
