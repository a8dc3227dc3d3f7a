#!/usr/bin/env python3
"""What many small batches cost that come together: 20 batches of one chunk onto a snapshot of about 500 MB, three workers.

groupcommit.py [--records N] [--dimension D] [--batches B] [--compactor PROGRAM ...]

Makes the deltas with real Chroma (an environment below worker/target, as make bench does), publishes the large one as the
base with one worker that ends then, enqueues the small batches, starts three workers and waits until all is inside. Prints,
for each PROGRAM (the built one, or several builds to compare, one after the other): versions uploaded, bytes written to and
read from S3 by the three, their CPU seconds, and wall seconds from the start of the workers to the last pointer.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import measure
import pipeline

WORKERS = 3
DELTAS = 3  # a batch
RECORDS = 2  # a small delta
MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, chroma, workload
out, records, dimension, batches, deltas, few = sys.argv[2], *map(int, sys.argv[3:])
random = np.random.default_rng(20)
def make(name, size):
    ids = [f"{name}/line-{i}" for i in range(size)]
    documents = [workload.WORDS[i % len(workload.WORDS)] for i in range(size)]
    metadatas = [workload.metadata(random, i, document) for i, document in zip(ids, documents)]
    workload.write(f"{out}/{name}", ids, random.standard_normal((size, 64), dtype=np.float32), documents, metadatas)
make("base", 100)
with chroma.client(f"{out}/base") as client:
    large = client.create_collection("large", embedding_function=None)
    for at in range(0, records, 10):
        large.upsert(ids=[str(i) for i in range(at, at + 10)], embeddings=random.standard_normal((10, dimension), dtype=np.float32))
for batch in range(batches):
    for delta in range(deltas):
        make(f"small-{batch:02d}-{delta}", few)
"""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=120, help="of the large collection of the base")
    arguments.add_argument("--dimension", type=int, default=1_000_000, help="of these: few long vectors are large to move and quick to index")
    arguments.add_argument("--batches", type=int, default=20)
    arguments.add_argument("--compactor", nargs="+", type=pathlib.Path, default=[measure.COMPACTOR])
    options = arguments.parse_args()
    made = deltas(options)
    for compactor in options.compactor:
        with measure.Folder() as folder:
            print(f"{compactor}: {run(compactor, made, options.batches, folder)}", flush=True)


def deltas(options):
    shape = (options.records, options.dimension, options.batches, DELTAS, RECORDS)
    made = measure.BENCH / ("groupcommit-" + "-".join(map(str, shape)))
    if not made.exists():
        half = made.with_suffix(".part")
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run([measure.environment(), "-c", MAKE, measure.HERE, half, *map(str, shape)], check=True)
        half.rename(made)
    return made


def run(compactor, made, batches, folder):
    with open(folder / "log", "w") as log:
        servers = subprocess.Popen([compactor, "dev", "--json"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            ready = json.loads(servers.stdout.readline())
            settings = pipeline.environment(ready) | {"COMPACTOR_SCRATCH_DIR": str(folder / "scratch")}
            for file in sorted(file for file in made.rglob("*") if file.is_file()):
                pipeline.put(ready, "words/delta/" + file.relative_to(made).as_posix(), file.read_bytes())
            return measured(compactor, ready, settings, sorted(path.name for path in made.iterdir()), batches, log)
        finally:
            servers.terminate()
            servers.wait()


def measured(compactor, servers, settings, names, batches, log):
    publisher = subprocess.Popen([compactor, "worker"], env=settings, stdout=log, stderr=log)
    enqueue(compactor, settings, log, "base", [name for name in names if name.startswith("base")])
    until(lambda: manifest(servers))
    ended(publisher)
    inside = len(manifest(servers)["lineage"]["chunks"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(enqueue, compactor, settings, log, f"small-{batch:02d}",
                                [name for name in names if name.startswith(f"small-{batch:02d}-")]) for batch in range(batches)]:
            one.result()
    started = time.monotonic()
    ports = [pipeline.free_port() for _ in range(WORKERS)]
    workers = [subprocess.Popen([compactor, "worker"], env=settings | {"COMPACTOR_HEALTH_PORT": str(port)}, stdout=log, stderr=log)
               for port in ports]
    until(lambda: len(manifest(servers)["lineage"]["chunks"]) == inside + batches)
    wall = time.monotonic() - started
    until(lambda: all(scrape(port)["compactor_slots_busy"] == 0 for port in ports))  # who has lost may still be at it
    metrics = [scrape(port) for port in ports]
    cpu = sum(ended(worker) for worker in workers)
    listed = subprocess.run([compactor, "snapshot", "list", "--database", "words", "--json"],
                            env=settings, stdout=subprocess.PIPE, stderr=log, check=True)
    versions = json.loads(listed.stdout)
    return {"uploads": len(versions) - 1, "published": manifest(servers)["seq"] - 1, "base_mb": round(versions[-1]["bytes"] / 1e6),
            "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)} | {
        name: round(sum(each.get(f"compactor_s3_{metric}_bytes_total", 0) for each in metrics) / 1e6)
        for name, metric in (("put_mb", "sent"), ("read_mb", "received"))}


def enqueue(compactor, settings, log, batch, names):
    command = [compactor, "enqueue", "--database", "words", "--batch", batch, "--chunk-size", "3"]
    for name in names:
        command += ["--delta", f"words/delta/{name}/"]
    subprocess.run(command, env=settings, stdout=log, stderr=log, check=True)


def until(condition):
    while not condition():
        time.sleep(0.5)


def manifest(servers):
    """The live one; None before the first."""
    try:
        version = pipeline.call(servers, "GET", "words/snapshot/latest-pointer.txt").decode()
    except urllib.error.HTTPError:
        return None
    return json.loads(pipeline.call(servers, "GET", f"words/snapshot/timestamped/{version}/manifest.json"))


def scrape(port):
    """Samples by name, summed over their labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        samples = {}
        for name, value in re.findall(r"^(\w+)(?:\{.*\})? (\S+)", answer.read().decode(), re.MULTILINE):
            samples[name] = samples.get(name, 0) + float(value)
        return samples


def ended(worker):
    """CPU seconds of a worker that is told to stop."""
    worker.send_signal(signal.SIGTERM)
    _, status, usage = os.wait4(worker.pid, 0)
    worker.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
