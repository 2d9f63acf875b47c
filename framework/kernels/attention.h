// Rows of a block of attention's scores, for attention that does not store them (ops/flash_attention.cpp). On
// the calling thread.
#pragma once

#include <cstdint>

namespace heed::kernels {

/// Softmax whose keys come block by block (Milakov & Gimelshein 2018, Online normalizer calculation for
/// softmax, algorithm 3). Of row r the first used[r] of n scores become exp(scale (x - m)), the rest 0, with
/// m = most[r] the largest x so far: it begins at -inf, total[r], the sum of the exponentials, at 0. keep[r]
/// = exp(scale (m before - m)) is what the row's sums of earlier blocks are to be multiplied with. Where all
/// is -inf so far the exponentials are 0. scale is above 0; rows lie ld apart.
template <class T>
void softmax_block(int64_t rows, int64_t n, const int64_t* used, T scale, T* x, int64_t ld, T* most,
                   double* total, double* keep);
/// The same block again with its gradient: p = exp(scale (x - most)) inverse in the place of x and p (g -
/// mean) in that of g, inverse being 1 / total, or 0 for a row that sees nothing; 0 from used[r] on.
template <class T>
void softmax_block_backward(int64_t rows, int64_t n, const int64_t* used, T scale, T* x, T* g, int64_t ld,
                            const T* most, const T* inverse, const T* mean);
/// y = keep[r] y + x of dense rows, in double; a null keep: y + x.
template <class T>
void add_to_scaled_rows(int64_t rows, int64_t n, const T* x, const double* keep, double* y);

}  // namespace heed::kernels
