"""Times FAISS's flat index on the vectors that `cargo bench -- search` wrote.

Usage: faiss_flat.py CASES QUERIES DIMS K THREADS; both files are little-endian float32.
Prints `median_ms` over single queries, then for each query its k distances.
"""

import statistics
import sys
import time

import faiss
import numpy as np

cases, queries = (np.fromfile(path, dtype="<f4") for path in sys.argv[1:3])
dims, k, threads = (int(text) for text in sys.argv[3:6])
cases, queries = cases.reshape(-1, dims), queries.reshape(-1, dims)
faiss.omp_set_num_threads(threads)
index = faiss.IndexFlatL2(dims)
index.add(cases)

index.search(queries[:1], k)
elapsed, found = [], []
for _ in range(3):
    for query in queries:
        start = time.perf_counter()
        squares, _ = index.search(query[None], k)
        elapsed.append(time.perf_counter() - start)
        found.append(squares[0])
print(statistics.median(elapsed) * 1e3)
for squares in found[: len(queries)]:
    print(" ".join(repr(float(d)) for d in np.sqrt(np.maximum(squares, 0))))
