#include "apps/learn/check/box.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "framework/core/error.h"
#include "models/corpus/batches.h"
#include "models/run/box.h"
#include "models/run/translator.h"
#include "models/text/tokenizer.h"
#include "models/text/vocabulary.h"

namespace heed::learn {

struct BoxTranslator::Parts {
  explicit Parts(const std::string& name) : translator(models::load_run(folder(name))) {}
  static std::filesystem::path folder(const std::string& name) {
    const std::filesystem::path found = models::find_run(name);
    models::require_run(found);
    return found;
  }
  const models::LoadedRun& run() const { return translator.run(); }
  models::Translator translator;
};

BoxTranslator::BoxTranslator(const std::string& name) : parts_(std::make_unique<Parts>(name)) {
  parts_->run().model->set_products(
      ProductType::f32);  // exact, and nothing is kept of a matrix that is exchanged
  for (const models::AttentionMap& map : parts_->run().model->attention_maps()) {
    layers_ = std::max<int64_t>(layers_, map.layer + 1);
    heads_ = std::max<int64_t>(heads_, map.head + 1);
  }
}
BoxTranslator::~BoxTranslator() = default;

std::string BoxTranslator::translate(const std::string& source) const {
  const NoGradGuard no_grad;
  return parts_->translator.translate(std::vector{source}).front().target.text;
}

BoxTranslator::Forced BoxTranslator::force(const std::string& source, const std::string& target) const {
  const NoGradGuard no_grad;
  const models::LoadedRun& run = parts_->run();
  const auto words = [](const std::string& line, const models::TextSettings& options) {
    std::vector<std::string> texts;
    for (const models::Token& token : models::tokenize(line, options)) texts.push_back(token.text);
    return texts;
  };
  const models::EncodedPair pair{encode_source(run.source, words(source, run.config.source_text)),
                                 run.target.encode(words(target, run.config.target_text)).ids};
  const models::Batch batch = models::make_batch(std::vector{pair}, std::vector<int64_t>{0});
  const models::TranslationModel::Forced forced = run.model->forced(batch);
  Forced result{.ids = select(batch.target_out, 0, 0),
                .weights = select(forced.weights, 0, 0),
                .score = sum(forced.log_probabilities).item()};
  const std::unique_ptr<models::Decoding> decoding = run.model->begin(batch, /*attention=*/false);
  std::vector<Tensor> rows;
  for (int64_t t = 0; t < result.ids.size(0); ++t)
    rows.push_back(decoding->step(select(batch.target_in, 1, t)).logits);
  result.logits = concat(rows, 0);
  return result;
}

Tensor BoxTranslator::parameter(int64_t layer) const {
  const std::string wanted = fmt::format("decoder{}.cross_attention.output.weight", layer);
  for (const auto& [name, value] : parts_->run().model->named_parameters()) {
    if (name == wanted) return value;
  }
  throw ValueError("the model has no " + wanted);
}
Tensor BoxTranslator::output_matrix(int64_t layer) const { return parameter(layer).detach().clone(); }
void BoxTranslator::set_output_matrix(int64_t layer, const Tensor& values) const {
  const NoGradGuard no_grad;
  parameter(layer).copy_(values);
}

}  // namespace heed::learn
