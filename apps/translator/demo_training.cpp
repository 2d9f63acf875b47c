#include "apps/translator/demo_training.h"

#include <fmt/format.h>

#include "apps/common/main_guard.h"
#include "apps/common/print.h"
#include "apps/common/run_output.h"
#include "apps/translator/run_options.h"
#include "apps/translator/training.h"
#include "framework/io/file.h"

namespace heed::apps {
namespace {

models::TokenisedCorpus tokens_of(const std::vector<models::AlignedPair>& pairs) {
  models::TokenisedCorpus corpus;
  for (const models::AlignedPair& pair : pairs) {
    corpus.source.push_back(pair.source);
    corpus.target.push_back(pair.target);
  }
  return corpus;
}

}  // namespace

models::RunConfig demo_config(const DemoTraining& options, const std::string& attention) {
  models::RunConfig config;
  const std::pair<const char*, models::OptionValue> model[] = {{"--attention", attention},
                                                               {"--embedding", int64_t{64}},
                                                               {"--encoder-hidden", int64_t{64}},
                                                               {"--decoder-hidden", int64_t{128}},
                                                               {"--attention-size", int64_t{64}},
                                                               {"--readout", int64_t{96}},
                                                               {"--dropout", 0.0}};
  for (const auto& [flag, value] : model) run_option(flag).set(config, value);
  models::TrainConfig& t = config.train;
  t.batch_size = 32;
  t.epochs = 6;
  t.updates = options.updates;
  t.lr = 4e-3;
  t.schedule = "cosine";
  t.warmup = 200;
  t.lr_floor = 0.05;
  t.label_smoothing = 0.0;
  t.seed = options.seed;
  return config;
}

models::TrainResult train_on_demo_corpus(const std::filesystem::path& folder, const models::RunConfig& config,
                                         const models::DemoCorpus& corpus, const std::string& label) {
  make_folder(folder.parent_path());
  const FileLock lock = make_run_folder(folder, /*overwrite=*/true);
  const models::TokenisedCorpus pairs = tokens_of(corpus.train), validation = tokens_of(corpus.validation);
  start_run(folder, config, models::Trainer::learn_text(config, pairs));
  models::TrainResult result = train_run(folder, config, pairs, validation, /*resume=*/false, label == "none" ? "no attention" : label);
  if (!result.finished) {
    say("stopped after update {}; the training begins anew\n", result.updates);
    throw Interrupted();
  }
  return result;
}

}  // namespace heed::apps
