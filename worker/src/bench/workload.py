#!/usr/bin/env python3
"""Makes the deltas to merge with real Chroma, the same every time, and beside them what the merge must give.

workload.py OUT RECORDS DELTAS DIMENSION [--base WORKLOAD] [--text] [--no-index]

OUT/deltas/NNNN/       one Chroma database each
OUT/records.jsonl      all that was written, one record a line, in order: number of the delta, id, document, metadata
OUT/vectors.npy        their vectors in the same order, float32
OUT/queries.npy        with --text: vectors that are no records

Records look like words on receipts: fifteen metadata keys, five of them doubles, and a vector of unit length near one of
400 topics, off it mostly along 48 directions, so that neighbours within a topic mean something. One in twenty records of each
delta after the first has the id of an earlier one; the later one is what must be left. With --base, a workload that is the
snapshot to extend, one in fifty has the id of a record of its first delta. With --text the vectors are those of text/. With
--no-index Chroma leaves the vectors in its log.
"""
import argparse
import gzip
import json
import os

import numpy as np

import chroma

TOPICS = 400
DIRECTIONS = 48
AGAIN = 0.05
AGAIN_OF_BASE = 0.02
QUERIES = 3500
STATES = ["proposed", "confirmed", "rejected", "open"]
SHOPS = ["Bäckerei Kühn", "Corner Café", "東屋", "Night & Day", "Mercado Central", "Ferme d'Été"]
WORDS = ["total", "tax", "cash", "change", "milk", "eggs", "bread", "2.99", "14.50", "thank you", "n° 17", "crème", "茶", "50 % off"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out")
    arguments.add_argument("records", type=int)
    arguments.add_argument("deltas", type=int)
    arguments.add_argument("dimension", type=int)
    arguments.add_argument("--base")
    arguments.add_argument("--text", action="store_true")
    arguments.add_argument("--no-index", action="store_true")
    options = arguments.parse_args()
    vectors, queries = text() if options.text else (Receipts(options.dimension), None)
    make(options.out, options.records, options.deltas, vectors, options.base, options.no_index)
    if queries is not None:
        np.save(os.path.join(options.out, "queries.npy"), queries)


def make(out, records, count, vectors, base=None, no_index=False):
    random = np.random.default_rng([records, count, bool(base)])
    of_base = list({record["id"]: None for record in chroma.records(base, 1)}) if base else []
    known, written = [], []
    word = "bill" if base else "receipt"
    os.makedirs(os.path.join(out, "deltas"))
    with open(os.path.join(out, "records.jsonl"), "w", encoding="utf-8") as lines:
        for delta in range(count):
            size = records // count + (delta < records % count)
            ids = drawn(random, known, round(size * AGAIN)) + drawn(random, of_base, round(size * AGAIN_OF_BASE))
            fresh = [f"{word}-{delta:04d}-{i // 30:03d}/line-{i % 30:02d}" for i in range(size - len(ids))]
            ids = [(ids + fresh)[i] for i in random.permutation(size)]
            known += fresh
            written.append(vectors(random, size))
            documents = [WORDS[random.integers(len(WORDS))] for _ in ids]
            metadatas = [metadata(random, id, document) for id, document in zip(ids, documents)]
            write(os.path.join(out, "deltas", f"{delta:04d}"), ids, written[-1], documents, metadatas, no_index)
            for id, document, metadata_ in zip(ids, documents, metadatas):
                json.dump({"delta": delta, "id": id, "document": document, "metadata": metadata_}, lines, ensure_ascii=False)
                lines.write("\n")
    np.save(os.path.join(out, "vectors.npy"), np.concatenate(written))


def drawn(random, ids, count):
    return [ids[i] for i in random.choice(len(ids), count, replace=False)] if ids else []


class Receipts:
    """Vectors around topics that are the same for every workload of a dimension."""

    def __init__(self, dimension):
        random = np.random.default_rng(1_536)
        self.topics = unit(random.standard_normal((TOPICS, dimension)))
        self.directions = random.standard_normal((DIRECTIONS, dimension)) / np.sqrt(dimension * DIRECTIONS)

    def __call__(self, random, size):
        at = self.topics[random.integers(TOPICS, size=size)]
        along = random.standard_normal((size, DIRECTIONS)) @ self.directions
        off = random.standard_normal(at.shape) / np.sqrt(at.shape[1])
        return unit(at + 0.6 * along + 0.08 * off)


def text():
    """Those of text/ one after the other, and the last ones as queries."""
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "text", "glosses-minilm-384.i8.npy.gz")
    with gzip.open(file) as packed:
        rows = np.load(packed).astype(np.float32) / 250
    at = iter(range(len(rows) - QUERIES))
    return lambda _, size: np.stack([rows[next(at)] for _ in range(size)]), rows[-QUERIES:]


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def metadata(random, id, document):
    receipt, _, line = id.partition("/")
    left, top = random.random(2)
    return {
        "receipt": receipt, "line": int(line[5:]), "word": int(random.integers(1, 9)), "text": document,
        "state": STATES[random.integers(len(STATES))], "shop": SHOPS[random.integers(len(SHOPS))],
        "checked": bool(random.random() < 0.3), "left": float(left), "top": float(top),
        "width": float(random.random() / 5), "height": float(random.random() / 20),
        "confidence": float(random.random()), "before": WORDS[random.integers(len(WORDS))],
        "after": WORDS[random.integers(len(WORDS))], "source": "scanner",
    }


def write(path, ids, vectors, documents, metadatas, no_index=False):
    # Chroma moves vectors from its log into an index once so many have come.
    settings = {"hnsw": {"sync_threshold": 2**30}} if no_index else None
    with chroma.client(path) as client:
        collection = client.create_collection(chroma.COLLECTION, embedding_function=None, configuration=settings)
        for at in range(0, len(ids), 1000):
            part = slice(at, at + 1000)
            collection.upsert(
                ids=ids[part], embeddings=vectors[part], documents=documents[part], metadatas=metadatas[part])


if __name__ == "__main__":
    main()
