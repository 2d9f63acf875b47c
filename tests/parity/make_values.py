#!/usr/bin/python3
"""Evaluates every op sample in PyTorch (f64) and stores what heed must give.

    build/release/bin/dump_samples > samples.json
    /usr/bin/python3 tests/parity/make_values.py samples.json tests/parity      # Debian's python3-torch

values.json has for each sample: its expression and inputs (so that the test notices a changed sample), the outputs, and the gradients of
    loss = sum over outputs and elements of w_i y_i,   w_i = 0.5 + cos(1.7 i + phase),   phase = 0.3, and 0.9 more for each output
which is the loss of framework/autograd/gradcheck.cpp. The expressions see the inputs as a, b, c, ... and the functions below.

special_values.json has the results (outputs, then gradients) of samples with special values among their inputs
(tests/testing/special_inputs.h), for each dtype: those of the plain inputs, and for every case the elements that differ from them as
[result, element, value]. NaN and infinities are strings. Where
f32 loses what f64 has (a square that overflows between two finite ends), an f32 value is the pair [from f32, from the same inputs in f64].
"""
import json
import math
import sys

import torch


def lstm(x, h0, c0, w_ih, w_hh, b, lengths=None, reverse=False):
    """(y, h_n, c_n) of torch.nn.LSTM's own kernel over packed sequences; `reverse` reads each from its last element to its first."""
    batch, steps, _ = x.shape
    lengths = torch.full((batch,), steps) if lengths is None else lengths
    if reverse:
        x = flip_sequences(x, lengths)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    states = tuple(s[packed.sorted_indices][None] for s in (h0, c0))
    weights = [w_ih, w_hh, b, torch.zeros_like(b)]
    y, h_n, c_n = torch._VF.lstm(packed.data, packed.batch_sizes, states, weights, True, 1, 0.0, False, False)
    y, _ = torch.nn.utils.rnn.pad_packed_sequence(packed._replace(data=y), batch_first=True, total_length=steps)
    h_n, c_n = (s[0][packed.unsorted_indices] for s in (h_n, c_n))
    return flip_sequences(y, lengths) if reverse else y, h_n, c_n


def flip_sequences(x, lengths):
    return torch.stack([torch.cat((row[:n].flip(0), row[n:])) for row, n in zip(x, lengths.tolist())])


def masked_softmax(x, lengths):
    """softmax over the first lengths[b] of the last dimension, 0 elsewhere."""
    padding = torch.arange(x.shape[-1]) >= lengths.reshape(-1, *[1] * (x.dim() - 1))
    return torch.softmax(x.masked_fill(padding, -torch.inf), -1).masked_fill(padding, 0)


def attention_lstm(x, memory, keys, h0, c0, w_ih, w_hh, b, w_q, v, target_lengths, source_lengths, window=0, position=None):
    """(hidden, context, weights), step by step from the equations in framework/ops/recurrent.h."""
    batch, steps, _ = x.shape
    by_head = memory.dim() == 4
    memory, keys = (y if by_head or y is None else y[:, None] for y in (memory, keys))  # [batch, heads, source, size]
    heads, source = memory.shape[1:3]
    positions = torch.arange(source)
    h, c, context = h0, c0, memory.new_zeros(batch, heads * memory.shape[3])
    memory = memory.masked_fill(positions[None, None, :, None] >= source_lengths[:, None, None, None], 0)
    hidden, contexts, weights = [], [], []
    for t in range(steps):
        i, f, g, o = (torch.cat((x[:, t], context), 1) @ w_ih.T + h @ w_hh.T + b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        query = (h if w_q is None else h @ w_q.T).reshape(batch, heads, 1, source if keys is None else keys.shape[3])
        energies = query[:, :, 0] if keys is None else torch.tanh(query + keys) @ v if v is not None else (query * keys).sum(3)
        if position:
            w_p, v_p, sigma, factor = position
            p = (source_lengths * torch.sigmoid(torch.tanh(h @ w_p.T) @ v_p))[:, None]
            f = torch.tensor(factor, dtype=x.dtype).reshape(batch, steps)[:, t:t + 1] if factor else 1
        if window:
            centres = p.detach() if position else torch.minimum(torch.tensor(t), source_lengths - 1)[:, None]
            energies = energies.masked_fill(((positions - centres).abs() > window)[:, None], -1e300 if x.dtype == torch.float64 else -1e30)
        a = masked_softmax(energies, source_lengths)
        if position:
            a = a * torch.exp(-f * (positions - p) ** 2 / (2 * sigma ** 2))[:, None]
        context = (a[..., None] * memory).sum(2).reshape(batch, heads * memory.shape[3])
        ended = (t >= target_lengths)[:, None]
        hidden.append(h.masked_fill(ended, 0))
        contexts.append(context.masked_fill(ended, 0))
        weights.append(a.masked_fill(ended[..., None], 0))
    maps = torch.stack(weights, 2)
    return torch.stack(hidden, 1), torch.stack(contexts, 1), maps if by_head else maps[:, 0]


def scaled_dot_attention(q, k, v, lengths, heads, causal, mask=None):
    """(context, weights) of all heads, padding and future masked; mask as attn_mask of torch's scaled_dot_product_attention."""
    batch, steps, _ = q.shape
    source = k.shape[1]
    split = lambda x: x.reshape(batch, x.shape[1], heads, -1).transpose(1, 2)
    scores = split(q) @ split(k).transpose(2, 3) / (q.shape[2] / heads) ** 0.5
    masked = torch.zeros(batch, 1, steps, source, dtype=torch.bool)
    if lengths is not None:
        masked = masked | (torch.arange(source)[None, None, None] >= lengths[:, None, None, None])
    if causal:
        masked = masked | (torch.arange(source)[None] > torch.arange(steps)[:, None])
    if mask is not None:
        mask = mask[:, None] if mask.dim() == 3 else mask
        if mask.dtype == torch.bool:
            masked = masked | ~mask
        else:
            scores = scores + mask
    weights = torch.softmax(scores.masked_fill(masked, -torch.inf), -1).masked_fill(masked, 0)
    return (weights @ split(v)).transpose(1, 2).reshape(batch, steps, -1), weights


def flat(tensor, digits=17):
    number = {"f": lambda v: float(f"{v:.{digits}g}"), "i": int}["f" if tensor.is_floating_point() else "i"]
    return {"shape": list(tensor.shape), "values": [number(v) for v in tensor.detach().reshape(-1).tolist()]}


def run(sample, items, dtype, gradients=False):
    """The inputs, floating ones in `dtype`, and the outputs."""
    inputs = []
    for item in items:
        of = {"i64": torch.int64, "bool": torch.bool}.get(item["dtype"], dtype)
        values = [float(v) for v in item["values"]] if of == dtype else item["values"]
        inputs.append(torch.tensor(values, dtype=of).reshape(item["shape"]).requires_grad_(gradients and of == dtype))
    outputs = eval(sample["torch"], {"torch": torch, "lstm": lstm, "attention_lstm": attention_lstm, "masked_softmax": masked_softmax,
                                     "scaled_dot_attention": scaled_dot_attention}, dict(zip("abcdefghijkl", inputs)))
    return inputs, list(outputs) if isinstance(outputs, tuple) else [outputs]


def evaluate(sample):
    inputs, outputs = run(sample, sample["inputs"], torch.float64, gradients=True)
    loss, phase = 0, 0.3
    for y in outputs:
        if not y.is_floating_point():
            continue
        w = 0.5 + torch.cos(1.7 * torch.arange(y.numel(), dtype=torch.float64) + phase)
        loss, phase = loss + (y.reshape(-1) * w).sum(), phase + 0.9
    wanted = [x for x in inputs if x.requires_grad]
    # An input that the expression does not use is an error.
    gradients = torch.autograd.grad(loss, wanted) if getattr(loss, "requires_grad", False) else []
    return {"torch": sample["torch"], "inputs": [flat(x, 9) for x in inputs],  # nine digits tell f32 values apart
            "outputs": [flat(y) for y in outputs], "gradients": [flat(g) for g in gradients]}


def with_gradients(sample, items, dtype):
    """The outputs, then, where the sample asks for them, the gradients of floating inputs under the weights above."""
    inputs, outputs = run(sample, items, dtype, gradients=sample["gradients"])
    weighed, weights, phase = [], [], 0.3
    for y in outputs:
        if y.requires_grad:
            w = 0.5 + torch.cos(1.7 * torch.arange(y.numel(), dtype=torch.float64) + phase)
            weighed.append(y)
            weights.append(w.to(y.dtype).reshape(y.shape))
        phase += 0.9 if y.is_floating_point() else 0
    wanted = [x for x in inputs if x.requires_grad]
    return outputs + list(torch.autograd.grad(weighed, wanted, weights)) if weighed else outputs


def special_results(sample, items, dtype):
    """All elements of every output and gradient as JSON has them."""
    digits = 9 if dtype == torch.float64 else 8

    def text(v):
        return int(v) if isinstance(v, int) else float(f"{v:.{digits}g}") if math.isfinite(v) else str(v)

    def same(v, exact):  # within the test's tolerances
        if math.isnan(v) or math.isnan(exact) or math.isinf(v) or math.isinf(exact):
            return v == exact or (math.isnan(v) and math.isnan(exact))
        return abs(v - exact) <= 1e-6 * abs(exact) + (1e-5 if abs(exact) > 1.2e-38 else 1e-44)

    results = with_gradients(sample, items, dtype)
    if dtype == torch.float64:
        return [[text(v) for v in y.reshape(-1).tolist()] for y in results]
    pairs = []
    for y, exact in zip(results, with_gradients(sample, items, torch.float64)):
        rounded = exact.to(torch.float32) if exact.is_floating_point() else exact
        both = zip(y.reshape(-1).tolist(), rounded.reshape(-1).tolist())
        pairs.append([text(v) if same(v, e) else [text(v), text(e)] for v, e in both])
    return pairs


def evaluate_special(sample):
    value = {"torch": sample["torch"]}
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        plain = special_results(sample, sample[name][0]["inputs"], dtype)
        value[name] = {"plain": plain}
        for case in sample[name][1:]:
            results = special_results(sample, case["inputs"], dtype)
            value[name][case["name"]] = [[i, k, v] for i, y in enumerate(results) for k, v in enumerate(y) if repr(v) != repr(plain[i][k])]
    return value


def store(path, values):
    with open(path, "w", encoding="utf-8") as file:
        rows = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'), allow_nan=False)}" for key, value in values.items())
        file.write(f'{{"pytorch":"{torch.__version__}","samples":{{\n' + ",\n".join(rows) + "\n}}\n")
    print(f"{path}: {len(values)} samples, PyTorch {torch.__version__}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        samples = json.load(file)
    store(f"{sys.argv[2]}/values.json", {sample["key"]: evaluate(sample) for sample in samples["samples"] if sample["torch"]})
    store(f"{sys.argv[2]}/special_values.json", {sample["key"]: evaluate_special(sample) for sample in samples["special"]})


main()
