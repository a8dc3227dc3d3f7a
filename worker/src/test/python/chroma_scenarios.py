"""Databases that show what Chroma's files can hold. Each function fills an empty database; the same content every time."""
import chromadb
import numpy as np

VERSION = tuple(int(part) for part in chromadb.__version__.split("."))


def random_vectors(seed, count, dimension):
    return np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)


def created(client, name, **metadata):
    return client.create_collection(name, embedding_function=None, metadata=metadata or None)


def empty(client):
    created(client, "words")


def all_types(client):
    """Every kind of value, id and document that this version takes, one record each."""
    col = created(client, "words", **{"hnsw:space": "cosine", "owner": "tést", "n": 3, "f": 1.5, "b": True})
    metadatas = [
        {"s": "plain", "i": 1, "f": 0.5, "b": True},
        {"s": "", "i": 0, "f": 0.0, "b": False},
        {"s": "Ünïcødé 東京 🧾", "i": -1, "f": -0.0},
        {"s": "quotes \" ' ; \\ \n\t", "i": 2**63 - 1, "f": 1e308},
        {"s": "x" * 3000, "i": -(2**63), "f": 5e-324},
        {"f": 0.1, "g": 1 / 3, "h": 123456789.123456789, "whole": 2.0},
        {"ключ": "кириллица", "key with space": "v", "a.b": "dot"},
        {"f": 0.17336955219171837, "g": 0.7892765100652387, "h": 0.08794878, "k": 1e-7, "l": 1e22, "m": 0.1 + 0.2},
    ]
    if VERSION >= (1, 0, 0):
        metadatas.append({"gone": None, "stays": 1})
    else:
        metadatas.append({"inf": float("inf"), "minus": float("-inf")})
    if VERSION >= (1, 5, 0):
        metadatas += [{"tags": ["a", "b", "ü"]}, {"n": [3, 1, 2], "one": 1}, {"f": [0.1, 2.5]}, {"b": [True, False]}]
    vectors = random_vectors(1, len(metadatas) + 3, 8).tolist()
    for i, metadata in enumerate(metadatas):
        document = {} if i % 4 == 0 else {"documents": [f"document {i} été"]}
        col.upsert(ids=[f"record {i} é"], embeddings=[vectors[i]], metadatas=[metadata], **document)
    col.upsert(ids=["bare"], embeddings=[vectors[-3]])
    col.upsert(ids=["document-only"], embeddings=[vectors[-2]], documents=["only a document"])
    col.upsert(ids=["empty-document"], embeddings=[vectors[-1]], documents=[""], metadatas=[{"s": "e"}])


def indexed(client):
    """Past the sync threshold: most vectors in the index, the rest in the log."""
    col = created(client, "words")
    vectors = random_vectors(2, 1250, 24).tolist()
    for a in range(0, 1250, 125):
        part = range(a, a + 125)
        col.upsert(ids=[f"w{i:05d}" for i in part], embeddings=vectors[a:a + 125],
                   documents=[f"word number{i}" for i in part], metadatas=[{"i": i, "f": i / 3} for i in part])


def churn(client, space="l2", name="words"):
    """Adds, upserts, updates, deletes and re-adds across several syncs of the index."""
    col = created(client, name, **{"hnsw:space": space, "hnsw:batch_size": 10, "hnsw:sync_threshold": 50})
    vectors = random_vectors(3, 400, 16).tolist()
    ids = [f"w{i:03d}" for i in range(130)]
    for a in range(0, 130, 13):
        part = ids[a:a + 13]
        col.add(ids=part, embeddings=vectors[a:a + 13], documents=[f"first {i}" for i in part],
                metadatas=[{"generation": 1, "keep": "k" + i, "flag": True} for i in part])
    churned(col, ids, vectors)


def churn_cosine(client):
    churn(client, "cosine")


def churn_ip(client):
    churn(client, "ip")


def churn_in_the_log(client):
    """The same changes, all of them still in the log."""
    col = created(client, "lines", **{"hnsw:space": "cosine"})
    vectors = random_vectors(4, 400, 16).tolist()
    ids = [f"w{i:03d}" for i in range(130)]
    col.add(ids=ids, embeddings=vectors[:130], documents=[f"first {i}" for i in ids],
            metadatas=[{"generation": 1, "keep": "k" + i, "flag": True} for i in ids])
    churned(col, ids, vectors)


def churned(col, ids, vectors):
    col.upsert(ids=ids[10:40], embeddings=vectors[200:230], documents=[f"second {i}" for i in ids[10:40]],
               metadatas=[{"generation": 2, "new": 0.25}] * 30)
    col.delete(ids=ids[30:50])
    col.update(ids=ids[50:55], metadatas=[{"generation": 3, "added": "later"}] * 5)
    col.update(ids=ids[55:60], documents=[f"changed {i}" for i in range(5)], embeddings=vectors[230:235])
    col.update(ids=ids[60:65], embeddings=vectors[240:245])
    col.update(ids=["never there"], embeddings=vectors[245:246], metadatas=[{"generation": 3}])
    col.delete(where={"keep": "kw100"})
    if VERSION >= (1, 0, 0):
        col.upsert(ids=["w070"], embeddings=vectors[250:251], metadatas=[{"keep": None, "generation": 4}])
    col.upsert(ids=ids[35:38], embeddings=vectors[260:263], documents=["back again"] * 3, metadatas=[{"generation": 5}] * 3)
    col.add(ids=ids[0:2], embeddings=vectors[300:302], documents=["ignored"] * 2, metadatas=[{"generation": 99}] * 2)


def several(client):
    """Three collections that share the positions of one log; one of them never held a record."""
    words = created(client, "words", **{"hnsw:space": "ip"})
    settings = {"hnsw:space": "cosine", "hnsw:construction_ef": 64, "hnsw:M": 8, "hnsw:sync_threshold": 40, "hnsw:batch_size": 20}
    if VERSION >= (1, 0, 0):
        lines = client.create_collection("lines", embedding_function=None, configuration={"hnsw": {
            "space": "cosine", "ef_construction": 64, "max_neighbors": 8, "sync_threshold": 40, "batch_size": 20}})
    else:
        lines = created(client, "lines", **settings)
    created(client, "empty")
    a, b = random_vectors(6, 200, 24).tolist(), random_vectors(7, 200, 12).tolist()
    for i in range(0, 90, 9):
        part = range(i, i + 9)
        words.upsert(ids=[f"w{j}" for j in part], embeddings=a[i:i + 9], documents=[f"word {j}" for j in part], metadatas=[{"i": j} for j in part])
        lines.upsert(ids=[f"l{j}" for j in part], embeddings=b[i:i + 9], documents=[f"line {j}" for j in part], metadatas=[{"i": j} for j in part])
    lines.delete(ids=["l3", "l85"])


def emptied(client):
    """A collection that held records and holds none."""
    col = created(client, "words")
    col.add(ids=["a", "b"], embeddings=random_vectors(8, 2, 4).tolist())
    col.delete(ids=["a", "b"])


ALL = ["empty", "all_types", "indexed", "churn", "churn_cosine", "churn_ip", "churn_in_the_log", "several", "emptied"]
