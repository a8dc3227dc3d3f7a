#!/usr/bin/env python3
"""Makes the deltas to merge with real Chroma, the same every time, and beside them what the merge must give.

workload.py OUT RECORDS DELTAS DIMENSION

OUT/deltas/NNNN/       one Chroma database each
OUT/expected.jsonl     one record a line: id, document, metadata, row of its vector
OUT/vectors.npy        float32

Records look like words on receipts: fifteen metadata keys, five of them doubles, and a vector of unit length near one of
400 topics, off it mostly along 48 directions, so that neighbours within a topic mean something. One in twenty records of each
delta after the first has the id of an earlier one; the later one is what must be left.
"""
import json
import os
import sys

import numpy as np

import chroma

TOPICS = 400
DIRECTIONS = 48
AGAIN = 0.05
STATES = ["proposed", "confirmed", "rejected", "open"]
SHOPS = ["Bäckerei Kühn", "Corner Café", "東屋", "Night & Day", "Mercado Central", "Ferme d'Été"]
WORDS = ["total", "tax", "cash", "change", "milk", "eggs", "bread", "2.99", "14.50", "thank you", "n° 17", "crème", "茶", "50 % off"]


def main(out, records, count, dimension):
    random = np.random.default_rng(1_536)
    topics = unit(random.standard_normal((TOPICS, dimension)))
    directions = random.standard_normal((DIRECTIONS, dimension)) / np.sqrt(dimension * DIRECTIONS)
    final = {}
    for delta in range(count):
        size = records // count + (delta < records % count)
        again = round(size * AGAIN) if delta else 0
        known = list(final)
        ids = [known[i] for i in random.choice(len(known), again, replace=False)] if again else []
        ids += [f"receipt-{delta:04d}-{i // 30:03d}/line-{i % 30:02d}" for i in range(size - again)]
        ids = [ids[i] for i in random.permutation(size)]
        vectors = near(random, topics, directions, size)
        documents = [WORDS[random.integers(len(WORDS))] for _ in ids]
        metadatas = [metadata(random, id, document) for id, document in zip(ids, documents)]
        write(os.path.join(out, "deltas", f"{delta:04d}"), ids, vectors, documents, metadatas)
        final.update(zip(ids, zip(documents, metadatas, vectors)))
    with open(os.path.join(out, "expected.jsonl"), "w", encoding="utf-8") as lines:
        for row, (id, (document, metadata_, _)) in enumerate(final.items()):
            json.dump({"id": id, "document": document, "metadata": metadata_, "row": row}, lines, ensure_ascii=False)
            lines.write("\n")
    np.save(os.path.join(out, "vectors.npy"), np.stack([vector for _, _, vector in final.values()]))


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def near(random, topics, directions, size):
    at = topics[random.integers(len(topics), size=size)]
    along = random.standard_normal((size, len(directions))) @ directions
    off = random.standard_normal(at.shape) / np.sqrt(at.shape[1])
    return unit(at + 0.6 * along + 0.08 * off)


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


def write(path, ids, vectors, documents, metadatas):
    with chroma.client(path) as client:
        collection = client.create_collection(chroma.COLLECTION, embedding_function=None)
        for at in range(0, len(ids), 1000):
            part = slice(at, at + 1000)
            collection.upsert(
                ids=ids[part], embeddings=vectors[part], documents=documents[part], metadatas=metadatas[part])


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
