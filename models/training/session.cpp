#include "models/training/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "framework/core/error.h"
#include "framework/io/disk_space.h"
#include "framework/io/file.h"
#include "framework/io/system_memory.h"
#include "models/run/attention_choice.h"
#include "models/run/files.h"
#include "models/run/folder.h"
#include "models/text/context.h"
#include "models/text/counted.h"
#include "models/training/facts.h"
#include "models/training/guided.h"
#include "models/training/store.h"
#include "models/training/vocabularies.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

// Whether links and the options of guided alignment go together.
void check_guided(const TrainConfig& config, const std::optional<WordLinks>& links) {
  if (config.guided_alignment == 0) {
    if (links) throw ValueError("alignments", "are of --guided-alignment, which is 0");
  } else if (!links && config.guided_from == 0) {
    throw ValueError("guided-alignment",
                     "where no alignments are given the run makes its own, when it is told at which "
                     "update: --guided-from");
  }
  if (config.guided_alignment > 0 && config.updates > 0 && config.guided_from >= config.updates) {
    throw ValueError("guided-from",
                     fmt::format("{} is not before the end, update {}", config.guided_from, config.updates));
  }
}

// Throws where a first checkpoint, weights and state, has no room even when a run that is in the way is gone.
void require_room_for(const TranslationModel& model, const fs::path& folder) {
  int64_t freed = 0;
  std::error_code ignored;
  if (is_run_folder(folder)) {
    for (const auto& entry : fs::recursive_directory_iterator(folder, ignored)) {
      if (entry.is_regular_file(ignored)) freed += static_cast<int64_t>(entry.file_size(ignored));
    }
  }
  fs::path there = fs::absolute(folder, ignored);
  while (!fs::exists(there, ignored) && there.has_relative_path()) there = there.parent_path();
  constexpr int64_t kCopies = 4;  // the weights, and in the state again, with Adam's two moments
  const int64_t bytes = kCopies * bytes_of(model.state_dict());
  if (disk_space(there) + freed >= bytes + Store::kMargin) return;
  throw IoError("disk", fmt::format("the first checkpoint needs {}, and the file system of '{}' has {} left",
                                    bytes_text(bytes + Store::kMargin), folder.string(),
                                    bytes_text(disk_space(there) + freed)));
}

// Throws where a training is larger than the machine: each parameter has a gradient and Adam's two moments. A
// run is not given up for one that may fail: a training whose weights are most of its memory takes 9 times
// their bytes at its peak.
void require_memory_for(const TranslationModel& model, bool replaces) {
  constexpr int64_t kLeast = 4, kUsual = 9;
  const SystemMemory memory = system_memory();
  const int64_t weights = bytes_of(model.state_dict());
  if (kLeast * weights > memory.total) {
    throw MemoryError("model", fmt::format("weights, gradients and Adam's moments of {} parameters need {}, "
                                           "and there are {}",
                                           model.parameter_count(), bytes_text(kLeast * weights),
                                           bytes_text(memory.total)));
  }
  if (replaces && kUsual * weights > memory.available) {
    throw MemoryError(
        "model",
        fmt::format("a training of {} parameters takes some {}, and {} are left; the run "
                    "that is there stays",
                    model.parameter_count(), bytes_text(kUsual * weights), bytes_text(memory.available)));
  }
}

// Throws what the trainer would throw, before a run that is in the way is removed. Returns guided.align,
// empty without links.
std::string check_trainable(const fs::path& folder, const RunConfig& config, const TrainingData& data,
                            const TextFiles& text, const std::map<std::string, Tensor>& weights,
                            const std::optional<WordLinks>& links) {
  check_guided(config.train, links);
  const auto [source, target] = codecs_of(config, [&](const std::string& name) {
    return NamedContent{name, text.at(name)};
  });
  const EncodedData encoded = encode(config, source, target, data, links ? &*links : nullptr);
  const nn::init::Skip skip;  // only sizes are read
  const auto model = make_model(config.model, source.vocabulary.size(), target.vocabulary.size());
  check_positions(*model, encoded.validation);
  require_memory_for(*model, is_run_folder(folder));
  require_room_for(*model, folder);
  if (!weights.empty()) model->load(weights, run_files::kInitial);
  if (config.train.guided_alignment > 0) guided_map(config.train, *model);
  if (!links) return "";
  std::string text_of_links = guided_text(encoded.train);
  if (text_of_links.find('-') == std::string::npos)
    throw ValueError("alignments", "no training pair has a link");
  return text_of_links;
}

}  // namespace

void check_data(const RunConfig& config, const TrainingData& data) {
  check(config);
  const auto limit = static_cast<size_t>(config.train.max_length);
  const auto usable = [](const PairText& text, size_t most) {
    bool found = false;
    text.visit([&](std::span<const std::string> source, std::span<const std::string> target) {
      const size_t s = source.size(), t = target.size();
      found = s > 0 && t > 0 && s <= most && t <= most;
      return !found;
    });
    return found;
  };
  if (!usable(*data.train, limit))
    throw ValueError(fmt::format("no training pair has between 1 and {} tokens on both sides", limit));
  if (!usable(PairsInMemory(data.validation), SIZE_MAX))
    throw ValueError("no validation pair has words on both sides");
}

TokenisedCorpus tokenised(const RunConfig& config, const ParallelLines& lines) {
  const auto side = [&](const std::vector<std::string>& text, const TextSettings& settings) {
    return tokenize_lines(with_context(text, settings.context, lines.documents), settings);
  };
  return {side(lines.source, config.source_text), side(lines.target, config.target_text)};
}

std::shared_ptr<const TrainingData> prepare(const RunConfig& run, const ParallelLines& train,
                                            const ParallelLines& validation) {
  const RunConfig config = resolved(run);
  auto data = std::make_shared<const TrainingData>(tokenised(config, train), tokenised(config, validation));
  check_data(config, *data);
  return data;
}

TextFiles learn_text(const RunConfig& config, const PairText& train) {
  check(config);
  TextFiles files;
  const auto learn = [&](Sides sides, std::initializer_list<const char*> names) {
    const LearnedText text = learn_side(config, train, sides);
    for (const char* name : names) {
      files[run_files::vocabulary(name)] = text.vocabulary.save();
      if (!text.model.empty()) files[run_files::pieces(name)] = text.model;
    }
  };
  if (config.train.joint) {
    learn(Sides::both, {"source", "target"});
  } else {
    learn(Sides::source, {"source"});
    learn(Sides::target, {"target"});
  }
  return files;
}

TrainingSession::TrainingSession(fs::path folder, RunConfig config, std::shared_ptr<const TrainingData> data,
                                 std::optional<FileLock> lock, bool resumes)
    : folder_(std::move(folder)),
      config_(std::move(config)),
      data_(std::move(data)),
      lock_(std::move(lock)),
      resumes_(resumes) {
  if (lock_) remove_temporaries(folder_);
}

TrainingSession TrainingSession::start(fs::path folder, RunConfig config,
                                       std::shared_ptr<const TrainingData> data, NewRun about) {
  config = resolved(std::move(config));
  check_data(config, *data);
  if (about.text.empty() && data->note) {
    data->note(fmt::format("learning the {} of {}",
                           config.train.subwords == SubwordKind::none ? "words" : "pieces",
                           counted(data->train->size(), "pair")));
  }
  TextFiles text = about.text.empty() ? learn_text(config, *data->train) : std::move(about.text);
  const std::string guided = check_trainable(folder, config, *data, text, about.weights, about.links);
  FileLock lock = make_run_folder(folder, about.overwrite, std::move(about.lock));
  if (!about.data.empty()) text[run_files::kData] = about.data;
  text[run_files::kMetrics] = "";
  if (!guided.empty()) text[run_files::kGuided] = guided;
  write_run(folder, config, text,
            {.file = run_files::kInitial, .tensors = {about.weights.begin(), about.weights.end()}});
  return {std::move(folder), std::move(config), std::move(data), std::move(lock), /*resumes=*/false};
}

TrainingSession TrainingSession::start(fs::path folder, RunConfig config,
                                       std::shared_ptr<const TrainingData> data) {
  return start(std::move(folder), std::move(config), std::move(data), NewRun{});
}

TrainingSession TrainingSession::resume(fs::path folder, RunConfig config,
                                        std::shared_ptr<const TrainingData> data,
                                        std::optional<FileLock> lock, std::string about) {
  if (!lock) lock.emplace(lock_run_folder(folder));
  TrainingSession session(std::move(folder), resolved(std::move(config)), std::move(data), std::move(*lock),
                          /*resumes=*/true);
  session.about_ = std::move(about);
  return session;
}

TrainingSession TrainingSession::join(fs::path folder, RunConfig config,
                                      std::shared_ptr<const TrainingData> data, bool resumes) {
  return {std::move(folder), resolved(std::move(config)), std::move(data), std::nullopt, resumes};
}

TrainResult TrainingSession::run(const TrainCallbacks& callbacks) {
  Ranks* const ranks = callbacks.ranks;
  if (ranks && !ranks->first()) ranks->meet();  // the first writes the file of ids
  Trainer trainer(folder_, config_, *data_, callbacks);
  if (ranks && ranks->first()) ranks->meet();
  if (resumes_) trainer.resume();
  if (resumes_ && (!ranks || ranks->first())) {
    const auto replace = [&](const char* name, const std::string& content) {
      const fs::path path = folder_ / name;
      if (!file_exists(path) || read_file(path) != content) write_file_atomically(path, content);
    };
    replace(run_files::kConfig, to_toml(config_));
    if (!about_.empty()) replace(run_files::kData, about_);
  }
  resumes_ = true;  // run again, it goes on
  return trainer.run();
}

}  // namespace heed::models
