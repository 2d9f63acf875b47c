#include "models/run/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "framework/core/stored_values.h"
#include "models/run/box.h"
#include "models/run/files.h"
#include "models/run/weights.h"
#include "models/text/counted.h"

namespace heed::models {
namespace {

// Floats with all exponent bits set are NaN or infinite. Without a branch in the loop, so that it is
// vectorised.
template <class Bits>
bool exponents_are_finite(const void* data, size_t count, Bits exponent) {
  const auto* const values = static_cast<const char*>(data);
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, values + i * sizeof bits, sizeof bits);
    bad |= static_cast<uint32_t>((bits & exponent) == exponent);
  }
  return bad == 0;
}

}  // namespace

OutputRules output_rules(const RunConfig& config, const Vocabulary& target) {
  OutputRules rules{.end_at_limit = config.rules.end_at_limit, .renormalise = config.rules.renormalise};
  if (!config.rules.unknown) rules.banned.push_back(Vocabulary::kUnk);
  std::istringstream tokens(config.rules.banned);
  for (std::string token; tokens >> token;) {
    if (!target.contains(token))
      throw ValueError("banned", fmt::format("'{}' is not in the vocabulary of the target", token));
    rules.banned.push_back(target.id(token));
  }
  return rules;
}

namespace {

// Throws where pieces and vocabulary were not made together. heed's own vocabulary is made of the pieces, but
// for characters that older runs have no piece for; another program's may be that of two languages, each with
// pieces of its own.
void require_own_pieces(const Subwords& subwords, const std::string& pieces_name,
                        const Vocabulary& vocabulary, const std::string& name, bool of_others) {
  const std::vector<std::string>& tokens = vocabulary.tokens();
  const auto known = std::count_if(tokens.begin() + Vocabulary::kSpecials, tokens.end(),
                                   [&](const std::string& token) { return subwords.has(token); });
  const auto own = static_cast<std::ptrdiff_t>(tokens.size()) - Vocabulary::kSpecials;
  if (of_others ? 3 * known < own : 10 * known < 9 * own)
    throw FormatError(
        fmt::format("'{}' does not belong to '{}': it has {} of {} pieces", pieces_name, name, known, own));
}

}  // namespace

std::pair<TextCodec, TextCodec> codecs_of(const RunConfig& config, const ReadFile& read) {
  struct Side {
    NamedContent vocabulary, pieces;
    TextCodec codec;
  };
  // `like`: a side that is read already; what both have in common is made once
  const auto side_of = [&](const std::string& side, const Side* like) {
    Side made{read(run_files::vocabulary(side)), {}, {}};
    TextCodec& codec = made.codec;
    const bool same_words = like && like->vocabulary.content == made.vocabulary.content;
    codec.vocabulary = same_words ? like->codec.vocabulary
                                  : Vocabulary::parse(made.vocabulary.content, made.vocabulary.name);
    if (config.train.subwords != SubwordKind::none) {
      made.pieces = read(run_files::pieces(side));
      const bool same_pieces = like && like->pieces.content == made.pieces.content;
      codec.subwords = same_pieces ? like->codec.subwords
                                   : std::make_shared<Subwords>(made.pieces.content, made.pieces.name);
      if (!same_words || !same_pieces)
        require_own_pieces(*codec.subwords, made.pieces.name, codec.vocabulary, made.vocabulary.name,
                           config.rules.whole_lines);
      codec.whole_lines = config.rules.whole_lines;
    }
    codec.ends = config.rules.source_end;
    const TextSettings& text = side == "source" ? config.source_text : config.target_text;
    codec.keeps_spaces = text.spacing == Spacing::kept;
    codec.breaks = text.context > 0;
    return made;
  };
  Side source = side_of("source", nullptr), target = side_of("target", &source);
  return {std::move(source.codec), std::move(target.codec)};
}

std::pair<TextCodec, TextCodec> load_codecs(const std::filesystem::path& folder, const RunConfig& config) {
  return codecs_of(config, [&](const std::string& name) {
    const std::filesystem::path path = folder / name;
    return NamedContent{path.string(), read_run_file(path)};
  });
}

void check_vocabularies(const Architecture& architecture, const std::map<std::string, Tensor>& weights,
                        const Vocabulary& source, const Vocabulary& target,
                        const std::filesystem::path& folder) {
  const auto compare = [&](const std::string& key, const char* side, const Vocabulary& vocabulary) {
    const auto found = weights.find(key);
    if (found != weights.end() && found->second.ndim() == 2 && found->second.size(0) != vocabulary.size()) {
      throw FormatError(fmt::format("'{}' has {}, the weights have {}",
                                    (folder / run_files::vocabulary(side)).string(),
                                    counted(vocabulary.size(), "word"), found->second.size(0)));
    }
  };
  compare(architecture.source_table, "source", source);
  compare(architecture.target_table, "target", target);
}

namespace {

// Throws for what is no file: reading a pipe could wait for ever.
void require_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw IoError(fmt::format(
        "cannot read '{}': {}", path.string(),
        std::filesystem::is_directory(status) ? "Is a directory" : "it is a pipe or a device and no file"));
  }
}

}  // namespace

std::string read_run_file(const std::filesystem::path& path) {
  require_file(path);
  return read_file(path);
}

bool all_finite(const Tensor& x) {
  if (const auto rows = quantised_rows(x))
    return std::all_of(rows->scales, rows->scales + rows->rows,
                       [](float scale) { return std::isfinite(128 * scale); });
  if (const auto rows = bf16_rows(x))
    return exponents_are_finite<uint16_t>(rows->bits, static_cast<size_t>(x.numel()), 0x7F80U);
  const Tensor dense = x.detach().contiguous();
  const auto count = static_cast<size_t>(dense.numel());
  if (dense.dtype() == DType::f32)
    return exponents_are_finite<uint32_t>(dense.raw_data(), count, 0x7F800000U);
  if (dense.dtype() == DType::f64)
    return exponents_are_finite<uint64_t>(dense.raw_data(), count, 0x7FF0000000000000U);
  return true;
}

void check_finite(const std::map<std::string, Tensor>& tensors, const std::string& file) {
  for (const auto& [name, value] : tensors) {
    if (!all_finite(value))
      throw FormatError(fmt::format("load '{}': '{}' holds NaN or infinity", file, name));
  }
}

LoadedRun load_run(const std::filesystem::path& folder) {
  require_run(folder);
  const auto path = [&](const char* file) { return folder / file; };
  LoadedRun run;
  run.config = parse_run_config(read_run_file(path(run_files::kConfig)), path(run_files::kConfig).string());
  std::tie(run.source, run.target) = load_codecs(folder, run.config);
  const std::string name = path(run_files::kModel).string();
  if (!file_exists(name)) {
    const bool begun = file_exists(path(run_files::kInitial)) || file_exists(path(run_files::kState));
    throw IoError(fmt::format(
        "'{}' is missing{}", name,
        begun ? ": the run was stopped before its first validation; train on with --resume" : ""));
  }
  require_file(name);
  const StoredWeights stored = map_weights(name);
  const std::map<std::string, Tensor>& weights = stored.tensors;
  check_finite(weights, name);
  check_vocabularies(run.config.model.architecture(), weights, run.source.vocabulary, run.target.vocabulary,
                     folder);
  check_sizes(run.config.model, weights, path(run_files::kConfig).string());
  if (run.config.model.architecture().one_vocabulary(run.config.model.options()) &&
      run.source.vocabulary.tokens() != run.target.vocabulary.tokens())
    throw FormatError(fmt::format("'{}' and '{}' differ, and the model has one vocabulary for both sides",
                                  path(run_files::vocabulary("source").c_str()).string(),
                                  path(run_files::vocabulary("target").c_str()).string()));
  {
    const nn::init::Skip skip;  // every value is loaded
    run.model = make_model(run.config.model, run.source.vocabulary.size(), run.target.vocabulary.size());
  }
  run.model->adopt(weights, name);
  run.model->set_products(stored.products);
  run.model->set_output_rules(output_rules(run.config, run.target.vocabulary));
  run.model->train(false);
  run.folder = folder;
  return run;
}

}  // namespace heed::models
