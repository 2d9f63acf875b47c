#include "framework/core/precision.h"

#include <atomic>

namespace heed {
namespace {
std::atomic<MatmulPrecision> precision_of_products{MatmulPrecision::f32};
}

MatmulPrecision matmul_precision() { return precision_of_products.load(std::memory_order_relaxed); }
void set_matmul_precision(MatmulPrecision precision) { precision_of_products.store(precision, std::memory_order_relaxed); }

}  // namespace heed
