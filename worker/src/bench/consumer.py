#!/usr/bin/env python3
"""Empty jobs through three consumers of SQS on the embedded server: make bench-consumer, or make bench-consumer QUICK=1.

Ours is the worker's consumer with a handler that does nothing. Beside it bbc/sqs-consumer (npm) and Spring Cloud AWS, each the newest
when first installed (below worker/target/bench, kept), each a process of its own. Runs them in turn, round by round, so that whatever
else the machine does falls on all; takes medians; writes a table into docs/benchmarks.md unless it was quick.
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time
import urllib.request

import measure

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
COMPACTOR = ROOT / "worker/target/compactor"
BENCH = ROOT / "worker/target/bench/consumer"
DOCUMENT = ROOT / "docs/benchmarks.md"
JAVA = measure.java_home() / "bin"
CONCURRENCY = 2
CONTENDERS = {
    ("ours", 0): "the worker's consumer",
    ("node", 0): "sqs-consumer {sqs-consumer}, Node {node}",
    ("spring", 0): "Spring Cloud AWS {spring}",
    ("ours", 5): "the worker's consumer, 5 % poison",
    ("node", 5): "sqs-consumer, 5 % poison",
    ("spring", 5): "Spring Cloud AWS, 5 % poison",
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="few messages, one round, nothing written down")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--messages", type=int, default=20_000)
    arguments.add_argument("--warm-up", type=int, default=60_000, help="messages before those that are measured")
    arguments.add_argument("--only", nargs="+", choices=["ours", "node", "spring"], default=["ours", "node", "spring"])
    options = arguments.parse_args()
    messages, warm_up, rounds = (5_000, 5_000, 1) if options.quick else (options.messages, options.warm_up, options.rounds)
    commands, versions = install(options.only)
    runs = {each: [] for each in CONTENDERS if each[0] in options.only}
    loads = []
    for number in range(1, rounds + 1):
        for name, poison in runs:
            runs[name, poison].append(run(commands[name], messages, warm_up, poison))
            loads.append(os.getloadavg()[0])
            rate, cpu = runs[name, poison][-1]
            print(f"round {number}: {name}, {poison} % poison: {rate:.0f} a second, {cpu:.1f} CPU s", flush=True)
        text = report(messages, warm_up, number, runs, loads, versions)
        print(f"\n{text}\n", flush=True)
    if not options.quick and len(runs) == len(CONTENDERS):
        write_down(text)


def install(names):
    """The commands of the contenders, and what they are."""
    BENCH.mkdir(parents=True, exist_ok=True)
    versions = {}
    ours = f"{BENCH}/classes"
    lib = f"{COMPACTOR}/lib/*"
    subprocess.run([JAVA / "javac", "-d", ours, "-cp", lib, HERE / "consumer/Ours.java"], check=True)
    # The worker's own options, its log to standard error and all.
    options = ["--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:CompileThresholdScaling=5", "-Dcompactor.log.level=INFO"]
    commands = {"ours": [JAVA / "java", *options, "-cp", f"{ours}:{lib}", "Ours"]}
    if "node" in names:
        node = BENCH / "node"
        shutil.copytree(HERE / "consumer/node", node, dirs_exist_ok=True)
        if not (node / "node_modules").exists():
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=node, check=True)
        package = json.loads((node / "node_modules/sqs-consumer/package.json").read_text())
        versions["sqs-consumer"] = package["version"]
        versions["node"] = subprocess.check_output(["node", "--version"], text=True).strip().lstrip("v")
        commands["node"] = ["node", node / "consume.mjs"]
    if "spring" in names:
        spring = BENCH / "spring"
        shutil.copytree(HERE / "consumer/spring", spring, dirs_exist_ok=True)
        subprocess.run(["mvn", "-q", "-B", "-ntp", "process-classes"], cwd=spring, check=True)
        lib = spring / "target/lib"
        versions["spring"] = next(lib.glob("spring-cloud-aws-sqs-*.jar")).stem.rsplit("-", 1)[1]
        commands["spring"] = [JAVA / "java", "-cp", f"{spring}/target/classes:{lib}/*", "bench.Spring"]
    return commands, versions


def run(command, messages, warm_up, poison):
    """Good messages a second of the warm process, up to the last acknowledgement, and its CPU seconds for them.

    What is measured is a worker that has been running, not the start of a JVM: other messages, likewise mixed, come before.
    """
    servers = subprocess.Popen([COMPACTOR / "bin/compactor", "dev", "--json"], stdout=subprocess.PIPE, text=True)
    try:
        sqs = Sqs(json.loads(servers.stdout.readline()))
        sqs.fill(warm_up + messages, poison)
        # We bury poison; with the others it stays until SQS moves it.
        left = 0 if "Ours" in command else (warm_up + messages) * poison // 100
        return drain(command, sqs, messages - messages * poison // 100, left, warm_up)
    finally:
        servers.terminate()
        servers.wait()


def drain(command, sqs, good, left, warm_up):
    environment = os.environ | {
        "AWS_ENDPOINT_URL_SQS": sqs.endpoint, "AWS_REGION": sqs.region, "QUEUE_URL": sqs.queue, "DLQ_URL": sqs.dlq,
        "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "CONCURRENCY": str(CONCURRENCY), "WARM_UP": str(warm_up)}
    with open(BENCH / "log", "w") as log:
        consumer = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        started = int(consumer.stdout.readline().split()[1]) / 1000
        before = cpu(consumer.pid)
        while sqs.messages() > left:
            time.sleep(0.05)
        ended, after = time.time(), cpu(consumer.pid)
        consumer.kill()
        consumer.wait()
        return good / (ended - started), after - before


def cpu(pid):
    """CPU seconds of a process until now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sqs:
    """As much of SQS as a bench needs; the embedded server asks for no signature."""

    def __init__(self, ready):
        self.endpoint, self.region = ready["sqs_endpoint"], ready["region"]
        self.queue, self.dlq = ready["queue_url"], ready["dlq_url"]

    def fill(self, messages, poison):
        for start in range(0, messages, 10):
            entries = [{"Id": str(i), "MessageBody": self.body(i, poison)} for i in range(start, start + 10)]
            self.call("SendMessageBatch", QueueUrl=self.queue, Entries=entries)

    @staticmethod
    def body(number, poison):
        bad = poison and number % (100 // poison) == 0
        return json.dumps({"operation": "poison" if bad else "final_merge", "batch_id": f"b-{number}", "database": "words"})

    def messages(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.call("GetQueueAttributes", QueueUrl=self.queue, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def call(self, action, **body):
        request = urllib.request.Request(self.endpoint, json.dumps(body).encode(), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())


def report(messages, warm_up, rounds, runs, loads, versions):
    today = datetime.date.today().isoformat()
    lines = [
        f"{today}, {os.cpu_count()} cores, load {min(loads):.0f} to {max(loads):.0f}, {messages:,} messages after {warm_up:,}, "
        f"medians of {rounds}.", "", "| | good jobs a second | × | CPU s |", "| --- | ---: | ---: | ---: |"]
    base = statistics.median(rate for rate, _ in runs["ours", 0]) if ("ours", 0) in runs else 1
    for each, done in runs.items():
        rate, cpu = (statistics.median(values) for values in zip(*done))
        lines.append(f"| {CONTENDERS[each].format_map(versions)} | {rate:,.0f} | {rate / base:.2f} | {cpu:.1f} |")
    return "\n".join(lines)


def write_down(text):
    before, rest = DOCUMENT.read_text().split("<!-- measured consumers -->\n")
    after = rest.split("<!-- /measured consumers -->")[1]
    DOCUMENT.write_text(f"{before}<!-- measured consumers -->\n{text}\n<!-- /measured consumers -->{after}")


if __name__ == "__main__":
    main()
