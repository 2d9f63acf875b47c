// A trained translator of the box, opened up for an exercise: scores of given translations, what its
// decoder's heads look at, and the matrix behind those heads, which may be exchanged.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/learn/learn.h"

namespace heed::learn {

/// A Transformer of the box.
class BoxTranslator {
 public:
  /// @param name in the box, "en-fr"
  explicit BoxTranslator(const std::string& name);
  ~BoxTranslator();
  BoxTranslator(const BoxTranslator&) = delete;
  BoxTranslator& operator=(const BoxTranslator&) = delete;

  /// @return heed's own translation of a sentence
  std::string translate(const std::string& source) const;
  /// What the model thinks of a given translation.
  struct Forced {
    Tensor ids;        // i64 [T]: its pieces, the end mark last
    Tensor logits;     // [T, V]: the scores of all pieces of the vocabulary, before softmax
    Tensor weights;    // [layers * heads, T, S]: what each head of the decoder looks at in the source
    double score = 0;  // heed's own: the sum of the log probabilities of the pieces
  };
  Forced force(const std::string& source, const std::string& target) const;
  /// @return the number of layers of the decoder, and of heads in each
  int64_t layers() const { return layers_; }
  int64_t heads() const { return heads_; }
  /// The matrix [D, D] of a layer's cross-attention that reads the merged heads.
  /// @return a copy
  Tensor output_matrix(int64_t layer) const;
  void set_output_matrix(int64_t layer, const Tensor& values) const;

 private:
  Tensor parameter(int64_t layer) const;
  struct Parts;
  std::unique_ptr<Parts> parts_;
  int64_t layers_ = 0, heads_ = 0;
};

}  // namespace heed::learn
