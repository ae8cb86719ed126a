"""The bars: conditions that must hold, as data, and what the runs say about each."""

from collections import namedtuple
from dataclasses import dataclass

from .cells import METRICS, PEERS
from .pairs import WIDTH, average, column, ratio

HOLDS, UNDECIDED, NOT_MEASURED, MISSED = "holds", "undecided", "not measured", "missed"
SEVERITY = (HOLDS, UNDECIDED, NOT_MEASURED, MISSED)
# A bar holds if the worse end of the interval misses it by no more than this.
TOLERANCE = 0.03
# A peer that is this much behind another one is not the best.
FAR = 0.2


@dataclass(frozen=True)
class Bound:
    cell: str
    metric: str
    limit: float
    against: str = ""  # a client, of whose figure ours is a ratio; "": ours alone
    above: bool = False  # not the ratio to it, but what ours is above it

    @property
    def at_least(self):
        return self.metric in ("throughput", "busy")

    def interval(self, rounds):
        """The measured value and its 95 % interval, or None if there are too few rounds."""
        ours = column(rounds, "ottla", self.metric)
        theirs = column(rounds, self.against, self.metric)
        if self.above:
            return average([a - b for a, b in zip(ours, theirs)])
        return ratio(ours, theirs) if self.against else average(ours)

    def text(self):
        limit = f"{'at least' if self.at_least else 'at most'} {self.limit:.3g}"
        if self.above:
            return f"{limit} above {self.against}'s"
        return f"{limit} x {self.against}'s" if self.against else limit


@dataclass(frozen=True)
class Bar:
    what: str
    ways: tuple  # of which one has to hold: each some bounds, of which all have to


Judged = namedtuple("Judged", "verdict excess bound interval known")


def _against(cell, metric, **limits):
    return tuple(Bound(cell, metric, limit, client.replace("_", "-")) for client, limit in limits.items())


def _best_peer(cell, *metrics):
    """Being as good as the best peer means being as good as each peer."""
    return tuple(Bound(cell, metric, 1, peer) for metric in metrics for peer in PEERS)


def _bars():
    yield "user instructions a record, a callback for each", [[Bound("callback per record, 100 B", "instructions", 300)]]
    yield "the same, many a call, completions by batch", [[Bound("send many, by batch, 100 B", "instructions", 210)]]
    yield "sink, 100 B", [_against("sink-100", "cpu", librdkafka=1 / 6, franz_go=1 / 4, floor=1.7)]
    # It is not specified which of Java's: its own program, or the lean driver, which costs half as much.
    yield "sink, 100 B: Java's own program", [_against("sink-100", "cpu", producer_performance=1 / 15)]
    yield "sink, 100 B: the lean Java driver", [_against("sink-100", "cpu", java=1 / 15)]
    yield "sink, 1,000 B", [_against("sink-1000", "cpu", librdkafka=1 / 2, franz_go=3 / 4),
                            _against("sink-1000", "cpu", floor=1.3)]
    yield "sink, 100 B", [_against("sink-100", "throughput", librdkafka=4, franz_go=2)]
    for size in ("100", "1000"):
        yield f"real Kafka, {int(size):,} B", [_best_peer(f"kafka-{size}", "throughput", "cpu")]
    yield "5,000 partitions, random keys", [_against("wide-5000", "cpu", librdkafka=1 / 6, franz_go=1 / 3)]
    for partitions, least in ((1, 0.6), (6, 1), (100, 1), (5000, 1)):
        yield (f"4 threads, {partitions:,} partition{'s' if partitions > 1 else ''}",
               [_against(f"threads-{partitions}", "throughput", ottla_one_thread=least)])
    yield "one record at a time", [[Bound("one-by-one", "p50_us", 35, "ping-pong", above=True)]]
    for rate in (10_000, 100_000):
        for linger in (0, 5):
            yield f"{rate:,} records a second, linger {linger}", [_best_peer(f"latency-{rate}-{linger}", "p50", "p99")]
    for codec in ("lz4", "zstd", "snappy", "gzip"):
        cell = f"codec-{codec}"
        yield codec, [[*_against(cell, "cpu", librdkafka=1), *_against(cell, "wire", librdkafka=1)]]
    # Two processors can do 2 W / (P + S) times what one thread does, with W the time of a record inline, and P and S what
    # client and sink use for one. W cancels out: what is reached of that is the share of the processors that is used.
    yield "gzip on helper threads", [[*_against("helpers-gzip", "throughput", ottla_inline=1.6),
                                      *_against("helpers-gzip", "cpu", ottla_inline=1.1)]]
    yield "zstd on helper threads", [[Bound("helpers-zstd", "busy", 0.85),
                                      *_against("helpers-zstd", "cpu", ottla_inline=1.1)]]
    yield "1,000,000 queued records", [[Bound("memory", "queued", 1.4)]]
    yield "an idle producer", [[Bound("memory", "idle", 10)]]
    yield "sticky against round robin", [[*_against("sticky", "mean", ottla_round_robin=0.7),
                                          *_against("sticky", "cpu", ottla_round_robin=1)]]
    yield "`try_send` that does not wait, busy sender", [[Bound("try-send", "call_us", 5)]]


BARS = tuple(Bar(what, tuple(map(tuple, ways))) for what, ways in _bars())


def _judge(bound, rounds):
    interval = bound.interval(rounds)
    if interval is None:
        return Judged(NOT_MEASURED if not rounds else UNDECIDED, 1, bound, None, False)
    middle, low, high = interval
    if bound.at_least:
        better, worse = bound.limit / high, bound.limit / low
    else:
        better, worse = low / bound.limit, high / bound.limit
    known = high - low < WIDTH * (bound.limit if bound.above or not bound.against else middle)
    if worse <= 1 + TOLERANCE:
        verdict = HOLDS
    else:
        verdict = MISSED if known or better > 1 + TOLERANCE else UNDECIDED
    return Judged(verdict, worse, bound, interval, known)


def _gravity(judged):
    return SEVERITY.index(judged.verdict), judged.excess


def _deciding(bar, judge):
    """The bound that decides the bar: the worst bound of the best way."""
    return min((max(map(judge, way), key=_gravity) for way in bar.ways), key=_gravity)


def unknown(cell, rounds):
    """The clients of the cell, Ottla included, that a bar needs and whose figures are not known to 5 % yet. Where the best
    peer decides, peers that are much worse do not count."""
    found = set()
    for way in (way for bar in BARS for way in bar.ways):
        judged = [_judge(bound, rounds) for bound in way if bound.cell == cell.name]
        found |= {one.bound.against or "ottla" for one in judged if not one.known and not _is_far(one, judged)}
    return found


def _is_far(one, judged):
    """Whether this is a peer, and another peer is so much better that this one is not the best."""
    best = max((other.excess for other in judged if other.bound.metric == one.bound.metric), default=0)
    return one.bound.against in PEERS and one.bound.limit == 1 and one.excess <= (1 - FAR) * best


def _wanted(bar):
    ways = []
    for way in bar.ways:
        by_metric = {}
        for bound in way:
            by_metric.setdefault(METRICS[bound.metric], []).append(bound.text())
        ways.append("; ".join(f"{metric}: {', '.join(texts)}" for metric, texts in by_metric.items()))
    every_peer = [", ".join(f"at {most} 1 x {peer}'s" for peer in PEERS) for most in ("most", "least")]
    text = ", or ".join(ways)
    for one, most in zip(every_peer, ("most", "least")):
        text = text.replace(one, f"at {most} the best peer's")
    return text


def _measured(judged):
    if judged.interval is None:
        return ""
    bound, (middle, low, high) = judged.bound, judged.interval
    text = f"{middle:.3g}" if low == high else f"{middle:.3g} ({low:.3g} to {high:.3g})"
    if bound.above:
        text += f" above {bound.against}'s"
    elif bound.against:
        text += f" x {bound.against}'s"
    return f"{METRICS[bound.metric]}: {text}"


def table(done, instructions):
    """Lines of Markdown; `done` are the cells with their rounds, `instructions` the committed counts by name."""
    rounds_of = {cell.name: rounds for cell, rounds in done}

    def judge(bound):
        if bound.metric == "instructions":
            counted = instructions.get(bound.cell)
            return _judge(bound, [{"ottla": {"instructions": counted}}] * 2 if counted else [])
        return _judge(bound, rounds_of.get(bound.cell, []))

    lines = ["| what | bar | measured | verdict |", "|---|---|---|---|"]
    for bar in BARS:
        judged = _deciding(bar, judge)
        lines.append(f"| {bar.what} | {_wanted(bar)} | {_measured(judged)} | {judged.verdict} |")
    return lines
