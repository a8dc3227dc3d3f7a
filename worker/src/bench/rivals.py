#!/usr/bin/env python3
"""What people do without us, on local directories, with chromadb alone.

rivals.py script WORKLOAD OUT     read every delta, fold in memory by id, upsert once in the largest batches Chroma takes
rivals.py flow   WORKLOAD OUT     a pipeline of steps: ten deltas into a chunk, ten chunks into a group, the groups into the
                                  snapshot: every record is upserted three times, in batches of 1000
rivals.py group  WORKLOAD OUT     what the flow's last step reads: all deltas folded into one database
rivals.py final  GROUP    OUT     the flow's last step alone

--base DIR: the snapshot to start from, made by Chroma; --deltas N: only the first.

All take a later record whole for an earlier one of its id, which is right for this workload. The flow's steps have their inputs
copied first, and the snapshot is copied before and after, by both: that stands for download and upload. Prints the seconds that went
into copies. The script ends with one query, for Chroma leaves part of the work on its index until then; ours is finished when it is published.
"""
import argparse
import json
import os
import shutil
import time

import chroma

FAN_IN = 10
BATCH = 1000
copying = 0.0


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rival", choices=["script", "flow", "group", "final"])
    arguments.add_argument("workload")
    arguments.add_argument("out")
    arguments.add_argument("--base")
    arguments.add_argument("--deltas", type=int)
    options = arguments.parse_args()
    if options.rival == "final":
        final([options.workload], options.out, options.base)
    else:
        sources = chroma.deltas(options.workload, options.deltas)
        {"script": script, "flow": flow, "group": group}[options.rival](sources, options.out, options.base)
    print(json.dumps({"copying": round(copying, 2)}))


def script(deltas, out, base):
    snapshot = started(out, base)
    last = folded(deltas)
    with chroma.client(snapshot) as client:
        collection = client.get_or_create_collection(chroma.COLLECTION, embedding_function=None)
        upsert(collection, client.get_max_batch_size(), list(last), *map(list, zip(*last.values())))
        collection.query(query_embeddings=[next(iter(last.values()))[0]], n_results=1)
    copy(snapshot, out)


def folded(deltas):
    last = {}
    for delta in deltas:
        records = chroma.everything(delta)
        last.update(zip(records["ids"], zip(*(records[field] for field in chroma.FIELDS))))
    return last


def flow(deltas, out, base):
    chunks = merged(deltas, out + ".chunk-", download=True)
    final(merged(chunks, out + ".group-"), out, base)


def group(deltas, out, _):
    last = folded(deltas)
    with chroma.client(out) as client:
        collection = client.create_collection(chroma.COLLECTION, embedding_function=None)
        upsert(collection, BATCH, list(last), *map(list, zip(*last.values())))


def final(groups, out, base):
    snapshot = started(out, base)
    merge(groups, snapshot)
    copy(snapshot, out)


def merged(sources, prefix, download=False):
    targets = []
    for at in range(0, len(sources), FAN_IN):
        targets.append(f"{prefix}{at // FAN_IN:03d}")
        merge(sources[at:at + FAN_IN], targets[-1], download)
    return targets


def merge(sources, target, download=False):
    with chroma.client(target) as client:
        collection = client.get_or_create_collection(chroma.COLLECTION, embedding_function=None)
        for source in sources:
            local = source
            if download:
                local = target + ".input"
                copy(source, local)
            records = chroma.everything(local)
            upsert(collection, BATCH, records["ids"], *(records[field] for field in chroma.FIELDS))
            if download:
                shutil.rmtree(local)


def upsert(collection, most, ids, embeddings, documents, metadatas):
    for at in range(0, len(ids), most):
        part = slice(at, at + most)
        collection.upsert(
            ids=ids[part], embeddings=embeddings[part], documents=documents[part], metadatas=metadatas[part])


def started(out, base):
    snapshot = out + ".snapshot"
    if base:
        copy(base, snapshot)
    return snapshot


def copy(source, target):
    global copying
    started = time.perf_counter()
    shutil.copytree(source, target)
    copying += time.perf_counter() - started


if __name__ == "__main__":
    main()
