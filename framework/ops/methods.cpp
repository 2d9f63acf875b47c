// Written by framework/ops/methods.py: not to be changed by hand.
// clang-format off
#include <utility>

#include "framework/ops/ops.h"

namespace heed {

Tensor Tensor::add(const Tensor& b) const { return heed::add(*this, b); }
Tensor Tensor::add(Scalar b) const { return heed::add(*this, b); }
Tensor Tensor::sub(const Tensor& b) const { return heed::sub(*this, b); }
Tensor Tensor::sub(Scalar b) const { return heed::sub(*this, b); }
Tensor Tensor::mul(const Tensor& b) const { return heed::mul(*this, b); }
Tensor Tensor::mul(Scalar b) const { return heed::mul(*this, b); }
Tensor Tensor::div(const Tensor& b) const { return heed::div(*this, b); }
Tensor Tensor::div(Scalar b) const { return heed::div(*this, b); }
Tensor Tensor::affine(double scale, double shift) const { return heed::affine(*this, scale, shift); }
Tensor Tensor::cast(DType dtype) const { return heed::cast(*this, dtype); }
Tensor Tensor::neg() const { return heed::neg(*this); }
Tensor Tensor::exp() const { return heed::exp(*this); }
Tensor Tensor::log() const { return heed::log(*this); }
Tensor Tensor::tanh() const { return heed::tanh(*this); }
Tensor Tensor::sigmoid() const { return heed::sigmoid(*this); }
Tensor Tensor::relu() const { return heed::relu(*this); }
Tensor Tensor::sqrt() const { return heed::sqrt(*this); }
Tensor Tensor::square() const { return heed::square(*this); }
Tensor Tensor::abs() const { return heed::abs(*this); }
Tensor Tensor::sign() const { return heed::sign(*this); }
Tensor Tensor::floor() const { return heed::floor(*this); }
Tensor Tensor::ceil() const { return heed::ceil(*this); }
Tensor Tensor::round() const { return heed::round(*this); }
Tensor Tensor::trunc() const { return heed::trunc(*this); }
Tensor Tensor::expm1() const { return heed::expm1(*this); }
Tensor Tensor::log1p() const { return heed::log1p(*this); }
Tensor Tensor::rsqrt() const { return heed::rsqrt(*this); }
Tensor Tensor::reciprocal() const { return heed::reciprocal(*this); }
Tensor Tensor::sin() const { return heed::sin(*this); }
Tensor Tensor::cos() const { return heed::cos(*this); }
Tensor Tensor::erf() const { return heed::erf(*this); }
Tensor Tensor::leaky_relu(double negative_slope) const { return heed::leaky_relu(*this, negative_slope); }
Tensor Tensor::elu(double alpha) const { return heed::elu(*this, alpha); }
Tensor Tensor::silu() const { return heed::silu(*this); }
Tensor Tensor::softplus() const { return heed::softplus(*this); }
Tensor Tensor::gelu(GeluForm form) const { return heed::gelu(*this, form); }
Tensor Tensor::clamp(double low, double high) const { return heed::clamp(*this, low, high); }
Tensor Tensor::clamp(double bound) const { return heed::clamp(*this, bound); }
Tensor Tensor::clamp_min(double bound) const { return heed::clamp_min(*this, bound); }
Tensor Tensor::clamp_max(double bound) const { return heed::clamp_max(*this, bound); }
Tensor Tensor::pow(double exponent) const { return heed::pow(*this, exponent); }
Tensor Tensor::maximum(const Tensor& b) const { return heed::maximum(*this, b); }
Tensor Tensor::maximum(Scalar b) const { return heed::maximum(*this, b); }
Tensor Tensor::minimum(const Tensor& b) const { return heed::minimum(*this, b); }
Tensor Tensor::minimum(Scalar b) const { return heed::minimum(*this, b); }
Tensor Tensor::pow(const Tensor& b) const { return heed::pow(*this, b); }
Tensor Tensor::floor_divide(const Tensor& b) const { return heed::floor_divide(*this, b); }
Tensor Tensor::floor_divide(Scalar b) const { return heed::floor_divide(*this, b); }
Tensor Tensor::remainder(const Tensor& b) const { return heed::remainder(*this, b); }
Tensor Tensor::remainder(Scalar b) const { return heed::remainder(*this, b); }
Tensor Tensor::eq(const Tensor& b) const { return heed::eq(*this, b); }
Tensor Tensor::eq(Scalar b) const { return heed::eq(*this, b); }
Tensor Tensor::ne(const Tensor& b) const { return heed::ne(*this, b); }
Tensor Tensor::ne(Scalar b) const { return heed::ne(*this, b); }
Tensor Tensor::lt(const Tensor& b) const { return heed::lt(*this, b); }
Tensor Tensor::lt(Scalar b) const { return heed::lt(*this, b); }
Tensor Tensor::le(const Tensor& b) const { return heed::le(*this, b); }
Tensor Tensor::le(Scalar b) const { return heed::le(*this, b); }
Tensor Tensor::gt(const Tensor& b) const { return heed::gt(*this, b); }
Tensor Tensor::gt(Scalar b) const { return heed::gt(*this, b); }
Tensor Tensor::ge(const Tensor& b) const { return heed::ge(*this, b); }
Tensor Tensor::ge(Scalar b) const { return heed::ge(*this, b); }
Tensor Tensor::isclose(const Tensor& b, double relative, double absolute) const { return heed::isclose(*this, b, relative, absolute); }
bool Tensor::allclose(const Tensor& b, double relative, double absolute) const { return heed::allclose(*this, b, relative, absolute); }
Tensor Tensor::isnan() const { return heed::isnan(*this); }
Tensor Tensor::isinf() const { return heed::isinf(*this); }
Tensor Tensor::isfinite() const { return heed::isfinite(*this); }
Tensor Tensor::logical_and(const Tensor& b) const { return heed::logical_and(*this, b); }
Tensor Tensor::logical_or(const Tensor& b) const { return heed::logical_or(*this, b); }
Tensor Tensor::logical_xor(const Tensor& b) const { return heed::logical_xor(*this, b); }
Tensor Tensor::logical_not() const { return heed::logical_not(*this); }
Tensor Tensor::masked_fill(const Tensor& filled, Scalar value) const { return heed::masked_fill(*this, filled, value); }
Tensor Tensor::sum(const Dims& dims, KeepDim keep) const { return heed::sum(*this, dims, keep); }
Tensor Tensor::mean(const Dims& dims, KeepDim keep) const { return heed::mean(*this, dims, keep); }
Tensor Tensor::amax(const Dims& dims, KeepDim keep) const { return heed::amax(*this, dims, keep); }
Tensor Tensor::amin(const Dims& dims, KeepDim keep) const { return heed::amin(*this, dims, keep); }
Tensor Tensor::any(const Dims& dims, KeepDim keep) const { return heed::any(*this, dims, keep); }
Tensor Tensor::all(const Dims& dims, KeepDim keep) const { return heed::all(*this, dims, keep); }
Tensor Tensor::prod(const Dims& dims, KeepDim keep) const { return heed::prod(*this, dims, keep); }
Tensor Tensor::var(const Dims& dims, double correction, KeepDim keep) const { return heed::var(*this, dims, correction, keep); }
Tensor Tensor::stddev(const Dims& dims, double correction, KeepDim keep) const { return heed::stddev(*this, dims, correction, keep); }
Tensor Tensor::norm(const Dims& dims, KeepDim keep) const { return heed::norm(*this, dims, keep); }
Tensor Tensor::logsumexp(const Dims& dims, KeepDim keep) const { return heed::logsumexp(*this, dims, keep); }
Tensor Tensor::cumsum(int dim) const { return heed::cumsum(*this, dim); }
Tensor Tensor::cumprod(int dim) const { return heed::cumprod(*this, dim); }
Tensor Tensor::count_nonzero(const Dims& dims, KeepDim keep) const { return heed::count_nonzero(*this, dims, keep); }
Tensor Tensor::sum_to(const Shape& shape) const { return heed::sum_to(*this, shape); }
Tensor Tensor::reshape(const Shape& shape) const { return heed::reshape(*this, shape); }
Tensor Tensor::permute(std::vector<int> order) const { return heed::permute(*this, std::move(order)); }
Tensor Tensor::transpose(int dim_a, int dim_b) const { return heed::transpose(*this, dim_a, dim_b); }
Tensor Tensor::expand(const Shape& shape) const { return heed::expand(*this, shape); }
Tensor Tensor::slice(int dim, int64_t start, int64_t end, int64_t step) const { return heed::slice(*this, dim, start, end, step); }
Tensor Tensor::select(int dim, int64_t index) const { return heed::select(*this, dim, index); }
Tensor Tensor::unsqueeze(int dim) const { return heed::unsqueeze(*this, dim); }
Tensor Tensor::squeeze(int dim) const { return heed::squeeze(*this, dim); }
Tensor Tensor::squeeze() const { return heed::squeeze(*this); }
Tensor Tensor::flip(const Dims& dims) const { return heed::flip(*this, dims); }
Tensor Tensor::pad(std::vector<Padding> widths, Scalar value) const { return heed::pad(*this, std::move(widths), value); }
Tensor Tensor::tril(int64_t diagonal) const { return heed::tril(*this, diagonal); }
Tensor Tensor::triu(int64_t diagonal) const { return heed::triu(*this, diagonal); }
std::vector<Tensor> Tensor::split(const std::vector<int64_t>& sizes, int dim) const { return heed::split(*this, sizes, dim); }
std::vector<Tensor> Tensor::split(int64_t size, int dim) const { return heed::split(*this, size, dim); }
std::vector<Tensor> Tensor::chunk(int64_t chunks, int dim) const { return heed::chunk(*this, chunks, dim); }
std::vector<Tensor> Tensor::unbind(int dim) const { return heed::unbind(*this, dim); }
Tensor Tensor::movedim(const std::vector<int>& from, const std::vector<int>& to) const { return heed::movedim(*this, from, to); }
Tensor Tensor::movedim(int from, int to) const { return heed::movedim(*this, from, to); }
Tensor Tensor::flatten(int first, int last) const { return heed::flatten(*this, first, last); }
Tensor Tensor::unflatten(int dim, const Shape& extents) const { return heed::unflatten(*this, dim, extents); }
Tensor Tensor::repeat(const Shape& repeats) const { return heed::repeat(*this, repeats); }
Tensor Tensor::tile(const Shape& repeats) const { return heed::tile(*this, repeats); }
Tensor Tensor::repeat_interleave(int64_t times, int dim) const { return heed::repeat_interleave(*this, times, dim); }
Tensor Tensor::repeat_interleave(const Tensor& times, int dim) const { return heed::repeat_interleave(*this, times, dim); }
Tensor Tensor::roll(const Shape& shifts, const Dims& dims) const { return heed::roll(*this, shifts, dims); }
Tensor Tensor::diagonal(int64_t offset, int row_dim, int column_dim) const { return heed::diagonal(*this, offset, row_dim, column_dim); }
Tensor Tensor::diag(int64_t offset) const { return heed::diag(*this, offset); }
Tensor Tensor::trace() const { return heed::trace(*this); }
Tensor Tensor::index_put(std::initializer_list<Index> index, const Tensor& value) const { return heed::index_put(*this, index, value); }
Tensor Tensor::index_put(std::initializer_list<Index> index, Scalar value) const { return heed::index_put(*this, index, value); }
Tensor Tensor::gather(int dim, const Tensor& index) const { return heed::gather(*this, dim, index); }
Tensor Tensor::scatter_add(int dim, const Tensor& index, const Tensor& source) const { return heed::scatter_add(*this, dim, index, source); }
Tensor Tensor::scatter(int dim, const Tensor& index, const Tensor& source) const { return heed::scatter(*this, dim, index, source); }
Tensor Tensor::index_select(int dim, const Tensor& ids) const { return heed::index_select(*this, dim, ids); }
Tensor Tensor::masked_select(const Tensor& mask) const { return heed::masked_select(*this, mask); }
Tensor Tensor::nonzero() const { return heed::nonzero(*this); }
Tensor Tensor::one_hot(int64_t classes, DType dtype) const { return heed::one_hot(*this, classes, dtype); }
Sorted Tensor::sort(int dim, bool descending) const { return heed::sort(*this, dim, descending); }
Tensor Tensor::argsort(int dim, bool descending) const { return heed::argsort(*this, dim, descending); }
Sorted Tensor::topk(int64_t k, int dim, bool largest) const { return heed::topk(*this, k, dim, largest); }
Unique Tensor::unique() const { return heed::unique(*this); }
Sorted Tensor::median(int dim) const { return heed::median(*this, dim); }
Sorted Tensor::max(int dim, KeepDim keep) const { return heed::max(*this, dim, keep); }
Sorted Tensor::min(int dim, KeepDim keep) const { return heed::min(*this, dim, keep); }
Tensor Tensor::max() const { return heed::max(*this); }
Tensor Tensor::min() const { return heed::min(*this); }
Tensor Tensor::max(const Tensor& b) const { return heed::max(*this, b); }
Tensor Tensor::min(const Tensor& b) const { return heed::min(*this, b); }
Tensor Tensor::argmax(int dim, KeepDim keep) const { return heed::argmax(*this, dim, keep); }
Tensor Tensor::argmin(int dim, KeepDim keep) const { return heed::argmin(*this, dim, keep); }
Tensor Tensor::matmul(const Tensor& b) const { return heed::matmul(*this, b); }
Tensor Tensor::bmm(const Tensor& b) const { return heed::bmm(*this, b); }
Tensor Tensor::mm(const Tensor& b) const { return heed::mm(*this, b); }
Tensor Tensor::mv(const Tensor& b) const { return heed::mv(*this, b); }
Tensor Tensor::dot(const Tensor& b) const { return heed::dot(*this, b); }
Tensor Tensor::outer(const Tensor& b) const { return heed::outer(*this, b); }
Tensor Tensor::cosine_similarity(const Tensor& b, int dim, double eps) const { return heed::cosine_similarity(*this, b, dim, eps); }
Tensor Tensor::cdist(const Tensor& b) const { return heed::cdist(*this, b); }
Tensor Tensor::linear(const Tensor& weight, const Tensor& bias) const { return heed::linear(*this, weight, bias); }
Tensor Tensor::cholesky() const { return heed::cholesky(*this); }
Tensor Tensor::solve(const Tensor& b) const { return heed::solve(*this, b); }
Tensor Tensor::solve_triangular(const Tensor& b, bool upper) const { return heed::solve_triangular(*this, b, upper); }
Tensor Tensor::inverse() const { return heed::inverse(*this); }
SignedLog Tensor::slogdet() const { return heed::slogdet(*this); }
Tensor Tensor::det() const { return heed::det(*this); }
Tensor Tensor::logdet() const { return heed::logdet(*this); }
SvdResult Tensor::svd() const { return heed::svd(*this); }
Tensor Tensor::embedding(const Tensor& ids, int64_t padding_id) const { return heed::embedding(*this, ids, padding_id); }
Tensor Tensor::softmax(int dim) const { return heed::softmax(*this, dim); }
Tensor Tensor::log_softmax(int dim) const { return heed::log_softmax(*this, dim); }
Tensor Tensor::masked_softmax(const Tensor& lengths) const { return heed::masked_softmax(*this, lengths); }
Tensor Tensor::layer_norm(const Tensor& gain, const Tensor& bias, double eps) const { return heed::layer_norm(*this, gain, bias, eps); }
Tensor Tensor::rms_norm(const Tensor& gain, double eps) const { return heed::rms_norm(*this, gain, eps); }
Tensor Tensor::dropout(double p, bool training) const { return heed::dropout(*this, p, training); }
Tensor Tensor::empty_like() const { return heed::empty_like(*this); }
Tensor Tensor::zeros_like() const { return heed::zeros_like(*this); }
Tensor Tensor::ones_like() const { return heed::ones_like(*this); }
Tensor Tensor::full_like(Scalar value) const { return heed::full_like(*this, value); }
Tensor Tensor::uniform_like(double low, double high) const { return heed::uniform_like(*this, low, high); }
Tensor Tensor::rand_like() const { return heed::rand_like(*this); }
Tensor Tensor::randn_like() const { return heed::randn_like(*this); }
Tensor Tensor::multinomial(int64_t count, bool replacement) const { return heed::multinomial(*this, count, replacement); }
Tensor Tensor::cross_entropy(const Tensor& targets) const { return heed::cross_entropy(*this, targets); }
Tensor Tensor::cross_entropy(const Tensor& targets, CrossEntropyOptions options) const { return heed::cross_entropy(*this, targets, options); }
Tensor Tensor::linear_cross_entropy(const Tensor& weight, const Tensor& bias, const Tensor& targets) const { return heed::linear_cross_entropy(*this, weight, bias, targets); }
Tensor Tensor::linear_cross_entropy(const Tensor& weight, const Tensor& bias, const Tensor& targets, CrossEntropyOptions options) const { return heed::linear_cross_entropy(*this, weight, bias, targets, options); }
Tensor Tensor::nll_loss(const Tensor& targets, const Tensor& class_weights, int64_t padding_id) const { return heed::nll_loss(*this, targets, class_weights, padding_id); }
Tensor Tensor::mse_loss(const Tensor& target, Reduction reduction) const { return heed::mse_loss(*this, target, reduction); }
Tensor Tensor::l1_loss(const Tensor& target, Reduction reduction) const { return heed::l1_loss(*this, target, reduction); }
Tensor Tensor::smooth_l1_loss(const Tensor& target, double beta, Reduction reduction) const { return heed::smooth_l1_loss(*this, target, beta, reduction); }
Tensor Tensor::bce_with_logits(const Tensor& target, Reduction reduction) const { return heed::bce_with_logits(*this, target, reduction); }
Tensor Tensor::kl_div(const Tensor& target, Reduction reduction) const { return heed::kl_div(*this, target, reduction); }
Tensor Tensor::huber_loss(const Tensor& target, double delta, Reduction reduction) const { return heed::huber_loss(*this, target, delta, reduction); }
Tensor Tensor::binary_cross_entropy(const Tensor& target, Reduction reduction) const { return heed::binary_cross_entropy(*this, target, reduction); }
Tensor Tensor::triplet_margin_loss(const Tensor& positive, const Tensor& negative, double margin, Reduction reduction) const { return heed::triplet_margin_loss(*this, positive, negative, margin, reduction); }
Tensor Tensor::cosine_embedding_loss(const Tensor& b, const Tensor& target, double margin, Reduction reduction) const { return heed::cosine_embedding_loss(*this, b, target, margin, reduction); }
Tensor Tensor::relu6() const { return heed::relu6(*this); }
Tensor Tensor::hardsigmoid() const { return heed::hardsigmoid(*this); }
Tensor Tensor::hardswish() const { return heed::hardswish(*this); }
Tensor Tensor::selu() const { return heed::selu(*this); }
Tensor Tensor::mish() const { return heed::mish(*this); }
Tensor Tensor::softsign() const { return heed::softsign(*this); }
Tensor Tensor::logsigmoid() const { return heed::logsigmoid(*this); }
Tensor Tensor::hardtanh(double low, double high) const { return heed::hardtanh(*this, low, high); }
Tensor Tensor::prelu(const Tensor& weight) const { return heed::prelu(*this, weight); }
Tensor Tensor::glu(int dim) const { return heed::glu(*this, dim); }
Tensor Tensor::log2() const { return heed::log2(*this); }
Tensor Tensor::log10() const { return heed::log10(*this); }
Tensor Tensor::tan() const { return heed::tan(*this); }
Tensor Tensor::lerp(const Tensor& b, double weight) const { return heed::lerp(*this, b, weight); }
Tensor Tensor::lerp(const Tensor& b, const Tensor& weight) const { return heed::lerp(*this, b, weight); }
Tensor Tensor::addcmul(const Tensor& a, const Tensor& b, double value) const { return heed::addcmul(*this, a, b, value); }
Tensor Tensor::addcdiv(const Tensor& a, const Tensor& b, double value) const { return heed::addcdiv(*this, a, b, value); }
Tensor Tensor::addmm(const Tensor& a, const Tensor& b, double beta, double alpha) const { return heed::addmm(*this, a, b, beta, alpha); }
Tensor Tensor::baddbmm(const Tensor& a, const Tensor& b, double beta, double alpha) const { return heed::baddbmm(*this, a, b, beta, alpha); }
Tensor Tensor::nan_to_num(double nan, std::optional<double> infinity, std::optional<double> minus_infinity) const { return heed::nan_to_num(*this, nan, infinity, minus_infinity); }
Tensor Tensor::clip(double low, double high) const { return heed::clip(*this, low, high); }
bool Tensor::equal(const Tensor& b) const { return heed::equal(*this, b); }
Tensor Tensor::narrow(int dim, int64_t start, int64_t length) const { return heed::narrow(*this, dim, start, length); }
Tensor Tensor::expand_as(const Tensor& like) const { return heed::expand_as(*this, like); }
Tensor Tensor::reshape_as(const Tensor& like) const { return heed::reshape_as(*this, like); }
Tensor Tensor::view_as(const Tensor& like) const { return heed::view_as(*this, like); }
Tensor Tensor::type_as(const Tensor& like) const { return heed::type_as(*this, like); }
Tensor Tensor::ravel() const { return heed::ravel(*this); }
Tensor Tensor::swapaxes(int dim_a, int dim_b) const { return heed::swapaxes(*this, dim_a, dim_b); }
Tensor Tensor::repeat_interleave(int64_t times) const { return heed::repeat_interleave(*this, times); }
Tensor Tensor::take_along_dim(const Tensor& index, int dim) const { return heed::take_along_dim(*this, index, dim); }
Tensor Tensor::scatter(int dim, const Tensor& index, double value) const { return heed::scatter(*this, dim, index, value); }
Tensor Tensor::index_add(int dim, const Tensor& index, const Tensor& source, double alpha) const { return heed::index_add(*this, dim, index, source, alpha); }
Tensor Tensor::index_fill(int dim, const Tensor& index, Scalar value) const { return heed::index_fill(*this, dim, index, value); }
Tensor Tensor::diff(int dim) const { return heed::diff(*this, dim); }
Tensor Tensor::quantile(double q, int dim, KeepDim keep) const { return heed::quantile(*this, q, dim, keep); }
Tensor Tensor::bincount(int64_t least) const { return heed::bincount(*this, least); }
Tensor Tensor::pairwise_distance(const Tensor& b, double eps) const { return heed::pairwise_distance(*this, b, eps); }

}  // namespace heed
