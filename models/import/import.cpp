#include "models/import/import.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "framework/core/random.h"
#include "framework/io/file.h"
#include "framework/ops/ops.h"
#include "models/decoding/repetition.h"
#include "models/decoding/search.h"
#include "models/import/tensors.h"
#include "models/run/files.h"

namespace heed::models {
namespace {

namespace fs = std::filesystem;

constexpr int kAbsent = -1;

// For each of heed's ids the model's own one, or kAbsent.
std::vector<int> numbering(const ForeignVocabulary& vocabulary) {
  std::vector<int> order(Vocabulary::kSpecials, kAbsent);
  std::vector<bool> placed(vocabulary.tokens.size());
  const auto place = [&](int heeds, int own) {
    order[static_cast<size_t>(heeds)] = own;
    placed.at(static_cast<size_t>(own)) = true;
  };
  if (vocabulary.pad) place(Vocabulary::kPad, *vocabulary.pad);
  place(Vocabulary::kEos, vocabulary.end);
  if (vocabulary.unknown) place(Vocabulary::kUnk, *vocabulary.unknown);
  if (vocabulary.start && !placed.at(static_cast<size_t>(*vocabulary.start))) {
    place(Vocabulary::kBos, *vocabulary.start);
  } else if (!vocabulary.start) {  // one that stands there and has no use
    const auto own = std::ranges::find(vocabulary.tokens, Vocabulary::kSpecialTokens[Vocabulary::kBos]);
    const auto id = static_cast<size_t>(own - vocabulary.tokens.begin());
    if (own != vocabulary.tokens.end() && !placed[id]) place(Vocabulary::kBos, static_cast<int>(id));
  }
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!placed[id]) order.push_back(static_cast<int>(id));
  }
  return order;
}

// The rows of a table in heed's order. A token that is absent has zeros, and begins as `start` does if it is
// <s>.
Tensor renumbered(const Tensor& table, const std::vector<int>& order, float absent,
                  std::optional<int> start) {
  const Tensor from = table.contiguous();
  const int64_t width = table.ndim() == 2 ? table.size(1) : 1;
  Shape shape = table.shape();
  shape[0] = static_cast<int64_t>(order.size());
  const Tensor to = full(shape, static_cast<double>(absent));
  for (size_t i = 0; i < order.size(); ++i) {
    int own = order[i];
    if (own == kAbsent && i == Vocabulary::kBos && start) own = *start;
    if (own == kAbsent) continue;
    const float* const row = from.data<float>() + own * width;
    std::copy(row, row + width, to.data<float>() + static_cast<int64_t>(i) * width);
  }
  return to;
}

// heed's vocabulary: the special tokens by their own names, tokens that a line cannot hold or that are named
// like a special one under another name, which no text gives.
std::string vocabulary_file(const ForeignVocabulary& vocabulary, const std::vector<int>& order) {
  std::string text;
  std::unordered_set<std::string> used;
  for (const auto special : Vocabulary::kSpecialTokens) {
    text.append(special) += '\n';
    used.emplace(special);
  }
  for (size_t i = Vocabulary::kSpecials; i < order.size(); ++i) {
    const int own = order[i];
    std::string token = vocabulary.tokens[static_cast<size_t>(own)];
    if (!Vocabulary::fits(token) || used.contains(token)) token = fmt::format("<token:{}>", own);
    while (!used.insert(token).second) token += '\'';
    text.append(token) += '\n';
  }
  return text;
}

void check_vocabulary_of(const ForeignVocabulary& vocabulary, const char* side) {
  const auto size = static_cast<int>(vocabulary.tokens.size());
  for (const auto& id :
       {vocabulary.pad, vocabulary.start, vocabulary.unknown, std::optional(vocabulary.end)}) {
    if (id && (*id < 0 || *id >= size))
      throw FormatError(
          fmt::format("import: a special token of the {} has the id {} of {}", side, *id, size));
  }
}

}  // namespace

const std::vector<ForeignFormat>& foreign_formats() {
  static const std::vector<ForeignFormat> all{ctranslate2_format(), marian_format(), hugging_face_format()};
  return all;
}

ForeignModel read_foreign(const fs::path& path, const ImportOptions& options) {
  if (!file_exists(path)) throw IoError(fmt::format("import: there is no '{}'", path.string()));
  for (const ForeignFormat& format : foreign_formats()) {
    if (format.recognises(path)) return format.read(path, options);
  }
  std::vector<std::string> known;
  for (const ForeignFormat& format : foreign_formats())
    known.push_back(fmt::format("{} ({})", format.name, format.files));
  throw import_error(path.string(), fmt::format("it is none of {}", fmt::join(known, ", ")));
}

ImportedRun to_run(ForeignModel model) {
  check_vocabulary_of(model.source, "source");
  check_vocabulary_of(model.target, "target");
  ImportedRun run;
  TransformerOptions& o = model.options;
  const bool one = o.tie == Tie::all;
  const std::vector<int> target = numbering(model.target), source = one ? target : numbering(model.source);
  const bool complete = std::ranges::find(target, kAbsent) == target.end();
  std::map<std::string, Tensor>& w = model.weights;
  if (o.tie != Tie::none && !o.tied_bias && !complete) {  // what is absent needs one
    o.tied_bias = true;
    w["bias"] = zeros({w.at("target_embedding.weight").size(0)});
  }
  for (auto& [name, value] : w) {
    if (name == "target_embedding.weight") value = renumbered(value, target, 0, model.target.start);
    if (name == "source_embedding.weight") value = renumbered(value, source, 0, {});
    if (name == "projection.weight") value = renumbered(value, target, 0, {});
    if (name == "projection.bias" || name == "bias") value = renumbered(value, target, kAbsentBias, {});
  }
  run.text[run_files::vocabulary("target")] = vocabulary_file(model.target, target);
  run.text[run_files::vocabulary("source")] = vocabulary_file(one ? model.target : model.source, source);
  if (!model.source_pieces.empty()) {
    run.text[run_files::pieces("source")] = model.source_pieces;
    run.text[run_files::pieces("target")] = model.target_pieces;
  }
  const Vocabulary words = Vocabulary::parse(run.text[run_files::vocabulary("target")], "target");
  std::vector<std::string> banned;
  for (const int id : model.banned) {
    const auto heeds = std::ranges::find(target, id) - target.begin();
    if (heeds > Vocabulary::kEos) banned.push_back(words.token(static_cast<int>(heeds)));
  }
  model.rules.banned = fmt::format("{}", fmt::join(banned, " "));
  RunConfig& config = run.config;
  config.model = o;
  config.rules = model.rules;
  config.train.joint = one;
  config.train.subwords = model.source_pieces.empty() ? SubwordKind::none : SubwordKind::unigram;
  config.train.max_length = std::min<int64_t>(
      config.train.max_length, config.model.architecture().longest_source(config.model.options()) - 1);
  for (TextSettings* const text : {&config.source_text, &config.target_text})
    *text = {.tokenizer = Tokenizer::none, .spacing = Spacing::one};
  config.source_text.language = model.source_language;
  config.target_text.language = model.target_language;
  ImportReport& report = run.report;
  report.kind = model.kind;
  report.source_vocabulary = static_cast<int64_t>(source.size());
  report.target_vocabulary = static_cast<int64_t>(target.size());
  report.beam = model.beam;
  report.length_exponent = model.length_exponent;
  report.notes = model.notes;
  std::ranges::copy_if(model.source.tokens, std::back_inserter(report.target_codes), is_language_mark);
  for (auto& [name, value] : w) {
    report.parameters += value.numel();
    run.weights.emplace_back(name, value);
  }
  return run;
}

ImportReport import_run(const fs::path& path, const fs::path& folder, const ImportOptions& options,
                        bool overwrite, WeightType stored, const std::function<void()>& complete) {
  check_run_folder(folder, overwrite);
  ForeignModel model = read_foreign(path, options);
  if (!options.source_language.empty()) model.source_language = options.source_language;
  if (!options.target_language.empty()) model.target_language = options.target_language;
  ImportedRun run = to_run(std::move(model));
  check(run.config);
  run.text[run_files::kMetrics] = "";
  replace_run(folder, overwrite, run.config, run.text,
              {.file = run_files::kModel,
               .tensors = std::move(run.weights),
               .metadata = {{"format", "heed.imported"}},
               .type = stored},
              [&](const fs::path& at) {
                const LoadedRun loaded = load_run(at);  // which checks names and shapes
                run.report.model = loaded.model->describe();
                if (says_one_word(loaded)) {
                  run.report.notes.emplace_back(
                      "it says one word twenty times for every test sentence: it is probably broken, as some "
                      "published conversions are, or was never trained");
                }
                if (complete) complete();
              });
  return run.report;
}

bool says_one_word(const LoadedRun& run) {
  constexpr int kSentences = 6;
  const auto words = static_cast<uint64_t>(run.source.vocabulary.size() - Vocabulary::kSpecials);
  if (words == 0) return false;
  Generator random(1);
  std::vector<std::vector<int>> sources;
  for (int i = 0; i < kSentences; ++i) {
    std::vector<int> ids;
    for (int n = 0; n < 3 + 2 * i; ++n)
      ids.push_back(Vocabulary::kSpecials + static_cast<int>(random.next_below(words)));
    if (run.config.rules.source_end) ids.push_back(Vocabulary::kEos);
    sources.push_back(std::move(ids));
  }
  std::vector<std::vector<int>> outputs;
  for (const Hypothesis& output :
       search_best(*run.model, sources, {.max_length = 25, .keep_attention = false}))
    outputs.push_back(output.ids);
  return repeat_one_word(std::span<const std::vector<int>>(outputs));
}

}  // namespace heed::models
