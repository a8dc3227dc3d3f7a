#!/usr/bin/env python3
"""The innermost loops of the index under JMH: make bench-kernels. Writes a table into docs/benchmarks.md unless --quick."""
import argparse
import datetime
import json
import subprocess

import measure
import report

JMH = measure.BENCH / "jmh"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="one short iteration each, nothing written down")
    options = arguments.parse_args()
    subprocess.run(["mvn", "-q", "-B", "-ntp", "-f", measure.ROOT / "worker/src/jmh/pom.xml", "process-classes"], check=True)
    result = JMH / "result.json"
    subprocess.run([
        measure.java_home() / "bin/java", "--add-modules", "jdk.incubator.vector", "-cp",
        f"{JMH}/classes:{JMH}/lib/*:{measure.HOME}/lib/*", "org.openjdk.jmh.Main", "-rf", "json", "-rff", result,
        *(["-wi", "2", "-i", "1", "-r", "500ms"] if options.quick else [])], check=True)
    text = table(json.loads(result.read_text()))
    print(text)
    if not options.quick:
        report.write_down({"measured kernels": text})


def table(results):
    rows = []
    for one in results:
        kernel = ".".join(one["benchmark"].split(".")[-2:]).replace("Bench.", ".")
        parameters = ", ".join(f"{name} {value}" for name, value in one["params"].items())
        rows.append([f"`{kernel}`", parameters, f"{1 / one['primaryMetric']['score']:.1f}", f"{one['secondaryMetrics']['flops']['score']:.1f}"])
    head = f"{datetime.date.today()}, {measure.machine()}, {measure.java()}, JMH {results[0]['jmhVersion']}; one thread."
    return head + "\n\n" + report.table(["", "", ">ns", ">GFLOP/s"], rows)


if __name__ == "__main__":
    main()
