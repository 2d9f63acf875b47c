#include "apps/translator/preset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "apps/common/main_guard.h"
#include "apps/common/renamed.h"
#include "apps/common/streams.h"
#include "apps/translator/run_options.h"
#include "framework/core/error.h"
#include "models/run/options.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

[[noreturn]] void fail(const std::string& file, int64_t line, const std::string& what) {
  throw CLI::ConversionError(fmt::format("{} line {}: {}", file, line, what));
}

// What an option takes, in words: "" for anything.
std::string wanted(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.get_expected_min() == 0 || type.starts_with("BOOLEAN")) return "true or false";
  if (type.starts_with("UINT")) return "a whole number from 0";
  if (type.starts_with("INT")) return "a whole number";
  if (type.starts_with("FLOAT")) return "a number";
  return "a text in quotes";
}

// A value as it would stand on the command line, if it is what `wanted` says.
std::optional<std::string> spelling(const toml::node& node, const std::string& wanted) {
  if (wanted == "true or false")
    return node.is_boolean() ? std::optional(node.ref<bool>() ? "true" : "false") : std::nullopt;
  if (wanted == "a text in quotes")
    return node.is_string() ? std::optional(node.ref<std::string>()) : std::nullopt;
  if (node.is_integer() && (node.ref<int64_t>() >= 0 || wanted != "a whole number from 0"))
    return fmt::format("{}", node.ref<int64_t>());
  if (node.is_floating_point() && wanted == "a number") return fmt::format("{}", node.ref<double>());
  return std::nullopt;
}

class PresetReader : public CLI::Config {
 public:
  explicit PresetReader(CLI::App& program) : program_(program) {}
  const std::optional<models::RunConfig>& run() const { return run_; }
  bool gave(const CLI::Option& option) const { return gave_.contains(&option); }
  // nobody asks for it
  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return ""; }
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    const std::string file = program_.get_config_ptr()->as<std::string>();
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (models::first_invalid_utf8(text))
      throw CLI::ConversionError(fmt::format("'{}' is not a TOML file: it is not UTF-8", file));
    try {
      models::check_toml_depth(text, file);
    } catch (const FormatError& error) {
      throw CLI::ConversionError(error.what());
    }
    toml::table root;
    try {
      root = toml::parse(text);
    } catch (const toml::parse_error& error) {
      fail(file, error.source().begin.line, std::string(error.description()));
    }
    if (root["format"].value_or(std::string{}) == "heed.run") {  // a run's own: whole, for config_of_preset
      if (std::ranges::none_of(program_.get_subcommands(), [](const CLI::App* sub) {
            return sub->get_option_no_throw("--architecture");
          })) {
        throw CLI::ConversionError(
            fmt::format("'{}' is the config of a run, which train and compare take", file));
      }
      run_ = models::parse_run_config(text, file);
      return {};
    }
    std::vector<CLI::ConfigItem> own, shared;
    for (const auto& [name, node] : root) read_section(file, std::string(name.str()), node, own, shared);
    own.insert(own.end(), shared.begin(), shared.end());  // of two values the first one counts
    for (const CLI::ConfigItem& item : own) {             // what the command line has was read before
      const CLI::Option* const option =
          program_.get_subcommand(item.parents.front())->get_option_no_throw("--" + item.name);
      if (option && option->count() == 0) gave_.insert(option);
    }
    return own;
  }

 private:
  void read_section(const std::string& file, const std::string& name, const toml::node& node,
                    std::vector<CLI::ConfigItem>& own, std::vector<CLI::ConfigItem>& shared) const {
    const toml::table* const section = node.as_table();
    if (!section)
      fail(file, node.source().begin.line,
           fmt::format("'{}' stands in no section; [train] comes first", name));
    const CLI::App* subcommand = nullptr;
    std::vector<std::string> known;
    for (const CLI::App* sub :
         std::as_const(program_).get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(sub->get_name());
      if (sub->get_name() == name) subcommand = sub;
    }
    if (!subcommand) {
      fail(file, node.source().begin.line,
           fmt::format("unknown section [{}] ({})", name, fmt::join(known, ", ")));
    }
    for (const auto& [key, value] : *section) {
      CLI::ConfigItem item = read_key(file, *subcommand, std::string(key.str()), value);
      if (subcommand->parsed()) {
        own.push_back(std::move(item));
      } else if (name == "train" && makes_run(*subcommand->get_option("--" + item.name))) {
        share(item, shared);
      }  // the sections of the others are checked and wait
    }
  }

  // What makes a run in [train] makes it in the other subcommands that train.
  void share(CLI::ConfigItem item, std::vector<CLI::ConfigItem>& shared) const {
    for (const CLI::App* sub : program_.get_subcommands()) {
      const CLI::Option* const option = sub->get_option_no_throw("--" + item.name);
      if (!option || !makes_run(*option)) continue;
      const CLI::Option* const trained = sub->get_option_no_throw("--run");
      // trained runs: nothing is trained
      if (sub->get_name() == "compare" && trained && trained->count() > 0) continue;
      item.parents = {sub->get_name()};
      shared.push_back(item);
    }
  }

  static CLI::ConfigItem read_key(const std::string& file, const CLI::App& subcommand, const std::string& key,
                                  const toml::node& value) {
    const int64_t line = value.source().begin.line;
    const CLI::Option* const option = key == "help" ? nullptr : subcommand.get_option_no_throw("--" + key);
    if (!option) {
      std::vector<std::string> known;
      for (const CLI::Option* one : subcommand.get_options([](const CLI::Option*) { return true; })) {
        for (const std::string& name : one->get_lnames()) known.push_back("--" + name);
      }
      const std::string now = renamed(fmt::format("translator {}", subcommand.get_name()), "--" + key);
      if (now.starts_with("--")) fail(file, line, fmt::format("'{}' is now '{}'", key, now.substr(2)));
      const std::string near = nearest("--" + key, known);
      fail(file, line,
           fmt::format("unknown key '{}'{}", key,
                       near.empty() ? "" : fmt::format("; did you mean '{}'?", near.substr(2))));
    }
    CLI::ConfigItem item{{subcommand.get_name()}, key, {}};
    const std::string type = wanted(*option);
    const auto take = [&](const toml::node& one) {
      const auto spelt = spelling(one, type);
      if (!spelt) fail(file, line, fmt::format("'{}' takes {}", key, type));
      item.inputs.push_back(*spelt);
    };
    const toml::array* const list = option->get_expected_max() > 1 ? value.as_array() : nullptr;
    if (!list) take(value);
    if (list) {
      for (const toml::node& one : *list) take(one);
    }
    return item;
  }

  CLI::App& program_;
  mutable std::optional<models::RunConfig> run_;  // CLI11 reads through a const object
  mutable std::set<const CLI::Option*> gave_;     // that the command line does not have
};

}  // namespace

void add_preset_option(CLI::App& program) {
  program
      .set_config("--config", "",
                  "TOML file of options, a section a subcommand (see presets/); the command line wins, and "
                  "compare reads [train] too")
      ->transform(CLI::Validator(
          [](std::string& path) {
            path = input_path(path);
            std::error_code error;
            if (std::filesystem::is_directory(path, error))
              return fmt::format("cannot read '{}': {}", path, std::strerror(EISDIR));
            return ::access(path.c_str(), R_OK) == 0
                       ? std::string()
                       : fmt::format("cannot open '{}': {}", path, std::strerror(errno));
          },
          "", "readable"));
  program.config_formatter(std::make_shared<PresetReader>(program));
  program.allow_config_extras(CLI::config_extras_mode::error);
}

namespace {

// Null for a program without presets.
const PresetReader* reader_of(const CLI::App& subcommand) {
  return dynamic_cast<const PresetReader*>(subcommand.get_parent()->get_config_formatter().get());
}

}  // namespace

bool preset_gave(const CLI::App& subcommand, const CLI::Option& option) {
  const PresetReader* const reader = reader_of(subcommand);
  return reader && reader->gave(option);
}

models::RunConfig config_of_preset(const CLI::App& subcommand, const models::RunConfig& otherwise) {
  const PresetReader* const reader = reader_of(subcommand);
  return reader && reader->run() ? *reader->run() : otherwise;
}

std::string preset_of(const CLI::App& subcommand) {
  const CLI::Option* const given = subcommand.get_parent()->get_config_ptr();
  return given->count() > 0 ? given->as<std::string>() : "";
}

}  // namespace heed::apps
