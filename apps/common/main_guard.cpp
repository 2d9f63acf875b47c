#include "apps/common/main_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "apps/common/environment.h"
#include "apps/common/print.h"
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

// A closed descriptor of the first three would be given to the next file that is opened, and messages would go into it. In its place
// stands one that fails as a closed one does: writing on 0 and reading on 1 and 2 is all that it allows.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    if (::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream) return;  // no room for descriptors: nothing to hold
  }
}

// Throws IoError when something of standard output was lost.
void finish_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  const int error = errno != 0 ? errno : output_error();
  throw IoError(fmt::format("cannot write standard output{}{}", error != 0 ? ": " : "", error != 0 ? std::strerror(error) : ""));
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
  note("{}: {} (see {} --help)\n", app, one_line(message), help);
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
  std::signal(SIGPIPE, SIG_IGN);  // so is a reader that went away
  hold_standard_streams();
  try {
    try {
      cli.parse(argc, argv);
    } catch (const CLI::Success& success) {  // --help, --version
      const int code = cli.exit(success);
      std::cout.flush();
      finish_output();
      return code;
    }
    work();
    finish_output();
    return kOk;
  } catch (const CLI::ParseError& error) {  // does not parse, or a combination of options that only the command can judge
    return usage_error(app, cli, argc, argv, error);
  } catch (const Interrupted&) {
    std::fflush(stdout);
    return kSignal + interrupted.load();
  } catch (const std::bad_alloc&) {
    note("{}: not enough memory\n", app);
  } catch (const std::exception& error) {
    note("{}: {}\n", app, one_line(error.what()));
  }
  return kFailed;
}

void warn(std::string_view app, std::string_view message) { note("{}: warning: {}\n", app, one_line(message)); }

}  // namespace heed::apps
