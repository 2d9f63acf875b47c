// Looking into the engine: hooks around every node's vjp, and anomaly mode, which is one.
#pragma once

#include <map>
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
  static inline thread_local BackwardHook* innermost_ = nullptr;
  BackwardHook* outer_;
};

/// Anomaly mode: while one lives, a NaN that a backward makes throws GradError at the op that made it, with the shapes, the first bad
/// index and the calls that led to the op's recording:
///   "backward: log gave NaN as the gradient of its input 0, f64[2, 3], first at [0, 2]; recorded by f < g < main"
/// Calls in an executable have names if it is linked with -rdynamic, else addresses for addr2line. Slow: for looking for a mistake.
class AnomalyMode : public BackwardHook {
 public:
  void made(const Node& node) override;
  void after(Node& node) override;

 private:
  std::map<uint64_t, std::vector<void*>> recorded_by_;  // return addresses by sequence number
};

}  // namespace heed
