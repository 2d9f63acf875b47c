// The only place that knows oneDNN's version (2.6 of Debian 12, and 3.x) and includes its headers.
#pragma once

#include <dnnl_version.h>

#include <dnnl.hpp>

namespace heed::kernels::onednn {

inline dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}
inline dnnl::stream& stream() {
  thread_local dnnl::stream of_this_thread(engine());
  return of_this_thread;
}

/// Scratchpad from the caller: only then may a primitive run on another thread than made it.
inline dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// A primitive's descriptor from the arguments that versions 2 and 3 share, in their order.
template <class Primitive, class... Arguments>
typename Primitive::primitive_desc descriptor(const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(engine(), arguments..., user_scratchpad());
#else
  return
      typename Primitive::primitive_desc(typename Primitive::desc(arguments...), user_scratchpad(), engine());
#endif
}
/// The same for a backward primitive, which is told its forward.
template <class Primitive, class Forward, class... Arguments>
typename Primitive::primitive_desc backward_descriptor(const Forward& forward,
                                                       const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(engine(), arguments..., forward, user_scratchpad());
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), user_scratchpad(),
                                            engine(), forward);
#endif
}

/// C = A B (+ C when accumulate) (+ bias unless its description is empty).
inline dnnl::matmul::primitive_desc matmul_descriptor(const dnnl::memory::desc& a,
                                                      const dnnl::memory::desc& b,
                                                      const dnnl::memory::desc& c, bool accumulate,
                                                      const dnnl::memory::desc& bias = {}) {
  dnnl::primitive_attr attributes = user_scratchpad();
  if (accumulate) {
    dnnl::post_ops post;
    post.append_sum(1.0F);
    attributes.set_post_ops(post);
  }
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::matmul::primitive_desc(engine(), a, b, bias, c, attributes);
#else
  return dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, bias, c), attributes, engine());
#endif
}

}  // namespace heed::kernels::onednn
