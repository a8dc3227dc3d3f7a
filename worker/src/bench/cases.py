"""What make bench measures: cases, the contenders of each, and how they are made ready and run."""
from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess

import measure
import pipeline
from measure import BENCH, COMPACTOR, HERE

OURS = "ours"
NAMES = {
    OURS: "`compactor merge`",
    "queue": "`compactor worker`, through SQS and S3",
    "flow": "chromadb, upserted three times",
    "final": "chromadb, the last of three upserts alone",
    "script": "chromadb, one upsert",
    "graph": "our index alone",
    "hnswlib": "hnswlib alone",
}


@dataclasses.dataclass(frozen=True)
class Shape:
    """What is merged: `deltas` of a workload that has `made` of them; their vectors still in Chroma's log, where it is to `grow`."""

    records: int
    deltas: int
    dimension: int
    base: Shape | None = None
    text: bool = False
    made: int | None = None
    grow: bool = False

    def workload(self):
        made = self.made or self.deltas
        name = f"{self.records * made // self.deltas}-{made}-{self.dimension}{'-text' * self.text}{'-log' * self.grow}"
        return BENCH / "workloads" / (name + (f"-onto-{self.base.workload().name}" if self.base else ""))

    def deltas_(self):
        return sorted((self.workload() / "deltas").iterdir())[:self.deltas]

    def sources(self):
        """As check.py wants them."""
        return (self.base.sources() if self.base else []) + [f"{self.workload()}:{self.deltas}"]


@dataclasses.dataclass(frozen=True)
class Case:
    """`goals`: how many times less wall time and CPU than that rival is aimed at. `wanted`: without being asked for."""

    title: str
    shape: Shape
    quick: Shape
    contenders: tuple[str, ...]
    goals: dict[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    rounds: int | None = None
    wanted: bool = True


def growing(records, made=30, dimension=128):
    return Shape(records, records // 10_000, dimension, made=made, grow=True)


SMALL = Shape(2_000, 8, 256)
SMALL_BASE = Shape(4_000, 1, 256)
SMALL_GROWTH = [Shape(1_000 * deltas, deltas, 32, made=3, grow=True) for deltas in (1, 2, 3)]
WHOLE = Shape(14_816, 40, 1_536)
BASE = Shape(50_000, 1, 1_536)
TEXT = Shape(12_000, 16, 384, text=True)
SIZES = [10_000, 100_000, 300_000]
CASES = {
    "nothing": Case(
        "from nothing", WHOLE, SMALL, (OURS, "flow", "script"), {"flow": (25, 25), "script": (7, 7)}),
    "base": Case(
        "into a base", dataclasses.replace(WHOLE, base=BASE), dataclasses.replace(SMALL, base=SMALL_BASE), (OURS, "final"),
        {"final": (15, 8)}),
    "few": Case(
        "a few into a base", Shape(3_000, 8, 1_536, BASE), Shape(500, 4, 256, SMALL_BASE), (OURS, "script"),
        {"script": (4, 4)}),
    "text": Case("real text", TEXT, TEXT, (OURS, "script")),
    "queue": Case("through the queue", WHOLE, SMALL, ("queue",)),
    "graph": Case("the graph alone", WHOLE, SMALL, ("graph", "hnswlib")),
    "graph-text": Case("the graph alone, real text", TEXT, TEXT, ("graph", "hnswlib")),
} | {
    f"grow-{size // 1000}k": Case("growth", growing(size), small, (OURS, "script"), rounds=1)
    for size, small in zip(SIZES, SMALL_GROWTH)
} | {
    f"onto-{size // 1000}k": Case(
        "3,000 into a base that grows", Shape(3_000, 8, 128, growing(size)), Shape(300, 2, 32, small), (OURS,), rounds=1)
    for size, small in zip(SIZES, SMALL_GROWTH)
} | {
    "grow-1000k": Case("growth", growing(1_000_000, 100, 384), SMALL_GROWTH[0], (OURS,), rounds=1, wanted=False),
    "onto-1000k": Case(
        "3,000 into a base that grows", Shape(3_000, 8, 384, growing(1_000_000, 100, 384)), Shape(300, 2, 32, SMALL_GROWTH[0]),
        (OURS,), rounds=1, wanted=False),
}


def ready(shape, contender):
    """Makes what a contender needs and what does not belong to what is measured; it is kept."""
    workload(shape)
    if shape.base:
        our_base(shape.base) if contender == OURS else workload(shape.base)
    if contender == "final":
        group(shape)
    if contender == "graph":
        launcher()
    if contender == "hnswlib":
        measure.hnswlib()


def workload(shape):
    if shape.base:
        workload(shape.base)
    options = ["--text"] * shape.text + ["--no-index"] * shape.grow
    if shape.base:
        options += ["--base", shape.base.workload()]
    made = shape.made or shape.deltas
    size = [shape.records * made // shape.deltas, made, shape.dimension]
    return kept(shape.workload(), lambda path: [
        measure.environment(), HERE / "workload.py", path, *map(str, size), *options])


def our_base(shape):
    """One that this build has made: it may have more beside the snapshot than Chroma's own has."""
    workload(shape)
    name = f"{shape.workload().name}-{shape.deltas}-"
    base = BENCH / "bases" / (name + measure.build())
    if not base.exists():
        for old in base.parent.glob(name + "*"):
            shutil.rmtree(old)
    return kept(base, lambda path: [COMPACTOR, "merge", "--out", path, *shape.deltas_()])


def group(shape):
    """What the predecessor's last step reads."""
    target = BENCH / "groups" / shape.workload().name
    return kept(target, lambda path: [
        measure.environment(), HERE / "rivals.py", "group", shape.workload(), path, "--deltas", str(shape.deltas)])


def kept(target, command):
    if not target.exists():
        print(f"making {target.relative_to(BENCH)}", flush=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(target.name + ".part")
        shutil.rmtree(half, ignore_errors=True)
        subprocess.run(command(half), check=True, stdout=subprocess.DEVNULL)
        half.rename(target)
    return target


def launcher():
    """Our own start script with another class to start, so that its JVM has the same options."""
    classes = BENCH / "classes"
    subprocess.run([
        measure.java_home() / "bin/javac", "-d", classes, "-cp", f"{measure.HOME}/lib/*", HERE / "graph/BuildGraph.java"], check=True)
    script = COMPACTOR.read_text()
    start = '$embedded" dev.chromacompactor.Main "$@"'
    if script.count(start) != 1:
        raise SystemExit(f"{COMPACTOR} does not start Java as this bench knows it: {start}")
    target = COMPACTOR.with_name("build-graph")
    target.write_text(script.replace(start, f'$embedded:{classes}" BuildGraph "$@"'))
    target.chmod(0o755)
    return target


def run(shape, contender, folder):
    """One run from start to end; its result is in out below the folder."""
    out = folder / "out"
    if contender == OURS:
        base = ["--base", our_base(shape.base)] if shape.base else []
        return measure.measured([COMPACTOR, "merge", *base, "--out", out, *shape.deltas_()], folder)[0]
    if contender == "queue":
        return pipeline.run(COMPACTOR, shape.workload(), out, folder)
    if contender in ("graph", "hnswlib"):
        vectors = shape.workload() / "vectors.npy"
        command = [COMPACTOR.with_name("build-graph"), "merge", vectors, str(shape.records), str(shape.dimension), out]
        if contender == "hnswlib":
            command = [measure.hnswlib(), HERE / "hnsw.py", "build", vectors, str(shape.records)]
        # Both say themselves what their building took, without the start of Java or Python.
        run_, said = measure.measured(command, folder)
        return run_ | json.loads(said.splitlines()[-1])
    base = ["--base", *shape.base.deltas_()] if shape.base else []
    source = group(shape) if contender == "final" else shape.workload()
    run_, said = measure.measured([
        measure.environment(), HERE / "rivals.py", contender, source, out, "--deltas", str(shape.deltas), *base], folder)
    return run_ | json.loads(said.splitlines()[-1])


def check(shape, folder, recall):
    """Whether the result is what it must be, and how well its graph is found in."""
    found = said([measure.environment(), HERE / "check.py", folder / "out", folder / "copy", *shape.sources()])
    if recall and (python := measure.hnswlib()):
        workloads = [source.partition(":")[0] for source in reversed(shape.sources())]
        found["graph"] = said([python, HERE / "hnsw.py", "recall", folder / "out", *workloads])
    return found


def said(command):
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])
