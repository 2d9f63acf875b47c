// The interface of all kinds of attention. The keys are prepared once per sentence, then any number of
// queries is answered; the weights are returned with the context. A layer keeps nothing between calls: a kind
// that must remember something from one decoding step to the next returns it in a State, which the caller
// passes to the next call.
#pragma once

#include <optional>

#include "framework/ops/recurrent.h"
#include "nn/module.h"

namespace heed::nn {

/// Base class of every kind of attention. Shapes: B sentences, S source positions, T queries; E, Q and A are
/// the sizes of key, query and energy.
class Attention : public Module {
 public:
  /// @param scope scope of the derived class's constructor
  explicit Attention(const Scope& scope) : Module(scope) {}
  /// The prepared source sentences, computed once and used for every query. The first dimension of every
  /// member is B. Keys and values are finite past the lengths, too: their weight there is 0, and 0 times NaN
  /// is NaN (multi_head alone does not read them).
  struct Memory {
    Tensor keys;         // [B, S, E]; also the values unless `values` is defined
    Tensor projected;    // the keys as projected by the kind of attention; may be undefined
    Tensor lengths;      // i64 [B]
    Tensor values = {};  // the vectors that the context is a weighted sum of, if not `keys`; may be undefined
    /// bool [B, T, S] or [B, 1, S], true where a query may look, for what is not hidden by the lengths alone;
    /// multi_head also takes what scaled_dot_attention adds to scores. May be undefined.
    Tensor mask = {};
  };
  /// What attention remembers during one decoding. A decoding starts with State{} and passes the state of
  /// each Output to the next call. A beam search that reorders its hypotheses must reorder the rows of
  /// `coverage` in the same way.
  struct State {
    /// [B, S]: sum of the weights of all earlier queries, for kinds with coverage; undefined: no queries yet.
    Tensor coverage = {};
    int64_t step = 0;  // number of queries answered so far, which is the position of the next target word
  };
  /// Result of attend().
  struct Output {
    Tensor context;  // [B, T, E]
    Tensor weights;  // [B, T, S]; a row sums to 1 (local_p: to at most 1), or is 0 where it may look nowhere
    Tensor head_weights = {};  // [B, heads, T, S], multi_head only; `weights` is their mean
    State state = {};          // state to pass to the next call
  };
  /// Prepares source sentences for any number of queries.
  /// @param keys [B, S, E]
  /// @param lengths i64 [B], 0..S
  /// @return the memory to pass to attend()
  virtual Memory prepare(const Tensor& keys, const Tensor& lengths) const = 0;
  /// Answers T queries in order. T calls with one query each give the same result as one call with T queries
  /// (except for local_p in training mode, which uses random numbers).
  /// @param query [B, T, Q]
  /// @param memory result of prepare()
  /// @param state state returned by the previous call, or State{}
  /// @return context, weights and the state for the next call
  /// @throws ShapeError when query, memory and state do not fit together
  Output attend(const Tensor& query, const Memory& memory, const State& state) const;
  /// attend() with State{}: for kinds that need no state, or for the first query.
  /// @param query [B, T, Q]
  /// @param memory result of prepare()
  /// @return as the overload above
  Output attend(const Tensor& query, const Memory& memory) const { return attend(query, memory, State{}); }
  /// Describes the energy of kinds that compute softmax(e) over `values` (or keys) with e = v . tanh(W_q q +
  /// projected) or, if v is undefined, e = (W_q q) . projected, or e_s = (W_q q)_s. The fused attention_lstm
  /// can compute these. If W_q is undefined, q itself is used.
  struct Energy {
    Tensor query_weight;        // [A, Q]
    Tensor v = {};              // [A]
    int64_t heads = 1;          // which share projected and values
    Tensor output_weight = {};  // [E, A]: the context is W_o times that of the heads; undefined: the context
    int64_t window = 0;         // positions to each side of the query's own; 0: all
    int64_t positions = 0;      // M: e_s = (W_q q)_s for s < M, of no keys; 0: of keys
    PredictedPosition position = {};  // around which the weights are multiplied by a Gaussian
    double free = 0;                  // share of the queries, by chance, that go without the Gaussian
  };
  /// @return the energy in that form; nullopt for a kind of attention with a different energy
  virtual std::optional<Energy> energy_form() const { return std::nullopt; }
  /// @return whether the answer to a query depends on the State, and so on the queries before it
  virtual bool needs_state() const { return false; }

 protected:
  /// Implements attend() without the argument checks; attend() increments the step of the returned state.
  /// @param query [B, T, Q]
  /// @param memory result of prepare()
  /// @param state state returned by the previous call, or State{}
  /// @return as attend()
  virtual Output answer(const Tensor& query, const Memory& memory, const State& state) const = 0;
};

/// The weights of energies: softmax over the keys that a query may look at, by the memory's mask and lengths.
/// @param energies [B, T, S]
/// @param memory its mask is used
/// @param lengths i64 [B]: the memory's, or smaller ones
/// @return [B, T, S]; 0 on the others
/// @throws ValueError for a mask that is not bool
Tensor weights_of(const Tensor& energies, const Attention::Memory& memory, const Tensor& lengths);

}  // namespace heed::nn
