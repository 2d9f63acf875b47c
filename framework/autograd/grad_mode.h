// Switches, one per thread, that decide whether ops are recorded for backward.
#pragma once

namespace heed {

/// The calling thread's recording switch, on by default. Most code should use NoGradGuard instead.
class GradMode {
 public:
  /// @return whether ops on the calling thread are recorded
  static bool enabled() { return on_; }
  /// @param on new setting for the calling thread
  static void set(bool on) { on_ = on; }

 private:
  static inline constinit thread_local bool on_ = true;
};

/// Sets the recording switch of the calling thread and restores it on destruction.
class GradModeScope {
 public:
  /// @param on whether ops are recorded until this object is destroyed
  explicit GradModeScope(bool on) : before_(GradMode::enabled()) { GradMode::set(on); }
  ~GradModeScope() { GradMode::set(before_); }
  GradModeScope(const GradModeScope&) = delete;
  GradModeScope& operator=(const GradModeScope&) = delete;

 private:
  bool before_;
};

/// While a NoGradGuard exists, no op of the calling thread is recorded: for inference, optimisers and
/// in-place writes.
class NoGradGuard : public GradModeScope {
 public:
  NoGradGuard() : GradModeScope(false) {}
};

/// Declares that the code in its scope does no training. Like NoGradGuard it stops recording; in addition,
/// asking for gradients while it exists throws GradError instead of silently doing nothing:
/// set_requires_grad(true), backward() and grad() throw. Use NoGradGuard for parts of training that are not
/// recorded (an optimiser's step, a metric), InferenceGuard for code that only serves a model. Tensors
/// created inside are ordinary values and may be used later as constants in recorded ops.
class InferenceGuard {
 public:
  InferenceGuard() : before_(inside_) { inside_ = true; }
  ~InferenceGuard() { inside_ = before_; }
  InferenceGuard(const InferenceGuard&) = delete;
  InferenceGuard& operator=(const InferenceGuard&) = delete;
  /// @return whether an InferenceGuard exists on the calling thread
  static bool active() { return inside_; }

 private:
  static inline constinit thread_local bool inside_ = false;
  bool before_;
  NoGradGuard no_grad_;
};

/// Throws if the calling thread is under an InferenceGuard; called by functions that only make sense in
/// training.
/// @param op name of the calling function, used in the error message
/// @throws GradError "op: not under InferenceGuard" while an InferenceGuard exists
void require_training(const char* op);

}  // namespace heed
