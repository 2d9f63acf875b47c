// Hugging Face's Marian models, from their folder to a run.
#include "tests/fuzz/import_target.h"

namespace heed::fuzz::hugging_face {

const std::vector<std::string> kFiles{"config.json",           "vocab.json", "generation_config.json",
                                      "tokenizer_config.json", "source.spm", "target.spm",
                                      "model.safetensors"};

void read(std::string_view bytes) { import_bundle(bytes, "hugging_face", kFiles); }

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (const FileType type : {FileType::f32, FileType::f16}) {
    const TempDir folder;
    models::write_hugging_face(folder / "model", {}, type);
    if (type == FileType::f16)
      put(folder / "model" / "generation_config.json",
          R"({"num_beams": 6, "renormalize_logits": true, "length_penalty": 0.5, "bad_words_ids": [[10], [3], [4, 5]]})");
    all.push_back(bundle(folder / "model", kFiles));
  }
  return all;
}

}  // namespace heed::fuzz::hugging_face
HEED_FUZZ_TARGET(hugging_face, "\"d_model\":", "\"vocab_size\":", "\"decoder_vocab_size\":", "\"num_beams\":",
                 "\"bad_words_ids\":", "\"length_penalty\":", "\"source_lang\":", "null", "true", "1e999",
                 "-1", "[[", "100000000", "9223372036854775808", "\"F16\"", "lm_head.weight",
                 "model.encoder.embed_positions.weight")
