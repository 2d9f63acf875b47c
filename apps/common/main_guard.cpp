#include "apps/common/main_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "apps/common/environment.h"
#include "apps/common/print.h"
#include "apps/common/renamed.h"
#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::apps {

// Messages can quote a user's text; what stands on stderr stays one line, and bytes that no terminal should
// see do not.
std::string one_line(std::string_view message) {
  std::string line(message);
  std::ranges::replace_if(
      line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(line);
}

namespace {

// bytes: the libraries, OpenBLAS's buffers and a small model; fonts and a picture
constexpr rlim_t kLeastAddressSpace = 1UL << 30U;

const CLI::App* subcommand(const CLI::App& cli, const std::string& name) {
  const auto found =
      cli.get_subcommands([&](const CLI::App* sub) { return !name.empty() && sub->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// All options of an app, those of its groups among them.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> all = app.get_options([](const CLI::Option*) { return true; });
  for (const CLI::App* group :
       app.get_subcommands([](const CLI::App* sub) { return sub->get_name().empty(); })) {
    for (const CLI::Option* option : group->get_options([](const CLI::Option*) { return true; }))
      all.push_back(option);
  }
  return all;
}

bool takes(const CLI::Option& option, std::string_view type) {
  return option.get_type_name().starts_with(type);
}

// Options for which nothing is something: no language's rules, no title.
bool may_be_empty(const CLI::Option& option) {
  return option.check_name("--title") || option.check_name("--source-language") ||
         option.check_name("--target-language");
}

// What is wrong with the values of options whatever they are for: CLI11 takes an empty one as none, 0 or
// false, and numbers that are too large as the largest.
void check_values(const CLI::App& app) {
  for (const CLI::Option* option : options_of(app)) {
    for (const std::string& value : option->count() > 0 ? option->results() : std::vector<std::string>{}) {
      const auto refuse = [&](const std::string& why) {
        throw CLI::ValidationError(option->get_name(), why);
      };
      if (value.empty() && !may_be_empty(*option)) refuse("is empty");
      if (takes(*option, "FLOAT")) {
        if (!std::isfinite(std::strtod(value.c_str(), nullptr)))
          refuse(fmt::format("'{}' is not a finite number", value));
      }
      const bool is_unsigned = takes(*option, "UINT");
      if (!is_unsigned && !takes(*option, "INT")) continue;
      int64_t number = 0;
      uint64_t whole = 0;
      const char *const begin = value.data() + (value.starts_with('+') ? 1 : 0), *const end = value.data() +
                                                                                              value.size();
      const std::errc read =
          is_unsigned ? std::from_chars(begin, end, whole).ec : std::from_chars(begin, end, number).ec;
      if (read == std::errc::result_out_of_range) refuse(fmt::format("'{}' is too large a number", value));
    }
  }
  for (const CLI::App* const chosen : app.get_subcommands()) check_values(*chosen);
}

// Letters to change, add or leave out to make one word of the other [Levenshtein 1966].
size_t edits(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const auto letters = [](std::string_view name) { return name.substr(name.starts_with("--") ? 2 : 0); };
  std::string best;
  double least = 0.41;  // of the letters; parts in common, such as --max-updates and --updates, count as near
  for (const std::string& one : known) {
    const bool contains = one.size() > 4 && (word.ends_with(one.substr(2)) || word.starts_with(one) ||
                                             (word.size() > 4 && one.ends_with(word.substr(2))));
    const double part = contains
                            ? 0.2
                            : static_cast<double>(edits(letters(word), letters(one))) /
                                  static_cast<double>(std::max(letters(word).size(), letters(one).size()));
    if (part < least) {
      least = part;
      best = one;
    }
  }
  return best;
}

namespace {

// The option of this name, of the subcommand or of the program; null for anything else.
const CLI::Option* option_of(const CLI::App& app, const CLI::App& cli, const std::string& name) {
  for (const CLI::App* of : {&app, &cli}) {
    for (const CLI::Option* option : options_of(*of)) {
      if (name.starts_with('-') && option->check_name(name)) return option;
    }
  }
  return nullptr;
}

// What to say of the first option on the command line that nobody knows; empty when all are known. It is
// looked for before what CLI11 says of required ones, which a misspelt one often is.
std::string unknown_option(const CLI::App& cli, int argc, char** argv) {
  const CLI::App* at = &cli;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") break;
    if (word.size() < 2 || word.front() != '-' || (word[1] >= '0' && word[1] <= '9') || word[1] == '.') {
      const CLI::App* const sub = subcommand(*at, word);
      if (!sub && i == 1) return "";  // what is no subcommand is said first
      if (sub) at = sub;
      continue;
    }
    const std::string name = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    std::vector<std::string> known;
    bool found = false;
    for (const CLI::App* app : {at, &cli}) {
      for (const CLI::Option* option : options_of(*app)) {
        found = found || option->check_name(name);
        for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
      }
    }
    const CLI::Option* const before = i > 1 ? option_of(*at, cli, argv[i - 1]) : nullptr;
    // known, or the value of one
    if (found || (before && before->get_expected_min() > 0 && !word.starts_with("--"))) continue;
    const std::string now =
        renamed(at == &cli ? cli.get_name() : fmt::format("{} {}", cli.get_name(), at->get_name()), name);
    if (!now.empty()) return fmt::format("{} is now {}", name, now);
    const std::string near = nearest(name, known);
    return fmt::format("{} is not an option{}", name,
                       near.empty() ? "" : fmt::format("; did you mean {}?", near));
  }
  return "";
}

// What to say of the first switch that is followed by a value; empty when there is none.
std::string valued_switch(const CLI::App& cli, int argc, char** argv) {
  const CLI::App* at = &cli;
  for (int i = 1; i + 1 < argc; ++i) {
    if (const CLI::App* const sub = subcommand(*at, argv[i])) at = sub;
    const CLI::Option* const option = option_of(*at, cli, argv[i]);
    const std::string_view value = argv[i + 1];
    if (!option || option->get_expected_max() > 0 || (value != "true" && value != "false" && !value.empty()))
      continue;
    return fmt::format("{}: is a switch and takes no value, got '{}'{}", argv[i], value,
                       value == "false" && option->get_lnames().size() > 1
                           ? fmt::format("; --no-{} turns it off", argv[i] + 2)
                           : "");
  }
  return "";
}

// CLI11 takes `--mean=` as `--mean`.
void refuse_empty_switch(const CLI::App& cli, int argc, char** argv) {
  const CLI::App* at = &cli;
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string word = argv[i];
    if (const CLI::App* const sub = subcommand(*at, word)) at = sub;
    if (!word.ends_with('=')) continue;
    const std::string name = word.substr(0, word.size() - 1);
    const CLI::Option* const option = option_of(*at, cli, name);
    if (option && option->get_expected_min() == 0) throw CLI::ValidationError(name, "is empty");
  }
}

// The subcommand that `help data get` asks about, the program itself for `help`; null for anything else, also
// for words that are no subcommand.
const CLI::App* helped(const CLI::App& cli, int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "help") return nullptr;
  const CLI::App* at = &cli;
  for (int i = 2; i < argc && at; ++i) at = subcommand(*at, argv[i]);
  return at;
}

// CLI11 reads "-hello there" as -h and more. Null when nothing is like that.
const char* text_taken_for_help(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return nullptr;
    if (word.starts_with("-h") && word != "-h") return argv[i];
  }
  return nullptr;
}

// A closed descriptor of the first three would be given to the next file that is opened, and messages would
// go into it. In its place stands one that fails as a closed one does: writing on 0 and reading on 1 and 2 is
// all that it allows.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // no room for descriptors: nothing to hold
    if (::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream) return;
  }
}

// Throws IoError when something of standard output was lost.
void finish_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  const int error = errno != 0 ? errno : output_error();
  throw IoError(fmt::format("cannot write standard output{}{}", error != 0 ? ": " : "",
                            error != 0 ? std::strerror(error) : ""));
}

// Whether an option with a number was given.
bool gave_number(const CLI::App& app, const std::string& name) {
  const auto gave = [&](const CLI::Option* option) {
    const bool number = takes(*option, "FLOAT") || takes(*option, "INT") || takes(*option, "UINT");
    return number && option->count() > 0 && option->check_lname(name);
  };
  return std::ranges::any_of(options_of(app), gave) ||
         std::ranges::any_of(app.get_subcommands(),
                             [&](const CLI::App* chosen) { return gave_number(*chosen, name); });
}

// Why a text was not taken where a whole number stands.
std::string why_not_whole(const std::string& value) {
  const bool digits =
      value.find_first_not_of("0123456789", value.starts_with('-') ? 1 : 0) == std::string::npos;
  double number = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool fraction = failed == std::errc{} && end == value.data() + value.size();
  return fmt::format("'{}' is {}", value,
                     digits && !value.empty() ? "too large a number"
                     : fraction               ? "not a whole number"
                                              : "not a number");
}

// Names the subcommand that was asked for, or the word that is none.
int usage_error(std::string_view app, const CLI::App& cli, int argc, char** argv,
                const CLI::ParseError& error) {
  std::string message = error.what(), help(app);
  const CLI::App* inner = &cli;  // the innermost subcommand that was understood
  int word = 1;
  if (argc > 2 && std::string_view(argv[1]) == "help") {
    for (word = 2; word < argc && subcommand(*inner, argv[word]); ++word)
      inner = subcommand(*inner, argv[word]);
  } else {
    for (auto chosen = cli.get_subcommands(); !chosen.empty(); chosen = inner->get_subcommands(), ++word) {
      inner = chosen.front();
      help += " " + inner->get_name();
    }
  }
  // groups of options have no name
  const auto known = inner->get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
  if (!known.empty() && argc > word && argv[word][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* sub : known) names.push_back(sub->get_name());
    message = fmt::format("'{}' is not a subcommand ({})", argv[word], fmt::join(names, ", "));
  }
  constexpr std::string_view kRepeated = ": At Most 1 required but received ";  // CLI11's words
  if (const size_t at = message.find(kRepeated); at != std::string::npos) {
    message = fmt::format("{} takes one value, {} are given", message.substr(0, at),
                          message.substr(at + kRepeated.size()));
  }
  constexpr std::string_view kOutside = ": Value ", kOf = " not in range ",
                             kMost = " to 1797";  // the largest double: there is no upper bound
  if (const size_t value = message.find(kOutside), range = message.find(kOf); value < range) {
    const CLI::Option* const option = option_of(*inner, cli, message.substr(0, value));
    const std::string given = message.substr(value + kOutside.size(), range - value - kOutside.size());
    int64_t whole = 0;
    const auto read = std::from_chars(given.data(), given.data() + given.size(), whole);
    if (option && (takes(*option, "INT") || takes(*option, "UINT")) &&
        read.ptr != given.data() + given.size()) {
      message = fmt::format("{}: {}", message.substr(0, value), why_not_whole(given));
    }
  }
  if (const size_t value = message.find(kOutside), range = message.find(kOf), most = message.find(kMost);
      value < range && range < most && most != std::string::npos) {
    const double least = std::strtod(message.c_str() + range + kOf.size(), nullptr);
    message =
        fmt::format("{}: must be {}, got {}", message.substr(0, value), least > 0 ? "above 0" : "at least 0",
                    message.substr(value + kOutside.size(), range - value - kOutside.size()));
  }
  constexpr std::string_view kConverted = "Could not convert: ", kIs = " = ";  // and again
  if (const size_t is = message.find(kIs); message.starts_with(kConverted) && is != std::string::npos) {
    const std::string option = message.substr(kConverted.size(), is - kConverted.size()),
                      value = message.substr(is + kIs.size());
    message = fmt::format("{}: {}", option, why_not_whole(value));
  }
  if (const std::string unknown = unknown_option(cli, argc, argv); !unknown.empty()) message = unknown;
  if (const std::string valued = valued_switch(cli, argc, argv); !valued.empty()) message = valued;
  note("{}: {} (see {} --help)\n", app, one_line(message), help);
  return kUsage;
}

}  // namespace

const CLI::Validator kWholeNumber(
    [](const std::string& text) {
      const bool digits =
          !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
      return digits ? std::string() : fmt::format("must be a whole number from 0, got '{}'", text);
    },
    "");

CLI::Validator one_of(std::vector<std::string> known, const std::map<std::string, std::string>& other_names) {
  return {[known = std::move(known), other_names](const std::string& text) {
            if (std::find(known.begin(), known.end(), text) != known.end()) return std::string();
            if (const auto meant = other_names.find(text); meant != other_names.end()) {
              return fmt::format("'{}' is '{}' here", text, meant->second);
            }
            return fmt::format("'{}' is not known ({})", text, fmt::join(known, ", "));
          },
          ""};
}

int run_app(std::string_view app, CLI::App& cli, int argc, char** argv, const std::function<void()>& work) {
  // a file size limit is an error like a full disk, not the end of the program
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);  // so is a reader that went away
  hold_standard_streams();
  if (rlimit space; ::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur < kLeastAddressSpace) {
    note("{}: the limit of address space (ulimit -v) is {} MB, {} MB are needed\n", app,
         space.rlim_cur >> 20U, kLeastAddressSpace >> 20U);
    ::_exit(kFailed);  // OpenBLAS tries for ever to get its buffers, and its destructor waits for that
  }
  try {
    // `translator help train` is `translator train --help`
    if (const CLI::App* const asked = helped(cli, argc, argv)) {
      std::string before;  // "translator data " of `data get`
      for (const CLI::App* of = asked->get_parent(); of; of = of->get_parent())
        before = of->get_name() + (before.empty() ? "" : " ") + before;
      say("{}", asked == &cli ? cli.help() : asked->help(before));
      finish_output();
      return kOk;
    }
    try {
      cli.parse(argc, argv);
    } catch (const CLI::Success& success) {  // --help, --version
      if (const char* const text = text_taken_for_help(argc, argv)) {
        note("{}: '{}' is no option; a text that begins with - comes behind -- (see {} --help)\n", app,
             one_line(text), app);
        return kUsage;
      }
      const int code = cli.exit(success);
      std::cout.flush();
      finish_output();
      return code;
    }
    check_values(cli);
    refuse_empty_switch(cli, argc, argv);
    work();
    finish_output();
    return kOk;
    // does not parse, or a combination of options that only the command can judge
  } catch (const CLI::ParseError& error) {
    speak_at_last();
    return usage_error(app, cli, argc, argv, error);
  } catch (const Interrupted&) {
    std::fflush(stdout);
    return kSignal + interrupted.load();
  } catch (const std::bad_alloc&) {
    const std::string who = speak_at_last();
    note("{}: {}not enough memory\n", app, who);
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string who = speak_at_last();
    note("{}: {}'{}': {}\n", app, who, one_line(error.path1().string()), error.code().message());
  } catch (const ValueError& error) {  // of a number, a library's begins with the option's name
    const std::string who = speak_at_last(), message = error.what();
    const std::string name = message.substr(0, message.find(": "));
    if (name.size() < message.size() && gave_number(cli, name)) {
      return usage_error(app, cli, argc, argv,
                         CLI::ValidationError("--" + name, message.substr(name.size() + 2)));
    }
    note("{}: {}{}\n", app, who, one_line(message));
  } catch (const std::exception& error) {
    const std::string who = speak_at_last();
    note("{}: {}{}\n", app, who, one_line(error.what()));
  }
  return kFailed;
}

void stop_if_interrupted() {
  if (interrupted.load() != 0) throw Interrupted();
}

void warn(std::string_view app, std::string_view message) {
  note("{}: warning: {}\n", app, one_line(message));
}

}  // namespace heed::apps
