#include "apps/common/main_guard.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "framework/core/error.h"

namespace heed::apps {
namespace {

// Messages can quote a user's text; what stands on stderr stays one line.
std::string one_line(std::string_view message) {
  std::string line(message);
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  return line;
}

}  // namespace

int run_app(std::string_view app, CLI::App& cli, int argc, char** argv, const std::function<void()>& work) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error like a full disk, not the end of the program
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return cli.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "{}: {} (see {} --help)\n", app, one_line(error.what()), app);
    return kUsage;
  }
  try {
    work();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw IoError("cannot write standard output");
    return kOk;
  } catch (const CLI::ParseError& error) {  // a combination of options that only the command can judge
    fmt::print(stderr, "{}: {} (see {} --help)\n", app, one_line(error.what()), app);
    return kUsage;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "{}: not enough memory\n", app);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", app, one_line(error.what()));
  }
  return kFailed;
}

void warn(std::string_view app, std::string_view message) { fmt::print(stderr, "{}: warning: {}\n", app, one_line(message)); }

}  // namespace heed::apps
