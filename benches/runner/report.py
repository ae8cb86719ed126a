"""The report: a page of Markdown and plots in SVG."""

from html import escape
from statistics import median

from . import bars
from .cells import METRICS
from .clients import settings
from .pairs import MOST_PAIRS, column, narrow, ratio

COLOURS = {"ottla": "#1f6fb4", "ottla-many": "#6aa5d8", "ottla-inline": "#6aa5d8", "ottla-one-thread": "#6aa5d8",
           "ottla-round-robin": "#6aa5d8",
           "floor": "#999999", "ping-pong": "#999999", "librdkafka": "#c4572e", "franz-go": "#2f8f5b",
           "java": "#8a5fb0", "producer-performance": "#b89ad0"}
DIGITS = {"throughput": 0, "cpu": 1, "wire": 1, "p50_us": 1, "p99_us": 1, "idle": 1}


def figure(metric, value):
    return f"{value:,.{DIGITS.get(metric, 3)}f}"


def compared(rounds, client, metric):
    """Ottla's figures compared with the client's: for throughput more is better, for all others less."""
    return ratio(column(rounds, "ottla", metric), column(rounds, client, metric))


def _ratio_text(interval):
    if interval is None:
        return "one run only"
    text = f"{interval[0]:.3f} ({interval[1]:.3f} to {interval[2]:.3f})"
    return text if narrow(interval) else text + ", undecided"


def _table(cell, rounds):
    metrics = cell.metrics
    heads = [f"{METRICS[metric]} | ours / its" for metric in metrics]
    lines = ["| client | " + " | ".join(heads) + " |", "|---" * (1 + 2 * len(metrics)) + "|"]
    for client in cell.clients:
        words = [client]
        for metric in metrics:
            words.append(figure(metric, median(column(rounds, client, metric))))
            words.append("" if client == "ottla" else _ratio_text(compared(rounds, client, metric)))
        lines.append("| " + " | ".join(words) + " |")
    return lines


def _settings(cell):
    said = (f"{cell.size} B values, {cell.partitions:,} partitions, "
            f"{f'{cell.keys:,} random keys of 8 bytes' if cell.keys else 'no keys'}, {cell.threads} thread(s), "
            f"{f'{cell.rate:,} records a second' if cell.rate else 'as fast as accepted'}, linger {cell.linger} ms, "
            f"acks={cell.acks}, idempotence {cell.idempotence}, codec {cell.codec}"
            f"{f' level {cell.level}' if cell.level else ''}; {cell.records:,} records a run.")
    lines = [said, "", "<details><summary>As each client is configured</summary>", ""]
    for client in cell.clients:
        if settings(client, cell):
            told = ", ".join(f"{name}={value}" for name, value in settings(client, cell).items())
            lines.append(f"- {client}: `{told}`")
    return lines + ["", "</details>"]


def plot(title, bars, unit):
    """Horizontal bars as an SVG: (label, client, value)."""
    left, width, height = 330, 900, 22
    longest = max(value for _, _, value in bars) or 1
    total = 44 + height * len(bars)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{total}" fill="white"/>',
           f'<text x="10" y="22" font-size="15">{escape(title)} ({escape(unit)})</text>']
    for row, (label, client, value) in enumerate(bars):
        top = 36 + row * height
        length = (width - left - 110) * value / longest
        out.append(f'<text x="{left - 8}" y="{top + 13}" text-anchor="end">{escape(label)}</text>')
        out.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{height - 6}" fill="{COLOURS[client]}"/>')
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        out.append(f'<text x="{left + length + 6:.1f}" y="{top + 13}">{shown}</text>')
    return "\n".join(out + ["</svg>", ""])


def _plots(folder, done):
    for metric, title, unit in (("throughput", "Throughput", "records a second, more is better"),
                                ("cpu", "Client CPU", "ns a record, less is better"),
                                ("p50", "Latency, median", "ms, less is better"),
                                ("p99", "Latency, 99th percentile", "ms, less is better")):
        bars = [(f"{cell.title}: {client}", client, median(column(rounds, client, metric)))
                for cell, rounds in done if metric in cell.metrics for client in cell.clients]
        if bars:
            (folder / f"{metric}.svg").write_text(plot(title, bars, unit))
            yield f"![{title}]({metric}.svg)"


def write(folder, done, facts, instructions):
    """Writes report.md and its plots; `done` are the cells with their rounds, `instructions` the committed counts."""
    lines = ["# Measured side by side", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "Medians of the runs; `ours / its` is the mean ratio of paired runs with its 95 % interval, "
              f"*undecided* while that is wider than 5 % (which a quick run leaves so; {MOST_PAIRS} pairs at most).", ""]
    for cell, rounds in done:
        lines += [f"## {cell.title}", "", f"`{cell.name}`, {len(rounds)} rounds. " + _settings(cell)[0], ""]
        lines += _table(cell, rounds) + _settings(cell)[1:] + [""]
    lines += ["## Plots", ""] + list(_plots(folder, done))
    lines += ["", "## Bars", "", "A bar holds when the worse end of the interval is within 3 % of it; it is missed when "
              "the interval is below 5 %, or its better end is further away than that. Shown is what decides. "
              "Instructions are those that benches/instructions committed.", ""]
    lines += bars.table(done, instructions)
    (folder / "report.md").write_text("\n".join(lines) + "\n")
    return folder / "report.md"
