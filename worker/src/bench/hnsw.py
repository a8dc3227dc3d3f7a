#!/usr/bin/env python3
"""What stock hnswlib says: it builds an index to compare with, and searches the indexes of others.

hnsw.py build  VECTORS.npy ROWS               M 16, ef_construction 100, all cores: Chroma's settings. Prints CPU and wall seconds of the building alone
hnsw.py recall DATABASE WORKLOAD [BASE]       of a Chroma database's index files: recall@10 at ef 10, 50, 100, 200

Searching with the same code is the only fair way to compare two graphs. Chroma's header.bin, data_level0.bin and link_lists.bin, one after the other and without
the first four bytes, are hnswlib's own file. Plain queries are the workload's queries.npy, or lie off a record by 0.3 of its length; hard
ones are midpoints of two random records. What Chroma has not moved from its log into the index yet does not count.
"""
import glob
import json
import os
import struct
import sys
import tempfile
import time

import numpy as np

M, EF_CONSTRUCTION = 16, 100
EFS = [10, 50, 100, 200]
QUERIES, FEWER = 10_000, 4_000
MANY_NODES = 20_000
BLOCK = 200


def build(vectors, rows):
    import hnswlib

    vectors = np.load(vectors)[:int(rows)]
    wall, cpu = time.perf_counter(), time.process_time()
    index = hnswlib.Index(space="l2", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=M, ef_construction=EF_CONSTRUCTION)
    index.add_items(vectors)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


def recall(database, *workloads):
    vectors, labels, index = load(folder(database))
    written = np.concatenate([np.load(os.path.join(one, "vectors.npy"), mmap_mode="r") for one in workloads])
    answer = {"indexed": len(vectors)}
    count = QUERIES if len(vectors) <= MANY_NODES else FEWER
    for kind, queries in {"plain": plain(written, workloads[0], count), "hard": hard(written, count)}.items():
        truth = nearest(vectors, labels, queries)
        answer[kind] = {}
        for ef in EFS:
            index.set_ef(ef)
            found, _ = index.knn_query(queries, k=10)
            answer[kind][ef] = round(sum(len(set(a) & set(b)) for a, b in zip(found, truth)) / (10 * len(queries)), 4)
    print(json.dumps(answer))


def folder(database):
    found = [os.path.dirname(file) for file in glob.glob(os.path.join(database, "*", "header.bin")) if os.path.getsize(file) == 100]
    if len(found) != 1:
        sys.exit(f"{len(found)} indexes in {database}, not one")
    return found[0]


def load(folder):
    """The live vectors of an index, their labels, and the index."""
    import hnswlib

    with open(os.path.join(folder, "header.bin"), "rb") as file:
        header = file.read()
    count, size, at_label, at_data = struct.unpack_from("<4Q", header, 20)
    dimension = (at_label - at_data) // 4
    nodes = np.dtype({
        "names": ["flags", "vector", "label"], "formats": ["u1", ("<f4", dimension), "<u8"],
        "offsets": [2, at_data, at_label], "itemsize": size})
    data = np.memmap(os.path.join(folder, "data_level0.bin"), nodes, "r", shape=(count,))
    index = hnswlib.Index(space="l2", dim=dimension)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(os.path.abspath(folder))) as file:
        file.write(header[4:])
        file.write(data)
        with open(os.path.join(folder, "link_lists.bin"), "rb") as links:
            file.write(links.read())
        file.flush()
        index.load_index(file.name, max_elements=count)
    live = (data["flags"] & 1) == 0
    return data["vector"][live], data["label"][live], index


def plain(written, workload, count):
    queries = os.path.join(workload, "queries.npy")
    if os.path.exists(queries):
        return np.load(queries)
    random = np.random.default_rng(11)
    near = written[random.integers(len(written), size=count)]
    noise = random.standard_normal(near.shape) * np.linalg.norm(near, axis=1, keepdims=True) / np.sqrt(near.shape[1])
    return (near + 0.3 * noise).astype(np.float32)


def hard(written, count):
    random = np.random.default_rng(12)
    return (written[random.integers(len(written), size=count)] + written[random.integers(len(written), size=count)]) / np.float32(2)


def nearest(vectors, labels, queries):
    squares = np.einsum("ij,ij->i", vectors, vectors)
    found = []
    for at in range(0, len(queries), BLOCK):
        distances = squares - 2 * queries[at:at + BLOCK] @ vectors.T
        found.append(labels[np.argpartition(distances, 10, axis=1)[:, :10]])
    return np.concatenate(found)


if __name__ == "__main__":
    {"build": build, "recall": recall}[sys.argv[1]](*sys.argv[2:])
