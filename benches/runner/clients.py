"""The compared programs, and how each is given the same settings under its own names."""

import json
import os
import re
import resource
import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

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

# Variants: the same program with some changes to the cell.
VARIANTS = {
    "ottla-many": ("ottla", {"many": 100}),
    "ottla-inline": ("ottla", {"compression_threads": 0}),
    "ottla-one-thread": ("ottla", {"threads": 1}),
    "ottla-round-robin": ("ottla", {"partitioner": "roundrobin"}),
    "ping-pong": ("floor", {}),
}

# The options with which Kafka's own scripts start the JVM, but with room for the largest buffer.
JVM = ["-server", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
       "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent"]

# Java is warm only when its code has been compiled.
LEAST_WARM_UP = {"java": 500_000, "producer-performance": 500_000}

# The last line of Kafka's own program, and other lines before it.
SUMMARY = re.compile(r"^(\d+) (?:steady state )?records sent, ([\d.]+) records/sec .*, ([\d.]+) ms avg latency, .*, "
                     r"(\d+) ms 50th, .*, (\d+) ms 99th, (\d+) ms 99.9th")


class Failed(Exception):
    pass


def _program(client):
    if client in COMMANDS:
        return [str(word) for word in COMMANDS[client]]
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    folder = BENCH / "java"
    return [java, *JVM, f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            "-cp", (folder / "classpath").read_text(),
            "Driver" if client == "java" else "org.apache.kafka.tools.ProducerPerformance"]


def resolved(client, cell):
    """The program, and the cell with the client's changes."""
    program, changes = VARIANTS.get(client, (client, {}))
    return program, replace(cell, **changes)


def settings(client, cell):
    """The settings of the cell under the client's names."""
    client, cell = resolved(client, cell)
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
            "queue.buffering.max.messages": 2_000_000,
            "partitioner": "murmur2_random",
        }
    if client == "franz-go":
        level = {"compression.level": cell.level} if cell.level else {}
        return common | level | {
            "compression.type": cell.codec,
            "batch.size": cell.batch_bytes,
            "buffer.memory": cell.buffer_bytes,
            "max.buffered.records": 2_000_000,
        }
    level = {f"compression.{cell.codec}.level": cell.level} if cell.level else {}
    common |= level | {"compression.type": cell.codec, "buffer.memory": cell.buffer_bytes}
    if client in ("java", "producer-performance"):
        return common | {"batch.size": cell.batch_bytes}
    if cell.compression_threads >= 0:
        common["ottla.compression.threads"] = cell.compression_threads
    if cell.partitioner:
        common["partitioner.class"] = cell.partitioner
    # batch.size is where a batch stops lingering. While its broker is busy it grows on, up to what brokers accept (1
    # MiB). Java counts after compression and Ottla before, so with a codec Ottla's equivalent is larger. A request
    # carries a batch of each partition, like franz-go's, which may have 100 MB. The real broker handles requests of 2
    # MiB fastest.
    return common | {"batch.size": 16_384 if cell.codec == "none" else 65_536,
                     "max.request.size": 2_097_152 if cell.broker == "kafka" else 8_388_608}


# Enough that no compressor finds one of them again.
JSON_VALUES = 4_000
WORDS = ("order", "payment", "customer", "shipment", "refund", "invoice", "delivered", "pending", "cancelled", "express",
         "standard", "Berlin", "Paris", "Lisbon", "Warsaw", "Madrid", "Vienna", "Dublin", "card", "transfer", "voucher")


def _json_value(random, size):
    """A record as services write them: names that repeat, values that do not, and some text that fills it up."""
    item = {"sku": f"{random.randrange(10**8):08}", "quantity": random.randrange(1, 9), "price": random.randrange(10**5) / 100}
    value = {"id": f"{random.getrandbits(128):032x}", "type": random.choice(WORDS),
             "time": 1_790_000_000_000 + random.randrange(10**9),
             "customer": {"id": random.randrange(10**9), "city": random.choice(WORDS), "vip": random.random() < 0.1},
             "items": [item | {"name": random.choice(WORDS)} for _ in range(3)], "total": random.randrange(10**6) / 100,
             "note": ""}
    text = json.dumps(value, separators=(",", ":"))
    while len(text) + len(value["note"]) < size:
        value["note"] += random.choice(WORDS) + f" {random.randrange(1000)} "
    value["note"] = value["note"][:size - len(text)]
    return json.dumps(value, separators=(",", ":")).encode()


def _values(cell):
    """A file of values, the same for all clients."""
    path = BENCH / f"values-{cell.values}-{cell.size}"
    if not path.exists():
        random = Random(1)
        written = path.with_suffix(".new")
        written.write_bytes(b"".join(_json_value(random, cell.size) for _ in range(JSON_VALUES)))
        written.replace(path)
    return path


def _words(client, cell, bootstrap, topic, warm_up):
    """The arguments of the program."""
    told = [f"{name}={value}" for name, value in settings(client, cell).items()]
    if client == "producer-performance":
        return ["--bootstrap-server", bootstrap, "--topic", topic, "--record-size", cell.size, "--throughput", -1,
                "--num-records", cell.records + warm_up, "--warmup-records", warm_up, "--command-property", *told]
    words = ["-b", bootstrap, "-t", topic, "-s", cell.size, "-c", cell.records, "--warm-up", warm_up]
    for option, value in (("-r", cell.rate), ("-T", cell.threads), ("--batch", cell.many), ("-k", cell.keys)):
        if value > (option == "-T"):
            words += [option, value]
    if cell.values:
        words += ["--values", _values(cell)]
    for each in told:
        words += ["-X", each]
    return words + ([f"--{cell.mode}"] if cell.mode else [])


def _finished(client, command, timeout):
    """What the program printed, and its CPU time, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{client}: not done after {timeout} s") from late
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failed(f"{client}: exit status {done.returncode}: {done.stderr.strip()[-600:]}")
    return done.stdout, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def _of_kafkas_own(printed, cpu, warm_up):
    """Converts the output of Kafka's ProducerPerformance to that of our drivers. Its CPU is that of the whole process."""
    summaries = [match for match in map(SUMMARY.match, printed.splitlines()) if match]
    if not summaries:
        raise Failed(f"producer-performance: no summary in {printed[-600:]}")
    records, rate, mean, p50, p99, p999 = map(float, summaries[-1].groups())
    return {"version": "-", "delivered": int(records), "failed": 0, "seconds": records / rate,
            "cpu_seconds": cpu * records / (records + warm_up),
            "latency_ms": {"mean": mean, "p50": p50, "p99": p99, "p999": p999}}


def run(client, cell, bootstrap, topic, timeout=300):
    """Runs the client once. Returns its figures, which count delivered records only."""
    client, cell = resolved(client, cell)
    warm_up = cell.warm_up if cell.pause_ms else max(cell.warm_up, LEAST_WARM_UP.get(client, 0))
    command = _program(client) + _words(client, cell, bootstrap, topic, warm_up)
    printed, user, system = _finished(client, command, timeout)
    if client == "producer-performance":
        told = _of_kafkas_own(printed, user + system, warm_up)
    else:
        told = json.loads(printed.splitlines()[-1])
    delivered = told["delivered"]
    if delivered != cell.records or told["failed"] != 0:
        raise Failed(f"{client}: {delivered} of {cell.records} delivered, {told['failed']} failed")
    figures = {
        "version": told.get("version", ""),
        "delivered": delivered,
        "throughput": delivered / told["seconds"],
        "cpu": told["cpu_seconds"] / delivered * 1e9,
        "wall": told["seconds"] / delivered * 1e9,
        # Of the whole process, including start and warm-up.
        "system_share": system / max(user + system, 1e-9),
    }
    latency = told.get("latency_ms", {})
    figures |= {name: latency.get(name) for name in ("mean", "p50", "p99", "p999")}
    if cell.mode == "one-by-one":
        figures |= {"p50_us": latency["p50"] * 1e3, "p99_us": latency["p99"] * 1e3}
    if cell.mode == "try-send":
        figures["call_us"] = (told["call_ns"]["p999"] - told["empty_ns"]["p999"]) / 1e3
    if cell.pause_ms:
        before, accepted = told["resident_kb"]["before"] * 1024, told["resident_kb"]["accepted"] * 1024
        figures |= {"idle": before / 1e6, "queued": (accepted - before) / (cell.records * cell.size)}
    return figures
