#!/usr/bin/env python3
"""Puts and gets of the worker's store beside those of the plain SDK, on the embedded server, over several HTTP clients.

One file of 300 MB, and the 200 files of 40 deltas, eight at once. First a round that warms up, then medians of the others. The clients
that the worker does not ship are fetched once, below worker/target/bench.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import measure

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
COMPACTOR = ROOT / "worker/target/compactor"
BENCH = ROOT / "worker/target/bench/transfers"
JAVA = measure.java_home() / "bin"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    classpath = install()
    servers = subprocess.Popen([COMPACTOR / "bin/compactor", "dev", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(servers.stdout.readline())
        environment = os.environ | {"AWS_REGION": said["region"], "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
        with tempfile.TemporaryDirectory(dir=BENCH) as files:
            command = [JAVA / "java", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-cp", classpath,
                       "dev.chromacompactor.store.Measured", said["s3_endpoint"], said["bucket"], files, str(rounds)]
            lines = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    finally:
        servers.terminate()
        servers.wait()
    report(lines)


def install():
    lib = BENCH / "lib"
    if not lib.exists():
        subprocess.run(["mvn", "-q", "-B", "-ntp", "-f", HERE / "transfers/pom.xml", "dependency:copy-dependencies",
                        f"-DoutputDirectory={lib}"], check=True)
    classpath = f"{BENCH}/classes:{COMPACTOR}/lib/*:{lib}/*"
    source = HERE / "transfers/src/main/java/dev/chromacompactor/store/Measured.java"
    subprocess.run([JAVA / "javac", "-d", BENCH / "classes", "-cp", classpath, source], check=True)
    return classpath


def report(lines):
    rows = [line.split(",") for line in lines if re.match(r"\d+,", line)]
    kinds = list(dict.fromkeys(row[2] for row in rows))
    ways = list(dict.fromkeys(row[1] for row in rows))
    print(f"| | {' | '.join(kinds)} |\n| --- |{' ---: |' * len(kinds)}")
    for way in sorted(ways, key=lambda way: way.split()[::-1]):
        cells = []
        for kind in kinds:
            mine = [row for row in rows if row[1:3] == [way, kind] and row[0] != "0"]
            if not mine:
                cells.append("fails")
                continue
            wall, cpu = (statistics.median(float(row[place]) for row in mine) for place in (3, 4))
            cells.append(f"{wall:.2f} s, {cpu:.2f} CPU")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
