// Observing the engine: hooks around the forward and the vjp of every op, and anomaly mode, which is built on
// them. Hooks on the gradient of one tensor are in tensor_hooks.h.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "framework/autograd/node.h"

namespace heed {

/// Base class of hooks. While a hook exists, ops recorded and vjps run on the thread that constructed it call
/// its functions. Several hooks may be nested; all are called, the innermost first.
class BackwardHook {
 public:
  BackwardHook();
  virtual ~BackwardHook();
  BackwardHook(const BackwardHook&) = delete;
  BackwardHook& operator=(const BackwardHook&) = delete;

  /// Called when an op is being recorded, before its forward runs.
  /// @param node the op's node; only its sequence number may be read yet
  virtual void made([[maybe_unused]] const Node& node) {}
  /// Called after an op's forward has run, before its results are attached to the graph.
  /// @param node the node of the op
  /// @param inputs,outputs arguments and results of the forward; may contain undefined tensors
  virtual void computed([[maybe_unused]] const Node& node, [[maybe_unused]] std::span<const Tensor> inputs,
                        [[maybe_unused]] std::span<const Tensor> outputs) {}
  /// Called before a node's vjp.
  /// @param node the node; its cotangents are complete and may be replaced
  virtual void before([[maybe_unused]] Node& node) {}
  /// Called after a node's vjp.
  /// @param node the node; its vjp has added to the cotangents of the nodes at its edges
  virtual void after([[maybe_unused]] Node& node) {}

  /// @return the calling thread's most recently constructed hook, or null
  static BackwardHook* innermost() { return innermost_; }
  /// @return the next outer hook, or null
  BackwardHook* outer() const { return outer_; }

 private:
  static inline constinit thread_local BackwardHook* innermost_ = nullptr;
  BackwardHook* outer_;
};

/// Anomaly mode, for finding the op that produces a NaN. While it exists, a recorded op whose forward or vjp
/// produces a NaN throws GradError with the shapes, the first bad index and the call stack that recorded the
/// op:
///   "forward: log gave NaN as its output 0, f64[2, 3], first at [0, 2], from f64[2, 3];
///    recorded by f < g < main"
///   "backward: log gave NaN as the gradient of its input 0, f64[2, 3], first at [0, 2];
///    recorded by f < g < main"
/// A NaN that is already in the data is reported by the first recorded op that reads it: "forward: mul got
/// NaN as its input 1, ...".
/// With Report::infinity infinities are reported as well; this is not the default because masks of -inf are
/// common.
/// The call stack has function names if the executable is linked with -rdynamic, else addresses for
/// addr2line. Slow, and it needs some hundred bytes for every op that is recorded while it exists: for
/// debugging only.
class AnomalyMode : public BackwardHook {
 public:
  /// What counts as bad: NaN alone, or infinities as well.
  enum class Report : bool { nan, infinity };
  /// @param report what counts as bad
  explicit AnomalyMode(Report report = Report::nan) : infinity_(report == Report::infinity) {}
  void made(const Node& node) override;
  void computed(const Node& node, std::span<const Tensor> inputs, std::span<const Tensor> outputs) override;
  void after(Node& node) override;

 private:
  int64_t first_bad(const Tensor& x) const;
  [[noreturn]] void report(const Node& node, const std::string& what, const Tensor& bad, int64_t index,
                           const std::string& from) const;
  bool infinity_;
  /// Sequence number of a node -> return addresses of the calls that recorded it.
  std::map<uint64_t, std::vector<void*>> recorded_by_;
};

}  // namespace heed
