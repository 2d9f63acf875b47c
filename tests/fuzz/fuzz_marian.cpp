// Marian's own models, from their folder to a run.
#include "tests/fuzz/import_target.h"

namespace heed::fuzz::marian {

const std::vector<std::string> kFiles{"decoder.yml",   "vocab.yml",  "model.npz",
                                      "model.npz.yml", "source.spm", "target.spm"};

void read(std::string_view bytes) { import_bundle(bytes, "marian", kFiles); }

std::vector<std::string> seeds() {
  const TempDir folder;
  models::write_marian(folder / "model", {});
  std::vector<std::string> all{bundle(folder / "model", kFiles)};
  remove_file(folder / "model" / "source.spm");
  remove_file(folder / "model" / "target.spm");
  all.push_back(bundle(folder / "model", kFiles));
  return all;
}

}  // namespace heed::fuzz::marian
HEED_FUZZ_TARGET(marian, "type: transformer\n",
                 "dim-emb: ", "transformer-heads: ", "enc-depth: ", "vocabs:\n",
                 "beam-size: ", "normalize: ", "nan", "1e999", "&a ", "*a", "<<: ", "? ", "- - - ", "[[[[",
                 "{{{{", "!!int ", "| ", "> ", "%YAML 1.2\n", "---\n", "...\n", "PK\x05\x06")
