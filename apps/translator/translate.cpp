// translator translate: lines in, one translation a line out, with --records the attention behind them.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/line_reader.h"
#include "apps/common/main_guard.h"
#include "apps/common/profile.h"
#include "apps/common/run_option.h"
#include "apps/common/sentence.h"
#include "apps/common/streams.h"
#include "apps/translator/commands.h"
#include "apps/translator/converse.h"
#include "apps/translator/pairs.h"
#include "apps/translator/search_options.h"
#include "framework/core/error.h"
#include "framework/io/file.h"
#include "models/run/box.h"
#include "models/run/translator.h"
#include "models/text/context.h"

namespace heed::apps {
namespace {

struct TranslationOptions {
  std::vector<std::string> runs;
  std::vector<std::string> words;  // of the sentence on the command line
  std::string source, target, output = "-", records, json, profile, without;
  bool tokens = false, pieces = false;
  int threads = 0;
  models::TranslateOptions translate;
};

// Where translations and records go: standard output as they are made, a file whole at the end, so that it is
// never half of one.
class Sink {
 public:
  explicit Sink(const std::string& path) {
    if (!path.empty()) file_.emplace(path == "-" ? "/dev/stdout" : path);
  }
  bool wanted() const { return file_.has_value(); }
  void write(std::string_view text) { file_->write(text); }
  void finish() {
    if (wanted()) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

// Translates one part of the input after the other.
class Translating {
 public:
  Translating(const TranslationOptions& options, const models::Translator& translator, std::string input)
      : options_(options),
        translator_(translator),
        input_(std::move(input)),
        text_(options.output),
        records_(options.records),
        context_(translator.run().config.source_text.context),
        target_context_(translator.run().config.target_text.context) {}

  // Lines of a text, of which those before a line are its context where the run wants some.
  void add(std::span<const std::string> text) {
    std::vector<std::string> lines;
    for (const std::string& line : text) lines.push_back(context_.add(line));
    models::TranslateOptions wanted = options_.translate;
    wanted.search.first = sentences_;
    wanted.search.keep_attention = records_.wanted() || wanted.replace_unknown;
    const double begin = steady_seconds();
    const std::vector<models::Translation> results = translator_.translate(lines, wanted);
    seconds_ += steady_seconds() - begin;
    sentences_ += lines.size();
    write(results);
  }
  void force(std::span<const std::string> source_text, std::span<const std::string> target_text) {
    std::vector<std::string> sources, targets;
    for (const std::string& line : source_text) sources.push_back(context_.add(line));
    for (const std::string& line : target_text) targets.push_back(target_context_.add(line));
    models::TranslateOptions wanted = options_.translate;
    wanted.search.first = sentences_;
    const double begin = steady_seconds();
    const std::vector<models::Translation> results = translator_.force(sources, targets, wanted);
    seconds_ += steady_seconds() - begin;
    sentences_ += sources.size();
    write(results);
  }
  /// Why the last line that was left empty was; empty: none was.
  const std::string& skipped() const { return why_skipped_; }
  void finish() {
    records_.finish();
    text_.finish();
    write_json(options_.json,
               {{"run", options_.runs},
                {"sentences", sentences_},
                {"outputs", outputs_},
                {"skipped", skipped_},
                {"seconds", seconds_},
                {"sentences_per_second", static_cast<double>(sentences_) / std::max(seconds_, 1e-9)}});
  }

 private:
  void write(const std::vector<models::Translation>& results) {
    std::string text, records;
    for (const models::Translation& result : results) {
      if (!result.skipped.empty()) {
        ++skipped_;
        why_skipped_ = result.skipped;
        if (!options_.words.empty()) return;  // an error of its own
        warn("translator", fmt::format("{} line {} is left empty: {}", input_, result.id, result.skipped));
      }
      const std::string line = line_of(result);
      text += options_.translate.search.n_best > 1
                  ? fmt::format("{} ||| {} ||| {:.4f}\n", result.id, line, result.score)
                  : line + "\n";
      if (records_.wanted()) records += models::to_json_line(result) + "\n";
    }
    outputs_ += results.size();
    if (records_.wanted()) records_.write(records);
    text_.write(text);
  }

  // A line that is empty or was skipped has neither words nor pieces.
  std::string line_of(const models::Translation& result) const {
    if (options_.pieces)
      return result.pieces ? models::join(models::Translator::target_words(models::by_pieces(result))) : "";
    if (options_.tokens) return models::join(models::Translator::target_words(result));
    return std::string(translator_.run().config.target_text.context > 0
                           ? models::last_sentence(result.target.text)
                           : result.target.text);
  }

  const TranslationOptions& options_;
  const models::Translator& translator_;
  std::string input_;  // its name in messages
  Sink text_, records_;
  models::ContextLines context_, target_context_;
  uint64_t sentences_ = 0;
  size_t outputs_ = 0, skipped_ = 0;
  std::string why_skipped_;
  double seconds_ = 0;
};

// In words of its own a sentence is one; where an argument holds spaces each of them is one, in quotes.
std::vector<std::string> sentences_of(const std::vector<std::string>& words) {
  const bool quoted =
      std::ranges::any_of(words, [](const std::string& word) { return word.find(' ') != std::string::npos; });
  return quoted ? words : std::vector{models::join(words)};
}

void translate(TranslationOptions& options) {
  const models::SearchOptions& search = options.translate.search;
  options.translate.without_words = models::choice_named<models::WithoutKind>(options.without);
  if (options.words == std::vector<std::string>{"-"}) options.words.clear();  // standard input, as everywhere
  const bool by_hand = options.source.empty() && options.words.empty() && options.target.empty();
  if (options.source.empty() && options.words.empty()) options.source = "-";
  const bool from_input = options.source == "-";
  if (!options.target.empty()) {
    if (from_input || !options.words.empty()) throw CLI::ValidationError("--target", "needs --source FILE");
    if (search.beam > 1 || search.n_best > 1 || search.temperature > 0) {
      throw CLI::ValidationError(
          "--target", "scores what is given; --beam, --n-best and --temperature make new translations");
    }
  }
  apps::check_files({.inputs = {{"--source", options.source}, {"--target", options.target}},
                     .outputs = {{"--output", options.output},
                                 {"--records", options.records},
                                 {"--json", options.json},
                                 {"--profile", options.profile}},
                     .runs = options.runs});
  models::check(search);
  if (search.keep_tree && search.beam < 2)
    throw CLI::ValidationError("--beam-tree", "needs --beam 2 or more");
  if (options.translate.without_words && !options.target.empty())
    throw CLI::ValidationError("--without-words", "makes new translations, --target scores given ones");
  const bool one_sentence = !options.words.empty();
  use_threads(one_sentence && options.threads == 0 ? 1 : options.threads);
  Profiling profiling(options.profile);
  models::Translator translator = load_translator(options.runs, profiling);
  if (options.translate.self_attention)
    translator.require_self_attention(fmt::format("--self-attention: '{}'", options.runs.front()));
  if (options.translate.replace_unknown && !translator.run().model->has_attention()) {
    throw ValueError("--replace-unknown",
                     fmt::format("'{}' has no attention, by which a word is replaced", options.runs.front()));
  }
  if (options.pieces && !translator.run().target.subwords)
    throw ValueError("--pieces",
                     fmt::format("'{}' has none: its vocabulary has whole words", options.runs.front()));
  if (by_hand && at_terminal() && options.output == "-" && options.records.empty() && options.json.empty() &&
      options.profile.empty() && !options.tokens && !options.pieces) {
    return converse(std::move(translator), models::name_of_run(options.runs.front()), options.translate);
  }
  Translating translating(options, translator,
                          !options.words.empty() ? "the sentence,"
                          : from_input           ? "standard input"
                                                 : fmt::format("'{}'", options.source));
  if (!options.words.empty()) {
    const std::vector<std::string> sentences = sentences_of(options.words);
    for (const std::string& sentence : sentences) require_text(sentence);
    translating.add(sentences);
    if (!translating.skipped().empty())
      throw ValueError("the sentence is too long: " + translating.skipped());
  } else if (!options.target.empty()) {
    const models::ParallelLines pairs = read_pairs(options.source, options.target);
    for_parts(pairs.source, pairs.target,
              [&](auto sources, auto targets) { translating.force(sources, targets); });
  } else {
    // Enough lines for the batches to be of even lengths; fewer where whoever writes them waits for an
    // answer.
    const size_t most = static_cast<size_t>(search.batch_size) * 16;
    LineReader reader(options.source);
    bool first = true;
    for (std::vector<std::string> lines = reader.next(most); !lines.empty(); lines = reader.next(most)) {
      if (std::exchange(first, false) && lines.size() > 1) warn_of_table(options.source, lines);
      translating.add(lines);
    }
  }
  translating.finish();
  profiling.finish();
}

}  // namespace

Command add_translate(CLI::App& cli) {
  const auto o = std::make_shared<TranslationOptions>();
  cli.add_option("sentence", o->words, "sentences to translate, each in quotes, or one in words of its own");
  add_runs_option(cli, o->runs,
                  "trained translator: a run folder or a name of the box; -r again for one more, an ensemble")
      ->required();
  add_search_options(cli, o->translate);
  cli.add_option("-s,--source", o->source,
                 "text to translate, one sentence a line; - for standard input, as without it; on a terminal "
                 "it asks for sentences")
      ->excludes("sentence");
  cli.add_option("-o,--output", o->output, "where the translations go; - for standard output")
      ->capture_default_str();
  auto* const records = cli.add_option("--records", o->records,
                                       "also write the attention records, JSON lines (see apps/README.md)");
  cli.add_flag("--self-attention", o->translate.self_attention,
               "with the self-attention of encoder and decoder in them, where the model has it")
      ->needs(records);
  cli.add_option("--best-words", o->translate.best_words,
                 "with so many of the most probable words or pieces at each step in them")
      ->check(CLI::Range(0, 1000))
      ->needs(records);
  cli.add_flag("--beam-tree", o->translate.search.keep_tree,
               "with every hypothesis that the beam looked at in them; needs --beam above 1")
      ->needs(records);
  cli.add_flag("--attention-vectors", o->translate.vectors,
               "with the queries, keys and values of attention in them, where the model has them: large")
      ->needs(records);
  cli.add_flag("--without-words{mask}", o->without,
               "with the translations of the sentence without each of its words in turn in them: masked, so "
               "that attention may not look at it, or with --without-words=drop left out")
      ->check(one_of({"mask", "drop"}))
      ->needs(records);
  cli.add_option("-t,--target", o->target,
                 "score these translations instead of making new ones; needs --source FILE");
  auto* const tokens =
      cli.add_flag("--tokens", o->tokens, "write tokens as the model has them, not text for people");
  cli.add_flag("--pieces", o->pieces, "write the pieces of a model with subwords")->excludes(tokens);
  cli.add_option("--threads", o->threads, "threads (default: what the container allows; one for a sentence)")
      ->check(CLI::Range(0, 1024));
  cli.add_option("--json", o->json, "write counts and speed as JSON");
  add_profile_option(cli, o->profile);
  return [o] { translate(*o); };
}

}  // namespace heed::apps
