// A trained translator for text: takes lines, returns translations with their attention.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "models/decoding/best_words.h"
#include "models/decoding/search.h"
#include "models/decoding/self_attention.h"
#include "models/run/attention_choice.h"
#include "models/run/folder.h"
#include "models/run/record.h"
#include "models/run/translation.h"

namespace heed::models {

/// Options of a Translator.
struct TranslateOptions {
  SearchOptions search;  // beam, sampling, lengths
  /// With the tokens of both sides, their pieces and their attention; false: of a translation there are only
  /// its text, score and rank, which takes less memory and time; those that were skipped are as ever.
  bool tokens = true;
  /// Replaces each <unk> in the output by the source word with the largest attention weight (Luong et al.
  /// 2015, sec. 4.1).
  bool replace_unknown = false;
  /// Largest number of source words or pieces, end mark included; 0: limited only by the model's positions.
  /// Time and memory of self-attention grow with the square of the source length.
  int64_t max_source = 1000;
  /// Adds the self-attention of encoder and decoder to each translation, computed by forced decoding of the
  /// output with the first model of an ensemble.
  bool self_attention = false;
  /// Adds to each step of a translation so many of the units that were most probable; 0: no steps.
  int64_t best_words = 0;
  /// Adds to each translation those of its source without one of its words, each word in turn; a sentence of
  /// one word gets none. For a model without attention the word is left out even where a mask is wanted.
  std::optional<WithoutKind> without_words = {};
  /// Adds the queries, keys and values of attention, for models whose weights follow from them. The
  /// translator is then used by one thread at a time.
  bool vectors = false;
};

/// Translates text with a loaded run, or with several as an ensemble.
class Translator {
 public:
  /// @param run result of load_run
  explicit Translator(LoadedRun run) : run_(std::move(run)) {}

  /// Adds a model to the ensemble.
  /// @param run a run with the same vocabularies
  /// @throws ValueError when the vocabularies differ
  void join(LoadedRun run);
  /// Translates line by line; an empty line gives an empty text. Attention weights are between words (source
  /// `</s>` last and flagged): the weights of a word's pieces are summed on the source side and averaged on
  /// the target side. Self-attention is converted in the same way: averaged over the attending word's pieces,
  /// summed over those attended to.
  /// A line that is longer than options.max_source or than the model can read is not translated: its text is
  /// empty and `skipped` gives the reason.
  /// @param lines ordinary text
  /// @param options search, unknown words, self-attention; ids start at options.search.first + 1
  /// @return one translation for each line, in order, or n_best of them
  /// @throws ValueError when self-attention is requested and the model has none; when something is requested
  /// that tokens carry, without tokens
  std::vector<Translation> translate(std::span<const std::string> lines,
                                     const TranslateOptions& options = {}) const;
  /// Forced decoding: the model's score and attention for given translations.
  /// Pairs of which a side is longer than options.max_source or than the model can read are skipped as in
  /// translate().
  /// @param sources,targets lines; target i is a translation of source i
  /// @param options only max_source, self_attention and search.first are used
  /// @return one translation for each line
  /// @throws ValueError when the numbers of lines differ
  std::vector<Translation> force(std::span<const std::string> sources, std::span<const std::string> targets,
                                 const TranslateOptions& options = {}) const;
  /// Throws if the model has no self-attention, so that a command can fail before it starts.
  /// @param what name of the command or function that needs it, used in the error message
  /// @throws ValueError `WHAT: 'additive attention, LSTM 256' has no self-attention` for a model that has
  /// none
  void require_self_attention(const std::string& what) const;

  /// The words of a translation in the form used for BLEU on tokens.
  /// @param translation a result of this or another translator
  /// @return the target words without the end mark
  static std::vector<std::string> target_words(const Translation& translation);
  /// The text of a translation; of a model that writes the lines before a sentence as well
  /// (TextSettings::context), what stands behind them.
  /// @param translation a result of this translator
  /// @return the sentence alone
  std::string written(const Translation& translation) const;
  /// Which words of a source the first run's vocabulary does not have, not even in pieces.
  /// @param line a source sentence
  /// @return the words, as they are written in the line
  std::vector<std::string> unknown_source_words(const std::string& line) const;
  /// @return the first run of the ensemble
  const LoadedRun& run() const { return run_; }
  /// @return usual_attention() of the first run, read when it is first asked for; thread-safe
  /// @throws FormatError as usual_attention()
  AttentionChoice usual_map() const;
  /// @return the models of all runs of the ensemble
  std::vector<const TranslationModel*> models() const;

 private:
  void add_steps(std::vector<Translation>& results, std::span<const FinishedOutput> outputs,
                 const TranslateOptions& options) const;
  void add_vectors(std::vector<Translation>& results, std::span<const FinishedOutput> outputs,
                   const TranslateOptions& options) const;
  void add_without(std::vector<Translation>& results, const TranslateOptions& options) const;
  Translation text_alone(int64_t id, const Hypothesis& hypothesis) const;
  std::vector<Translation> translate_masked(const std::string& line, std::span<const size_t> words,
                                            const TranslateOptions& options) const;
  SourceUnits read_source(const std::string& line) const;
  Translation without_words(int64_t id, const std::string& line, std::string skipped) const;
  Translation record(int64_t id, const std::string& line, const SourceUnits& source,
                     const TextCodec::Decoded& output, const std::string* target_text,
                     const std::vector<Token>* target_tokens, const Hypothesis& hypothesis,
                     bool replace_unknown, const SelfAttentionMaps& self_attention) const;
  struct UsualMap {
    std::once_flag once;
    AttentionChoice choice;
  };
  std::shared_ptr<UsualMap> usual_map_ = std::make_shared<UsualMap>();
  LoadedRun run_;
  std::vector<LoadedRun> others_;  // the further runs of the ensemble
};

}  // namespace heed::models
