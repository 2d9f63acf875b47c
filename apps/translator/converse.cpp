#include "apps/translator/converse.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <iostream>
#include <optional>

#include "apps/common/print.h"
#include "apps/common/sentence.h"
#include "apps/heatmap/terminal.h"
#include "apps/translator/look.h"
#include "apps/translator/search_options.h"
#include "framework/core/error.h"
#include "models/run/box.h"
#include "models/text/context.h"
#include "models/text/unicode.h"

namespace heed::apps {
namespace {

constexpr const char* kHelp =
    "  a sentence          its translation\n"
    "  :map                what the words of the last translation looked at\n"
    "  :score TRANSLATION  how the translator likes another translation of the last sentence\n"
    "  :best N             N translations of each sentence, with their scores\n"
    "  :beam N             hypotheses of the beam search; 1 is greedy\n"
    "  :model NAME         another translator: a name of the box or a run folder\n"
    "  :quit               or the end of the input (Ctrl-D)\n";

class Conversation {
 public:
  Conversation(models::Translator run, std::string name, models::TranslateOptions options)
      : translator_(std::move(run)),
        name_(std::move(name)),
        options_(std::move(options)),
        context_(translator_.run().config.source_text.context) {}

  void run() {
    say("{}, {} to {}. :help says what can be asked.\n", translator_.run().model->describe(),
        language(translator_.run().config.source_text.language, "source"),
        language(translator_.run().config.target_text.language, "target"));
    std::string line;
    while (!over_ && prompt() && std::getline(std::cin, line)) {
      try {
        answer(line);
      } catch (const std::exception& error) {
        say("  {}\n", error.what());
      }
    }
    if (!over_) say("\n");
  }

 private:
  static std::string language(const std::string& code, const char* otherwise) {
    return code.empty() ? otherwise : code;
  }
  bool prompt() const {
    say("{}> ", name_);
    std::fflush(stdout);
    return true;
  }
  void answer(const std::string& line) {
    const std::string_view text = models::strip_right(line);
    if (models::split_whitespace(text).empty()) {
      context_.add(text);  // it ends a document
      return;
    }
    if (!text.starts_with(':')) return translate(std::string(text));
    const size_t space = std::min(text.find(' '), text.size());
    const std::string command(text.substr(1, space - 1)),
        argument(text.substr(std::min(space + 1, text.size())));
    if (command == "quit" || command == "q" || command == "exit") {
      over_ = true;
    } else if (command == "help") {
      say("{}", std::string(kHelp));
    } else if (command == "map") {
      say("{}", heatmap::draw_text(last(), terminal_width()));
    } else if (command == "score") {
      score(argument);
    } else if (command == "best") {
      options_.search.n_best = number(command, argument);
      options_.search.beam = std::max(options_.search.beam, options_.search.n_best);
    } else if (command == "beam") {
      options_.search.beam = number(command, argument);
      options_.search.n_best = std::min(options_.search.beam, options_.search.n_best);
    } else if (command == "model") {
      load(argument);
    } else {
      throw ValueError(fmt::format(":{} is not known; :help lists what is", command));
    }
  }
  void translate(const std::string& sentence) {
    require_text(sentence);
    warn_of_unknown_words(translator_, sentence);
    const std::vector<models::Translation> found =
        translator_.translate(std::vector<std::string>{context_.add(sentence)}, options_);
    if (!found.front().skipped.empty())
      throw ValueError("the sentence is too long: " + found.front().skipped);
    for (const models::Translation& one : found) {
      if (options_.search.n_best > 1)
        say("  {:7.2f}  {}\n", one.score, translator_.written(one));
      else
        say("  {}\n", translator_.written(one));
    }
    last_ = found.front();
  }
  void score(const std::string& translation) {
    if (translation.empty()) throw ValueError(":score TRANSLATION wants one of the last sentence");
    const std::string source = last().source.text;
    const std::string before = last().target.text, own = translator_.written(last());
    // behind the lines that the model wrote before it, if it writes such lines
    const models::Translation found = translate_sentence(
        translator_, source, before.substr(0, before.size() - own.size()) + translation, options_);
    say("  {:7.2f}  {}\n  {:7.2f}  {}\n", last().score, own, found.score, translation);
    last_ = found;
  }
  void load(const std::string& name) {
    if (name.empty()) throw ValueError(":model NAME wants the name of a translator");
    const auto folder = models::find_run(name);
    models::require_run(folder);
    translator_ = models::Translator(models::load_run(folder));
    name_ = models::name_of_run(folder);
    context_ = models::ContextLines(translator_.run().config.source_text.context);
    last_.reset();
  }
  static int64_t number(const std::string& command, const std::string& text) {
    int64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || value < 1 || value > 100)
      throw ValueError(fmt::format(":{} wants a number from 1 to 100", command));
    return value;
  }
  const models::Translation& last() const {
    if (!last_) throw ValueError("there is no translation yet: type a sentence");
    return *last_;
  }

  models::Translator translator_;
  std::string name_;
  models::TranslateOptions options_;
  models::ContextLines context_;  // the sentences before, where the translator reads them
  std::optional<models::Translation> last_;
  bool over_ = false;
};

}  // namespace

bool at_terminal() { return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0; }

void converse(models::Translator run, std::string name, models::TranslateOptions options) {
  Conversation(std::move(run), std::move(name), std::move(options)).run();
}

}  // namespace heed::apps
