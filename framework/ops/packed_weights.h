// Weights that stay as they are, kept in the layout that products of few rows read fastest: translating word
// by word multiplies the same matrices thousands of times.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "framework/core/tensor.h"

namespace heed {

namespace kernels {
class KeptMatrix;
}
namespace detail {
// The packed form of a weight [N, K] for products with so many rows, from the cache of the thread's scope;
// null without a scope, and where the plain product serves as well.
std::shared_ptr<const kernels::KeptMatrix> packed_weight(const Tensor& weight, int64_t rows);
}  // namespace detail

/// How products with kept weights are computed: as they are; with weights rounded to bf16 and f32 beside
/// them; with weights and inputs rounded to 8 bits, each row with a scale of its own (a row of the weights is
/// an output). Sums of 8-bit products are exact.
enum class ProductType : uint8_t { f32, bf16, int8 };

/// The packed forms of the weights of a model that is used. May be shared by threads.
class PackedWeights {
 public:
  PackedWeights();
  ~PackedWeights();
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  /// Has each weight looked at once more before it is used: one that was written to without an op, as an
  /// optimiser of someone's own does through data(), is found by a sample of its values and packed anew. What
  /// ops write is seen in any case.
  void recheck();

  /// Chooses how products are computed from here on; f32 at first. No other thread may use the cache while
  /// the choice changes.
  /// @param type of the products
  void compute_in(ProductType type);
  /// @return how products are computed
  ProductType type() const { return type_; }

  /// While one exists, linear() and the steps of lstm() on this thread take their weights from the cache: in
  /// f32 where that is faster, and results differ from those of the plain product by rounding; in bf16
  /// and int8 always. Nothing is packed where a gradient is wanted.
  class Scope {
   public:
    /// @param cache to use; it must outlive the scope
    explicit Scope(PackedWeights& cache);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    PackedWeights* before_;
  };

  /// @return the bytes that the packed forms take
  size_t bytes() const;

 private:
  friend std::shared_ptr<const kernels::KeptMatrix> detail::packed_weight(const Tensor& weight, int64_t rows);
  struct Entry;
  void forget_orphans();  // weights that nobody else holds any more; the lock is held
  mutable std::mutex mutex_;
  std::map<std::pair<const void*, int64_t>, Entry> entries_;  // by where the weight begins in which storage
  uint64_t checks_ = 1;                                       // calls of recheck so far, and one
  ProductType type_ = ProductType::f32;
};

}  // namespace heed
