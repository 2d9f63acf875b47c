// attention.json in a run folder: which of the model's maps word alignments are read off, where somebody had
// that chosen.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "models/run/options.h"

namespace heed::models {

/// Which of a model's maps between output and source.
struct AttentionChoice {
  int layer = -1;  // from 0; -1: all
  int head = -1;   // from 0, of `layer`; -1: the mean of the heads
  bool after =
      false;  // of the step that reads a word, and not of the one that writes it (Chen et al. 2020, sec. 3)

  bool operator==(const AttentionChoice&) const = default;
  /// @param map_layer,map_head of a map
  /// @return whether the map is one of those that are meant
  bool has(int map_layer, int map_head) const {
    return (layer < 0 || map_layer == layer) && (head < 0 || map_head == head);
  }
};

/// @param choice any
/// @return "layer 1, head 3, read one step later"; "mean of all maps"
std::string name_of(const AttentionChoice& choice);

/// How a choice came about.
struct KeptChoice {
  AttentionChoice choice;  // of this run
  std::string reverse;     // the run of the other direction
  double agreement = 0;    // in [0, 1], with that run's
  int64_t sentences = 0;   // on which it was measured
};

/// Writes attention.json.
/// @param folder folder of a run with its weights
/// @param kept the choice for this run
/// @throws IoError
void write_attention_choice(const std::filesystem::path& folder, const KeptChoice& kept);

/// Reads attention.json.
/// @param folder folder of a run
/// @return the choice; nullopt for a run without one, and when weights, vocabularies, pieces or the config
/// are
///   others by now
/// @throws FormatError for a file that heed did not write, IoError
std::optional<KeptChoice> read_attention_choice(const std::filesystem::path& folder);

/// The head that a training guides.
/// @param config of the training, with guided_alignment
/// @param model its model
/// @return the map
/// @throws ValueError when the model has no such layer or head
AttentionMap guided_map(const TrainConfig& config, const TranslationModel& model);

/// The map that a run's alignments and pictures show unless the user says which: the one that was chosen for
/// it, else the head that its training guided, else the mean of all.
/// @param folder folder of a run
/// @param config configuration of the run
/// @param model its model
/// @return the choice
/// @throws FormatError as read_attention_choice, IoError
AttentionChoice usual_attention(const std::filesystem::path& folder, const RunConfig& config,
                                const TranslationModel& model);

}  // namespace heed::models
