"""Tables and pictures of the runs that are kept, and where they go: docs/benchmarks.md between markers, docs/benchmarks/*.svg."""
import json
import statistics

import measure
import picture
from cases import CASES, NAMES, OURS

DOCUMENT = measure.ROOT / "docs/benchmarks.md"
PICTURES = measure.ROOT / "docs/benchmarks"
#: Of each contender so many of its newest runs count.
NEWEST = 5
#: These are ours.
BY_BUILD = (OURS, "queue", "graph")
MOST_ANON = 500
MOST_QUEUE = 8
EFS = ["10", "50", "100", "200"]


class Runs:
    """The newest runs and checks of each case and contender; of our own only those of the newest build."""

    def __init__(self, kept, quick):
        self.quick, self.all, self.checks = quick, {}, {}
        lines = read(kept)
        for case, one in CASES.items():
            for contender in one.contenders:
                own = [line for line in lines if (line["case"], line["contender"]) == (case, contender)]
                own = [line for line in own if contender not in BY_BUILD or line["build"] == own[-1]["build"]]
                if runs := [line for line in own if "check" not in line]:
                    self.all[case, contender] = runs[-NEWEST:]
                if checks := [line["check"] for line in own if "check" in line]:
                    self.checks[case, contender] = checks[-1]

    def __contains__(self, pair):
        return pair in self.all

    def shape(self, case):
        return CASES[case].quick if self.quick else CASES[case].shape

    def title(self, case):
        shape = self.shape(case)
        text = f"{shape.records:,} × {shape.dimension:,}"
        if shape.base:
            return f"{text} into {shape.base.records:,}"
        return f"{text} of real text" if shape.text else f"{text} from nothing"

    def median(self, case, contender, key):
        values = [line[key] for line in self.all[case, contender] if key in line]
        return statistics.median(values) if values else None

    def check(self, case, contender):
        return self.checks.get((case, contender), {})

    def counted(self):
        return [line for lines in self.all.values() for line in lines]


def read(kept):
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []


def checked(kept, build):
    """Whose result has been checked already; ours, if it is by this build."""
    return {(line["case"], line["contender"]) for line in read(kept)
            if "check" in line and (line["contender"] not in BY_BUILD or line["build"] == build)}


def render(kept, quick, write):
    runs = Runs(kept, quick)
    if not runs.all:
        raise SystemExit(f"nothing measured yet: {kept} has no runs")
    blocks = {"measured": measured(runs), "measured recall": recall(runs), "measured growth": growth(runs)}
    print("\n\n".join(blocks.values()), flush=True)
    folder = PICTURES if write else measure.BENCH / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    groups = [(runs.title(case), bars(runs, case)) for case in CASES if CASES[case].goals and (case, OURS) in runs]
    (folder / "merge.svg").write_text(picture.bars(groups), encoding="utf-8")
    (folder / "growth.svg").write_text(picture.lines(panels(runs)), encoding="utf-8")
    if write:
        write_down(blocks)


def write_down(blocks):
    text = DOCUMENT.read_text(encoding="utf-8")
    for marker, block in blocks.items():
        text = between(text, marker, block)
    DOCUMENT.write_text(text, encoding="utf-8")
    print(f"written into {DOCUMENT.relative_to(measure.ROOT)}")


def between(text, marker, block):
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{DOCUMENT} has no {begin} … {end}")
    return f"{before}{begin}\n{block}\n{end}{after}"


def table(head, rows):
    """A head that begins with '>' is that of a column of numbers."""
    marks = ["---:" if name.startswith(">") else "---" for name in head]
    lines = [[name.lstrip(">") for name in head], marks, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value, digits=1):
    return "" if value is None else f"{value:,.{digits}f}"


def measured(runs):
    counted = runs.counted()
    days = sorted({line["at"][:10] for line in counted})
    loads = [line["load"] for line in counted]
    times = sorted({len(lines) for (case, _), lines in runs.all.items() if CASES[case].rounds is None})
    head = (
        f"{' to '.join(sorted({days[0], days[-1]}))}, {counted[-1]['machine']}, load {min(loads):.1f} to {max(loads):.1f}; "
        f"chromadb {measure.CHROMA}, hnswlib {measure.HNSWLIB}, {counted[-1]['java']}; "
        f"medians of {' to '.join(map(str, sorted({times[0], times[-1]})))}." if times else "")
    return "\n\n".join(part for part in (head, goals(runs), everything(runs), alone(runs)) if part)


def goals(runs):
    rows = []
    for case, one in CASES.items():
        for rival, wanted in one.goals.items():
            if (case, OURS) in runs and (case, rival) in runs:
                row = [runs.title(case), NAMES[rival]]
                for key, goal in zip(("wall", "cpu"), wanted):
                    ours, theirs = runs.median(case, OURS, key), runs.median(case, rival, key)
                    row += [f"{number(theirs)} : {number(ours)}", f"**{theirs / ours:.1f} ×**", f"{goal} ×"]
                rows.append(row)
    if not rows:
        return ""
    text = table(["", "against", ">wall s, theirs : ours", ">", ">goal", ">CPU s, theirs : ours", ">", ">goal"], rows)
    others = []
    if ("queue", "queue") in runs:
        others.append(f"Through the queue, from the first message to the moved pointer: **{number(runs.median('queue', 'queue', 'wall'))} s** (goal: {MOST_QUEUE} s).")
    anon = [runs.median(case, OURS, "anon") for case in CASES if CASES[case].goals and (case, OURS) in runs]
    if any(anon):
        others.append(f"Peak anonymous memory of these merges: at most **{max(filter(None, anon)):.0f} MB** (goal: {MOST_ANON} MB).")
    return "\n\n".join([text, *others])


def everything(runs):
    rows = []
    for (case, contender) in runs.all:
        if CASES[case].rounds is None and contender not in ("graph", "hnswlib"):
            checked = runs.check(case, contender)
            rows.append([
                runs.title(case), NAMES[contender], *(number(runs.median(case, contender, key)) for key in ("cpu", "wall", "copying")),
                *(number(runs.median(case, contender, key), 0) for key in ("anon", "rss")),
                number(checked.get("recall_at_10"), 4), number(checked.get("inexact"), 0)])
    return rows and table(
        ["", "", ">CPU s", ">wall s", ">of it copying", ">anonymous MB", ">RSS MB", ">recall@10", ">inexact doubles"], rows)


def alone(runs):
    rows = []
    for case in ("graph", "graph-text"):
        for contender in ("graph", "hnswlib"):
            if (case, contender) in runs:
                rows.append([runs.title(case), NAMES[contender], *(number(runs.median(case, contender, key)) for key in ("cpu", "wall"))])
    return rows and table(["", "", ">CPU s", ">wall s"], rows)


def recall(runs):
    rows = []
    for case, contender in runs.all:
        graph = runs.check(case, contender).get("graph")
        if graph:
            name = "ours" if contender == OURS else "Chroma's own"
            rows.append([runs.title(case), name, f"{graph['indexed']:,}", *(f"{graph[kind][ef]:.4f}" for kind in ("plain", "hard") for ef in EFS)])
    return table(
        ["", "index", ">nodes", *(f">plain {ef}" for ef in EFS), *(f">hard {ef}" for ef in EFS)], rows) if rows else "Not measured: hnswlib is missing."


GROWTH = {
    "grow": [(OURS, "ours, from nothing"), ("script", "chromadb, one upsert, from nothing")],
    "onto": [(OURS, "ours, 3,000 into such a base")],
}


def growing(runs, kind, contender):
    return [case for case in CASES if case.startswith(kind) and (case, contender) in runs]


def growth(runs):
    rows = []
    for kind, contenders in GROWTH.items():
        for contender, name in contenders:
            for case in growing(runs, kind, contender):
                shape = runs.shape(case)
                rows.append([
                    name, f"{(shape.base or shape).records:,} × {shape.dimension}",
                    *(number(runs.median(case, contender, key)) for key in ("cpu", "wall")),
                    *(number(runs.median(case, contender, key), 0) for key in ("anon", "rss"))])
    return table(["", ">records", ">CPU s", ">wall s", ">anonymous MB", ">RSS MB"], rows) if rows else "Not measured."


def bars(runs, case):
    return [(NAMES[contender].replace("`", ""), {key: runs.median(case, contender, key) for key in ("cpu", "wall")})
            for contender in CASES[case].contenders if (case, contender) in runs]


def panels(runs):
    """For the picture: its two halves, with their lines."""
    found = {}
    for key, name in (("wall", "wall seconds"), ("anon", "anonymous memory, MB")):
        found[name] = {}
        for kind, contenders in GROWTH.items():
            for contender, line in contenders:
                points = []
                for case in filter(lambda case: CASES[case].wanted, growing(runs, kind, contender)):
                    shape = runs.shape(case)
                    points.append(((shape.base or shape).records, runs.median(case, contender, key) or 0))
                if points:
                    found[name][line] = points
    return found
