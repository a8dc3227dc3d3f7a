"""What the scripts here share: the shape of the workload, and clients that are really closed."""
import contextlib
import json
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


def deltas(workload, most=None):
    folder = os.path.join(workload, "deltas")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))][:most]


def records(workload, most=None):
    """What was written into the deltas of a workload, in order; a later record replaces an earlier one of its id."""
    with open(os.path.join(workload, "records.jsonl"), encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if most is not None and record["delta"] >= most:
                return
            yield record
