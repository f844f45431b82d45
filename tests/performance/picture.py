"""The picture of cost against size; the same report gives the same picture, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Draw one small plot per axis: postings in the book, accounts, partitions, workers."""
    axes = list(dict.fromkeys(curve["axis"] for curve in report["curves"]))
    with mpl.rc_context({"svg.hashsalt": "gongxiang", "svg.fonttype": "none", "font.size": 9}):
        figure, plots = plt.subplots(
            1, max(1, len(axes)), figsize=(3.2 * max(1, len(axes)), 2.8), squeeze=False
        )
        for plot, axis in zip(plots[0], axes, strict=True):
            for curve in (one for one in report["curves"] if one["axis"] == axis):
                xs, ys = zip(*curve["points"], strict=True)
                plot.plot(xs, ys, marker="o", markersize=3, label=curve["name"])
                plot.set_ylabel(curve["unit"])
            if max(max(p[0] for p in c["points"]) for c in report["curves"]) > 50 and axis in (
                "postings in the book",
                "accounts",
            ):
                plot.set_xscale("log")
            plot.set_ylim(bottom=0)
            plot.set_xlabel(axis)
            plot.spines[["top", "right"]].set_visible(False)
            plot.legend(frameon=False, fontsize=7)
        figure.tight_layout()
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
