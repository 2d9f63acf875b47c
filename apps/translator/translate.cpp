// translator translate: lines in, one translation a line out, with --records the attention behind them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "apps/cluster/ranks.h"
#include "apps/common/environment.h"
#include "apps/common/files.h"
#include "apps/common/idle.h"
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
#include "models/corpus/documents.h"
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

// Whether a file, which may be read twice, holds one line or none.
bool has_one_line(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  return file.eof() || file.peek() == std::ifstream::traits_type::eof();
}

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

// Translates one part of the input after the other, with several ranks a share of each part on every one.
class Translating {
 public:
  Translating(const TranslationOptions& options, const models::Translator& translator, std::string input,
              models::Ranks* ranks)
      : options_(options),
        translator_(translator),
        ranks_(ranks),
        input_(std::move(input)),
        text_(first() ? options.output : ""),
        records_(first() ? options.records : ""),
        context_(context_of(options, translator.run().config.source_text)),
        target_context_(context_of(options, translator.run().config.target_text)) {}

  // Lines of a text, of which those before a line are its context where the run wants some.
  void add(std::span<const std::string> text) {
    std::vector<std::string> lines;
    for (const std::string& line : text) lines.push_back(context_.add(line));
    const auto [begin, end] = share_of(lines.size());
    models::TranslateOptions wanted = options_.translate;
    wanted.search.first = sentences_ + begin;
    wanted.search.keep_attention = !options_.records.empty() || wanted.replace_unknown;
    wanted.tokens = wanted.search.keep_attention || options_.tokens || options_.pieces;
    const double started = steady_seconds();
    std::vector<models::Translation> results;
    if (begin < end) results = translator_.translate(std::span(lines).subspan(begin, end - begin), wanted);
    if (ranks_) ranks_->meet();
    seconds_ += steady_seconds() - started;
    write(results);
    sentences_ += lines.size();
  }
  void force(std::span<const std::string> source_text, std::span<const std::string> target_text) {
    std::vector<std::string> sources, targets;
    for (const std::string& line : source_text) sources.push_back(context_.add(line));
    for (const std::string& line : target_text) targets.push_back(target_context_.add(line));
    const auto [begin, end] = share_of(sources.size());
    models::TranslateOptions wanted = options_.translate;
    wanted.search.first = sentences_ + begin;
    const double started = steady_seconds();
    std::vector<models::Translation> results;
    if (begin < end) {
      results = translator_.force(std::span(sources).subspan(begin, end - begin),
                                  std::span(targets).subspan(begin, end - begin), wanted);
    }
    if (ranks_) ranks_->meet();
    seconds_ += steady_seconds() - started;
    write(results);
    sentences_ += sources.size();
  }
  /// Why the last line that was left empty was; empty: none was.
  const std::string& skipped() const { return why_skipped_; }
  void finish() {
    if (!first()) return;
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
  bool first() const { return !ranks_ || ranks_->first(); }
  // With the documents of a part of a corpus.
  static models::ContextLines context_of(const TranslationOptions& options,
                                         const models::TextSettings& settings) {
    std::error_code ignored;
    if (settings.context == 0 || !std::filesystem::is_regular_file(options.source, ignored))
      return models::ContextLines(settings.context);
    return models::ContextLines(
        settings.context,
        models::documents_beside(options.source, models::read_lines(options.source).size()));
  }
  // What this rank does of a part of so many lines: [first, second).
  std::pair<size_t, size_t> share_of(size_t lines) const {
    if (!ranks_) return {0, lines};
    const models::RankShare share(static_cast<int64_t>(lines), ranks_->rank(), ranks_->size());
    return {static_cast<size_t>(share.begin), static_cast<size_t>(share.end)};
  }

  void write(const std::vector<models::Translation>& results) {
    std::string text, records, skipped;
    for (const models::Translation& result : results) {
      if (!result.skipped.empty()) skipped += fmt::format("{} {}\n", result.id, result.skipped);
      const std::string line = line_of(result);
      text += options_.translate.search.n_best > 1
                  ? fmt::format("{} ||| {} ||| {:.4f}\n", result.id, line, result.score)
                  : line + "\n";
      if (!options_.records.empty()) records += models::to_json_line(result) + "\n";
    }
    auto outputs = static_cast<double>(results.size());
    if (ranks_) {
      ranks_->sum({&outputs, 1});
      for (std::string* const mine : {&skipped, &records, &text}) {
        std::string all;
        for (const std::string& part : ranks_->gather(*mine)) all += part;
        *mine = std::move(all);
      }
      if (!first()) return;
    }
    if (!say_skipped(skipped) && !options_.words.empty()) return;  // an error of its own
    outputs_ += static_cast<size_t>(outputs);
    if (records_.wanted()) records_.write(records);
    text_.write(text);
  }

  // Lines "number reason"; whether there are none.
  bool say_skipped(const std::string& lines) {
    std::istringstream reasons(lines);
    std::string line;
    while (std::getline(reasons, line)) {
      ++skipped_;
      const size_t space = line.find(' ');
      why_skipped_ = line.substr(space + 1);
      if (options_.words.empty())
        warn("translator",
             fmt::format("{} line {} is left empty: {}", input_, line.substr(0, space), why_skipped_));
    }
    return lines.empty();
  }

  // A line that is empty or was skipped has neither words nor pieces.
  std::string line_of(const models::Translation& result) const {
    if (options_.pieces)
      return result.pieces ? models::join(models::Translator::target_words(models::by_pieces(result))) : "";
    if (options_.tokens) return models::join(models::Translator::target_words(result));
    return translator_.written(result);
  }

  const TranslationOptions& options_;
  const models::Translator& translator_;
  models::Ranks* ranks_;  // null: the program runs alone
  std::string input_;     // its name in messages
  Sink text_, records_;
  models::ContextLines context_, target_context_;
  uint64_t sentences_ = 0;
  size_t outputs_ = 0, skipped_ = 0;
  std::string why_skipped_;
  double seconds_ = 0;
};

// What the first rank has read.
std::vector<std::string> lines_of_first(models::Ranks& ranks, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  std::istringstream all(ranks.from_first(text));
  std::vector<std::string> result;
  for (std::string line; std::getline(all, line);) result.push_back(std::move(line));
  return result;
}

// In words of its own a sentence is one; where an argument holds spaces each of them is one, in quotes.
std::vector<std::string> sentences_of(const std::vector<std::string>& words) {
  const bool quoted =
      std::ranges::any_of(words, [](const std::string& word) { return word.find(' ') != std::string::npos; });
  return quoted ? words : std::vector{models::join(words)};
}

void translate(TranslationOptions& options, const CLI::App& cli) {
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
    refuse_idle_group(cli, kDecoding, {"--max-source"}, "beside --target, which makes no new translations");
  }
  const bool first = cluster::place_of_environment().rank == 0;
  if (first)
    apps::check_files({.inputs = {{"--source", options.source}, {"--target", options.target}},
                       .outputs = {{"--output", options.output},
                                   {"--records", options.records},
                                   {"--json", options.json},
                                   {"--profile", options.profile}},
                       .runs = options.runs});
  check_search_options(cli, search);
  if (search.keep_tree && search.beam < 2)
    throw CLI::ValidationError("--beam-tree", "needs --beam 2 or more");
  if (options.translate.without_words && !options.target.empty())
    throw CLI::ValidationError("--without-words", "makes new translations, --target scores given ones");
  const bool one_sentence = !options.words.empty();
  if (one_sentence && !first) return;  // which is not worth sharing
  const bool several = cluster::place_of_environment().size > 1;
  // A second thread costs one sentence more than it saves, unless --workers 1 asks for it.
  const bool alone = (one_sentence || has_one_line(options.source)) && search.workers != 1;
  use_threads(options.threads > 0 ? options.threads : alone ? 1 : several ? cluster::threads_of_rank() : 0);
  models::Ranks* const ranks = one_sentence ? nullptr : cluster::start_ranks();
  Profiling profiling(first ? options.profile : "");
  models::Translator translator = load_translator(options.runs, search, profiling);
  if (options.translate.self_attention)
    translator.require_self_attention(fmt::format("--self-attention: '{}'", options.runs.front()));
  if (options.translate.replace_unknown && !translator.run().model->has_attention()) {
    throw ValueError("--replace-unknown",
                     fmt::format("'{}' has no attention, by which a word is replaced", options.runs.front()));
  }
  if (options.pieces && !translator.run().target.subwords)
    throw ValueError("--pieces",
                     fmt::format("'{}' has none: its vocabulary has whole words", options.runs.front()));
  if (by_hand && !ranks && at_terminal() && options.output == "-" && options.records.empty() &&
      options.json.empty() && options.profile.empty() && !options.tokens && !options.pieces) {
    return converse(std::move(translator), models::name_of_run(options.runs.front()), options.translate);
  }
  Translating translating(options, translator,
                          !options.words.empty() ? "the sentence,"
                          : from_input           ? "standard input"
                                                 : fmt::format("'{}'", options.source),
                          ranks);
  if (!options.words.empty()) {
    const std::vector<std::string> sentences = sentences_of(options.words);
    for (const std::string& sentence : sentences) require_text(sentence);
    for (const std::string& sentence : sentences) warn_of_unknown_words(translator, sentence);
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
    const size_t most = static_cast<size_t>(search.batch_size) * 16 * (ranks ? ranks->size() : 1);
    std::optional<LineReader> reader;
    if (first) reader.emplace(options.source);
    for (bool begins = true;; begins = false) {
      std::vector<std::string> lines;
      if (reader) lines = reader->next(most);
      if (begins && lines.size() > 1) warn_of_table(options.source, lines);
      if (ranks) lines = lines_of_first(*ranks, lines);
      if (lines.empty()) break;
      translating.add(lines);
    }
  }
  if (ranks) cluster::all_ranks_are_done();
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
  return [o, &cli] { translate(*o, cli); };
}

}  // namespace heed::apps
