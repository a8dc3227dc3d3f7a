"""What the benches here share: where things are, environments with chromadb and hnswlib, and a process measured from outside."""
import fcntl
import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOME = ROOT / "worker/target/compactor"
COMPACTOR = HOME / "bin/compactor"
BENCH = ROOT / "worker/target/bench"
CHROMA = "1.5.9"
HNSWLIB = "0.8.0"
INTERVAL = 0.02


class Folder:
    """An empty folder that is gone afterwards; a second bench waits for it, two at once would spoil each other's figures."""

    def __enter__(self):
        BENCH.mkdir(parents=True, exist_ok=True)
        self.lock = open(BENCH / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.path = BENCH / "work"
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)
        self.lock.close()


def environment():
    """A Python with chromadb: the one that the tests make, or one made in the same way and the same place."""
    requirements = ROOT / f"worker/src/test/python/requirements-{CHROMA}.txt"
    cache = pathlib.Path(os.environ.get("CHROMA_TEST_CACHE", ROOT / "worker/target/chroma-venvs"))
    return installed(cache / CHROMA, ["--no-deps", "-r", requirements], requirements.read_text())


@functools.cache
def hnswlib():
    """A Python with hnswlib, compiled for this machine; None where that does not work, for instance without a C++ compiler."""
    try:
        return installed(BENCH / "hnswlib-venv", [f"hnswlib=={HNSWLIB}", "numpy"], HNSWLIB)
    except subprocess.CalledProcessError:
        print(f"NOT MEASURED: hnswlib {HNSWLIB} can't be installed here (it needs a C++ compiler); its rows and the recall are left out", flush=True)
        return None


def installed(home, packages, what):
    python, ready = home / "bin/python", home / "ready"
    if not ready.exists() or ready.read_text() != what:
        print(f"installing into {home}", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"]
        subprocess.run([python, "-m", *install, *packages], check=True)
        ready.write_text(what)
    return python


class Watch:
    """The most memory (MB) that a process has had, from /proc: all of it, and the anonymous part: what no file stands behind."""

    def __init__(self, pid):
        self.status, self.peak, self.over = pathlib.Path(f"/proc/{pid}/status"), {}, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.wait(INTERVAL):
            try:
                lines = dict(line.split(":", 1) for line in self.status.read_text().splitlines())
            except OSError:  # gone, or not Linux
                return
            for name, key in (("rss", "VmHWM"), ("anon", "RssAnon")):
                if key in lines:
                    self.peak[name] = max(self.peak.get(name, 0), int(lines[key].split()[0]) / 1024)

    def end(self):
        self.over.set()
        self.thread.join()
        return self.peak


def measured(command, folder, **settings):
    """Wall seconds, CPU seconds and peak memory (MB) of a process and its children, and what it said."""
    with open(folder / "log", "w+") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **settings)
        watch = Watch(process.pid)
        wall, usage = ended(process, started)
        log.seek(0)
        said = log.read()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))[:300]} ended with {process.returncode}:\n{said[-3000:]}")
    return {"wall": wall, "cpu": usage, **watch.end()}, said


def ended(process, started=0.0):
    """Waits for a process; wall seconds since then and its CPU seconds."""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage.ru_utime + usage.ru_stime


def machine():
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []:
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {platform.system()} {platform.release().split('-')[0]}"


def java_home():
    home = subprocess.run([COMPACTOR.with_name("find-java")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return pathlib.Path(home)


def java():
    for line in (java_home() / "release").read_text().splitlines():
        if line.startswith("JAVA_VERSION="):
            return "Java " + line.split('"')[1]
    return "Java"


def build():
    """Which build this is: a digest of what was built from our own sources."""
    return hashlib.sha256((HOME / "lib/compactor.jar").read_bytes() + COMPACTOR.read_bytes()).hexdigest()[:10]
