"""Cuts the two small networks that ship from the weights of their authors.

Usage: small_trunks.py LITE0 SQUEEZENET OUT (needs numpy and blake3)
LITE0 is EfficientNet-Lite0 with its original names, f32; the layers up to `_blocks.10` are kept,
convolutions rounded to f16, batch norms as they are. SQUEEZENET is SqueezeNet 1.1 in f16, kept as
it is. Each goes to OUT/NETWORK-HASH.safetensors.
"""

import json
import re
import struct
import sys
from pathlib import Path

import blake3
import numpy as np

LAST_BLOCK = 10


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    kinds = {"F16": np.float16, "F32": np.float32}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            yield name, np.frombuffer(data[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])


def to_bytes(arrays):
    header, data = {}, b""
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        kind = {"float16": "F16", "float32": "F32"}[str(array.dtype)]
        end = len(data) + array.nbytes
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def is_needed(name):
    block = re.match(r"_blocks\.(\d+)\.", name)
    return int(block[1]) <= LAST_BLOCK if block else name.startswith(("_conv_stem.", "_bn0."))


def write(network, arrays, folder):
    data = to_bytes(arrays)
    path = Path(folder) / f"{network}-{blake3.blake3(data).hexdigest()[:16]}.safetensors"
    path.write_bytes(data)
    print(path, len(data))


lite0, squeezenet, out = sys.argv[1:]
kept = {
    name: array.astype(np.float16) if array.ndim == 4 else array
    for name, array in read(lite0)
    if is_needed(name)
}
write("efficientnet_lite0", kept, out)
write("squeezenet1_1", dict(read(squeezenet)), out)
