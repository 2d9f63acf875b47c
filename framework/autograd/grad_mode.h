// Whether ops record themselves for backward: switches of the calling thread.
#pragma once

namespace heed {

/// The switch itself; on at first. NoGradGuard is the usual way to turn it.
class GradMode {
 public:
  /// @return whether ops of this thread record themselves
  static bool enabled() { return on_; }
  /// @param on from now on, for this thread
  static void set(bool on) { on_ = on; }

 private:
  static inline constinit thread_local bool on_ = true;
};

/// Sets the mode while it lives.
class GradModeScope {
 public:
  /// @param on until the scope dies
  explicit GradModeScope(bool on) : before_(GradMode::enabled()) { GradMode::set(on); }
  ~GradModeScope() { GradMode::set(before_); }
  GradModeScope(const GradModeScope&) = delete;
  GradModeScope& operator=(const GradModeScope&) = delete;

 private:
  bool before_;
};

/// No op is recorded while one lives: inference, optimisers, in-place writes.
class NoGradGuard : public GradModeScope {
 public:
  NoGradGuard() : GradModeScope(false) {}
};

/// A promise that nothing here is for training. As under NoGradGuard nothing is recorded and nothing is kept for a backward; besides,
/// asking for gradients while one lives is a GradError instead of a silent nothing: set_requires_grad(true), backward() and grad() throw.
/// Use NoGradGuard for the parts of training that are not recorded (an optimiser's step, a metric), InferenceGuard around what serves.
/// Tensors made inside are ordinary values: outside they may go into a recorded op, as constants.
class InferenceGuard {
 public:
  InferenceGuard() : before_(inside_) { inside_ = true; }
  ~InferenceGuard() { inside_ = before_; }
  InferenceGuard(const InferenceGuard&) = delete;
  InferenceGuard& operator=(const InferenceGuard&) = delete;
  /// @return whether one lives on this thread
  static bool active() { return inside_; }

 private:
  static inline constinit thread_local bool inside_ = false;
  bool before_;
  NoGradGuard no_grad_;
};

/// Refuses what is for training alone.
/// @param op stands in the message
/// @throws GradError "op: not under InferenceGuard" while an InferenceGuard lives
void require_training(const char* op);

}  // namespace heed
