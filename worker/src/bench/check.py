#!/usr/bin/env python3
"""Opens a copy of a merged database with real Chroma and compares it with what the merge must give.

check.py DATABASE WORKLOAD COPY

Prints a line of JSON: records, recall_at_10 over 200 queries, inexact: metadata doubles that are not the producer's to the
last bit. Ends with 1 if a record is missing, too many or differs in more than the last bits of a double.
"""
import json
import math
import os
import shutil
import sys

import numpy as np

import chroma

QUERIES = 200


def main(database, workload, copy):
    shutil.copytree(database, copy)
    expected = {}
    with open(os.path.join(workload, "expected.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            expected[record["id"]] = record
    vectors = np.load(os.path.join(workload, "vectors.npy"))
    found = chroma.everything(copy)
    if len(found["ids"]) != len(expected) or set(found["ids"]) != set(expected):
        sys.exit(f"{len(found['ids'])} records, not the {len(expected)} expected")
    inexact = 0
    for id, embedding, document, metadata in zip(*(found[key] for key in ["ids"] + chroma.FIELDS)):
        wanted = expected[id]
        if document != wanted["document"] or not np.array_equal(embedding, vectors[wanted["row"]]):
            sys.exit(f"{id}: another document or vector than expected")
        inexact += differing(id, metadata, wanted["metadata"])
    print(json.dumps({"records": len(expected), "inexact": inexact, "recall_at_10": recall(copy, expected, vectors)}))


def differing(id, metadata, wanted):
    """How many doubles differ, in their last bits only."""
    if metadata.keys() != wanted.keys():
        sys.exit(f"{id}: keys {sorted(metadata)}, not {sorted(wanted)}")
    count = 0
    for key, value in wanted.items():
        if metadata[key] != value or type(metadata[key]) is not type(value):
            if type(value) is not float or not math.isclose(metadata[key], value, rel_tol=1e-14):
                sys.exit(f"{id}: {key} is {metadata[key]!r}, not {value!r}")
            count += 1
    return count


def recall(copy, expected, vectors):
    """Queries lie off a record by 0.3 of its length, in a random direction."""
    random = np.random.default_rng(10)
    noise = random.standard_normal((QUERIES, vectors.shape[1])) * 0.3 / math.sqrt(vectors.shape[1])
    queries = (vectors[random.choice(len(vectors), QUERIES, replace=False)] + noise).astype(np.float32)
    distances = (vectors**2).sum(1) - 2 * queries @ vectors.T
    nearest = np.argpartition(distances, 10, axis=1)[:, :10]
    ids = list(expected)
    with chroma.client(copy) as client:
        answers = client.get_collection(chroma.COLLECTION).query(query_embeddings=queries, n_results=10, include=[])["ids"]
    hits = sum(len({ids[row] for row in rows} & set(answer)) for rows, answer in zip(nearest, answers))
    return round(hits / (10 * QUERIES), 4)


if __name__ == "__main__":
    main(*sys.argv[1:])
