#!/usr/bin/env python3
"""LocalStack without Docker: in a virtual environment of its own, seeded, on a free port of 127.0.0.1.

  host.py                 runs until Ctrl-C and says what to export
  host.py COMMAND...      runs the command with CHROMA_TEST_ENDPOINT and its like set, and ends with the command's status

Packages are kept below localstack/target, or below $CHROMA_TEST_CACHE; everything else is gone at the end.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
PYTHON = (3, 11)
REGION = "us-east-1"
SECONDS_TO_START = 120


def main(command):
    python = environment()
    with tempfile.TemporaryDirectory(prefix="compactor-localstack-", ignore_cleanup_errors=True) as scratch:
        with running(python, pathlib.Path(scratch)) as endpoint:
            if command:
                return subprocess.call(command, env=os.environ | test_variables(endpoint))
            print(exports(endpoint), flush=True)
            signal.pause()


def test_variables(endpoint):
    """Not AWS_ENDPOINT_URL and its like: the tests that need no LocalStack shall not notice."""
    return {
        "CHROMA_TEST_ENDPOINT": endpoint,
        "CHROMA_TEST_REGION": REGION,
        "CHROMA_TEST_BACKEND": "localstack",
    }


def exports(endpoint):
    queue = f"{endpoint}/queue/{REGION}/000000000000/compaction"
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,  # boto3 reads only this one
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "COMPACTOR_QUEUE_URL": queue,
        "COMPACTOR_DLQ_URL": queue + "-dlq",
        "COMPACTOR_RESULTS_QUEUE_URL": queue + "-results",
        "COMPACTOR_BUCKET": "chroma",
    }
    lines = [f"  export {name}={value}" for name, value in variables.items()]
    return "\n".join(["LocalStack is ready; Ctrl-C stops it. In another terminal:", "", *lines, "", "  compactor worker"])


def environment():
    """The Python of the virtual environment, which is made unless it is there as the requirements say."""
    cache = pathlib.Path(os.environ.get("CHROMA_TEST_CACHE") or HERE / "target").resolve()
    home = cache / "localstack"
    ready = home / "ready"
    wanted = REQUIREMENTS.read_text()
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "localstack.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several builds may share the cache
        if not ready.exists() or ready.read_text() != wanted:
            make(home)
            ready.write_text(wanted)
    return home / "bin" / "python"


def make(home):
    interpreter = find_python()
    print("Installing LocalStack, about a minute, once ...", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for step in ([interpreter, "-m", "venv", home], [*pip, "--no-deps", "-r", REQUIREMENTS]):
        done = subprocess.run(step, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, step))} failed:\n{tail(done.stdout)}")


def find_python():
    for name in ("python3.11", "python3", sys.executable):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            version = subprocess.check_output(
                [name, "-c", "import sys; print(*sys.version_info[:2])"], text=True, stderr=subprocess.DEVNULL
            )
            if version.split() == [str(part) for part in PYTHON]:
                return name
    sys.exit(
        f"LocalStack 4.13.1 runs on Python 3.11 alone, and there is none on the PATH (python3 is {sys.version.split()[0]}). "
        "Install python3.11 with its venv module, or use Docker: docker compose -f localstack/compose.yaml up"
    )


@contextlib.contextmanager
def running(python, scratch):
    """A LocalStack that is ready and seeded; stopped at the end, with everything that it started."""
    place_hooks(scratch)
    address = f"127.0.0.1:{free_port()}"
    variables = {
        "GATEWAY_LISTEN": address,
        "LOCALSTACK_HOST": address,  # in queue URLs; the default is a name that only a public DNS knows
        "SQS_ENDPOINT_STRATEGY": "path",  # the default puts the queue's region into the host name
        "DNS_ADDRESS": "0",  # no DNS server
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",  # tells nobody that it runs
        "OVERRIDE_IN_DOCKER": "0",  # on the host, even if the host is somebody's container
        "FILESYSTEM_ROOT": str(scratch / "root"),  # its volume, and where it looks for seed.py
        "TMPDIR": str(scratch / "tmp"),
        "HOME": str(scratch),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCALSTACK"))}
    log = scratch / "log"
    with open(log, "w") as out:
        server = subprocess.Popen(
            [python, "-m", "localstack.runtime.main"],
            cwd=scratch,
            env=inherited | variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: the server is stopped when the command has ended
        )
    try:
        await_ready(server, "http://" + address, log)
        yield "http://" + address
        if server.poll() is not None:
            sys.exit(f"LocalStack ended by itself with status {server.returncode}:\n{tail(log.read_text())}")
    finally:
        stop(server)


def place_hooks(scratch):
    """What LocalStack runs in its own process: at its start, and when it is ready."""
    hooks = scratch / "root/etc/localstack/init"
    for folder in (hooks / "start.d", hooks / "ready.d", scratch / "tmp", scratch / "objects"):
        folder.mkdir(parents=True)
    shutil.copy(HERE / "seed.py", hooks / "ready.d")
    # No setting moves the objects from a folder in /tmp, which two LocalStacks would share, each removing the other's buckets.
    (hooks / "start.d/objects.py").write_text(
        "import localstack.services.s3.provider as s3\n" f"s3.DEFAULT_S3_TMP_DIR = {str(scratch / 'objects')!r}\n"
    )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_ready(server, endpoint, log):
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            with urllib.request.urlopen(endpoint + "/_localstack/init/ready", timeout=5) as answer:
                state = json.load(answer)
            if state["completed"]:
                if [script["state"] for script in state["scripts"]] == ["SUCCESSFUL"]:
                    return
                break
        time.sleep(0.2)
    why = "ended" if server.poll() is not None else "is not ready and seeded"
    sys.exit(f"LocalStack {why}; its log ends:\n{tail(log.read_text())}")


def stop(server):
    for how, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(patience)
            return


def tail(text):
    return "\n".join(text.strip().splitlines()[-40:])


def end(number, _frame):
    sys.exit(128 + number)  # through every `finally`


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, end)
    sys.exit(main(sys.argv[1:]))
