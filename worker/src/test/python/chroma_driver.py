#!/usr/bin/env python3
"""Real Chroma behind a pipe: one JSON request a line on stdin, one JSON answer a line on stdout.

A request is {"op": NAME, ...}, an answer {"ok": ...} or {"error": "..."}. Vectors travel as base64 of little-endian
float32, so that they are exact. The operations are the functions whose names end in _op; each says what it takes.
Everything works without network. The process ends when its stdin does.
"""
import base64
import json
import logging
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback

os.environ["ANONYMIZED_TELEMETRY"] = "False"
import numpy as np
import chromadb
import chroma_scenarios
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.config import Settings

logging.disable(logging.CRITICAL)
VERSION = tuple(int(part) for part in chromadb.__version__.split("."))
NULLS = VERSION >= (1, 0, 0)
LISTS = VERSION >= (1, 5, 0)


class Database:
    """A client that is really closed at the end of a with block, in every version."""

    def __init__(self, path):
        self.client = chromadb.PersistentClient(path=path, settings=Settings(anonymized_telemetry=False))
        self.system = self.client._system

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        if hasattr(self.client, "close"):
            self.client.close()
        else:
            self.system.stop()
            SharedSystemClient._identifier_to_system.pop(self.client._identifier, None)


class Copy:
    """A copy of a database, since opening one may change it."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.parent = tempfile.mkdtemp(prefix="chroma-copy-")
        return shutil.copytree(self.path, os.path.join(self.parent, "db"))

    def __exit__(self, *_):
        shutil.rmtree(self.parent, ignore_errors=True)


def vectors(packed, count):
    return np.frombuffer(base64.b64decode(packed), dtype="<f4").reshape(count, -1).tolist() if count else []


def packed(vector):
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()


def collection_names(client):
    return sorted(c if isinstance(c, str) else c.name for c in client.list_collections())


def collection(client, name):
    return client.get_collection(name, embedding_function=None)


def space_of(col):
    """Legacy metadata wins, as it does inside Chroma."""
    legacy = (col.metadata or {}).get("hnsw:space")
    if legacy:
        return legacy
    try:
        return col.configuration["hnsw"]["space"] or "l2"
    except Exception:
        return "l2"


def records(col):
    found, offset = [], 0
    while True:
        page = col.get(include=["embeddings", "documents", "metadatas"], limit=2000, offset=offset)
        if not page["ids"]:
            return sorted(found, key=lambda r: r["id"])
        for i, id in enumerate(page["ids"]):
            found.append({"id": id, "document": page["documents"][i], "metadata": page["metadatas"][i] or {},
                          "embedding": np.asarray(page["embeddings"][i], dtype="<f4")})
        offset += len(page["ids"])


def on_the_wire(found):
    return [dict(r, embedding=packed(r["embedding"])) for r in found]


# ---- operations


def version_op(_):
    return {"version": chromadb.__version__, "lists": LISTS, "nulls": NULLS}


def write_op(request):
    """{"dir", "steps"}: creates or opens the database and does the steps in order; see step()."""
    with Database(request["dir"]) as client:
        for each in request["steps"]:
            step(client, each)
    return {}


def step(client, s):
    """{"do": create|add|upsert|update|delete, "collection", ...}.

    create takes "metadata" and "configuration" (1.x); the others "ids" and "embeddings", "documents", "metadatas", or
    "where" for a delete.
    """
    if s["do"] == "create":
        more = {k: s[k] for k in ("metadata", "configuration") if s.get(k)}
        client.get_or_create_collection(s["collection"], embedding_function=None, **more)
        return
    col = collection(client, s["collection"])
    arguments = {k: s[k] for k in ("ids", "documents", "metadatas", "where") if s.get(k) is not None}
    if s.get("embeddings"):
        arguments["embeddings"] = vectors(s["embeddings"], len(s["ids"]))
    getattr(col, s["do"])(**arguments)


def dump_op(request):
    """{"dir"}: every collection with every record, read from a copy."""
    with Copy(request["dir"]) as path, Database(path) as client:
        return {"collections": [dump(collection(client, name)) for name in collection_names(client)]}


def dump(col):
    found = records(col)
    if col.count() != len(found):
        raise ValueError(f"{col.name}: count says {col.count()}, get returned {len(found)}")
    return {"name": col.name, "space": space_of(col), "metadata": col.metadata or {}, "records": on_the_wire(found)}


def check_op(request):
    """{"dir", "queries", "extend", "seed"}: opens a copy and tries everything a reader does.

    Answers, per collection, the records, "problems" in words, recall@10 of the index there and of one that this Chroma
    builds from the same records. With "extend" > 0 another process then adds, replaces and deletes records, that many
    of them, and what a fresh client finds afterwards is compared with what should be there.
    """
    with Copy(request["dir"]) as path:
        problems = sqlite_problems(path)
        with Database(path) as client:
            names = collection_names(client)
            answer = [examine(collection(client, n), request["queries"], request["seed"]) for n in names]
        if request["extend"]:
            child = dict(op="extend", dir=path, add=request["extend"], seed=request["seed"])
            done = subprocess.run([sys.executable, os.path.abspath(__file__)], input=json.dumps(child) + "\n",
                                  capture_output=True, text=True)
            if done.returncode or '"ok"' not in done.stdout:
                raise ValueError(f"adding records failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
            with Database(path) as client:
                for one in answer:
                    col = collection(client, one["name"])
                    again = records(col)
                    expected = extended(one["found"], request["extend"], request["seed"])
                    one["problems"] += [f"after more adds and a restart: {d}" for d in differences(again, expected)]
                    one["recall_after"] = recall(col, again, space_of(col), request["queries"], request["seed"])
            problems += [f"after more adds: {p}" for p in sqlite_problems(path)]
    for one in answer:
        one["records"] = on_the_wire(one.pop("found"))
    return {"problems": problems, "collections": answer}


def sqlite_problems(path):
    db = sqlite3.connect(os.path.join(path, "chroma.sqlite3"))
    try:
        found = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        try:
            db.execute("INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES('integrity-check')")
        except sqlite3.Error as e:
            found.append(f"full text: {e}")
        db.rollback()
        orphans = "SELECT count(*) FROM embedding_metadata m LEFT JOIN embeddings e ON e.id = m.id WHERE e.id IS NULL"
        if db.execute(orphans).fetchone()[0]:
            found.append("rows of embedding_metadata without a record")
        return found
    finally:
        db.close()


def examine(col, queries, seed):
    found = records(col)
    problems = filters(col, found) + gets(col, found)
    if col.count() != len(found):
        problems.append(f"count says {col.count()}, get returned {len(found)}")
    space = space_of(col)
    answer = {"name": col.name, "space": space, "found": found, "problems": problems,
              "recall": recall(col, found, space, queries, seed), "own_recall": 1.0}
    if found and queries:
        with tempfile.TemporaryDirectory(prefix="chroma-own-") as path, Database(path) as client:
            own = client.create_collection("own", embedding_function=None, metadata={"hnsw:space": space})
            for a in range(0, len(found), 500):
                part = found[a:a + 500]
                own.add(ids=[r["id"] for r in part], embeddings=[r["embedding"].tolist() for r in part])
            answer["own_recall"] = recall(own, found, space, queries, seed)
    return answer


def gets(col, found):
    """Every id by name."""
    problems = []
    for a in range(0, len(found), 200):
        ids = [r["id"] for r in found[a:a + 200]]
        got = col.get(ids=ids, include=["embeddings"])
        missing = set(ids) - set(got["ids"])
        if missing or len(got["embeddings"]) != len(ids):
            problems.append(f"get of {len(missing)} ids found nothing, such as {sorted(missing)[:3]}")
    return problems


def filters(col, found):
    """where and where_document against what the records say; a value of each key, at most 40 filters of each kind."""
    problems, seen = [], {}
    for r in found:
        for key, value in r["metadata"].items():
            if isinstance(value, (str, int, bool)) and value != "":
                seen.setdefault((key, type(value)), value)
    for (key, kind), value in sorted(seen.items(), key=lambda s: str(s[0]))[:40]:
        if key.startswith("$") or key.startswith("#"):
            continue
        expected = {r["id"] for r in found if type(r["metadata"].get(key)) is kind and r["metadata"][key] == value}
        got = set(col.get(where={key: value}, include=[])["ids"])
        if got != expected:
            problems.append(f"where {key} = {value!r}: {sorted(got ^ expected)[:5]} too many or missing")
    words = sorted({w for r in found for w in (r["document"] or "").split() if len(w) >= 3 and w.isascii() and w.isalnum()})
    for word in random.Random(1).sample(words, min(40, len(words))):
        expected = {r["id"] for r in found if r["document"] and word in r["document"]}
        got = set(col.get(where_document={"$contains": word}, include=[])["ids"])
        # 0.6 asks the trigram index and so ignores case; the records themselves decide
        got = {i for i in got if i in expected} | {i for i in got if not any(r["id"] == i and word.lower() in (r["document"] or "").lower() for r in found)}
        if got != expected:
            problems.append(f"document contains {word!r}: {sorted(got ^ expected)[:5]} too many or missing")
    return problems


def recall(col, found, space, queries, seed):
    """recall@10 against brute force; -1 if a query answers fewer than it should."""
    if not found or not queries:
        return 1.0
    rng = np.random.default_rng(seed)
    stored = np.stack([r["embedding"] for r in found]).astype(np.float64)
    ids = [r["id"] for r in found]
    picked = stored[rng.integers(0, len(found), queries)]
    noise = rng.standard_normal(picked.shape) * np.linalg.norm(picked, axis=1, keepdims=True) / np.sqrt(stored.shape[1])
    asked = (picked + 0.3 * noise).astype(np.float32)
    k = min(10, len(found))
    a, b = asked.astype(np.float64), stored
    if space == "cosine":
        a = a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-30)
        b = b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-30)
    distance = 1 - a @ b.T if space in ("ip", "cosine") else (a * a).sum(1)[:, None] - 2 * a @ b.T + (b * b).sum(1)[None]
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    hits = 0
    for i in range(queries):
        got = col.query(query_embeddings=[asked[i].tolist()], n_results=k, include=["distances"])["ids"][0]
        if len(got) != k or len(set(got)) != k:
            return -1.0
        kth = distance[i][nearest[i][-1]]
        # whatever lies as near as the tenth counts: equal vectors have no order
        near = {ids[j] for j in np.flatnonzero(distance[i] <= kth + 1e-6 * max(1.0, abs(kth)))}
        hits += len(near.intersection(got))
    return hits / (queries * k)


def extend_op(request):
    """{"dir", "add", "seed"}: more records into each collection, and some replaced and deleted; see extended()."""
    with Database(request["dir"]) as client:
        for name in collection_names(client):
            col = collection(client, name)
            before = records(col)
            if not before:
                continue
            after = {r["id"]: r for r in extended(before, request["add"], request["seed"])}
            kept = {r["id"]: r for r in before}
            changed = [r for r in after.values() if r is not kept.get(r["id"])]
            for a in range(0, len(changed), 100):
                part = changed[a:a + 100]
                col.upsert(ids=[r["id"] for r in part], embeddings=[r["embedding"].tolist() for r in part],
                           documents=[r["document"] for r in part], metadatas=[r["metadata"] for r in part])
            gone = [i for i in kept if i not in after]
            if gone:
                col.delete(ids=gone)
    return {}


def extended(before, add, seed):
    """What extend_op makes of these records: every 7th replaced, every 11th deleted, `add` new ones."""
    if not before:
        return []
    rng = np.random.default_rng(seed + 1)
    dimension = len(before[0]["embedding"])
    after = []
    for i, r in enumerate(before):
        if i % 11 == 5:
            continue
        if i % 7 == 3:
            vector = rng.standard_normal(dimension).astype("<f4")
            r = dict(r, embedding=vector, document=f"replaced {i}", metadata={**r["metadata"], "replaced": i})
        after.append(r)
    fresh = rng.standard_normal((add, dimension)).astype("<f4")
    for i in range(add):
        after.append({"id": f"more-{i:05d}", "embedding": fresh[i], "document": f"more of it {i}", "metadata": {"n": i}})
    return sorted(after, key=lambda r: r["id"])


def differences(got, expected):
    got, expected = {r["id"]: r for r in got}, {r["id"]: r for r in expected}
    found = []
    if got.keys() != expected.keys():
        found.append(f"{len(expected.keys() - got.keys())} ids missing, {len(got.keys() - expected.keys())} too many, "
                     f"such as {sorted(got.keys() ^ expected.keys())[:5]}")
    for id in sorted(got.keys() & expected.keys()):
        a, b = got[id], expected[id]
        if a["document"] != b["document"] or not same_metadata(a["metadata"], b["metadata"]):
            found.append(f"{id}: {a['document']!r} {a['metadata']} instead of {b['document']!r} {b['metadata']}")
        elif not np.allclose(a["embedding"], b["embedding"], rtol=1e-5, atol=1e-6):
            found.append(f"{id}: another vector")
        if len(found) > 5:
            break
    return found


def same_metadata(a, b):
    """Floats rewritten through a client may be off by an ulp."""
    return a.keys() == b.keys() and all(
        type(a[k]) is type(b[k]) and (a[k] == b[k] or (isinstance(a[k], float) and np.isclose(a[k], b[k], rtol=1e-14)))
        for k in a)


def scenario_op(request):
    """{"dir", "name"}: writes the database of that name in chroma_scenarios.py."""
    with Database(request["dir"]) as client:
        getattr(chroma_scenarios, request["name"])(client)
    return {}


def histories_op(request):
    """{"dir", "seed", "count", "max_deltas"}: random histories, each `count` of them a folder h<i> with its deltas d<j>.

    Answers per history the deltas and the records that one Chroma holds after each delta's deletes were applied and its
    records upserted, in order: {"seed", "space", "deltas": [dir], "records": [...]}.
    """
    return {"histories": [history(request["dir"], request["seed"] + i, request["max_deltas"]) for i in range(request["count"])]}


def history(parent, seed, max_deltas):
    r = random.Random(seed)
    rng = np.random.default_rng(seed)
    root = os.path.join(parent, f"h{seed}")
    os.makedirs(root)
    space = r.choice(["l2", "l2", "cosine", "ip"])
    metadata = {"hnsw:space": space}
    if r.random() < 0.3:
        metadata.update({"hnsw:batch_size": 4, "hnsw:sync_threshold": 8})
    ids = [f"id-{i}" for i in range(r.randint(4, 12))]
    folders = [os.path.join(root, f"d{d}") for d in range(r.randint(2, max_deltas))]
    inside = [write_random_delta(folder, metadata, ids, r, rng) for folder in folders]
    with Database(os.path.join(root, "one")) as client:
        one = client.create_collection("words", embedding_function=None, metadata={"hnsw:space": space})
        for final, deleted, nulls in inside:
            upsert_delta(one, final, deleted, nulls)
        found = on_the_wire(records(one))
    return {"seed": seed, "space": space, "deltas": folders, "records": found}


def write_random_delta(folder, metadata, ids, r, rng):
    with Database(folder) as client:
        col = client.create_collection("words", embedding_function=None, metadata=metadata)
        random_step(col, "upsert", ids, r, rng)
        for _ in range(r.randint(1, 9)):
            random_step(col, r.choice(["add", "upsert", "upsert", "update", "update", "delete", "delete"]), ids, r, rng)
        final = records(col)
        held = {x["id"] for x in final}
        if not held:
            random_step(col, "upsert", ids, r, rng)
            final = records(col)
    deleted, nulls = traces(folder, final)
    return final, deleted, nulls


def random_step(col, what, ids, r, rng):
    some = r.sample(ids, r.randint(1, min(4, len(ids))))
    if what == "delete":
        col.delete(ids=some)
        return
    arguments = {"ids": some}
    if what != "update" or r.random() < 0.5:
        arguments["embeddings"] = rng.standard_normal((len(some), 6)).astype(np.float32).tolist()
    with_documents = r.random() < 0.6 and "embeddings" in arguments
    if with_documents:
        arguments["documents"] = [f"word {r.randint(0, 99)} of {i}" for i in some]
    if r.random() < 0.8 or len(arguments) == 1:
        arguments["metadatas"] = [random_metadata(r, NULLS and what != "add") for _ in some]
    getattr(col, what)(**arguments)


def random_metadata(r, nulls):
    made = {}
    for key in r.sample(["a", "b", "c", "d"], r.randint(1, 3)):
        choices = [r.randint(-5, 5), r.random(), f"text {r.randint(0, 9)}", r.random() < 0.5]
        if LISTS:
            choices.append([r.randint(0, 9) for _ in range(r.randint(1, 3))])
        made[key] = None if nulls and r.random() < 0.3 else r.choice(choices)
    return made


def traces(folder, final):
    """The deletes still in the log, and the nulls still in it whose key is gone, by id.

    An update of an id that was not there counts for nothing, so this follows which ids were: up to the last sync those
    in the index, then those of the log.
    """
    metadata = {x["id"]: x["metadata"] for x in final}
    held, synced = synced_ids(folder)
    deleted, nulls = set(), {}
    db = sqlite3.connect(os.path.join(folder, "chroma.sqlite3"))
    for position, operation, id, text in db.execute("SELECT seq_id, operation, id, metadata FROM embeddings_queue ORDER BY seq_id"):
        counts = position <= synced or operation == 2 or (operation == 1) == (id in held)
        if operation == 3:
            deleted.add(id)
            held.discard(id)
        elif counts:
            if position > synced:
                held.add(id)
            for key, value in json.loads(text or "{}").items():
                if value is None and key not in metadata.get(id, {key: None}):
                    nulls.setdefault(id, set()).add(key)
    db.close()
    return deleted, nulls


def synced_ids(folder):
    """The ids in the vector index and the position up to which it follows the log."""
    db = sqlite3.connect(os.path.join(folder, "chroma.sqlite3"))
    (segment,) = db.execute("SELECT id FROM segments WHERE scope = 'VECTOR'").fetchone()
    row = db.execute("SELECT seq_id FROM max_seq_id WHERE segment_id = ?", (segment,)).fetchone()
    db.close()
    if row is None:
        return set(), 0
    with open(os.path.join(folder, segment, "index_metadata.pickle"), "rb") as f:
        index = pickle.load(f)
    ids = index["id_to_label"] if isinstance(index, dict) else index.id_to_label
    return set(ids), int.from_bytes(row[0], "big") if isinstance(row[0], bytes) else row[0]


def upsert_delta(one, final, deleted, nulls):
    """The deletes, then the final records; those that have a document and those that have metadata in one call each."""
    if deleted:
        one.delete(ids=sorted(deleted))
    calls = {}
    for x in final:
        metadata = {**x["metadata"], **{k: None for k in nulls.get(x["id"], ())}}
        calls.setdefault((x["document"] is not None, bool(metadata)), []).append((x, metadata))
    for (with_document, with_metadata), some in calls.items():
        arguments = {"ids": [x["id"] for x, _ in some], "embeddings": [x["embedding"].tolist() for x, _ in some]}
        if with_document:
            arguments["documents"] = [x["document"] for x, _ in some]
        if with_metadata:
            arguments["metadatas"] = [metadata for _, metadata in some]
        one.upsert(**arguments)


def main():
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": globals()[request["op"] + "_op"](request)}
        except BaseException as e:  # a panic of the Rust part is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            SharedSystemClient.clear_system_cache()
            answer = {"error": f"{type(e).__name__}: {e}\n{traceback.format_exc()}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
