// Whether ops record themselves for backward: a switch of the calling thread.
#pragma once

namespace heed {

class GradMode {
 public:
  static bool enabled() { return on_; }
  static void set(bool on) { on_ = on; }

 private:
  static inline constinit thread_local bool on_ = true;
};

/// No op is recorded while one lives: inference, optimisers, in-place writes.
class NoGradGuard {
 public:
  NoGradGuard() : before_(GradMode::enabled()) { GradMode::set(false); }
  ~NoGradGuard() { GradMode::set(before_); }
  NoGradGuard(const NoGradGuard&) = delete;
  NoGradGuard& operator=(const NoGradGuard&) = delete;

 private:
  bool before_;
};

}  // namespace heed
