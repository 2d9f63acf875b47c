// What every app does around its work: one clear line on stderr and an exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace heed::apps {

// Exit codes: 0 done, 1 bad input (a file, a record, a value), 2 wrong usage, 128 + signal interrupted (130:
// Ctrl-C).
constexpr int kOk = 0, kFailed = 1, kUsage = 2, kSignal = 128;

/// Ends a command that a signal stopped and that has said so; the exit code tells which.
struct Interrupted {};

/// Throws Interrupted once a signal came (catch_interrupts).
void stop_if_interrupted();

/// Parses the command line, then runs `work`. Any exception becomes `<app>: message` on stderr and kFailed; a
/// command line that does not parse gives CLI11's message and kUsage; --help and --version print and give
/// kOk.
int run_app(std::string_view app, CLI::App& cli, int argc, char** argv, const std::function<void()>& work);

/// A check for options that count: "-1" and "x" are refused before they become some number.
extern const CLI::Validator kWholeNumber;

/// A check for options that name one of a few: "--cell: 'rnn' is not known (lstm, gru)". `other_names` are
/// those that elsewhere stand for one of them: "--attention: 'bahdanau' is 'additive' here".
CLI::Validator one_of(std::vector<std::string> known,
                      const std::map<std::string, std::string>& other_names = {});

/// The one of `known` that a misspelt word is likely to mean; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// A text as one line that a terminal can be given: control characters become question marks, line ends
/// spaces.
std::string one_line(std::string_view text);

/// Prints `<app>: warning: message` on stderr.
void warn(std::string_view app, std::string_view message);

}  // namespace heed::apps
