"""What is measured, as data: one cell for each workload that the clients run in turn."""

from dataclasses import dataclass

PEERS = ("librdkafka", "franz-go", "java")
ALL = ("ottla", *PEERS)

# The figures of a run. For throughput more is better, for all others less.
METRICS = {
    "cpu": "client CPU, ns a record", "throughput": "records a second", "wire": "bytes sent a record",
    "p50": "p50, ms", "p99": "p99, ms", "mean": "mean latency, ms", "p50_us": "p50, us", "p99_us": "p99, us",
    "queued": "memory above idle, x the records' bytes", "idle": "memory when idle, MB",
    "wall": "time a record, ns", "sink": "the sink's CPU, ns a record",
    "busy": "share of two processors that client and sink use",
    "instructions": "user instructions a record", "call_us": "p99.9 of a call above an empty loop's, us",
}


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    broker: str = "sink"  # or "kafka"
    brokers: int = 1  # how many; of the sink
    pause_ms: int = 0  # the sink stops once, after the warm-up, so that records have to wait
    clients: tuple = ALL
    metrics: tuple = ("cpu", "throughput")  # that are compared
    records: int = 3_000_000
    warm_up: int = 300_000
    size: int = 100
    partitions: int = 6
    partitioner: str = ""  # "": sticky. For Ottla
    keys: int = 0  # 0: null keys
    threads: int = 1
    many: int = 0  # records a call, for Ottla; 0: one
    mode: str = ""  # "one-by-one": waits for each record; "try-send": does not wait for room
    rate: int = 0  # records a second; 0: as fast as they are accepted
    linger: int = 5
    codec: str = "none"
    level: str = ""
    compression_threads: int = -1  # as Ottla counts them: -1 is its default, 0 none
    values: str = ""  # "json": records that differ; "": all have the same random letters. Not for franz-go
    batch_bytes: int = 1_000_000
    buffer_bytes: int = 64 * 1024 * 1024
    acks: str = "all"
    idempotence: str = "true"
    quick: bool = True  # is in the quick mode too

    @property
    def sink_each(self):
        """Whether each run has a separate sink, because it reports what it has seen or pauses once."""
        return "wire" in self.metrics or "sink" in self.metrics or self.pause_ms > 0


def _latencies():
    for rate in (10_000, 100_000):
        for linger in (0, 5):
            yield Cell(
                f"latency-{rate}-{linger}", f"{rate:,} records a second, linger {linger} ms", rate=rate,
                metrics=("p50", "p99", "cpu"), records=3 * rate, warm_up=100_000, linger=linger,
                quick=(rate, linger) == (10_000, 0))


def _threads():
    for partitions in (1, 6, 100, 5_000):
        wide = partitions == 5_000
        yield Cell(
            f"threads-{partitions}", f"4 threads, one producer, {partitions:,} partitions, random keys",
            clients=("ottla", "ottla-one-thread", *PEERS), threads=4, partitions=partitions,
            keys=1_000_000, records=2_000_000, quick=False, batch_bytes=16_384 if wide else 1_000_000,
            buffer_bytes=(256 if wide else 64) * 1024 * 1024)


def _codecs():
    # Compression levels that the clients share. Ottla's and Java's level 9 of lz4 is the fast compressor, the others'
    # default.
    for codec, level in (("lz4", ""), ("zstd", "3"), ("snappy", ""), ("gzip", "6")):
        yield Cell(f"codec-{codec}", f"{codec}{' ' + level if level else ''}, 100 B",
                   codec=codec, level=level, metrics=("cpu", "wire", "throughput"),
                   records=400_000 if codec == "gzip" else 1_000_000, warm_up=100_000, quick=False)


def _helpers():
    for codec, level in (("gzip", "6"), ("zstd", "3")):
        yield Cell(f"helpers-{codec}", f"{codec} {level}, JSON records of 1,000 B: threads that compress, or none",
                   clients=("ottla", "ottla-inline", "librdkafka", "java"),
                   metrics=("throughput", "cpu", "sink", "wall", "busy", "wire"), size=1_000, values="json",
                   codec=codec, level=level, records=400_000, warm_up=50_000, quick=False)


CELLS = (
    Cell("sink-100", "100 B", clients=("ottla", "ottla-many", "floor", *PEERS, "producer-performance")),
    Cell("sink-1000", "1,000 B", clients=("ottla", "floor", *PEERS, "producer-performance"), size=1_000,
         records=800_000, warm_up=100_000),
    Cell("kafka-100", "real Kafka, 100 B", broker="kafka", records=1_000_000),
    Cell("kafka-1000", "real Kafka, 1,000 B", broker="kafka", size=1_000, records=500_000, warm_up=50_000, quick=False),
    Cell("wide-5000", "5,000 partitions, random keys", partitions=5_000, keys=1_000_000, records=2_000_000,
         batch_bytes=16_384, buffer_bytes=256 * 1024 * 1024, quick=False),
    *_threads(),
    Cell("one-by-one", "one record at a time, waiting for each", clients=("ottla", "ping-pong", *PEERS),
         mode="one-by-one", metrics=("p50_us", "p99_us", "cpu"), records=20_000, warm_up=20_000, linger=0),
    *_latencies(),
    *_codecs(),
    *_helpers(),
    Cell("memory", "1,000,000 records wait", metrics=("queued", "idle"), records=1_000_000, warm_up=1, pause_ms=6_000,
         buffer_bytes=512 * 1024 * 1024, quick=False),
    Cell("sticky", "sticky or round robin: 3 brokers, 30 partitions, 20,000 records a second, linger 0",
         clients=("ottla", "ottla-round-robin"), metrics=("mean", "cpu"), brokers=3, partitions=30, rate=20_000,
         linger=0, records=60_000, warm_up=20_000),
    Cell("try-send", "calls that do not wait, of a busy sender", clients=("ottla",), mode="try-send",
         metrics=("call_us",)),
)
