"""Works out a bundle's known answer again, from the equations, with NumPy and ONNX Runtime alone.

Usage: known_answer.py BUNDLE TRUNKS (`tests/bench/rivals/onnxruntime` sets Python up for it)
TRUNKS is the folder of networks. Prints the cosine of each stored descriptor with the one computed
here, and fails below 0.9999. A bundle whose trunk was trained on is not covered.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "bench" / "rivals"))
import onnx_trunk
import small_networks

VIEWS = {
    "plain": lambda x: x,
    "mirrored": lambda x: x[:, ::-1],
    "quarter": lambda x: np.rot90(x, -1),
    "half": lambda x: x[::-1, ::-1],
}
SHAPE, MARGIN = 4, 6


def unit(x, axis=-1):
    return x / np.maximum(np.linalg.norm(x, axis=axis, keepdims=True), 1e-12)


def vlad(maps, weights, learnt):
    """NetVLAD, equations 1 to 4, of one map `[channels, rows, columns]`."""
    x = unit(maps.reshape(maps.shape[0], -1).T.astype(np.float64))
    if "local_pca.mean" in learnt:
        x = unit((x - learnt["local_pca.mean"]) @ learnt["local_pca.components"].T)
    scores = x @ learnt["netvlad.assignment"].T + learnt["netvlad.bias"]
    soft = np.exp(scores - scores.max(axis=1, keepdims=True))
    soft = soft / soft.sum(axis=1, keepdims=True) * weights.reshape(-1, 1)
    residuals = x[:, None, :] - learnt["netvlad.centroids"][None]
    return unit(unit((soft[:, :, None] * residuals).sum(axis=0)).reshape(-1))


def rooted_mean(maps, weights):
    """ReLU, mean by the weights over positions, mean over views, square root, length 1."""
    means = [
        np.maximum(m, 0).reshape(m.shape[0], -1) @ w.reshape(-1) / w.sum()
        for m, w in zip(maps.astype(np.float64), weights)
    ]
    return unit(np.sqrt(np.mean(means, axis=0)))


def arcs(numbers, known, learnt, name):
    """Each number from its median in robust deviations, clipped at 3, on a half circle."""
    off = np.where(known > 0, numbers - learnt[f"{name}.median"], 0)
    turn = np.clip(off / learnt[f"{name}.iqr"] * 1.349, -3, 3) / 3 * np.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], axis=1).reshape(-1)


def resized(weights, side):
    """A grid of weights on another grid: the triangle as wide as the coarser of the two."""
    ratio = len(weights) / side
    reach = max(ratio, 1.0)
    axis = np.zeros((side, len(weights)))
    for out in range(side):
        center = (out + 0.5) * ratio
        for tap in range(int(center - reach - 1.5), int(center + reach + 1.5) + 1):
            share = max(0.0, 1.0 - abs(tap + 0.5 - center) / reach)
            axis[out, min(max(tap, 0), len(weights) - 1)] += share
    axis /= axis.sum(axis=1, keepdims=True)
    return axis @ weights @ axis.T


class Network:
    def __init__(self, config, folder):
        self.word, path = config["architecture"], folder / config["file"]
        small = small_networks.SESSIONS.get(self.word)
        self.session = small(path) if small else onnx_trunk.session(path, 1)

    def maps(self, grey):
        if self.word in small_networks.SESSIONS:
            return small_networks.run(self.word, self.session, np.repeat(grey[:, None], 3, axis=1))
        return onnx_trunk.run(self.session, grey)


bundle, trunks = Path(sys.argv[1]), Path(sys.argv[2])
config = tomllib.loads((bundle / "encoder.toml").read_text())
learnt = {k: v.astype(np.float64) for k, v in onnx_trunk.tensors(bundle / "weights.safetensors")}
known = dict(onnx_trunk.tensors(bundle / "known_answer.safetensors"))
trunk = Network(config["trunk"], trunks)
look = Network(config["look"], trunks) if "look" in config else None
views = [VIEWS[name] for name in config["views"]]
parts = {part["name"]: part for part in config["parts"]}


def joined(vectors):
    return unit(np.concatenate([
        np.sqrt(part["weight"]) / part["spread"] * vector
        for part, vector in zip(config["parts"], vectors)
    ]))


worst = 1.0
for number, (pixels, weights, stored) in enumerate(
    zip(known["pixels"], known["weights"], known["descriptors"])
):
    pictures = np.stack([view(pixels) for view in views])

    def on(maps, weights=weights.astype(np.float64)):
        same = maps.shape[-1] == len(weights)
        grid = weights if same else resized(weights, maps.shape[-1])
        return [view(grid) for view in views]

    maps = trunk.maps(pictures)
    if "netvlad" in config:
        weighted = config["netvlad"]["region_weighted"]
        grids = on(maps) if weighted else [np.ones(maps.shape[-2:])] * len(views)
        mean = np.mean([vlad(m, w, learnt) for m, w in zip(maps, grids)], axis=0)
        vectors = [unit((unit(mean) - learnt["pca.mean"]) @ learnt["pca.components"].T)]
    else:
        vectors = [rooted_mean(maps, on(maps))]
    if look:
        seen = maps if config["look"] == config["trunk"] else look.maps(pictures)
        vectors.append(rooted_mean(seen, on(seen)))
    if "shape" in parts:
        measured, told = known["shape_margin"][number], known["shape_margin_known"][number]
        both = arcs(measured.astype(np.float64), told, learnt, "shape_margin")
        vectors += [both[: 2 * SHAPE], both[2 * SHAPE :]]
    if "learnt" in parts:
        projected = learnt["lda.projection"] @ joined(vectors)
        vectors.append(arcs(projected, np.ones(len(projected)), learnt, "lda"))
    cosine = float(joined(vectors) @ unit(stored.astype(np.float64)))
    worst = min(worst, cosine)
    print(f"{cosine:.7f}")
sys.exit(0 if worst > 0.9999 else 1)
