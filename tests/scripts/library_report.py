"""Measures what a library's descriptors tell of source, class and size, and writes its notes.

Usage: library_report.py LIBRARY > notes.txt
       precedent-cli library notes LIBRARY --set notes.txt

Every figure is leave-one-patient-out: a case is asked for, the cases of its own patient do not
answer. "By chance" is the range that holds 95 of 100 random orders of the labels. Needs numpy.
"""

import sqlite3
import sys
from collections import Counter
from pathlib import Path

import numpy as np

DRAWS = 1000
NEAREST = 10


def main():
    cases = read(Path(sys.argv[1]))
    random = np.random.default_rng(1)
    pathology = np.array([case["pathology"] for case in cases])
    source = np.array([case["source"] for case in cases])
    is_mass = pathology != "normal"
    nearest = order(cases)

    print("What is in this library")
    for name, count in sorted(Counter(source).items()):
        classes = Counter(pathology[source == name])
        parts = ", ".join(f"{classes[p]} {p}" for p in ("malignant", "benign", "normal") if classes[p])
        print(f"- {name}: {count} cases ({parts})")
    print("Digitised films of the 1990s. Outcomes are as the collection states them. A query from a")
    print("digital detector will look unlike everything here.")
    print()
    print("What a descriptor still tells of the scanner")
    print(f"Share of the {NEAREST} nearest that come from the case's own scanner, within one class:")
    for name in ("malignant", "benign", "normal"):
        chosen = pathology == name
        print(f"- {name}: {same_share(nearest, source, chosen, random)}")
    shared = np.isin(source, [s for s in set(source) if (is_mass & (source == s)).any()])
    shared_normal = (pathology == "normal") & shared
    print(f"- normal, scanners of the masses only: {same_share(nearest, source, shared_normal, random)}")
    print()
    print("Mass against normal")
    print("Area under the curve of the similarity-weighted share of masses among the ten nearest:")
    print(f"- all: {mass_auc(cases, nearest, is_mass, np.ones(len(cases), bool), random)}")
    print(f"- scanners that have both: {mass_auc(cases, nearest, is_mass, shared, random)}")
    for name in sorted(set(source[shared])):
        print(f"- {name} alone: {mass_auc(cases, nearest, is_mass, source == name, random)}")
    print("Malignant against benign, masses alone:")
    malignant = pathology == "malignant"
    print(f"- all: {mass_auc(cases, nearest, malignant, is_mass, random)}")
    print()
    print("Size (equivalent diameter, mm; quartiles)")
    diameter = np.array([case["diameter"] for case in cases])
    for label, chosen in (
        ("masses", is_mass),
        ("normal regions on the masses' own films", shared_normal),
        ("normal regions on other films", ~is_mass & ~shared),
    ):
        if chosen.any():
            low, middle, high = np.quantile(diameter[chosen], [0.25, 0.5, 0.75])
            print(f"- {label}: {low:.1f} / {middle:.1f} / {high:.1f}")
    lonely = sorted(s for s in set(source) if not (is_mass & (source == s)).any())
    if lonely:
        print()
        print(f"No mass comes from {', '.join(lonely)}: there the source alone says \"normal\". Read a")
        print("neighbour from it with that in mind.")
    print("These are few cases: the figures tell whether something is amiss, not how accurate a search")
    print("is. The encoder's cluster centres and projections were learnt, without labels, from regions")
    print("of this kind, which flatters them a little.")
    print("All outlines here were drawn by the program, not by readers. Normal regions were chosen")
    print("by it as the most mass-like places, and are still easier than what a reader marks in doubt.")


def read(library):
    """Cases with their unit descriptors; the file is opened so that no byte of it changes."""
    database = sqlite3.connect(f"file:{library / 'library.sqlite'}?immutable=1", uri=True)
    sql = """SELECT pathology, source, patient_idx, vector,
        json_extract(measures, '$.equivalent_diameter')
        FROM cases JOIN descriptor USING (case_idx) ORDER BY case_idx"""
    keys = ("pathology", "source", "patient", "vector", "diameter")
    cases = [dict(zip(keys, row)) for row in database.execute(sql)]
    for case in cases:
        case["vector"] = np.frombuffer(case["vector"], "<f4").astype(float)
    return cases


def order(cases):
    """For each case, all cases of other patients, nearest first."""
    vectors = np.array([case["vector"] for case in cases])
    patients = np.array([case["patient"] for case in cases])
    distance = np.sqrt(np.maximum(2 - 2 * vectors @ vectors.T, 0))
    distance[patients[:, None] == patients[None]] = np.inf
    nearest = np.argsort(distance, axis=1, kind="stable")
    return [row[np.isfinite(distance[i, row])] for i, row in enumerate(nearest)]


def same_share(nearest, source, chosen, random):
    lists = {i: [j for j in nearest[i] if chosen[j]][:NEAREST] for i in np.flatnonzero(chosen)}

    def share(labels):
        return np.mean([np.mean(labels[found] == labels[i]) for i, found in lists.items() if found])

    found, drawn = share(source), []
    for _ in range(DRAWS):
        shuffled = source.copy()
        shuffled[chosen] = random.permutation(source[chosen])
        drawn.append(share(shuffled))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{found:.2f} (by chance {low:.2f} to {high:.2f}; {len(lists)} cases)"


def mass_auc(cases, nearest, positive, chosen, random):
    vectors = np.array([case["vector"] for case in cases])
    indices = np.flatnonzero(chosen)
    lists = {i: [j for j in nearest[i] if chosen[j]][:NEAREST] for i in indices}

    def auc(labels):
        scores = []
        for i in indices:
            weights = np.maximum(vectors[lists[i]] @ vectors[i], 1e-6)
            scores.append(np.sum(weights * labels[lists[i]]) / np.sum(weights))
        scores, truth = np.array(scores), labels[indices]
        higher = scores[truth][:, None] - scores[~truth][None]
        return np.mean((higher > 0) + 0.5 * (higher == 0))

    if positive[indices].all() or not positive[indices].any():
        return "one class only"
    found, drawn = auc(positive), []
    for _ in range(DRAWS // 5):
        shuffled = positive.copy()
        shuffled[indices] = random.permutation(positive[indices])
        drawn.append(auc(shuffled))
    low, high = np.quantile(drawn, [0.025, 0.975])
    count = positive[indices].sum()
    return f"{found:.2f} (by chance {low:.2f} to {high:.2f}; {count} and {len(indices) - count})"


main()
