"""What is measured: one cell for each row of the report's table, as data."""

from dataclasses import dataclass

ALL = ("ottla", "librdkafka", "franz-go", "java")


@dataclass(frozen=True)
class Cell:
    name: str
    title: str
    broker: str = "sink"  # or "kafka"
    clients: tuple = ALL
    records: int = 3_000_000
    warm_up: int = 300_000
    size: int = 100
    partitions: int = 6
    keys: int = 0  # 0: null keys
    threads: int = 1
    many: int = 0  # records a call, for Ottla; 0: one by one
    rate: int = 0  # records a second; 0: as fast as they are accepted
    linger: int = 5
    codec: str = "none"
    level: str = ""
    batch_bytes: int = 1_000_000
    buffer_bytes: int = 64 * 1024 * 1024
    acks: str = "all"
    idempotence: str = "true"
    quick: bool = True  # is in the quick mode too

    @property
    def metrics(self):
        """What is compared, and whether more of it is better."""
        if self.rate:
            return {"p50": False, "p99": False, "cpu": False}
        if self.codec != "none":
            return {"cpu": False, "wire": False, "throughput": True}
        return {"cpu": False, "throughput": True}


def _latencies():
    for rate in (10_000, 100_000):
        for linger in (0, 5):
            yield Cell(
                f"latency-{rate}-{linger}", f"{rate:,} records a second, linger {linger} ms",
                rate=rate, records=3 * rate, warm_up=100_000, linger=linger, quick=(rate, linger) == (10_000, 0))


def _threads():
    for partitions in (1, 6, 100, 5_000):
        wide = partitions == 5_000
        yield Cell(
            f"threads-{partitions}", f"4 threads, one producer, {partitions:,} partitions, random keys",
            clients=("ottla", "ottla-one-thread", "librdkafka", "franz-go", "java"), threads=4, partitions=partitions,
            keys=1_000_000, records=2_000_000, quick=False, batch_bytes=16_384 if wide else 1_000_000,
            buffer_bytes=(256 if wide else 64) * 1024 * 1024)


def _codecs():
    # Levels that the clients have in common; Ottla's and Java's 9 of lz4 is the fast compressor, as others' default is.
    for codec, level in (("lz4", ""), ("zstd", "3"), ("snappy", ""), ("gzip", "6")):
        yield Cell(f"codec-{codec}", f"{codec}{' ' + level if level else ''}, 100 B",
                   codec=codec, level=level, records=400_000 if codec == "gzip" else 1_000_000,
                   warm_up=100_000, quick=False)


CELLS = (
    Cell("sink-100", "100 B", clients=("ottla", "ottla-many", "floor", "librdkafka", "franz-go", "java")),
    Cell("sink-1000", "1,000 B", clients=("ottla", "floor", "librdkafka", "franz-go", "java"), size=1_000,
         records=800_000, warm_up=100_000),
    Cell("kafka-100", "real Kafka, 100 B", broker="kafka", records=1_000_000),
    Cell("kafka-1000", "real Kafka, 1,000 B", broker="kafka", size=1_000, records=300_000, warm_up=50_000, quick=False),
    Cell("wide-5000", "5,000 partitions, random keys", partitions=5_000, keys=1_000_000, records=2_000_000,
         batch_bytes=16_384, buffer_bytes=256 * 1024 * 1024, quick=False),
    *_threads(),
    *_latencies(),
    *_codecs(),
)
