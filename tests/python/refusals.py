"""What weights_in_python.py says to files that it cannot read: one line that names the file, exit status 1 (2 for a wrong call), no traceback.

  python3 refusals.py FOLDER_OF_READER GOOD_FILE WORK_FOLDER
"""
import json
import pathlib
import subprocess
import sys

reader, good, work = pathlib.Path(sys.argv[1]) / "weights_in_python.py", pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])


def run(*arguments):
    done = subprocess.run([sys.executable, "-B", str(reader), *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def with_header(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


whole = good.read_bytes()
cases = {
    "empty": (b"", "not a safetensors file, or cut off"),
    "short": (b"abc", "not a safetensors file, or cut off"),
    "text": (b"Once upon a time there was a file of words.", "not a safetensors file, or cut off"),
    "cut_header": (whole[:40], "not a safetensors file, or cut off"),
    "cut_data": (whole[:-1], "does not fit its bytes"),
    "no_json": (with_header(b"{not json}"), "its header is no JSON"),
    "no_text": (with_header(b"\xff\xfe\x00"), "its header is no JSON"),
    "list": (with_header([1, 2]), "its header is no JSON object"),
    "no_entry": (with_header({"w": 3}), "'w' has no proper dtype, shape and data_offsets"),
    "no_dtype": (with_header({"w": {"shape": [1], "data_offsets": [0, 4]}}, b"1234"), "'w' has no proper dtype, shape and data_offsets"),
    "negative": (with_header(entry(shape=(-2,)), b"12345678"), "'w' has no proper dtype, shape and data_offsets"),
    "words": (with_header(entry(shape=("a",)), b"12345678"), "'w' has no proper dtype, shape and data_offsets"),
    "unknown_dtype": (with_header(entry(dtype="BF16"), b"12345678"), "'w' has the dtype BF16, known are F32, F64, I64, BOOL"),
    "dtype_list": (with_header(entry(dtype=["F32"]), b"12345678"), "'w' has no proper dtype, shape and data_offsets"),
    "shape_text": (with_header(entry(shape="", offsets=(0, 4)), b"1234"), "'w' has no proper dtype, shape and data_offsets"),
    "beyond": (with_header(entry(), b"1234"), "does not fit its bytes 0 to 8 of 4"),
    "other_size": (with_header(entry(shape=(3,)), b"12345678"), "does not fit its bytes"),
}
for name, (content, said) in cases.items():
    path = work / f"{name}.safetensors"
    path.write_bytes(content)
    status, out, err = run(path)
    assert status == 1 and not out, (name, status, out, err)
    assert err.count("\n") == 1 and err.startswith(f"weights_in_python: '{path}': ") and said in err, (name, err)
for path, said in (work / "absent", "No such file"), (work, "Is a directory"):
    status, out, err = run(path)
    assert status == 1 and not out and err.count("\n") == 1 and said in err, (path, status, err)
piped = subprocess.run([sys.executable, "-B", str(reader), "/dev/stdin"], input=whole, capture_output=True, check=False)  # cannot seek
assert piped.returncode == 1 and not piped.stdout and b"None" not in piped.stderr and piped.stderr.count(b"\n") == 1, piped
for arguments in (), (good, good):
    status, out, err = run(*arguments)
    assert status == 2 and not out and err == "usage: weights_in_python.py FILE.safetensors\n", (arguments, status, err)
status, out, err = run(good)
assert status == 0 and not err and out, err
print(f"{len(cases) + 4} refusals, each in one line")
