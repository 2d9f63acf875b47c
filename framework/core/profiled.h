// What ops and the memory pool report to a Profiler (profiler.h). Without one, each report is a load and a
// branch.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "framework/core/shape.h"
#include "framework/core/tensor.h"

namespace heed {

/// Whether an op computes results or gradients.
enum class Direction : uint8_t { forward, backward };

namespace detail {

inline std::atomic<bool> profiling{false};
inline bool is_profiling() { return profiling.load(std::memory_order_relaxed); }

// One call of an op, timed while the object exists. Calls inside it, on the same thread, are its children.
class ProfiledCall {
 public:
  static constexpr int kShapes = 4;  // shapes of arguments that are kept

  // sequence: of the op's node, 0 without one. What backward took is counted for the layer of the forward.
  ProfiledCall(const char* op, Direction direction, uint64_t sequence);
  ~ProfiledCall();
  ProfiledCall(const ProfiledCall&) = delete;
  ProfiledCall& operator=(const ProfiledCall&) = delete;
  void read(const Tensor& x);   // an argument; also names the layer when it is one of its parameters
  void wrote(const Tensor& y);  // a result

  const char* op;
  Direction direction;
  uint64_t sequence;
  double begin = 0;     // seconds
  double children = 0;  // seconds
  int64_t flops = 0;    // of the thread when the call began
  int64_t child_flops = 0;
  int64_t bytes = 0;                       // read and written
  int64_t allocations = 0, allocated = 0;  // blocks, bytes
  bool one_thread;
  int layer = -1;
  int shape_count = 0;
  std::array<Shape, kShapes> shapes;
  std::array<const Storage*, kShapes> storages{};  // of the same arguments
  ProfiledCall* outer;
};

// The phase that is open on this thread, -1 without one; while a ProfileInherit lives, a thread without a
// phase is in that one, as the thread that gave it work.
int profile_part();
class ProfileInherit {
 public:
  explicit ProfileInherit(int part);
  ~ProfileInherit();
  ProfileInherit(const ProfileInherit&) = delete;
  ProfileInherit& operator=(const ProfileInherit&) = delete;

 private:
  uint64_t generation_ = 0;  // of the Profiler; 0: nothing was inherited
};

// The call of a function that is no op of the graph, in the same rows.
class ProfiledFunction {
 public:
  // Further bytes that it reads and writes.
  void moved(int64_t bytes) {
    if (call_) [[unlikely]]
      call_->bytes += bytes;
  }
  template <class... Tensors>
  explicit ProfiledFunction(const char* name, const Tensors&... arguments) {
    if (!is_profiling()) [[likely]]
      return;
    call_.emplace(name, Direction::forward, 0);
    (call_->read(arguments), ...);
  }

 private:
  std::optional<ProfiledCall> call_;
};

void profile_allocation(void* block, int64_t bytes);
void profile_free(void* block, int64_t bytes) noexcept;
// A module, known to the Profiler by its address, has returned: what this thread recorded since the last such
// call and belongs to no layer yet is its.
void profile_layer(const void* module);

}  // namespace detail
}  // namespace heed
