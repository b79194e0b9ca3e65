"""Outlines the regions that `cargo bench -- outline` wrote, by scikit-image.

Usage: scikit_image.py random-walker|geodesic LIST; a line of LIST is FILE X Y RADIUS, a file holds
512 x 512 little-endian 16-bit values. Prints the median time in ms, then a contour a line.

Both methods see what ours sees: the square of 2.2 radii, smoothed by 0.25 mm. The random walker's
seeds are the disc of half the radius and all beyond 1.6 radii; the geodesic contour starts from
the circle.
"""

import statistics
import sys
import time

import numpy as np
from skimage.filters import gaussian
from skimage.measure import find_contours
from skimage.segmentation import (
    inverse_gaussian_gradient,
    morphological_geodesic_active_contour,
    random_walker,
)

SIDE = 512


def by_random_walker(image, distance, radius):
    labels = np.zeros(image.shape, dtype=np.int32)
    labels[distance < 0.5 * radius] = 1
    labels[distance > 1.6 * radius] = 2
    scaled = (image - image.min()) / np.ptp(image)
    return random_walker(scaled, labels, beta=130, mode="cg_j") == 1


def by_geodesic(image, distance, radius):
    edges = inverse_gaussian_gradient(image / image.std(), alpha=100, sigma=1)
    return morphological_geodesic_active_contour(edges, 60, distance < radius, smoothing=1)


def outline(method, image, x, y, radius):
    reach = 2.2 * radius
    left, top = max(int(x - reach), 0), max(int(y - reach), 0)
    image = gaussian(image[top : int(y + reach) + 1, left : int(x + reach) + 1], 2.5)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    distance = np.hypot(columns + left - x, rows + top - y)
    found = np.pad(method(image, distance, radius), 1)
    contours = find_contours(found, 0.5)
    if not contours:
        return np.array([[x, y]] * 3)
    return max(contours, key=len)[:, ::-1] + [left - 0.5, top - 0.5]


method = {"random-walker": by_random_walker, "geodesic": by_geodesic}[sys.argv[1]]
elapsed, lines = [], []
with open(sys.argv[2]) as regions:
    for region in regions:
        name, *numbers = region.split()
        image = np.fromfile(name, dtype="<u2").reshape(SIDE, SIDE).astype(float)
        start = time.perf_counter()
        contour = outline(method, image, *map(float, numbers))
        elapsed.append(time.perf_counter() - start)
        lines.append(" ".join(f"{value:.2f}" for value in contour.ravel()))
print(statistics.median(elapsed) * 1e3)
print("\n".join(lines))
