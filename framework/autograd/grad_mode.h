// Whether ops record themselves for backward: a switch of the calling thread.
#pragma once

namespace heed {

/// The switch itself; on at first. NoGradGuard is the usual way to turn it.
class GradMode {
 public:
  /// @return whether ops of this thread record themselves
  static bool enabled() { return flag(); }
  /// @param on from now on, for this thread
  static void set(bool on) { flag() = on; }

 private:
  static bool& flag() {
    static thread_local bool on = true;
    return on;
  }
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
