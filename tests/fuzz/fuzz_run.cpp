// A run folder: loaded, and translated with.
#include "models/run/files.h"
#include "models/run/translator.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::run {

const std::vector<std::string> kFiles{"config.toml", "source.vocab",   "target.vocab",     "source.spm",
                                      "target.spm",  "attention.json", "model.safetensors"};

void read(std::string_view bytes) {
  const std::filesystem::path folder = scratch("run");
  unbundle(bytes, folder, kFiles);
  models::LoadedRun run = models::load_run(folder);
  models::usual_attention(folder, run.config, *run.model);
  const models::Translator translator(std::move(run));
  translator.translate(std::vector<std::string>{"word1 and \xC3\xA9", ""},
                       {.search = {.max_length = 5, .beam = 2}});
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const bool transformer : {false, true}) {
    const TempDir folder;
    models::train_small(folder.path(), models::small_config(transformer), {{"a"}, {"b"}});
    models::write_attention_choice(folder.path(),
                                   {.choice = {.layer = 0, .head = 0}, .reverse = "back", .agreement = 0.5});
    all.push_back(bundle(folder.path(), kFiles));
  }
  return all;
}

}  // namespace heed::fuzz::run
HEED_FUZZ_TARGET(run, "[model]", "[rules]", "whole_lines = true", "banned = \"", "tokenizer = \"characters\"",
                 "decoder_layers = ", "model_size = ", "heads = ", "1000000000", "\"shape\":[", "F32", "I8",
                 ":scale")
