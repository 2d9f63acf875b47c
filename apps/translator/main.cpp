// translator: trains a translator, translates with it, measures it, and shows it all on a built-in corpus.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/cluster/ranks.h"
#include "apps/common/environment.h"
#include "apps/common/main_guard.h"
#include "apps/translator/commands.h"
#include "apps/translator/preset.h"
#include "framework/build_info.h"
#include "framework/core/error.h"

namespace {

bool any_word(int argc, char** argv, const auto& is) {
  return argc > 1 && std::any_of(argv + 1, argv + argc, is);
}

// A preset has sections of other commands, too.
bool has_preset(int argc, char** argv) {
  return any_word(argc, argv,
                  [](const char* word) { return std::string_view(word).starts_with("--config"); });
}

// By the subcommand. A command that has read its preset, perhaps from a pipe, cannot start again.
heed::apps::Restart restart_of(int argc, char** argv) {
  using heed::apps::Restart;
  const std::string_view command = argc > 1 ? argv[1] : "--help";
  for (const char* name : {"models", "prepare", "data", "plot", "corpus", "export", "average", "doctor",
                           "help", "--help", "-h", "--version"}) {
    if (command == name) return Restart::never;
  }
  const bool decides_late = command == "translate" || command == "evaluate" || command == "look";
  return decides_late && !has_preset(argc, argv) ? Restart::with_threads : Restart::now;
}

// Several ranks share what these commands do; of the others each would do all of it, at once.
void require_one_rank(const std::string& command) {
  using namespace heed;
  constexpr std::array<std::string_view, 5> kAny = {"train", "translate", "evaluate", "models", "doctor"};
  if (cluster::place_of_environment().size == 1 || std::ranges::find(kAny, command) != kAny.end()) return;
  throw ValueError(command, "is the work of one process; train, translate and evaluate run on several ranks");
}

}  // namespace

int main(int argc, char** argv) {
  using namespace heed;
  apps::restart_with_short_spinning(restart_of(argc, argv), argv);
  cluster::silence_other_ranks();
  CLI::App cli("Sequence-to-sequence translation with and without attention.", "translator");
  cli.require_subcommand(1);
  cli.fallthrough();
  apps::add_preset_option(cli);
  cli.set_version_flag("--version", [] { return "translator of " + build_info().str(); });
  std::vector<std::pair<CLI::App*, apps::Command>> commands;
  // Making all commands' options takes milliseconds of a start: those are made that a word may ask for.
  const auto add = [&](const char* name, const char* what, apps::Command (*make)(CLI::App&)) {
    CLI::App* const sub = cli.add_subcommand(name, what);
    sub->fallthrough();
    const bool named = any_word(argc, argv, [&](const char* word) { return word == std::string_view(name); });
    if (named || has_preset(argc, argv)) commands.emplace_back(sub, make(*sub));
  };
  add("look", "translate a sentence and show what the model attended to", apps::add_look);
  add("models", "list the translators that come with heed, and those in a folder", apps::add_models);
  add("prepare", "make a corpus of raw sentence pairs: cleaned, and split by source sentence",
      apps::add_prepare);
  add("data", "published corpora by name: list them, fetch one and make a corpus of it", apps::add_data);
  add("train", "train a translator on two files of sentence pairs into a run folder", apps::add_train);
  add("plot", "draw how trainings went: losses, scores and learning rate over updates", apps::add_plot);
  add("translate", "translate lines with a trained run", apps::add_translate);
  add("evaluate", "BLEU, BLEU by source length and perplexity of a run on a test set", apps::add_evaluate);
  add("corpus", "write the built-in English-German corpus with its gold alignments", apps::add_corpus);
  add("export", "write a run for use: its best weights, smaller, without the state of the training",
      apps::add_export);
  add("quantize", "write a run with weights in 8 bits, and measure what that costs", apps::add_quantize);
  add("average", "write a run whose weights are the mean of several runs', such as the last checkpoints",
      apps::add_average);
  add("align", "word alignments of given pairs from the attention, symmetrised from two directions",
      apps::add_align);
  add("compare",
      "train models that differ in their attention, or take trained ones, and report with charts what it "
      "bought",
      apps::add_compare);
  add("import", "make a run of a translator that another program trained (OPUS-MT, Marian, CTranslate2)",
      apps::add_import);
  add("serve", "answer translations, attention and a page to look at them, over HTTP", apps::add_serve);
  add("demo", "train with and without attention on the built-in corpus and report", apps::add_demo);
  add("doctor", "what this machine gives heed, what makes it slow, and what is missing", apps::add_doctor);
  const int code = apps::run_app("translator", cli, argc, argv, [&] {
    for (const auto& [sub, command] : commands) {
      if (!sub->parsed()) continue;
      require_one_rank(sub->get_name());
      command();
    }
  });
  return cluster::end_ranks(code);
}
