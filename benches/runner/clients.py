"""The programs that are compared, and how each is told the same settings in its own words."""

import json
import os
import resource
import subprocess
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("OTTLA_BUILD", ROOT / "build"))
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BENCH = BUILD / "bench"

COMMANDS = {
    "ottla": [TARGET / "examples-c" / "perf"],
    "floor": [TARGET / "release" / "floor"],
    "librdkafka": [BENCH / "librdkafka" / "driver"],
    "franz-go": [BENCH / "franz-go" / "driver"],
}

# The same program with something changed of the cell.
VARIANTS = {
    "ottla-many": ("ottla", {"many": 100}),
    "ottla-one-thread": ("ottla", {"threads": 1}),
}

# As Kafka's own scripts start the JVM, but with room for the largest buffer.
JVM = ["-server", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
       "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"]

# Java's is warm only when its code is compiled.
LEAST_WARM_UP = {"java": 500_000}


class Failed(Exception):
    pass


def _command(client):
    if client != "java":
        return [str(word) for word in COMMANDS[client]]
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    folder = BENCH / "java"
    return [java, *JVM, f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            "-cp", (folder / "classpath").read_text(), "Driver"]


def settings(client, cell):
    """The client's own names for what the cell says."""
    if client == "floor":
        return {}
    common = {"acks": cell.acks, "enable.idempotence": cell.idempotence, "linger.ms": cell.linger}
    if client == "librdkafka":
        level = {"compression.level": cell.level} if cell.level else {}
        return common | level | {
            "compression.codec": cell.codec,
            "batch.size": cell.batch_bytes,
            "batch.num.messages": 1_000_000,
            "queue.buffering.max.kbytes": cell.buffer_bytes // 1024,
            "queue.buffering.max.messages": 1_000_000,
            "partitioner": "murmur2_random",
        }
    if client == "franz-go":
        level = {"compression.level": cell.level} if cell.level else {}
        return common | level | {
            "compression.type": cell.codec,
            "batch.size": cell.batch_bytes,
            "buffer.memory": cell.buffer_bytes,
            "max.buffered.records": 1_000_000,
        }
    level = {f"compression.{cell.codec}.level": cell.level} if cell.level else {}
    common |= level | {"compression.type": cell.codec, "buffer.memory": cell.buffer_bytes}
    if client == "java":
        return common | {"batch.size": cell.batch_bytes}
    # batch.size is where a batch stops to linger; it grows on, while its broker is busy, to max.request.size.
    return common | {"batch.size": 16_384, "max.request.size": 1_048_576}


def run(client, cell, bootstrap, topic, timeout=300):
    """Runs the client once; its figures, of delivered records only."""
    client, changes = VARIANTS.get(client, (client, {}))
    cell = replace(cell, **changes)
    warm_up = max(cell.warm_up, LEAST_WARM_UP.get(client, 0))
    words = ["-b", bootstrap, "-t", topic, "-s", cell.size, "-c", cell.records, "--warm-up", warm_up]
    if cell.rate:
        words += ["-r", cell.rate]
    if cell.threads > 1:
        words += ["-T", cell.threads]
    if cell.many:
        words += ["--batch", cell.many]
    if cell.keys:
        words += ["-k", cell.keys]
    for name, value in settings(client, cell).items():
        words += ["-X", f"{name}={value}"]
    command = _command(client) + [str(word) for word in words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{client}: not done after {timeout} s") from late
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failed(f"{client}: exit status {done.returncode}: {done.stderr.strip()[-600:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    delivered = told["delivered"]
    if delivered != cell.records or told["failed"] != 0:
        raise Failed(f"{client}: {delivered} of {cell.records} delivered, {told['failed']} failed")
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    latency = told.get("latency_ms", {})
    return {
        "version": told.get("version", ""),
        "delivered": delivered,
        "throughput": delivered / told["seconds"],
        "cpu": told["cpu_seconds"] / delivered * 1e9,
        # Of the whole process, start and warm-up included.
        "system_share": system / max(user + system, 1e-9),
        "p50": latency.get("p50"), "p99": latency.get("p99"), "p999": latency.get("p999"),
    }
