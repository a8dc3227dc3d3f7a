"""What the scripts here share: the shape of the workload, and clients that are really closed."""
import contextlib
import os

os.environ["ANONYMIZED_TELEMETRY"] = "False"
COLLECTION = "words"
FIELDS = ["embeddings", "documents", "metadatas"]


@contextlib.contextmanager
def client(path):
    import chromadb

    opened = chromadb.PersistentClient(path=path, settings=chromadb.config.Settings(anonymized_telemetry=False))
    try:
        yield opened
    finally:
        opened.close()


def everything(path):
    """All records of a database, as get answers."""
    with client(path) as opened:
        return opened.get_collection(COLLECTION).get(include=FIELDS)


def deltas(workload):
    folder = os.path.join(workload, "deltas")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
