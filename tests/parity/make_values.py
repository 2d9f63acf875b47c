#!/usr/bin/python3
"""Evaluates every op sample in PyTorch (f64) and stores what heed must give.

    build/release/bin/dump_samples > samples.json
    /usr/bin/python3 tests/parity/make_values.py samples.json tests/parity/values.json      # Debian's python3-torch

Stored for each sample: its expression and inputs (so that the test notices a changed sample), the outputs, and the gradients of
    loss = sum over outputs and elements of w_i y_i,   w_i = 0.5 + cos(1.7 i + phase),   phase = 0.3, and 0.9 more for each output
which is the loss of framework/autograd/gradcheck.cpp. The expressions see the inputs as a, b, c, ... and the two functions below.
"""
import json
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


def attention_lstm(x, memory, keys, h0, c0, w_ih, w_hh, b, w_q, v, target_lengths, source_lengths):
    """(hidden, context, weights), step by step from the equations in framework/ops/ops.h."""
    batch, steps, _ = x.shape
    h, c, context = h0, c0, memory.new_zeros(batch, memory.shape[2])
    padding = torch.arange(memory.shape[1])[None] >= source_lengths[:, None]
    hidden, contexts, weights = [], [], []
    for t in range(steps):
        i, f, g, o = (torch.cat((x[:, t], context), 1) @ w_ih.T + h @ w_hh.T + b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        query = h if w_q is None else h @ w_q.T
        energies = torch.tanh(query[:, None] + keys) @ v if v is not None else (query[:, None] * keys).sum(2)
        a = torch.softmax(energies.masked_fill(padding, -torch.inf), 1)
        context = (a[:, :, None] * memory).sum(1)
        runs = (t < target_lengths)[:, None]
        hidden.append(h * runs)
        contexts.append(context * runs)
        weights.append(a * runs)
    return torch.stack(hidden, 1), torch.stack(contexts, 1), torch.stack(weights, 1)


def scaled_dot_attention(q, k, v, lengths, heads, causal):
    """(context, weights) of all heads, padding and future masked."""
    batch, steps, _ = q.shape
    source = k.shape[1]
    split = lambda x: x.reshape(batch, x.shape[1], heads, -1).transpose(1, 2)
    scores = split(q) @ split(k).transpose(2, 3) / (q.shape[2] / heads) ** 0.5
    if lengths is not None:
        scores = scores.masked_fill(torch.arange(source)[None, None, None] >= lengths[:, None, None, None], -torch.inf)
    if causal:
        scores = scores.masked_fill(torch.arange(source)[None] > torch.arange(steps)[:, None], -torch.inf)
    weights = torch.softmax(scores, -1)
    return (weights @ split(v)).transpose(1, 2).reshape(batch, steps, -1), weights


def flat(tensor, digits=17):
    number = {"f": lambda v: float(f"{v:.{digits}g}"), "i": int}["f" if tensor.is_floating_point() else "i"]
    return {"shape": list(tensor.shape), "values": [number(v) for v in tensor.detach().reshape(-1).tolist()]}


def evaluate(sample):
    inputs = []
    for item in sample["inputs"]:
        dtype = {"i64": torch.int64, "bool": torch.bool}.get(item["dtype"], torch.float64)
        inputs.append(torch.tensor(item["values"], dtype=dtype).reshape(item["shape"]).requires_grad_(dtype == torch.float64))
    names = dict(zip("abcdefghijkl", inputs))
    outputs = eval(sample["torch"], {"torch": torch, "lstm": lstm, "attention_lstm": attention_lstm,
                                   "scaled_dot_attention": scaled_dot_attention}, names)
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
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


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        samples = json.load(file)
    values = {sample["key"]: evaluate(sample) for sample in samples if sample["torch"]}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        rows = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in values.items())
        file.write(f'{{"pytorch":"{torch.__version__}","samples":{{\n' + ",\n".join(rows) + "\n}}\n")
    print(f"{len(values)} samples, PyTorch {torch.__version__}")


main()
