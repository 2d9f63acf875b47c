"""heed's weights in Python with NumPy alone: read() and write() follow the safetensors format, 8 bytes with the length of a JSON header
(little-endian), the header with dtype, shape and data_offsets of each tensor, then the tensors' bytes, row-major.

  python3 weights_in_python.py model.safetensors      # lists what a file holds
"""
import json
import math
import sys

import numpy as np

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "BOOL": "|b1"}


class NotSafetensors(ValueError):
    """what is wrong with a file, in one line"""


def header_of(file, size):
    """the JSON header of an open file of `size` bytes, which then stands at the data"""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise NotSafetensors(f"not a safetensors file, or cut off: {size} bytes, a header of {length} announced")
    try:
        header = json.loads(file.read(length))
    except ValueError:  # no JSON, or no UTF-8
        raise NotSafetensors("not a safetensors file: its header is no JSON") from None
    if not isinstance(header, dict):
        raise NotSafetensors("not a safetensors file: its header is no JSON object")
    return header


def tensor_of(name, entry, data):
    """the array that an entry of the header describes"""
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        sound = isinstance(dtype, str) and isinstance(shape, list) and all(isinstance(n, int) and n >= 0 for n in [*shape, begin, end])
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise NotSafetensors(f"'{name}' has no proper dtype, shape and data_offsets")
    if dtype not in DTYPES:
        raise NotSafetensors(f"'{name}' has the dtype {dtype}, known are {', '.join(DTYPES)}")
    if begin > end or end > len(data) or end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
        raise NotSafetensors(f"'{name}', {dtype}{shape}, does not fit its bytes {begin} to {end} of {len(data)}")
    return np.frombuffer(data[begin:end], DTYPES[dtype]).reshape(shape)


def read(path):
    """-> {name: array}, the metadata that stand beside them; raises OSError and NotSafetensors"""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        header = header_of(file, size)
        data = file.read()
    metadata = header.pop("__metadata__", {})
    return {name: tensor_of(name, entry, data) for name, entry in header.items()}, metadata


def write(path, tensors, metadata=None):
    """tensors: {name: array of float32, float64, int64 or bool}; metadata: {name: text}"""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, array in tensors.items():
        dtype = next((d for d, kind in DTYPES.items() if np.dtype(kind) == array.dtype), None)
        if dtype is None:
            raise ValueError(f"'{name}' has the dtype {array.dtype}, known are float32, float64, int64 and bool")
        begin, data = len(data), data + np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def main(arguments):
    if len(arguments) != 1:
        print("usage: weights_in_python.py FILE.safetensors", file=sys.stderr)
        return 2
    try:
        tensors, _ = read(arguments[0])
    except OSError as error:
        print(f"weights_in_python: '{arguments[0]}': {error.strerror or error}", file=sys.stderr)
        return 1
    except NotSafetensors as error:
        print(f"weights_in_python: '{arguments[0]}': {error}", file=sys.stderr)
        return 1
    for name, array in tensors.items():
        print(f"{name:40} {array.dtype}{list(array.shape)}  mean {array.mean() if array.size else float('nan'):.6g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
