"""Write a Chroma delta, upload it, tell the compactor. Needs chromadb 1.5 and boto3."""
import json
import os
import pathlib
import tempfile
import uuid

import boto3
import chromadb

delta = pathlib.Path(tempfile.mkdtemp())
with chromadb.PersistentClient(delta) as chroma:  # upload only after its end: it closes the files
    words = chroma.create_collection("words", embedding_function=None)
    words.upsert(["milk", "bread"], [[0.1, 0.9], [0.8, 0.2]], [{"aisle": 3}, {"aisle": 7}], ["whole milk", "rye bread"])
key = f"words/delta/{uuid.uuid4().hex}/"
for file in filter(pathlib.Path.is_file, delta.rglob("*")):
    boto3.client("s3").upload_file(file, os.environ["COMPACTOR_BUCKET"], key + file.relative_to(delta).as_posix())
body = json.dumps({"delta_key": key, "collection": "words", "database": "words"})
boto3.client("sqs").send_message(QueueUrl=os.environ["COMPACTOR_QUEUE_URL"], MessageBody=body)
