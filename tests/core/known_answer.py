"""Works out a bundle's known answer again, from the equations, with NumPy and ONNX Runtime alone.

Usage: known_answer.py BUNDLE TRUNK (`tests/bench/rivals/onnxruntime` sets Python up for it)
Prints the cosine of each stored descriptor with the one computed here, and fails below 0.9999.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "bench" / "rivals"))
import onnx_trunk

VIEWS = {
    "plain": lambda x: x,
    "mirrored": lambda x: x[:, ::-1],
    "quarter": lambda x: np.rot90(x, -1),
    "half": lambda x: x[::-1, ::-1],
}


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


bundle, trunk = Path(sys.argv[1]), sys.argv[2]
config = tomllib.loads((bundle / "encoder.toml").read_text())
learnt = {k: v.astype(np.float64) for k, v in onnx_trunk.tensors(bundle / "weights.safetensors")}
known = dict(onnx_trunk.tensors(bundle / "known_answer.safetensors"))
vgg16 = onnx_trunk.session(trunk, 1)
worst = 1.0
for pixels, weights, stored in zip(known["pixels"], known["weights"], known["descriptors"]):
    views = [VIEWS[name] for name in config["views"]]
    maps = onnx_trunk.run(vgg16, np.stack([view(pixels) for view in views]))
    ones = np.ones_like(weights)
    weights = weights if config["netvlad"]["region_weighted"] else ones
    vector = unit(np.mean([vlad(m, view(weights), learnt) for m, view in zip(maps, views)], axis=0))
    vector = unit((vector - learnt["pca.mean"]) @ learnt["pca.components"].T)
    cosine = float(vector @ unit(stored.astype(np.float64)))
    worst = min(worst, cosine)
    print(f"{cosine:.7f}")
sys.exit(0 if worst > 0.9999 else 1)
