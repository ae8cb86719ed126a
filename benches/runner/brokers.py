"""The two brokers: the sink, which responds and throws records away, and a real Kafka."""

import json
import os
import subprocess
from collections import namedtuple
from contextlib import contextmanager
from pathlib import Path

from .clients import ROOT, TARGET

TOPIC = "bench"

# The address, a function that names the topic for the next run, and what the sink has seen once it has ended.
Broker = namedtuple("Broker", "bootstrap topic seen")


def _cpu_seconds(pid):
    """What a process has used so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def sink(cell):
    command = [str(TARGET / "release" / "sink-broker"), "--default-partitions", str(cell.partitions),
               "--brokers", str(cell.brokers)]
    if cell.pause_ms:
        command += ["--pause", f"{cell.warm_up}:{cell.pause_ms}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    seen = {}
    try:
        line = process.stdout.readline()
        if not line.startswith("LISTENING "):
            raise RuntimeError("the sink did not start")
        yield Broker(line.split()[1], lambda: TOPIC, seen)
    finally:
        seen["cpu_seconds"] = _cpu_seconds(process.pid)
        process.stdin.close()  # which ends it
        seen.update(json.loads(process.stdout.read() or "{}"))
        process.wait()


@contextmanager
def kafka(cell):
    script, name = str(ROOT / "tests" / "kafka" / "kafka"), f"bench-{os.getpid()}"

    def call(*words):
        return subprocess.run([script, *words], check=True, capture_output=True, text=True).stdout

    lines = call("start", "--name", name, "--owner-pid", str(os.getpid()), "--broker-heap", "1g")
    bootstrap = next(line[len("BOOTSTRAP="):] for line in lines.splitlines() if line.startswith("BOOTSTRAP="))
    made = []

    def fresh_topic():
        """A topic for each run. The previous one is deleted, so that no client writes after others' gigabytes."""
        if made:
            call("topic", name, "delete", made[-1])
        made.append(f"{TOPIC}-{len(made)}")
        call("topic", name, "create", made[-1], "--partitions", str(cell.partitions))
        return made[-1]

    try:
        yield Broker(bootstrap, fresh_topic, {})
    finally:
        call("stop", name)


def serving(cell):
    """The cell's broker, until the block ends."""
    return {"sink": sink, "kafka": kafka}[cell.broker](cell)
