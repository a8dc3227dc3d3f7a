#!/usr/bin/env python3
"""Compares compactor with what chromadb and hnswlib can do: make bench, or make bench QUICK=1.

Runs every contender of every case in turn, round by round, so that whatever else the machine does falls on all of them; checks
one result of each rival, and of each build of ours, record for record with real Chroma; keeps every run and every check as a line
of JSON below worker/target/bench; renders the medians of those that are kept, and puts tables and pictures into docs/ unless it
was quick. Needs Python 3.11 and a built compactor; workloads and environments are made below worker/target and kept.
"""
import argparse
import datetime
import json
import os

import cases
import measure
import report
from measure import BENCH


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="small shapes, one round, nothing written into docs/")
    arguments.add_argument("--rounds", type=int, default=3, help="3 unless named; cases that only grow are run once")
    arguments.add_argument("--only", nargs="+", metavar="CASE[:CONTENDER]", help="of " + ", ".join(cases.CASES) + "; docs/ waits for --report")
    arguments.add_argument("--prepare", action="store_true", help="make what is needed and measure nothing")
    arguments.add_argument("--report", action="store_true", help="measure nothing, write what is kept into docs/")
    options = arguments.parse_args()
    kept = BENCH / ("quick.jsonl" if options.quick else "runs.jsonl")
    if not options.report:
        chosen = choose(options.only)
        for case, contender in chosen:
            cases.ready(shape(case, options.quick), contender)
        if options.prepare:
            return
        measure_all(chosen, 1 if options.quick else options.rounds, options.quick, kept)
    report.render(kept, options.quick, not options.quick and (options.report or not options.only))


def choose(only):
    """Pairs of case and contender."""
    every = [(case, contender) for case, one in cases.CASES.items() for contender in one.contenders]
    if not only:
        return [pair for pair in every if cases.CASES[pair[0]].wanted and possible(pair[1])]
    chosen = [pair for pair in every if pair[0] in only or ":".join(pair) in only]
    known = {name for pair in every for name in (pair[0], ":".join(pair))}
    if unknown := set(only) - known:
        raise SystemExit(f"{', '.join(sorted(unknown))}: not one of {', '.join(sorted(known))}")
    return [pair for pair in chosen if possible(pair[1])]


def possible(contender):
    return contender != "hnswlib" or measure.hnswlib() is not None


def shape(case, quick):
    return cases.CASES[case].quick if quick else cases.CASES[case].shape


def measure_all(chosen, rounds, quick, kept):
    same = {"build": measure.build(), "machine": measure.machine(), "java": measure.java()}
    checked = report.checked(kept, same["build"])
    for number in range(1, rounds + 1):
        for case, contender in chosen:
            if number > (cases.CASES[case].rounds or rounds):
                continue
            about = {"case": case, "contender": contender, **same, "at": datetime.datetime.now().isoformat(timespec="seconds")}
            with measure.Folder() as folder:
                run = cases.run(shape(case, quick), contender, folder) | {"load": os.getloadavg()[0]}
                keep(kept, about | run)
                print(f"round {number}: {case}:{contender}: {run['wall']:.1f} s wall, {run['cpu']:.1f} s CPU, "
                      f"{run.get('anon', 0):.0f} MB anonymous, {run.get('rss', 0):.0f} MB in all", flush=True)
                if (case, contender) not in checked and contender not in ("graph", "hnswlib"):
                    checked.add((case, contender))
                    recall = cases.CASES[case].rounds is None and contender not in ("flow", "queue")
                    keep(kept, about | {"check": cases.check(shape(case, quick), folder, recall)})


def keep(kept, line):
    with open(kept, "a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
