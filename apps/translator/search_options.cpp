// The options of decoding, the same for every subcommand that translates.
#include "apps/translator/search_options.h"

#include <fmt/format.h>

#include "apps/common/choice.h"
#include "apps/common/idle.h"
#include "apps/common/main_guard.h"
#include "framework/core/error.h"
#include "models/text/tokenizer.h"

namespace heed::apps {

void add_search_options(CLI::App& cli, models::TranslateOptions& options) {
  models::SearchOptions& s = options.search;
  const auto add = [&](const std::string& name, auto& field, const char* what) {
    return cli.add_option(name, field, what)->capture_default_str()->group(kDecoding);
  };
  add("--beam", s.beam, "hypotheses kept, 1 for greedy");
  add("--n-best", s.n_best,
      "translations a sentence (at most --beam, or samples); as text: line ||| translation ||| score");
  add_choice(cli, "--length-penalty", s.length_penalty,
             "how lengths compare: none, average (score / n^alpha), wu (Wu et al. 2016, eq. 14)")
      ->group(kDecoding);
  add("--alpha", s.alpha, "exponent of the length penalty");
  add("--coverage-penalty", s.coverage, "weight of the coverage penalty (Wu et al. 2016, eq. 14)");
  add("--beam-patience", s.patience,
      "a beam stops when this times --beam translations have ended (1 in many programs, Kasai et al. 2022); "
      "0: when none can become better");
  add("--min-output", s.min_length, "shortest translation, in words or pieces");
  add("--max-output", s.max_length, "longest translation, 0 for 2 n + 10");
  add("--temperature", s.temperature, "above 0: sample, the logits divided by it");
  add("--top-k", s.top_k, "sample from the k most probable, 0 for all");
  add("--top-p", s.top_p, "sample from the fewest that together have this probability");
  add("--sample-seed", s.seed, "seed of the samples");
  cli.get_option("--sample-seed")->check(kWholeNumber);
  add("--decode-batch-size", s.batch_size,
      "sentences decoded together, at most; fewer where they are long (over 14 words or pieces), few, or the "
      "--workers many");
  add_choice(cli, "--products", s.products,
             "how products are computed: stored (int8 or bf16 for a run whose weights are stored so, f32 for "
             "others), "
             "f32, bf16 (weights rounded to it), or int8 (weights and inputs rounded to 8 bits)")
      ->group(kDecoding);
  add("--workers", s.workers,
      "batches decoded at a time, each on one of the --threads; 0: on every one; 1: one batch on all of "
      "them");
  add("--max-source", options.max_source,
      "longest source that is read, in words or pieces; longer lines are named and left empty; 0: no limit "
      "but the model's");
  cli.get_option("--max-source")->check(CLI::NonNegativeNumber);
  cli.add_flag("--replace-unknown", options.replace_unknown,
               "write the source word that attention rests on in the place of <unk>")
      ->group(kDecoding);
}

void check_search_options(const CLI::App& cli, const models::SearchOptions& search) {
  models::check(search);
  refuse_idle(cli, {{"--alpha", search.length_penalty == models::LengthPenalty::none,
                     "beside --length-penalty none"}});
}

void warn_of_unknown_words(const models::Translator& translator, const std::string& sentence) {
  const std::vector<std::string> words = translator.unknown_source_words(sentence);
  if (!words.empty())
    warn("translator", fmt::format("the model does not know: {}", one_line(models::join(words))));
}

std::string search_text(const models::TranslateOptions& options) {
  const models::TranslateOptions usual;
  const models::SearchOptions &s = options.search, &u = usual.search;
  std::string text = fmt::format("beam {}", s.beam);
  const auto add = [&](const char* what, const auto& value, const auto& otherwise) {
    if (value != otherwise) text += fmt::format(", {} {}", what, value);
  };
  if (s.length_penalty != u.length_penalty)
    text += ", length penalty " + models::name_of_choice(s.length_penalty);
  add("alpha", s.alpha, u.alpha);
  add("coverage penalty", s.coverage, u.coverage);
  add("patience", s.patience, u.patience);
  add("at least", s.min_length, u.min_length);
  add("at most", s.max_length, u.max_length);
  add("temperature", s.temperature, u.temperature);
  if (s.products != u.products) text += ", products " + models::name_of_choice(s.products);
  add("sources up to", options.max_source, usual.max_source);
  if (options.replace_unknown) text += ", unknown words replaced";
  return text;
}

models::Translator load_translator(const std::vector<std::string>& runs, const models::SearchOptions& search,
                                   Profiling& profiling) {
  models::Translator translator = [&] {
    const ProfilePhase phase("load");
    models::Translator loaded(models::load_run(runs.front()));
    for (size_t i = 1; i < runs.size(); ++i) loaded.join(models::load_run(runs[i]));
    return loaded;
  }();
  std::vector<const nn::Module*> models;
  bool attends = false;
  for (const models::TranslationModel* model : translator.models()) {
    models.push_back(model);
    attends = attends || model->has_attention();
  }
  if (search.coverage > 0 && !attends)
    throw ValueError("coverage-penalty", fmt::format("'{}' has no attention to cover with", runs.front()));
  if (search.coverage > 0 && search.length_penalty == models::LengthPenalty::average)
    warn("translator",
         "--coverage-penalty is weighed against --length-penalty wu; beside average it counts for "
         "more, and translations can repeat themselves");
  profiling.name_layers(models);
  return translator;
}

}  // namespace heed::apps
