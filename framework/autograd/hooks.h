// Looking into the engine: hooks around every op's forward and vjp, and anomaly mode, which is one. Hooks on one tensor's gradient are in
// tensor_hooks.h.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "framework/autograd/node.h"

namespace heed {

/// While one lives, the engine calls it on the thread that made it. Hooks nest; each is called, the innermost first.
class BackwardHook {
 public:
  BackwardHook();
  virtual ~BackwardHook();
  BackwardHook(const BackwardHook&) = delete;
  BackwardHook& operator=(const BackwardHook&) = delete;

  /// An op is being recorded.
  /// @param node of which only the sequence number is known yet
  virtual void made([[maybe_unused]] const Node& node) {}
  /// An op's forward has run; its results are no part of the graph yet.
  /// @param node the op
  /// @param inputs,outputs what it got and what it gave, undefined tensors among them
  virtual void computed([[maybe_unused]] const Node& node, [[maybe_unused]] std::span<const Tensor> inputs,
                        [[maybe_unused]] std::span<const Tensor> outputs) {}
  /// Comes before a node's vjp.
  /// @param node whose cotangents have arrived and may be replaced
  virtual void before([[maybe_unused]] Node& node) {}
  /// Comes after a node's vjp.
  /// @param node whose vjp has added to the cotangents of the nodes at its edges
  virtual void after([[maybe_unused]] Node& node) {}

  /// @return the hook of this thread that was made last, or null
  static BackwardHook* innermost() { return innermost_; }
  /// @return the one around this one, or null
  BackwardHook* outer() const { return outer_; }

 private:
  static inline constinit thread_local BackwardHook* innermost_ = nullptr;
  BackwardHook* outer_;
};

/// Anomaly mode: while one lives, a NaN that a recorded op makes throws GradError at the op that made it, in forward and in backward, with
/// the shapes, the first bad index and the calls that led to the op's recording:
///   "forward: log gave NaN as its output 0, f64[2, 3], first at [0, 2], from f64[2, 3]; recorded by f < g < main"
///   "backward: log gave NaN as the gradient of its input 0, f64[2, 3], first at [0, 2]; recorded by f < g < main"
/// A NaN that comes from outside is found at the first recorded op that reads it: "forward: mul got NaN as its input 1, ...".
/// With Report::infinity an infinity counts as well (masks of -inf are not rare, so it does not by itself).
/// Calls in an executable have names if it is linked with -rdynamic, else addresses for addr2line. Slow, and it keeps some
/// hundred bytes for every op that is recorded while it lives: for looking for a mistake.
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
  [[noreturn]] void report(const Node& node, const std::string& what, const Tensor& bad, int64_t index, const std::string& from) const;
  bool infinity_;
  std::map<uint64_t, std::vector<void*>> recorded_by_;  // return addresses by sequence number
};

}  // namespace heed
