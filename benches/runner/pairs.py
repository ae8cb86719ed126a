"""Ratios of paired runs, averages, and when they are known well enough."""

from math import exp, log, sqrt
from statistics import mean, stdev

# Student's t for 95 % (two-sided), by degrees of freedom from 1.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
      2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)

WIDTH = 0.05
MOST_PAIRS = 31
LEAST_PAIRS = 5


def column(rounds, client, metric):
    return [one[client][metric] for one in rounds if client in one]


def average(values):
    """The mean and its 95 % interval: (mean, low, high)."""
    if len(values) < 2:
        return None
    half = _T[min(len(values) - 1, len(_T)) - 1] * stdev(values) / sqrt(len(values))
    middle = mean(values)
    return middle, middle - half, middle + half


def ratio(ours, theirs):
    """The mean ratio of the pairs and its 95 % interval. Ratios are averaged as logarithms."""
    logs = average([log(a / b) for a, b in zip(ours, theirs) if a and b])
    return logs and tuple(map(exp, logs))


def narrow(interval):
    """Whether the interval is below 5 % of its ratio."""
    return interval is not None and (interval[2] - interval[1]) / interval[0] < WIDTH
