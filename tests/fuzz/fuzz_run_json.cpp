// What lies beside the weights of a run as JSON: data.json, scores.json, attention.json.
#include "models/run/attention_choice.h"
#include "models/run/data.h"
#include "models/run/files.h"
#include "models/run/scores.h"
#include "tests/fuzz/fuzz.h"
#include "tests/testing/small_run.h"

namespace heed::fuzz::run_json {

const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    std::filesystem::path made = scratch("run_json");
    std::filesystem::create_directories(made);
    put(made / models::run_files::kConfig, models::to_toml(models::small_config(false)));
    return made;
  }();
  return path;
}

void read(std::string_view bytes) {
  const models::ParallelLines lines{{"a"}, {"b"}};
  for (const char* name :
       {models::run_files::kData, models::run_files::kScores, models::run_files::kAttention})
    put(folder() / name, bytes);
  bool one = false;
  also([&] {
    models::files_of_run(folder());
    models::run_data_to_pass_on(folder());
    one = true;
  });
  also([&] { models::check_run_data(folder(), {}, models::marks_of(lines, lines)); });
  also([&] { one = models::read_scores(folder()).has_value() || one; });
  also([&] { one = models::read_attention_choice(folder()).has_value() || one; });
  if (!one) throw FormatError("it is none of them");
}

std::vector<std::string> seeds() {
  const models::ParallelLines lines{{"a"}, {"b"}};
  models::write_scores(folder(), {.test = "test.fr",
                                  .sentences = 3,
                                  .search = "beam 5",
                                  .bleu = 12.5,
                                  .bleu_signature = "nrefs:1",
                                  .chrf = 33,
                                  .chrf_signature = "nrefs:1",
                                  .by_length = {{1, 10, 2, 11}, {.min = 11, .sentences = 1, .bleu = 3}}});
  models::write_attention_choice(folder(), {.choice = {.layer = 1, .head = 0, .after = true},
                                            .reverse = "back",
                                            .agreement = 0.5,
                                            .sentences = 9});
  return {models::run_data({"a.en", "a.de", "b.en", "b.de", "a licence", "whom to name"},
                           models::marks_of(lines, lines)),
          models::run_data({}, models::marks_of(lines, lines)),
          read_file(folder() / models::run_files::kScores),
          read_file(folder() / models::run_files::kAttention)};
}

}  // namespace heed::fuzz::run_json
HEED_FUZZ_TARGET(run_json, "\"path\":", "\"lines\":", "\"fingerprint\":", "null", "[]", "{}", "1e999", "-1",
                 "4294967296", "9223372036854775808")
