// Models of CTranslate2, from their folder to a run.
#include "tests/fuzz/import_target.h"

namespace heed::fuzz::ctranslate2 {

const std::vector<std::string> kFiles{"model.bin", "config.json", "shared_vocabulary.txt", "source.spm",
                                      "target.spm"};

void read(std::string_view bytes) { import_bundle(bytes, "ctranslate2", kFiles); }

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  using models::CtType;
  for (const auto& [type, version] : {std::pair(CtType::f32, 6U),
                                      {CtType::i8, 6U},
                                      {CtType::i16, 4U},
                                      {CtType::bf16, 5U},
                                      {CtType::f32, 1U},
                                      {CtType::i8, 3U}}) {
    const TempDir folder;
    models::write_ctranslate2(folder / "model", {}, type, version);
    all.push_back(bundle(folder / "model", kFiles));
  }
  return all;
}

}  // namespace heed::fuzz::ctranslate2
HEED_FUZZ_TARGET(ctranslate2, "encoder/num_heads", "decoder/num_heads", "pre_norm", "activation",
                 "scale_embeddings", "encoder/layer_0/", "decoder/layer_0/", "weight_scale",
                 "position_encodings/encodings", "alignment_layer", "start_from_zero_embedding",
                 "TransformerBase", "\"add_source_eos\": true", "\"unk_token\"", "<blank>\n<s>\n</s>\n")
