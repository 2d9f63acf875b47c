"""heed's weights in Python with NumPy alone: read() and write() follow the safetensors format, 8 bytes with the length of a JSON header
(little-endian), the header with dtype, shape and data_offsets of each tensor, then the tensors' bytes, row-major.

  python3 weights_in_python.py model.safetensors      # lists what a file holds
"""
import json
import sys

import numpy as np

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "BOOL": "|b1"}


def read(path):
    """-> {name: array}, the metadata that stand beside them"""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata=None):
    """tensors: {name: array of float32, float64, int64 or bool}; metadata: {name: text}"""
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, array in tensors.items():
        dtype = next(d for d, kind in DTYPES.items() if np.dtype(kind) == array.dtype)
        begin, data = len(data), data + np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


if __name__ == "__main__":
    for name, array in read(sys.argv[1])[0].items():
        print(f"{name:40} {array.dtype}{list(array.shape)}  mean {array.mean() if array.size else float('nan'):.6g}")
