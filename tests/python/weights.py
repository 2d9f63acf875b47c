"""Python's side of the exchange (weights.cpp is heed's): checks a file that heed wrote, then writes one for heed.

  python3 weights.py FOLDER_OF_READER FROM_HEED TO_HEED
"""
import sys

import numpy as np

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from weights_in_python import read, write  # noqa: E402


def values(shape, dtype, formula):
    size = int(np.prod(shape))
    return np.array([formula(i) for i in range(size)], dtype).reshape(shape)


f32 = values((3, 5), np.float32, lambda i: (i * 37 % 101 - 50) / 8)
expected = {
    "encoder.weight": f32,
    "encoder.turned": f32.T,
    "scale": values((2, 2, 2), np.float64, lambda i: (i * 7919 % 10007 + 1) / 3),
    "scalar": values((), np.float64, lambda i: (i * 7919 % 10007 + 1) / 3),
    "ids.größe": values((7,), np.int64, lambda i: i**3 - 2**40 * i),
    "mask": values((4, 3), np.bool_, lambda i: i % 3 == 0),
    "nothing": np.zeros((0, 3), np.float32),
}
tensors, metadata = read(sys.argv[2])
assert metadata == {"from": "heed"}, metadata
assert tensors.keys() == expected.keys(), tensors.keys()
for name, array in expected.items():
    assert tensors[name].dtype == array.dtype and tensors[name].shape == array.shape, name
    assert (tensors[name] == array).all(), f"{name}: {tensors[name]} is not {array}"
write(sys.argv[3], expected, {"from": "python"})
print(f"{len(expected)} tensors read and written")
