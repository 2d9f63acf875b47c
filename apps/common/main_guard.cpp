#include "apps/common/main_guard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "apps/common/environment.h"
#include "framework/core/error.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

// Messages can quote a user's text; what stands on stderr stays one line, and bytes that no terminal should see do not.
std::string one_line(std::string_view message) {
  std::string line;
  for (const char32_t c : models::code_points(message)) {
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    models::append_utf8(line, c == '\n' || c == '\r' ? U' ' : control ? U'?' : c);
  }
  return line;
}

// Names the subcommand that was asked for, or the word that is none.
int usage_error(std::string_view app, const CLI::App& cli, int argc, char** argv, const CLI::ParseError& error) {
  const auto known = cli.get_subcommands([](const CLI::App*) { return true; });
  const auto chosen = cli.get_subcommands();
  std::string message = error.what(), help = chosen.empty() ? std::string(app) : fmt::format("{} {}", app, chosen.front()->get_name());
  if (chosen.empty() && !known.empty() && argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* sub : known) names.push_back(sub->get_name());
    message = fmt::format("'{}' is not a subcommand ({})", argv[1], fmt::join(names, ", "));
  }
  fmt::print(stderr, "{}: {} (see {} --help)\n", app, one_line(message), help);
  return kUsage;
}

}  // namespace

const CLI::Validator kWholeNumber(
    [](const std::string& text) {
      const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
      return digits ? std::string() : fmt::format("must be a whole number from 0, got '{}'", text);
    },
    "");

CLI::Validator one_of(std::vector<std::string> known) {
  return {[known = std::move(known)](const std::string& text) {
            if (std::find(known.begin(), known.end(), text) != known.end()) return std::string();
            return fmt::format("'{}' is not known ({})", text, fmt::join(known, ", "));
          },
          ""};
}

int run_app(std::string_view app, CLI::App& cli, int argc, char** argv, const std::function<void()>& work) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error like a full disk, not the end of the program
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return cli.exit(success);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, cli, argc, argv, error);
  }
  try {
    work();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw IoError("cannot write standard output");
    return kOk;
  } catch (const CLI::ParseError& error) {  // a combination of options that only the command can judge
    return usage_error(app, cli, argc, argv, error);
  } catch (const Interrupted&) {
    std::fflush(stdout);
    return kSignal + interrupted.load();
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: not enough memory\n", app);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", app, one_line(error.what()));
  }
  return kFailed;
}

void warn(std::string_view app, std::string_view message) { fmt::print(stderr, "{}: warning: {}\n", app, one_line(message)); }

}  // namespace heed::apps
