"""One whole batch on the embedded SQS and S3: measures the worker's process, and the time from the first message on."""
import datetime
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import measure


def run(compactor, workload, out, folder):
    """Wall seconds from the first message to the moved pointer, CPU seconds and peak memory (MB) of the worker."""
    with open(folder / "log", "w") as log:
        servers = subprocess.Popen([compactor, "dev", "--json"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            return batch(compactor, json.loads(servers.stdout.readline()), workload, out, folder, log)
        finally:
            servers.terminate()
            servers.wait()


def environment(servers):
    # Nothing that this shell says about another worker.
    return {name: value for name, value in os.environ.items() if not name.startswith("COMPACTOR_")} | {
        "AWS_ENDPOINT_URL_SQS": servers["sqs_endpoint"],
        "AWS_ENDPOINT_URL_S3": servers["s3_endpoint"],
        "AWS_REGION": servers["region"],
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "COMPACTOR_QUEUE_URL": servers["queue_url"],
        "COMPACTOR_DLQ_URL": servers["dlq_url"],
        "COMPACTOR_BUCKET": servers["bucket"],
    }


def batch(compactor, servers, workload, out, folder, log):
    port = free_port()
    settings = environment(servers) | {"COMPACTOR_HEALTH_PORT": str(port), "COMPACTOR_SCRATCH_DIR": str(folder / "scratch")}
    for file in sorted(file for file in (workload / "deltas").rglob("*") if file.is_file()):
        put(servers, "words/delta/" + file.relative_to(workload / "deltas").as_posix(), file.read_bytes())
    with open(folder / "worker-log", "w") as worker_log:
        worker = subprocess.Popen([compactor, "worker"], env=settings, stdout=worker_log, stderr=worker_log)
        watch = measure.Watch(worker.pid)
        try:
            until(lambda: answers(port), worker)
            asked = time.monotonic()
            enqueue = ["enqueue", "--database", "words", "--prefix", "words/delta/", "--chunk-size", "10"]
            subprocess.run([compactor, *enqueue], env=settings, stdout=log, stderr=log, check=True)
            until(lambda: pointer(servers), worker)
            from_enqueue = time.monotonic() - asked
        finally:
            worker.send_signal(signal.SIGTERM)
            _, cpu = measure.ended(worker)
    download = ["snapshot", "download", "--database", "words", "--out", out]
    subprocess.run([compactor, *download], env=settings, stdout=log, stderr=log, check=True)
    return {"wall": from_first_message(folder / "worker-log"), "cpu": cpu, **watch.end(), "from_enqueue": from_enqueue}


def from_first_message(log):
    """By the worker's own log, which knows when a job was received and when the pointer was written."""
    received, written = [], None
    for line in log.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        at = datetime.datetime.fromisoformat(entry["time"]).timestamp()
        if entry["log"].startswith("job ended"):
            received.append(at - entry["elapsed_ms"] / 1000)
        if entry["log"] == "pointer written":
            written = at
    return written - min(received)


def until(condition, worker):
    while not condition():
        if worker.poll() is not None:
            raise SystemExit(f"the worker ended with {worker.returncode}")
        time.sleep(0.05)


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready") as answer:
            return answer.status == 200
    except OSError:
        return False


def pointer(servers):
    try:
        return call(servers, "GET", "words/snapshot/latest-pointer.txt")
    except urllib.error.HTTPError:
        return None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def put(servers, key, body):
    call(servers, "PUT", key, body)


def call(servers, method, key, body=None):
    """One request with a version 4 signature; the embedded S3 takes any credentials, but it wants some."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{servers['region']}/s3/aws4_request"
    url = urllib.parse.urlsplit(f"{servers['s3_endpoint']}/{servers['bucket']}/{urllib.parse.quote(key)}")
    headers = {"host": url.netloc, "x-amz-content-sha256": hashlib.sha256(body or b"").hexdigest(), "x-amz-date": now}
    names = ";".join(headers)
    lines = [f"{name}:{value}\n" for name, value in headers.items()]
    request = "\n".join([method, url.path, "", "".join(lines), names, headers["x-amz-content-sha256"]])
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()])
    secret = b"AWS4bench"
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential=bench/{scope}, SignedHeaders={names}, Signature={signature}")
    headers["Content-Type"] = "application/octet-stream"
    with urllib.request.urlopen(urllib.request.Request(url.geturl(), data=body, method=method, headers=headers)) as answer:
        return answer.read()
