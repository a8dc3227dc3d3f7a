#!/usr/bin/env python3
"""Measures what disk a job takes against what it reads: the figures behind docs/decisions, on admission.

footprint.py RECORDS DELTAS DIMENSION [...]

Makes deltas with real Chroma (needs chromadb), lets a built worker fold them as two batches of two chunks and one group
merge, one job at a time, and asks the file system two hundred times a second how much is taken. That is a tmpfs of its own
(needs root): a directory does not show files that are unlinked while they are open. Prints one line a job: bytes of its
inputs, the most it had on disk at once, and the quotient.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import pipeline
import workload

COMPACTOR = pathlib.Path(__file__).resolve().parents[2] / "target/compactor/bin/compactor"
#: What a job has fetched, by its kind.
INPUTS = {"chunk": "delta-", "group": "input-", "publish": "intermediate-"}


def main(*shape):
    for at in range(0, len(shape), 3):
        records, deltas, dimension = map(int, shape[at:at + 3])
        with tempfile.TemporaryDirectory(prefix="footprint-") as folder:
            measure(pathlib.Path(folder), records, deltas, dimension)


def measure(folder, records, deltas, dimension):
    workload.make(str(folder / "made"), records, deltas, workload.Receipts(dimension))
    keys = {}
    with open(folder / "log", "w") as log:
        servers = subprocess.Popen([COMPACTOR, "dev", "--json"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            environment = pipeline.environment(ready := json.loads(servers.stdout.readline()))
            for file in sorted(file for file in (folder / "made/deltas").rglob("*") if file.is_file()):
                name = file.relative_to(folder / "made/deltas").as_posix()
                pipeline.put(ready, f"words/delta/{name}", file.read_bytes())
                keys[f"words/delta/{name.split('/')[0]}/"] = None
            mounted = folder / "scratch"
            mounted.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8g", "footprint", mounted], check=True)
            watch = Watch(mounted)
            worker = subprocess.Popen(
                [COMPACTOR, "worker"], stdout=log, stderr=log,
                env=environment | {"COMPACTOR_SCRATCH_DIR": str(folder / "scratch"), "COMPACTOR_CONCURRENCY": "1"})
            try:
                names = list(keys)
                enqueue(environment, log, "first", names[:deltas // 2])
                group(ready, "first")
                watch.until("group")
                enqueue(environment, log, "second", names[deltas // 2:])
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait()
                watch.end()
                subprocess.run(["umount", mounted], check=True)
        finally:
            servers.terminate()
            servers.wait()
    print(f"{records} records in {deltas} deltas, {dimension} dimensions, {size(folder / 'made/deltas'):,} bytes")
    base = 0
    for name, job in watch.jobs.items():
        kind = name.split("-")[0]
        read = job["read"] + (base if kind == "publish" else 0)
        print(f"  {kind:8} {read:12,} -> {job['most']:12,}  x {job['most'] / max(1, read):.2f}  left {job['last']:,}")
        if kind == "publish":
            base = job["last"]
    sys.stdout.flush()


class Watch:
    """Remembers, for every job, the most that was taken while its directory was there, and the most of its inputs."""

    def __init__(self, scratch):
        self.scratch, self.jobs, self.over = scratch, {}, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.005):
            for path in self.scratch.glob("*/jobs/*-*"):
                prefix = INPUTS.get(path.name.split("-")[0])
                if prefix is None:
                    continue
                job = self.jobs.setdefault(path.name, {"most": 0, "read": 0, "last": 0})
                state = os.statvfs(self.scratch)
                job["most"] = max(job["most"], (state.f_blocks - state.f_bfree) * state.f_frsize)
                parts = {part.name: size(part) for part in children(path)}
                job["read"] = max(job["read"], sum(b for name, b in parts.items() if name.startswith(prefix)))
                job["last"] = parts.get("attempt-0") or job["last"]

    def until(self, kind):
        while not any(name.startswith(kind) for name in self.jobs):
            time.sleep(0.05)

    def end(self):
        self.over.set()
        self.thread.join()


def children(path):
    try:
        return list(path.iterdir())
    except FileNotFoundError:
        return []


def size(path):
    """Bytes of a file, or of all files below a directory, that are still there."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                pass
    return total


def enqueue(environment, log, batch, keys):
    command = [COMPACTOR, "enqueue", "--database", "words", "--batch", batch, "--chunk-size", str(-(-len(keys) // 2)), "--watch"]
    for key in keys:
        command += ["--delta", key]
    subprocess.run(command, env=environment, stdout=log, stderr=log, check=True)


def group(servers, batch):
    body = {"operation": "merge_chunk_group", "batch_id": f"{batch}-group-0", "group_index": 0, "database": "words",
            "chunk_group": [f"intermediate/{batch}/chunk-{chunk}/" for chunk in range(2)]}
    request = urllib.request.Request(
        servers["sqs_endpoint"], method="POST",
        data=json.dumps({"QueueUrl": servers["queue_url"], "MessageBody": json.dumps(body)}).encode(),
        headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"})
    urllib.request.urlopen(request).close()


if __name__ == "__main__":
    main(*sys.argv[1:])
