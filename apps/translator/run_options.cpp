#include "apps/translator/run_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/common/choice.h"
#include "apps/common/main_guard.h"
#include "apps/translator/preset.h"
#include "framework/core/error.h"

namespace heed::apps {
namespace {

const CLI::Validator kFitsConfig(
    [](const std::string& text) {
      int64_t number = 0;
      const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
      return end.ec == std::errc::result_out_of_range ? fmt::format("'{}' is too large a number", text)
                                                      : std::string();
    },
    "");

}  // namespace

bool makes_run(const CLI::Option& option) {
  const std::string& group = option.get_group();
  return group == kPairs ||
         std::ranges::any_of(models::run_options(), [&](const auto& row) { return row.group == group; });
}

CLI::Validator one_of(const models::Values& values) {
  return one_of(values.choices, {values.other_names.begin(), values.other_names.end()});
}

const models::RunOption& run_option(const std::string& flag) {
  const auto found = std::ranges::find(models::run_options(), flag, &models::RunOption::flag);
  if (found == models::run_options().end()) throw Error(fmt::format("there is no option {}", flag));
  return *found;
}

namespace {

// One line for the rows of a flag: what it is, and of which architectures where not all have it.
std::string help_of(const std::vector<const models::RunOption*>& rows) {
  std::string help = rows.front()->help;
  std::vector<std::string> of;
  for (const models::RunOption* row : rows) {
    if (!row->architecture.empty()) of.push_back(row->architecture);
  }
  if (!of.empty() && of.size() < models::architectures().size())
    help += fmt::format(" ({})", fmt::join(of, ", "));
  return help;
}

// The value that a row has when nobody says otherwise.
models::OptionValue default_of(const models::RunOption& row) {
  models::RunConfig config;
  if (!row.architecture.empty())
    config.model = models::ModelConfig(models::find_architecture(row.architecture));
  return row.get(config);
}

}  // namespace

CLI::Validator allowed_text(const models::Values& values) {
  return {[values](const std::string& text) {
            return values.fits(text) ? std::string() : fmt::format("'{}' is not {}", text, values.form);
          },
          ""};
}

void RunOptions::add_to(CLI::App& cli, const std::vector<std::string>& without) {
  cli_ = &cli;
  for (const models::RunOption& row : models::run_options()) {
    if (row.flag.empty() || std::ranges::find(without, row.flag) != without.end()) continue;
    const auto same =
        std::ranges::find_if(entries_, [&](const Entry& e) { return e.rows.front()->flag == row.flag; });
    if (same != entries_.end()) {
      same->rows.push_back(&row);
    } else {
      entries_.push_back({{&row}, default_of(row), nullptr});
    }
  }
  for (Entry& entry : entries_) {
    const models::RunOption& row = *entry.rows.front();
    const std::string help = help_of(entry.rows);
    CLI::Option* option = nullptr;
    if (auto* const on = std::get_if<bool>(&entry.value)) {
      option = cli.add_flag(fmt::format("{},!--no-{}", row.flag, row.flag.substr(2)), *on,
                            fmt::format("{} (default: {})", help, *on ? "on" : "off"));
    } else if (auto* const whole = std::get_if<int64_t>(&entry.value)) {
      option = cli.add_option(row.flag, *whole, help)->capture_default_str();
      if (std::isinf(row.values.most)) option->check(kWholeNumber)->check(kFitsConfig)->type_name("UINT");
    } else if (auto* const number = std::get_if<double>(&entry.value)) {
      option = cli.add_option(row.flag, *number, help)->capture_default_str();
    } else {
      option = cli.add_option(row.flag, std::get<std::string>(entry.value), help)->capture_default_str();
      if (!row.values.choices.empty()) option->check(one_of(row.values));
      if (row.values.fits) option->check(allowed_text(row.values));
    }
    entry.option = option->group(row.group);
  }
  size_option_ =
      add_choice(
          cli, "--size", size_,
          "of a new model: all its dimensions but those that are given; auto: by the number of training "
          "pairs, which is so where neither --config nor a dimension is given")
          ->group(entries_.front().rows.front()->group);
}

namespace {

std::string shown(const models::OptionValue& value) {
  return std::visit([](const auto& it) { return fmt::format("{}", it); }, value);
}

// "--lr is not what 'run' was started with: 0.5 is given, and it has 0.001"
[[noreturn]] void refuse_value(const char* op, const std::string& option, const std::string& of,
                               const std::string& given, const models::OptionValue& has) {
  throw ValueError(
      op, fmt::format("{} is not what {}: {} is given, and it has {}", option, of, given, shown(has)));
}

std::string started(const std::string& folder) { return fmt::format("'{}' was started with", folder); }

}  // namespace

void require_same(const std::string& option, const models::OptionValue& given, const models::OptionValue& has,
                  const std::string& folder) {
  if (given != has) refuse_value("resume", option, started(folder), shown(given), has);
}

void require_preset_of(const models::RunConfig& preset, const models::RunConfig& run, const char* op,
                       const std::string& folder) {
  for (const models::RunOption& row : models::run_options()) {  // the architecture first
    if (row.applies(run) && row.get(preset) != row.get(run))
      refuse_value(op, "--config", started(folder), fmt::format("{} {}", row.key, shown(row.get(preset))),
                   row.get(run));
  }
  if (preset != run) throw ValueError(op, fmt::format("--config is not what {}", started(folder)));
}

void check_given(const models::RunConfig& config) {
  try {
    models::check(config);
  } catch (const ValueError& error) {
    const std::string message = error.what(), flag = "--" + message.substr(0, message.find(": "));
    if (std::ranges::find(models::run_options(), flag, &models::RunOption::flag) ==
        models::run_options().end()) {
      throw;
    }
    throw CLI::ValidationError(flag, message.substr(flag.size()));  // without the two dashes, with ": "
  }
}

// The dimensions of the model that were given, by their flags.
std::vector<std::string> RunOptions::given_dimensions(const models::RunConfig& config) const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.given() && std::ranges::any_of(entry.rows, [&](const models::RunOption* row) {
          return row->section == "model" && row->applies(config) && is_dimension(config.model, row->key);
        }))
      names.push_back(entry.option->get_name());
  }
  return names;
}

RunOptions::Size RunOptions::size_of(const models::RunConfig& base, bool sized, size_t training_pairs) const {
  const models::RunConfig config = applied_to(base);
  const std::vector<std::string> dimensions = given_dimensions(config);
  const bool asked = size_option_->count() > 0;
  if (!asked && (sized || !dimensions.empty())) return {};
  const bool by_pairs = size_ == models::ModelSize::automatic;
  const models::ModelSize size = by_pairs ? models::size_for(static_cast<int64_t>(training_pairs)) : size_;
  std::string why =
      fmt::format("size: {}, {}", models::name_of_choice(size),
                  by_pairs ? fmt::format("for {} training pairs", training_pairs) : "as asked for");
  if (!dimensions.empty()) why += fmt::format(", with {} as given", fmt::join(dimensions, ", "));
  if (!asked) why += " (--size tiny, small or base chooses another)";
  return {size, why};
}

void RunOptions::refuse_size(const std::string& op, const std::string& folder) const {
  if (size_option_ && size_option_->count() > 0)
    throw ValueError(op, fmt::format("--size is of a new model, and that of '{}' stays", folder));
}

// Whether --size, where it is given, is the run's own.
bool RunOptions::has_size(const models::RunConfig& run) const {
  if (!size_option_ || size_option_->count() == 0 || size_ == models::ModelSize::automatic) return true;
  models::RunConfig sized = run;
  models::set_size(sized.model, size_);
  return std::ranges::all_of(entries_, [&](const Entry& entry) {
    return entry.given() || std::ranges::all_of(entry.rows, [&](const models::RunOption* row) {
             return !row->applies(run) || row->get(sized) == row->get(run);
           });
  });
}

// A preset's value may do nothing beside an option of the command line, which comes first; one that is as in
// `otherwise` says nothing.
void RunOptions::refuse_idle(const models::RunConfig& config, const models::RunConfig& otherwise) const {
  const auto on_command_line = [&](const Entry& entry) {
    return entry.given() && !preset_gave(*cli_, *entry.option);
  };
  for (const Entry& entry : entries_) {  // what is wrong in itself comes first
    for (const models::RunOption* row : entry.rows) {
      if (entry.given() && row->applies(config)) row->check(entry.value);
    }
  }
  for (const Entry& entry : entries_) {
    if (!entry.given()) continue;
    for (const models::RunOption* row : entry.rows) {
      if (!row->applies(config) || !row->used || row->used(config)) continue;
      if (row->get(config) == (row->applies(otherwise) ? row->get(otherwise) : default_of(*row))) continue;
      const auto other =
          std::ranges::find_if(entries_, [&](const Entry& e) { return e.rows.front()->flag == row->other; });
      if (other == entries_.end()) continue;  // compare: of several values
      if (on_command_line(entry) || !on_command_line(*other))
        throw CLI::ValidationError(
            row->flag, fmt::format("does nothing {}{}", row->idle,
                                   other->given() && !on_command_line(*other) ? " (--config has it)" : ""));
    }
  }
}

models::RunConfig RunOptions::applied_to(models::RunConfig base, models::ModelSize size) const {
  const models::RunConfig otherwise = base;
  for (const Entry& entry : entries_) {  // the architecture first: it has the others
    // a dimension that was given stands
    if (&entry == &*std::next(entries_.begin()) && size != models::ModelSize::automatic)
      models::set_size(base.model, size);
    if (!entry.given()) continue;
    bool applied = false;
    std::vector<std::string> of;
    for (const models::RunOption* row : entry.rows) {
      of.push_back(row->architecture);
      if (!row->applies(base)) continue;
      row->set(base, entry.value);
      applied = true;
    }
    if (!applied) {
      throw CLI::ValidationError(entry.option->get_name(),
                                 fmt::format("is of --architecture {}, and this one is {}",
                                             fmt::join(of, ", "), base.model.architecture().name));
    }
  }
  refuse_idle(base, otherwise);
  return with_tokenizers(std::move(base));
}

std::vector<std::string> RunOptions::given() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.given()) names.push_back(entry.option->get_name());
  }
  if (size_option_ && size_option_->count() > 0) names.push_back(size_option_->get_name());
  return names;
}

models::RunConfig RunOptions::begun_from(const models::RunConfig& run, const std::string& folder) const {
  refuse_size("init-from", folder);
  models::RunConfig base;
  for (const models::RunOption& row : models::run_options()) {  // the architecture first, its dropout too
    if ((!row.training_only || row.section == "model") && row.applies(run)) row.set(base, row.get(run));
  }
  base.train.max_length =
      std::min(base.train.max_length, base.model.architecture().longest_source(base.model.options()) - 1);
  const models::RunConfig result = applied_to(base);
  for (const Entry& entry : entries_) {
    for (const models::RunOption* row : entry.rows) {
      if (!entry.given() || !row->applies(base) || row->training_only) continue;
      if (row->get(result) != row->get(base))
        refuse_value("init-from", entry.option->get_name(), fmt::format("'{}' has", folder),
                     shown(row->get(result)), row->get(base));
    }
  }
  return result;
}

models::RunConfig RunOptions::resumed(const models::RunConfig& run, const std::string& folder) const {
  if (!has_size(run)) refuse_size("resume", folder);
  models::RunConfig result = run;
  for (const Entry& entry : entries_) {
    if (!entry.given()) continue;
    bool known = false;
    for (const models::RunOption* row : entry.rows) {
      if (!row->applies(run)) continue;
      known = true;
      if (row->on_resume == models::OnResume::free) row->set(result, entry.value);
      if (row->on_resume == models::OnResume::fixed && row->get(run) != entry.value &&
          entry.value != models::OptionValue("auto"))
        refuse_value("resume", entry.option->get_name(), started(folder), shown(entry.value), row->get(run));
    }
    if (!known) {
      throw ValueError("resume",
                       fmt::format("{} is not what {}: its architecture {} has no such option",
                                   entry.option->get_name(), started(folder), run.model.architecture().name));
    }
  }
  lengthen(result, folder);
  refuse_idle(result, run);
  return result;
}

// A run whose rates do not depend on its length may go on for longer, in its unit: the last of the lengths
// that is set, as each stands in place of those before it.
void RunOptions::lengthen(models::RunConfig& run, const std::string& folder) const {
  std::vector<const Entry*> lengths;
  for (const Entry& entry : entries_) {
    if (entry.rows.front()->on_resume == models::OnResume::length) lengths.push_back(&entry);
  }
  const auto now = [&](const Entry* entry) { return std::get<int64_t>(entry->rows.front()->get(run)); };
  const auto set =
      std::find_if(lengths.rbegin(), lengths.rend(), [&](auto* entry) { return now(entry) > 0; });
  if (set == lengths.rend()) return;
  const Entry& unit = **set;
  const std::string name = unit.option->get_name();
  const auto differs = [&](const Entry* entry) {
    return entry->given() && entry->value != entry->rows.front()->get(run);
  };
  for (const Entry* other : lengths) {
    if (other != &unit && differs(other)) {
      throw ValueError("resume", fmt::format("{}: the length of '{}' was given in {}",
                                             other->option->get_name(), folder, name));
    }
  }
  if (!differs(&unit)) return;
  const int64_t started_with = now(&unit);
  if (nn::depends_on_length(run.train.schedule)) {
    throw ValueError(
        "resume",
        fmt::format("{} stays {}: the length is part of the schedule '{}' (constant and inverse_sqrt "
                    "can go on for longer)",
                    name, started_with, models::name_of_choice(run.train.schedule)));
  }
  if (std::get<int64_t>(unit.value) < started_with) {
    throw ValueError("resume",
                     fmt::format("{} can only grow: '{}' was started with {}", name, folder, started_with));
  }
  unit.rows.front()->set(run, unit.value);
}

}  // namespace heed::apps
