"""Times ONNX Runtime on VGG-16 to conv5_3, built from the trunk that ships.

Usage: onnx_trunk.py TRUNK PICTURES BATCH THREADS ROUNDS ANSWER
PICTURES holds BATCH grey pictures of 224 x 224, little-endian float32, 0 to 255. Prints the median
in ms of one run over the batch, and writes the maps to ANSWER as float32.
"""

import json
import struct
import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIDE = 224
MEANS = np.array([123.68, 116.779, 103.939], dtype=np.float32).reshape(1, 3, 1, 1)
POOLS_BEFORE = {5, 10, 17, 24}


def tensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), file.read()
    for name, info in header.items():
        if name != "__metadata__":
            start, end = info["data_offsets"]
            kind = {"F16": np.float16, "F32": np.float32, "U8": np.uint8}[info["dtype"]]
            yield name, np.frombuffer(data[start:end], kind).reshape(info["shape"]).astype(np.float32)


def graph(weights):
    numbers = sorted({int(name.split(".")[1]) for name in weights})
    nodes, last = [], "pictures"
    for number in numbers:
        if number in POOLS_BEFORE:
            nodes.append(helper.make_node("MaxPool", [last], [f"pool{number}"], kernel_shape=[2, 2], strides=[2, 2]))
            last = f"pool{number}"
        inputs = [last, f"features.{number}.weight", f"features.{number}.bias"]
        nodes.append(helper.make_node("Conv", inputs, [f"conv{number}"], pads=[1, 1, 1, 1]))
        last = f"conv{number}"
        if number != numbers[-1]:
            nodes.append(helper.make_node("Relu", [last], [f"relu{number}"]))
            last = f"relu{number}"
    shape, maps = ["batch", 3, "rows", "columns"], ["batch", 512, "map_rows", "map_columns"]
    body = helper.make_graph(
        nodes,
        "vgg16",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, maps)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def session(trunk, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    model = graph(dict(tensors(trunk)))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(session, grey):
    """Grey pictures `[batch, side, side]` of 0 to 255 to maps `[batch, 512, side / 16, side / 16]`."""
    pixels = np.repeat(grey[:, None], 3, axis=1) - MEANS
    return session.run(None, {"pictures": pixels.astype(np.float32)})[0]


def main():
    trunk, pictures, batch, threads, rounds, answer = sys.argv[1:]
    grey = np.fromfile(pictures, dtype="<f4").reshape(int(batch), SIDE, SIDE)
    vgg16 = session(trunk, int(threads))
    maps = run(vgg16, grey)
    elapsed = []
    for _ in range(int(rounds)):
        start = time.perf_counter()
        run(vgg16, grey)
        elapsed.append(time.perf_counter() - start)
    maps.astype("<f4").tofile(answer)
    print(statistics.median(elapsed) * 1e3)


if __name__ == "__main__":
    main()
