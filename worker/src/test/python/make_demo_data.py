#!/usr/bin/env python3
"""The data of the demo: a week of receipts of a corner shop, each day a delta written by another version of real Chroma.

    python3 make_demo_data.py VENVS OUT

VENVS holds an environment per version (VENVS/1.5.9/bin/python; the tests leave such a folder), OUT receives an archive
per delta and demo.json, which says what each is. Needs the zstd command. Ids, documents, metadata and vectors are the
same every time; Chroma's own ids and times are not.
"""
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time

DIMENSION = 32
COLLECTION = "words"
ITEMS = """whole milk|oat milk|rye bread|sourdough bread|salted butter|unsalted butter|cheddar cheese|goat cheese|brown eggs|
free range eggs|red apples|green apples|ripe bananas|lemons|blood oranges|cherry tomatoes|plum tomatoes|cucumber|red onions|
spring onions|garlic|potatoes|sweet potatoes|carrots|celery|basmati rice|brown rice|spaghetti|penne|olive oil|sunflower oil|
black tea|green tea|ground coffee|coffee beans|dark chocolate|milk chocolate|oat biscuits|honey|strawberry jam|sea salt|
black pepper|washing powder|paper towels|dish soap|sparkling water|still water|orange juice|apple juice|tinned tuna""".replace("\n", "").split("|")

# In the order in which they are written: what is written later wins. The first one decides the schema level of a new
# database, so the oldest version comes first and every version can open the snapshot.
DAYS = [
    dict(name="monday", version="0.6.3", layout="directory", receipts=range(1, 13),
         story="twelve receipts, all of it still in the write-ahead log"),
    dict(name="tuesday", version="1.0.20", layout="directory", receipts=range(13, 21), corrected=range(1, 3),
         story="eight more, and two of Monday's read again with better light"),
    dict(name="wednesday", version="1.3.5", layout="archive", file="wednesday.tar.gz", receipts=range(21, 29), corrected=range(2, 4),
         story="eight more as delta.tar.gz; receipt 2 corrected once more"),
    dict(name="thursday", version="1.5.9", layout="directory", receipts=range(29, 41), sync=50, voided=[4],
         story="twelve more, most of them in a vector index; Monday's receipt 4 was voided"),
    dict(name="friday", version="1.5.9", layout="archive", file="friday.tar.zst", receipts=range(41, 47), corrected=range(13, 15),
         story="six more as delta.tar.zst"),
    dict(name="saturday", version="1.5.9", layout="directory", receipts=range(47, 59), sync=50, corrected=range(41, 43),
         story="twelve more", broken="pickle-missing", reason="index-missing",
         damage="the upload lost index_metadata.pickle: Chroma opens it, counts right, and finds nothing"),
    dict(name="sunday", version="1.3.5", layout="directory", receipts=range(59, 69), sync=40,
         story="ten more", broken="torn-copy", reason="wal-gap",
         damage="copied while Chroma was writing: the log is purged, the index is older"),
    dict(name="holiday", version="0.6.3", layout="archive", file="holiday.tar.gz", receipts=range(69, 73),
         story="four more", broken="truncated", reason="sqlite-corrupt",
         damage="chroma.sqlite3 ends in the middle, SQLite's own header is fine"),
    dict(name="inventory", version="1.5.9", layout="directory", receipts=range(73, 76),
         story="three receipts of the stock-taking", broken="other-model", reason="dimension-mismatch",
         damage="embedded with another model: 24 dimensions instead of 32 in some records"),
]


def embedding(text, dimension=DIMENSION):
    """Letters in threes, hashed: similar words lie near each other, and no model is needed."""
    vector = [0.0] * dimension
    padded = f"  {text.lower()} "
    for i in range(len(padded) - 2):
        digest = hashlib.sha256(padded[i:i + 3].encode()).digest()
        vector[digest[0] % dimension] += 1.0 if digest[1] % 2 else -1.0
        vector[digest[2] % dimension] += 0.5 if digest[3] % 2 else -0.5
    length = sum(x * x for x in vector) ** 0.5 or 1.0
    return [x / length for x in vector]


def receipt(number, reading):
    """The lines of one receipt; a later reading of the same one has the same ids and better text."""
    r = random.Random(number)
    for line in range(1, r.randint(7, 11)):
        item, price = r.choice(ITEMS), r.randint(79, 1299)
        # The first reading of some lines is a little wrong.
        text = item if reading > 1 or (number + line) % 4 else item.replace("e", "c", 1)
        metadata = {"receipt": number, "line": line, "cents": price, "reading": reading, "price": price / 100}
        if reading > 1:
            metadata["checked"] = True
        yield f"RECEIPT#{number:04d}#LINE#{line:02d}", text, metadata


def rows(day):
    readings = {number: 1 for number in day["receipts"]}
    readings.update({number: DAYS.index(day) + 1 for number in day.get("corrected", ())})
    return [row for number in sorted(readings) for row in receipt(number, readings[number])]


# ---- with chromadb, in the environment of the day's version


def write(day, folder):
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=folder, settings=Settings(anonymized_telemetry=False))
    system = client._system
    metadata = {"hnsw:space": "l2"}
    if "sync" in day:
        metadata.update({"hnsw:sync_threshold": day["sync"], "hnsw:batch_size": 10})
    col = client.create_collection(COLLECTION, embedding_function=None, metadata=metadata)
    all_rows = rows(day)
    for a in range(0, len(all_rows), 10):
        part = all_rows[a:a + 10]
        col.upsert(ids=[r[0] for r in part], documents=[r[1] for r in part], metadatas=[r[2] for r in part],
                   embeddings=[embedding(r[1]) for r in part])
        if day.get("broken") == "torn-copy" and a == 60:
            shutil.copytree(folder, folder + ".earlier")
    for number in day.get("voided", ()):
        col.delete(ids=[id for id, _, _ in receipt(number, 1)])
    count = col.count()
    if hasattr(client, "close"):
        client.close()
    else:
        system.stop()
    print(json.dumps(count))


# ---- damage


def damage(how, folder):
    database = os.path.join(folder, "chroma.sqlite3")
    if how == "pickle-missing":
        os.remove(os.path.join(index_folder(folder), "index_metadata.pickle"))
    elif how == "torn-copy":
        # the index as it was earlier, with the position it had then, beside the log as it is now
        earlier = sqlite3.connect(os.path.join(folder + ".earlier", "chroma.sqlite3"))
        vector = "(SELECT id FROM segments WHERE scope = 'VECTOR')"
        (position,) = earlier.execute(f"SELECT seq_id FROM max_seq_id WHERE segment_id = {vector}").fetchone()
        earlier.close()
        now = sqlite3.connect(database)
        now.execute(f"UPDATE max_seq_id SET seq_id = ? WHERE segment_id = {vector}", (position,))
        now.commit()
        now.close()
        shutil.rmtree(index_folder(folder))
        shutil.copytree(index_folder(folder + ".earlier"), index_folder(folder))
    elif how == "truncated":
        with open(database, "r+b") as f:
            f.truncate(os.path.getsize(database) * 3 // 5 // 4096 * 4096 + 1234)
    elif how == "other-model":
        # Chroma itself refuses a second dimension; a producer that writes the log by other means does not
        now = sqlite3.connect(database)
        import struct
        for position, id in now.execute("SELECT seq_id, id FROM embeddings_queue WHERE seq_id > 10").fetchall():
            now.execute("UPDATE embeddings_queue SET vector = ? WHERE seq_id = ?",
                        (struct.pack("<24f", *embedding(id, 24)), position))
        now.commit()
        now.execute("VACUUM")
        now.close()


def index_folder(folder):
    db = sqlite3.connect(os.path.join(folder, "chroma.sqlite3"))
    (segment,) = db.execute("SELECT id FROM segments WHERE scope = 'VECTOR'").fetchone()
    db.close()
    return os.path.join(folder, segment)


def pack(folder, archive):
    if archive.endswith(".zst"):
        plain = archive[:-len(".zst")]
        with tarfile.open(plain, "w") as tar:
            add_all(tar, folder)
        subprocess.run(["zstd", "-q", "-19", "--rm", "-f", plain, "-o", archive], check=True)
    else:
        with tarfile.open(archive, "w:gz", compresslevel=9) as tar:
            add_all(tar, folder)


def add_all(tar, folder):
    for root, _, files in sorted(os.walk(folder)):
        for name in sorted(files):
            path = os.path.join(root, name)
            tar.add(path, arcname=os.path.relpath(path, folder))


def expected_ids(days):
    """The lines that the shop has in the end, with the text of the last reading."""
    lines = {}
    for day in days:
        for number in day.get("voided", ()):
            for id, _, _ in receipt(number, 1):
                lines.pop(id, None)
        for id, text, _ in rows(day):
            lines[id] = text
    return lines


def nearest(question, lines):
    asked = embedding(question)
    return sorted(lines, key=lambda id: (sum((a - b) ** 2 for a, b in zip(asked, embedding(lines[id]))), id))


def make(venvs, out):
    os.makedirs(out, exist_ok=True)
    listed = []
    with tempfile.TemporaryDirectory() as scratch:
        for day in DAYS:
            folder = os.path.join(scratch, day["name"])
            python = os.path.join(venvs, day["version"], "bin", "python")
            done = subprocess.run([python, os.path.abspath(__file__), "--write", day["name"], folder], check=True, capture_output=True, text=True)
            file = day.get("file", day["name"] + ".tar.gz")
            entry = {"name": day["name"], "file": file, "layout": day["layout"], "writer": "chromadb " + day["version"],
                     "collection": COLLECTION, "records": json.loads(done.stdout.splitlines()[-1]), "story": day["story"]}
            if "broken" in day:
                repaired = file.replace(".tar", "-repaired.tar")
                pack(folder, os.path.join(out, repaired))
                damage(day["broken"], folder)
                entry.update(broken=day["broken"], damage=day["damage"], reason=day["reason"], repaired=repaired)
            pack(folder, os.path.join(out, file))
            listed.append(entry)
            time.sleep(1.1)  # the log's times have whole seconds
    lines = expected_ids(DAYS)
    good = expected_ids([day for day in DAYS if "broken" not in day])
    demo = {"database": "shop", "collection": COLLECTION, "dimension": DIMENSION, "space": "l2", "deltas": listed,
            "records_without_broken": len(good), "records_complete": len(lines), "deleted": sum(len(list(receipt(n, 1))) for d in DAYS for n in d.get("voided", ())),
            "questions": [{"text": q, "vector": [round(x, 7) for x in embedding(q)],
                           "nearest": [{"id": id, "document": lines[id]} for id in nearest(q, lines)[:3]]}
                          for q in ("oat milk", "chocolat", "green tea")]}
    with open(os.path.join(out, "demo.json"), "w", encoding="utf-8") as f:
        json.dump(demo, f, indent=1, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        write(next(day for day in DAYS if day["name"] == sys.argv[2]), sys.argv[3])
    else:
        make(sys.argv[1], sys.argv[2])
