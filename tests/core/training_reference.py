"""Works out losses and their gradients again, from the equations, with NumPy alone.

Usage: training_reference.py > training_reference.json
One 3 x 3 convolution, local descriptors of length 1, NetVLAD (equations 4 to 6), and both losses
(equations 15, 18 and 19), differentiated by hand; central differences check the hand.
"""

import json
import sys

import numpy as np

BATCH, SIDE, INPUTS, OUTPUTS, CLUSTERS = 4, 3, 8, 16, 3
TUPLES = [(0, [1], [2, 3]), (2, [3, 0], [1])]
RUNS = [("ranking", "squared", 1.0), ("triplet", "plain", 0.7)]


def uniform(seed):
    """SplitMix64, as numbers of [0, 1)."""
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield ((z ^ (z >> 31)) >> 11) / (1 << 53)


numbers = uniform(20)


def draw(shape, low, high):
    flat = [np.float32(low + (high - low) * next(numbers)) for _ in range(int(np.prod(shape)))]
    return np.array(flat, dtype=np.float64).reshape(shape)


maps = draw((BATCH, SIDE, SIDE, INPUTS), -1, 1)
region = draw((BATCH, SIDE * SIDE), 0.02, 1)
parameters = {
    "features.12.bias": draw((OUTPUTS,), -0.5, 0.5),
    "features.12.weight": draw((OUTPUTS, INPUTS, 3, 3), -0.5, 0.5),
    "netvlad.assignment": draw((CLUSTERS, OUTPUTS), -4, 4),
    "netvlad.bias": draw((CLUSTERS,), -1, 1),
    "netvlad.centroids": draw((CLUSTERS, OUTPUTS), -0.5, 0.5),
}


def unit(x):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / length, length


def unit_back(y, length, g):
    return (g - y * (y * g).sum(-1, keepdims=True)) / length


def forward(p):
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = [framed[:, r : r + SIDE, c : c + SIDE] for r in range(3) for c in range(3)]
    kernel = p["features.12.weight"].transpose(2, 3, 1, 0).reshape(9, INPUTS, OUTPUTS)
    z = sum(t @ k for t, k in zip(taps, kernel)) + p["features.12.bias"]
    y, z_length = unit(z.reshape(BATCH, -1, OUTPUTS))
    scores = y @ p["netvlad.assignment"].T + p["netvlad.bias"]
    soft = np.exp(scores - scores.max(-1, keepdims=True))
    soft /= soft.sum(-1, keepdims=True)
    a = soft * region[..., None]
    residual = np.einsum("bpk,bpd->bkd", a, y) - a.sum(1)[..., None] * p["netvlad.centroids"]
    intra, r_length = unit(residual)
    v, v_length = unit(intra.reshape(BATCH, -1))
    return v, (taps, kernel, y, z_length, soft, a, intra, r_length, v_length)


def backward(p, v, kept, g):
    taps, kernel, y, z_length, soft, a, intra, r_length, v_length = kept
    g = unit_back(v, v_length, g).reshape(intra.shape)
    g = unit_back(intra, r_length, g)
    g_a = np.einsum("bkd,bpd->bpk", g, y) - (g * p["netvlad.centroids"]).sum(-1)[:, None]
    g_soft = g_a * region[..., None]
    g_scores = soft * (g_soft - (soft * g_soft).sum(-1, keepdims=True))
    g_y = np.einsum("bpk,bkd->bpd", a, g) + g_scores @ p["netvlad.assignment"]
    g_z = unit_back(y, z_length, g_y).reshape(BATCH, SIDE, SIDE, OUTPUTS)
    g_kernel = np.stack([np.einsum("bxyi,bxyo->io", t, g_z) for t in taps])
    return {
        "features.12.bias": g_z.sum((0, 1, 2)),
        "features.12.weight": g_kernel.reshape(3, 3, INPUTS, OUTPUTS).transpose(3, 2, 0, 1),
        "netvlad.assignment": np.einsum("bpk,bpd->kd", g_scores, y),
        "netvlad.bias": g_scores.sum((0, 1)),
        "netvlad.centroids": -(a.sum(1)[..., None] * g).sum(0),
    }


def loss(v, kind, distance, margin):
    """The mean over tuples, and its gradient by the vectors."""
    total, g = 0.0, np.zeros_like(v)

    def apart(i, j):
        square = ((v[i] - v[j]) ** 2).sum()
        return square if distance == "squared" else np.sqrt(square)

    def pull(i, j, weight):
        slope = 2 * (v[i] - v[j])
        if distance == "plain":
            slope /= 2 * apart(i, j)
        g[i] += weight * slope
        g[j] -= weight * slope

    for query, positives, negatives in TUPLES:
        if kind == "ranking":
            positives = [min(positives, key=lambda i: apart(query, i))]
        for positive in positives:
            for negative in negatives:
                over = apart(query, positive) + margin - apart(query, negative)
                if over > 0:
                    total += over
                    pull(query, positive, 1)
                    pull(query, negative, -1)
    return total / len(TUPLES), g / len(TUPLES)


runs = []
for kind, distance, margin in RUNS:
    v, kept = forward(parameters)
    value, g = loss(v, kind, distance, margin)
    gradients = backward(parameters, v, kept, g)
    for name, array in parameters.items():
        for at in range(0, array.size, max(1, array.size // 40)):
            moved = []
            for step in (1e-5, -1e-5):
                shifted = {**parameters, name: array.copy()}
                shifted[name].reshape(-1)[at] += step
                moved.append(loss(forward(shifted)[0], kind, distance, margin)[0])
            slope = (moved[0] - moved[1]) / 2e-5
            assert abs(slope - gradients[name].reshape(-1)[at]) < 1e-8, (name, at, slope)
    short = {name: [float(f"{x:.7g}") for x in g.reshape(-1)] for name, g in gradients.items()}
    runs.append({"loss": value, "gradients": short})
descriptors = [float(f"{x:.7g}") for x in forward(parameters)[0].reshape(-1)]
json.dump({"descriptors": descriptors, "runs": runs}, sys.stdout)
sys.stdout.write("\n")
