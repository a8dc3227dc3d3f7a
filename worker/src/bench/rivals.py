#!/usr/bin/env python3
"""What people do without us, on local directories, with chromadb alone.

rivals.py once   WORKLOAD OUT    read every delta, fold in memory by id, upsert once in the largest batches Chroma takes
rivals.py stages WORKLOAD OUT    ten deltas into a chunk, ten chunks into a group, the groups into the snapshot: every record
                                 is upserted three times, in batches of 1000

Both take a later record whole for an earlier one of its id, which is right for this workload. Both end with one query, for
Chroma leaves part of the work on its index until then; ours is finished when it is published.
"""
import os
import sys

import chroma

FAN_IN = 10
BATCH = 1000


def once(workload, out):
    final = {}
    for delta in chroma.deltas(workload):
        records = chroma.everything(delta)
        final.update(zip(records["ids"], zip(records["embeddings"], records["documents"], records["metadatas"])))
    ids = list(final)
    with chroma.client(out) as client:
        collection = client.create_collection(chroma.COLLECTION, embedding_function=None)
        upsert(collection, client.get_max_batch_size(), ids, *map(list, zip(*final.values())))
        ask(collection, final[ids[0]][0])


def stages(workload, out):
    chunks = merged(chroma.deltas(workload), out + ".chunk-")
    groups = merged(chunks, out + ".group-")
    merge(groups, out)
    with chroma.client(out) as client:
        collection = client.get_collection(chroma.COLLECTION)
        ask(collection, collection.get(limit=1, include=["embeddings"])["embeddings"][0])


def merged(sources, prefix):
    targets = []
    for at in range(0, len(sources), FAN_IN):
        targets.append(f"{prefix}{at // FAN_IN:03d}")
        merge(sources[at:at + FAN_IN], targets[-1])
    return targets


def merge(sources, target):
    with chroma.client(target) as client:
        collection = client.create_collection(chroma.COLLECTION, embedding_function=None)
        for source in sources:
            records = chroma.everything(source)
            upsert(
                collection, BATCH, records["ids"], records["embeddings"], records["documents"], records["metadatas"])


def upsert(collection, most, ids, embeddings, documents, metadatas):
    for at in range(0, len(ids), most):
        part = slice(at, at + most)
        collection.upsert(
            ids=ids[part], embeddings=embeddings[part], documents=documents[part], metadatas=metadatas[part])


def ask(collection, vector):
    collection.query(query_embeddings=[vector], n_results=1)


if __name__ == "__main__":
    {"once": once, "stages": stages}[sys.argv[1]](*sys.argv[2:])
