// What all kinds of attention share: the keys are prepared once a sentence, any number of queries is answered, nothing is kept between
// calls, and the weights come back with the context. What a kind has to remember from one decoding step to the next travels in a State,
// which the caller keeps.
#pragma once

#include <optional>

#include "nn/module.h"

namespace heed::nn {

/// The interface of every kind of attention. B sentences, S source positions, T queries; E, Q and A sizes of key, query and energy.
class Attention : public Module {
 public:
  /// @param scope of the kind's constructor
  explicit Attention(const Scope& scope) : Module(scope) {}
  /// What a sentence offers: computed once, used for every query. The first dimension of every member is B.
  struct Memory {
    Tensor keys;         // [B, S, E], also the values unless `values` is defined
    Tensor projected;    // what the kind makes of the keys; may be undefined
    Tensor lengths;      // i64 [B]
    Tensor values = {};  // what the context is made of, for kinds that project the values; may be undefined
    Tensor mask = {};  // multi_head only: what scaled_dot_attention takes (bool or added), beside the lengths; [B, T, S], may be undefined
  };
  /// What a decoding has seen so far. A decoding starts from State{} and hands each Output's state to the next call; a beam search that
  /// reorders its hypotheses reorders the rows of `coverage` with them.
  struct State {
    Tensor coverage = {};  // [B, S]: sum of the weights given so far, kept by kinds with coverage; undefined: none so far
    int64_t step = 0;      // queries answered so far: the position of the next target word
  };
  /// What attend() gives.
  struct Output {
    Tensor context;            // [B, T, E]
    Tensor weights;            // [B, T, S]; a row sums to 1 (local_p: to at most 1), or is 0 where the length is 0
    Tensor head_weights = {};  // [B, heads, T, S], multi_head only; `weights` is their mean
    State state = {};          // for the query after these
  };
  /// Computes what all queries to these sentences share.
  /// @param keys [B, S, E]
  /// @param lengths i64 [B], 0..S
  /// @return what attend() takes
  virtual Memory prepare(const Tensor& keys, const Tensor& lengths) const = 0;
  /// Answers T queries one after the other. T calls with one query each give the same as one call with T (local_p: outside training, where
  /// it draws).
  /// @param query [B, T, Q]
  /// @param memory what prepare() gave
  /// @param state of the call before, or State{}
  /// @return context, weights and the state for the next call
  /// @throws ShapeError when query, memory and state do not fit together
  Output attend(const Tensor& query, const Memory& memory, const State& state) const;
  /// The same from State{}: for kinds that need no state, or the first query.
  /// @param query [B, T, Q]
  /// @param memory what prepare() gave
  /// @return as above
  Output attend(const Tensor& query, const Memory& memory) const { return attend(query, memory, State{}); }
  /// The energy of a kind whose every answer is softmax(e) over `values` (or keys), e = v . tanh(W_q q + projected) or, without v,
  /// (W_q q) . projected: what the fused attention_lstm takes. W_q undefined: q itself.
  struct Energy {
    Tensor query_weight;  // [A, Q]
    Tensor v;             // [A]
  };
  /// @return the energy in that form, or none for a kind that has another
  virtual std::optional<Energy> energy_form() const { return std::nullopt; }
  /// @return whether the answer to a query depends on the State, so on the queries before it
  virtual bool needs_state() const { return false; }
  /// @return whether it heeds Memory::mask; another kind refuses one with ValueError
  virtual bool takes_mask() const { return false; }

 protected:
  /// attend() without the checks; the step of the state that it returns is counted by attend().
  /// @param query [B, T, Q]
  /// @param memory what prepare() gave
  /// @param state of the call before, or State{}
  /// @return as attend()
  virtual Output answer(const Tensor& query, const Memory& memory, const State& state) const = 0;
};

}  // namespace heed::nn
