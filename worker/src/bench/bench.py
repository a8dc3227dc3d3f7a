#!/usr/bin/env python3
"""Compares compactor with what chromadb alone can do, on one workload: make bench, or make bench QUICK=1.

Runs every contender in turn, round by round, so that whatever else the machine does falls on all of them; takes medians;
checks each result with real Chroma; prints a table, and puts it into docs/benchmarks.md unless it was quick. Needs
Python 3.11 and a built compactor; the workload and an environment with chromadb are made below worker/target and kept.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

import pipeline

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
COMPACTOR = ROOT / "worker/target/compactor/bin/compactor"
BENCH = ROOT / "worker/target/bench"
DOCUMENT = ROOT / "docs/benchmarks.md"
CHROMA = "1.5.9"
CONTENDERS = {
    "merge": "`compactor merge`",
    "pipeline": "`compactor worker`, through SQS and S3",
    "once": "chromadb: all deltas folded in memory, one upsert",
    "stages": "chromadb: chunks, group, snapshot; upserted three times",
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="a small workload, one round, nothing written down")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    options = arguments.parse_args()
    shape, rounds = ((2_000, 8, 256), 1) if options.quick else ((14_816, 40, 1_536), options.rounds)
    python = environment()
    workload = made(python, shape)
    runs = {name: [] for name in options.only}
    checks = {}
    loads = []
    for number in range(1, rounds + 1):
        for name in options.only:
            with Folder() as folder:
                runs[name].append(run(name, python, workload, folder))
                loads.append(os.getloadavg()[0])
                print(f"round {number}: {name}: {describe(runs[name][-1])}", flush=True)
                if name not in checks:
                    checks[name] = check(python, folder / "out", workload, folder / "copy")
        # After each round: whoever stops a long run keeps what it has measured.
        text = report(shape, number, runs, checks, loads)
        print(f"\n{text}\n", flush=True)
        if not options.quick and len(runs) == len(CONTENDERS):
            write_down(text)


class Folder:
    """An empty folder that is gone afterwards."""

    def __enter__(self):
        self.path = BENCH / "work"
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def environment():
    """The one that the tests make, or one made in the same way and the same place."""
    requirements = ROOT / f"worker/src/test/python/requirements-{CHROMA}.txt"
    cache = pathlib.Path(os.environ.get("CHROMA_TEST_CACHE", ROOT / "worker/target/chroma-venvs"))
    home = cache / CHROMA
    python = home / "bin/python"
    ready = home / "ready"
    if not ready.exists() or ready.read_text() != requirements.read_text():
        print(f"installing chromadb {CHROMA} into {home}", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--no-deps"]
        subprocess.run([python, "-m", *install, "-r", requirements], check=True)
        ready.write_text(requirements.read_text())
    return python


def made(python, shape):
    workload = BENCH / ("workload-" + "-".join(map(str, shape)))
    if not workload.exists():
        print(f"making {workload}", flush=True)
        half = workload.with_suffix(".part")
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run([python, HERE / "workload.py", half, *map(str, shape)], check=True)
        half.rename(workload)
    return workload


def run(name, python, workload, folder):
    out = folder / "out"
    if name == "merge":
        deltas = sorted((workload / "deltas").iterdir())
        return measured([COMPACTOR, "merge", "--out", out, *deltas], folder)
    if name == "pipeline":
        return pipeline.run(COMPACTOR, workload, out, folder)
    return measured([python, HERE / "rivals.py", name, workload, out], folder)


def measured(command, folder):
    """Wall seconds, CPU seconds and peak memory (MB) of a process and its children."""
    with open(folder / "log", "w+") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{command[:3]} ended with {process.returncode}:\n{log.read()[-3000:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss / 1024}


def check(python, database, workload, copy):
    answer = subprocess.run(
        [python, HERE / "check.py", database, workload, copy], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(answer.stdout)


def describe(one):
    return f"{one['wall']:.1f} s wall, {one['cpu']:.1f} s CPU, {one['rss']:.0f} MB"


def report(shape, rounds, runs, checks, loads):
    records, deltas, dimension = shape
    medians = {
        name: {key: statistics.median(one[key] for one in all_) for key in ("wall", "cpu", "rss")}
        for name, all_ in runs.items()
    }
    unit = medians.get("merge") or next(iter(medians.values()))
    lines = [
        f"{datetime.date.today()}, {machine()}, load {min(loads):.1f} to {max(loads):.1f} on {os.cpu_count()} cores. "
        f"{records:,} records in {deltas} deltas, {dimension} dimensions, {checks[next(iter(checks))]['records']:,} ids; "
        f"chromadb {CHROMA}, {java()}; {'one run each' if rounds == 1 else f'medians of {rounds}'}.",
        "",
        "| | CPU s | × | wall s | × | peak RSS MB | × | recall@10 | inexact doubles |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, median in medians.items():
        cells = [CONTENDERS[name]]
        for key in ("cpu", "wall", "rss"):
            cells += [f"{median[key]:,.0f}" if key == "rss" else f"{median[key]:.1f}", f"{median[key] / unit[key]:.2f}"]
        cells += [f"{checks[name]['recall_at_10']:.4f}", f"{checks[name]['inexact']:,}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "Each run (CPU s): " + "; ".join(
        f"{name} " + ", ".join(f"{one['cpu']:.1f}" for one in all_) for name, all_ in runs.items()) + "."]
    return "\n".join(lines)


def machine():
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []:
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"


def java():
    home = subprocess.run([COMPACTOR.with_name("find-java")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for line in pathlib.Path(home, "release").read_text().splitlines():
        if line.startswith("JAVA_VERSION="):
            return "Java " + line.split('"')[1]
    return "Java"


def write_down(text):
    begin, end = "<!-- measured -->", "<!-- /measured -->"
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
    print(f"written into {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
