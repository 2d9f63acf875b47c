// A trained translator for text: lines in, translations with their attention out.
#pragma once

#include <functional>

#include "models/decoding/search.h"
#include "models/decoding/self_attention.h"
#include "models/run/folder.h"
#include "models/run/record.h"
#include "models/run/translation.h"

namespace heed::models {

/// How a Translator translates.
struct TranslateOptions {
  SearchOptions search;  // beam, sampling, lengths
  /// Puts the source word that attention rests on in the place of <unk> (Luong et al. 2015, sec. 4.1).
  bool replace_unknown = false;
  /// Longest source that is read, in words or pieces with the end mark; 0: as long as the model's positions. Time and memory of
  /// self-attention grow with its square.
  int64_t max_source = 1000;
  /// Adds the self-attention of encoder and decoder to each translation: of the first model of an ensemble, by forced decoding of what was
  /// found.
  bool self_attention = false;
};

/// A loaded run that takes text, alone or with others as an ensemble.
class Translator {
 public:
  /// @param run what load_run gave
  explicit Translator(LoadedRun run) : run_(std::move(run)) {}

  /// A further model, which joins the ensemble.
  /// @param run of the same vocabularies
  /// @throws ValueError when they differ
  void join(LoadedRun run);
  /// Translates line by line; an empty line gives an empty text. Weights lie on the source's words, `</s>` last and flagged: those of a
  /// word's pieces are summed over the source and averaged over the target. Self-attention likewise: averaged over the words that attend,
  /// summed over those attended to.
  /// A line that is longer than options.max_source or than the model can read is not translated: its text is empty and `skipped` says why.
  /// @param lines ordinary text
  /// @param options search, unknown words, self-attention; ids count from options.search.first + 1
  /// @return one translation for each line, in order, or n_best of them
  /// @throws ValueError when self-attention is asked of a model that has none
  std::vector<Translation> translate(std::span<const std::string> lines, const TranslateOptions& options = {}) const;
  /// Forced decoding: the model's score and attention for given translations.
  /// Pairs of which a side is longer than options.max_source or than the model can read are skipped as in translate().
  /// @param sources,targets lines that belong together
  /// @param options of them max_source, self_attention and search.first serve
  /// @return one translation for each line
  /// @throws ValueError when the counts differ
  std::vector<Translation> force(std::span<const std::string> sources, std::span<const std::string> targets,
                                 const TranslateOptions& options = {}) const;
  /// Says so early when a model has no self-attention.
  /// @param what asks for it; stands in the message
  /// @throws ValueError `WHAT: 'additive attention, LSTM 256' has no self-attention` for a model that has none
  void require_self_attention(const std::string& what) const;

  /// The words of a translation as BLEU on tokens wants them.
  /// @param translation of this or another translator
  /// @return its target's words without the end mark
  static std::vector<std::string> target_words(const Translation& translation);
  /// @return the first run of the ensemble
  const LoadedRun& run() const { return run_; }

 private:
  SourceUnits read_source(const std::string& line) const;
  Translation without_words(int64_t id, const std::string& line, std::string skipped) const;
  Translation record(int64_t id, const std::string& line, const SourceUnits& source, const TextCodec::Decoded& output,
                     const std::string* target_text, const std::vector<Token>* target_tokens, const Hypothesis& hypothesis,
                     bool replace_unknown, const SelfAttentionMaps& self_attention) const;
  LoadedRun run_;
  std::vector<LoadedRun> others_;  // of the ensemble
};

}  // namespace heed::models
