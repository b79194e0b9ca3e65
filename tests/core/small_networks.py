"""EfficientNet-Lite0 and SqueezeNet 1.1 as ONNX graphs, apart from the product's own code.

Usage: small_networks.py LITE0 SQUEEZENET OUT (`tests/bench/rivals/onnxruntime` sets Python up)
Writes two pictures and the last maps before their ReLU that ONNX Runtime gives for them: what
`encoder/small.rs` is held to. LITE0 is the f32 file of the original names.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parent.parent / "bench" / "rivals"))
import onnx_trunk

SIDE = 64
# Stride of each block that has one; kernels and channels stand in the weights' shapes.
LITE0_STRIDES = {1: 2, 3: 2, 5: 2}
LITE0_BLOCKS = 11
SQUEEZENET_POOLS_BEFORE = {3, 6, 9}
SQUEEZENET_FIRES = [3, 4, 6, 7, 9, 10, 11, 12]
MEANS = np.array([123.68, 116.779, 103.939]).reshape(1, 3, 1, 1)


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.last = weights, [], "pictures"

    def add(self, kind, *parameters, inputs=None, **attributes):
        name = f"n{len(self.nodes)}"
        inputs = [self.last] if inputs is None else inputs
        self.nodes.append(helper.make_node(kind, [*inputs, *parameters], [name], **attributes))
        self.last = name
        return name

    def session(self):
        ends = ["pictures", self.last]
        values = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [None] * 4) for end in ends]
        used = {name for node in self.nodes for name in node.input}
        kept = {name: array for name, array in self.weights.items() if name in used}
        stored = [numpy_helper.from_array(array, name) for name, array in kept.items()]
        body = helper.make_graph(self.nodes, "small", values[:1], values[1:], stored)
        model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def lite0(path):
    weights = dict(onnx_trunk.tensors(path))
    weights |= {"zero": np.float32(0), "six": np.float32(6)}
    graph = Graph(weights)

    def convolve(prefix, conv, norm, stride=1, groups=1, clip=True):
        graph.add("Conv", f"{prefix}{conv}.weight", auto_pad="SAME_UPPER", strides=[stride] * 2, group=groups)
        parameters = [f"{prefix}{norm}.{part}" for part in ["weight", "bias", "running_mean", "running_var"]]
        graph.add("BatchNormalization", *parameters, epsilon=1e-3)
        if clip:
            graph.add("Clip", "zero", "six")

    convolve("", "_conv_stem", "_bn0", stride=2)
    for number in range(LITE0_BLOCKS):
        prefix, start = f"_blocks.{number}.", graph.last
        if f"{prefix}_expand_conv.weight" in weights:
            convolve(prefix, "_expand_conv", "_bn0")
        stride, depthwise = LITE0_STRIDES.get(number, 1), weights[f"{prefix}_depthwise_conv.weight"]
        convolve(prefix, "_depthwise_conv", "_bn1", stride, groups=depthwise.shape[0])
        convolve(prefix, "_project_conv", "_bn2", clip=False)
        expand = weights.get(f"{prefix}_expand_conv.weight")
        project = weights[f"{prefix}_project_conv.weight"]
        if stride == 1 and expand is not None and expand.shape[1] == project.shape[0]:
            graph.add("Add", start)
    return graph.session()


def squeezenet(path):
    weights = dict(onnx_trunk.tensors(path))
    graph = Graph(weights)

    def convolve(name, start=None, pad=0, stride=1, relu=True):
        inputs = [graph.last if start is None else start]
        graph.add("Conv", f"{name}.weight", f"{name}.bias", inputs=inputs, pads=[pad] * 4, strides=[stride] * 2)
        return graph.add("Relu") if relu else graph.last

    convolve("features.0", stride=2)
    for number in SQUEEZENET_FIRES:
        if number in SQUEEZENET_POOLS_BEFORE:
            graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        is_last = number == SQUEEZENET_FIRES[-1]
        squeezed = convolve(f"features.{number}.squeeze")
        left = convolve(f"features.{number}.expand1x1", squeezed, relu=not is_last)
        right = convolve(f"features.{number}.expand3x3", squeezed, pad=1, relu=not is_last)
        graph.add("Concat", inputs=[left, right], axis=1)
    return graph.session()


def run(network, session, rgb):
    """Pictures `[batch, 3, side, side]` of 0 to 255 to the last map before its ReLU."""
    x = (rgb - 127.0) / 128.0 if network == "efficientnet_lite0" else rgb - MEANS
    return session.run(None, {"pictures": x.astype(np.float32)})[0]


SESSIONS = {"efficientnet_lite0": lite0, "squeezenet1_1": squeezenet}


def pictures():
    """A picture with shapes in it, and noise."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    disc = 200.0 * np.exp(-((x - 30) ** 2 + (y - 36) ** 2) / 150.0)
    stripes = 40 + 30 * np.sin(x / 3.0) * np.cos(y / 5.0)
    shapes = np.stack([disc, disc * 0.6 + stripes, 255 - disc - stripes])
    noise = np.random.default_rng(5).integers(0, 256, (3, SIDE, SIDE))
    return np.stack([np.clip(shapes, 0, 255), noise]).astype(np.uint8)


def main():
    *files, out = sys.argv[1:]
    rgb = pictures()
    arrays = {"pictures": rgb}
    for network, file in zip(SESSIONS, files):
        arrays[network] = run(network, SESSIONS[network](file), rgb)
    header, data = {}, b""
    for name, array in sorted(arrays.items()):
        end = len(data) + array.nbytes
        kind = {"uint8": "U8", "float32": "F32"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), end]}
        data += np.ascontiguousarray(array).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    Path(out).write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
