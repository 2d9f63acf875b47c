#!/usr/bin/env python3
"""Makes a translator in the shape of OPUS-MT's, with random weights, in Hugging Face's files: how fast a large
model is imported and loaded, and in how much memory, without one of somebody's.

  bench/random_marian.py FOLDER                       # 6 + 6 layers, 512 wide, 8 heads, 58 101 words: 296 MB
  translator import FOLDER -o big --weights f32
  /usr/bin/time -v translator translate -r big -s /dev/null

Text is cut by the pieces of en-de of the box; the other words of the vocabulary never come up.
"""
import argparse
import json
import struct
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "apps" / "examples"))
from weights_in_python import write  # noqa: E402

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("folder", type=Path)
options.add_argument("--layers", type=int, default=6, help="of the encoder, and of the decoder")
options.add_argument("--size", type=int, default=512)
options.add_argument("--heads", type=int, default=8)
options.add_argument("--feed-forward", type=int, default=2048)
options.add_argument("--words", type=int, default=58101, help="of the one vocabulary, the end of it <pad>")
options.add_argument("--seed", type=int, default=1)
o = options.parse_args()

box = ROOT / "translators" / "en-de"
pieces = [line for line in (box / "source.vocab").read_text(encoding="utf-8").split("\n")[4:] if line]
words = (["</s>", "<unk>"] + pieces)[: o.words - 1]
words += [f"\u2581unused{i}" for i in range(len(words), o.words - 1)] + ["<pad>"]

random = np.random.default_rng(o.seed)
tensors = {}


def matrix(name, rows, columns):
    tensors[name] = (random.standard_normal((rows, columns), np.float32) / np.sqrt(columns)).astype(np.float32)


def linear(name, rows, columns):
    matrix(name + ".weight", rows, columns)
    tensors[name + ".bias"] = np.zeros(rows, np.float32)


def norm(name):
    tensors[name + ".weight"] = np.ones(o.size, np.float32)
    tensors[name + ".bias"] = np.zeros(o.size, np.float32)


matrix("model.shared.weight", o.words, o.size)
tensors["model.shared.weight"][-1] = 0  # <pad>, which the decoder starts with
for side in ("encoder", "decoder"):
    for layer in range(o.layers):
        p = f"model.{side}.layers.{layer}."
        for attention in ["self_attn"] + (["encoder_attn"] if side == "decoder" else []):
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{p}{attention}.{part}", o.size, o.size)
            norm(f"{p}{attention}_layer_norm")
        linear(p + "fc1", o.feed_forward, o.size)
        linear(p + "fc2", o.size, o.feed_forward)
        norm(p + "final_layer_norm")
tensors["final_logits_bias"] = np.zeros((1, o.words), np.float32)

config = {
    "model_type": "marian", "d_model": o.size, "encoder_layers": o.layers, "decoder_layers": o.layers,
    "encoder_attention_heads": o.heads, "decoder_attention_heads": o.heads, "encoder_ffn_dim": o.feed_forward,
    "decoder_ffn_dim": o.feed_forward, "vocab_size": o.words, "decoder_vocab_size": o.words,
    "activation_function": "swish", "scale_embedding": True, "share_encoder_decoder_embeddings": True,
    "tie_word_embeddings": True, "static_position_embeddings": True, "normalize_before": False,
    "normalize_embedding": False, "add_final_layer_norm": False, "max_position_embeddings": 512, "num_beams": 4,
    "pad_token_id": o.words - 1, "eos_token_id": 0, "decoder_start_token_id": o.words - 1,
    "forced_eos_token_id": 0, "bad_words_ids": [[o.words - 1]],
}
o.folder.mkdir(parents=True, exist_ok=True)
write(o.folder / "model.safetensors", tensors, {})
(o.folder / "config.json").write_text(json.dumps(config, indent=1))
(o.folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
(o.folder / "tokenizer_config.json").write_text(json.dumps({"source_lang": "en", "target_lang": "de"}))


def length(n):
    """n as protobuf's varint"""
    out = bytearray()
    while n >= 128:
        out.append(n % 128 + 128)
        n //= 128
    return bytes(out) + bytes([n])


def field(number, value):
    return bytes([number * 8 + 2]) + length(len(value)) + value


def further(word, score):  # a SentencePiece of a ModelProto: its text and score; such fields may be appended
    return field(1, field(1, word.encode()) + b"\x15" + struct.pack("<f", score))


model = (box / "source.spm").read_bytes()
model += b"".join(further(word, -1e4 - i) for i, word in enumerate(words[2 + len(pieces):-1]))
for side in ("source", "target"):
    (o.folder / f"{side}.spm").write_bytes(model)
print(f"{sum(t.size for t in tensors.values()):,} numbers in {o.folder}")
