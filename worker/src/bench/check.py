#!/usr/bin/env python3
"""Opens a copy of a merged database with real Chroma and compares it with what the merge must give.

check.py DATABASE COPY WORKLOAD[:DELTAS] ...

Of several workloads, or as many of their deltas, the later one was merged into the earlier one. Prints a line of JSON: records,
recall_at_10 over 200 queries through Chroma, inexact: metadata doubles that are not the producer's to the last bit.
Ends with 1 if a record is missing, too many or differs in more than the last bits of a double.
"""
import itertools
import json
import math
import os
import shutil
import sys

import numpy as np

import chroma

QUERIES = 200
PAGE = 5000


def main(database, copy, *workloads):
    shutil.copytree(database, copy)
    expected, parts = {}, []
    for workload, _, deltas in (one.partition(":") for one in workloads):
        start = sum(map(len, parts))
        for row, record in enumerate(chroma.records(workload, int(deltas) if deltas else None), start):
            expected[record["id"]] = (row, record["document"], record["metadata"])
        parts.append(np.load(os.path.join(workload, "vectors.npy"), mmap_mode="r"))
    vectors = np.concatenate(parts)
    with chroma.client(copy) as client:
        collection = client.get_collection(chroma.COLLECTION)
        inexact = compare(collection, expected, vectors)
        recall = recall_at_10(collection, expected, vectors)
    print(json.dumps({"records": len(expected), "inexact": inexact, "recall_at_10": recall}))


def compare(collection, expected, vectors):
    """How many doubles differ, in their last bits only; any other difference is the end."""
    inexact, seen = 0, set()
    for offset in itertools.count(0, PAGE):
        found = collection.get(include=chroma.FIELDS, limit=PAGE, offset=offset)
        if not found["ids"]:
            break
        for id, embedding, document, metadata in zip(*(found[key] for key in ["ids"] + chroma.FIELDS)):
            if id in seen or id not in expected:
                sys.exit(f"{id}: twice, or not expected at all")
            seen.add(id)
            row, wanted_document, wanted = expected[id]
            if document != wanted_document or not np.array_equal(embedding, vectors[row]):
                sys.exit(f"{id}: another document or vector than expected")
            inexact += differing(id, metadata, wanted)
    if len(seen) != len(expected):
        sys.exit(f"{len(seen)} records, not the {len(expected)} expected")
    return inexact


def differing(id, metadata, wanted):
    if metadata.keys() != wanted.keys():
        sys.exit(f"{id}: keys {sorted(metadata)}, not {sorted(wanted)}")
    count = 0
    for key, value in wanted.items():
        if metadata[key] != value or type(metadata[key]) is not type(value):
            if type(value) is not float or not math.isclose(metadata[key], value, rel_tol=1e-14):
                sys.exit(f"{id}: {key} is {metadata[key]!r}, not {value!r}")
            count += 1
    return count


def recall_at_10(collection, expected, vectors):
    """Queries lie off a record by 0.3 of its length, in a random direction."""
    random = np.random.default_rng(10)
    ids = list(expected)
    live = vectors[[row for row, _, _ in expected.values()]]
    noise = random.standard_normal((QUERIES, live.shape[1])) * 0.3 / math.sqrt(live.shape[1])
    queries = (live[random.choice(len(live), QUERIES, replace=False)] + noise).astype(np.float32)
    distances = (live**2).sum(1) - 2 * queries @ live.T
    nearest = np.argpartition(distances, 10, axis=1)[:, :10]
    answers = collection.query(query_embeddings=queries, n_results=10, include=[])["ids"]
    hits = sum(len({ids[row] for row in rows} & set(answer)) for rows, answer in zip(nearest, answers))
    return round(hits / (10 * QUERIES), 4)


if __name__ == "__main__":
    main(*sys.argv[1:])
