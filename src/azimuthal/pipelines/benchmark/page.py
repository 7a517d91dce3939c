# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The page of the documentation that a benchmark writes."""

from __future__ import annotations

from azimuthal.pipelines.benchmark.report import BenchmarkReport, Table

_INTRODUCTION = """# Benchmarks

*Generated: `azimuthal benchmark --markdown FILE` writes this page. Do not edit it, run that again.*

All times are wall times per frame (per plan for `compile`) of one run: everybody works on the same frames, takes turns
with the others, and the median of the turns counts; "spread" is half the distance between the quartiles. Frames are
simulated CeO2 powder with Poisson noise at the stated mean counts per pixel, gaps hold the highest value of the type,
and chunks are compressed as an EIGER does (bitshuffle-LZ4, blocks of 8 kB). A batch goes round 16 different frames.
Every result is compared before it is timed: ours with the reference engine, the others' with ours. Ours always has
signal, norm and count, and with "sigma" the Poisson variance.
"""
_NOTES = """- **pyFAI** integrates with its own geometry and weights, by its fastest methods for the splitting; its
  means must agree with ours to 1e-4 on its own bins, the first and the last one excepted. From chunks it reads
  `dataset[i]` with h5py and hdf5plugin.
- **bslz4_to_sparse** gets our weights as its matrix, prepared once, and sums signal only; its own choice of layout and
  the fastest of its layouts are both timed, and its sums must agree to 1e-6.
- **numpy.bincount** has ready-made bins; **scipy CSR** is `matrix @ frame` in float64. Both sum signal only, on one
  thread.
- **memory read** is a bitwise OR over the frame. **LZ4 alone** is liblz4 decoding every block into a buffer that stays
  in the cache, called through ctypes with the cost of the calls subtracted. **h5py + hdf5plugin** is reading and
  decoding alone, on one thread.
- **file** is a command started cold: an HDF5 file to a NXazint file for us, a Python loop that ends with an HDF5 file
  for pyFAI; times are per frame, start included.
"""


def benchmark_page(report: BenchmarkReport, *, picture: str | None = None) -> str:
    """Return the page in Markdown; `picture` is its path as seen from the page."""
    settings = report.settings
    parts = [_INTRODUCTION]
    if settings.quick:
        parts.append("**This was a quick look: a small detector and few turns. Its numbers mean little.**\n")
    parts.append(f"Detector {settings.detector}, {settings.npt} bins. {_machine(report)}\n")
    if picture is not None:
        parts.append(f"![Frames per second, ours and others]({picture})\n")
    parts += [
        "## The contract\n",
        _markdown(report.contract()),
        "## Ours, and the others as multiples of ours\n",
        _markdown(report.table()),
        _NOTES,
        *_problems(report),
        "## Everything\n",
        _markdown(report.details()),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _machine(report: BenchmarkReport) -> str:
    machine = report.machine
    sets = ", ".join(machine["instruction_sets"]) or "not known"
    packages = ", ".join(f"{name} {version}" for name, version in report.packages.items() if version)
    pinned = "" if machine["pinned"] else " Processes could not be bound to cores on this system."
    load = "" if machine["load"] is None else f", load {machine['load']:g} at the end"
    missing = "".join(f" Not installed: {name} (`{how}`)." for name, how in report.missing.items())
    return (
        f"Machine: {machine['processor']}, {machine['cores']} cores{load} ({sets}; ours runs on "
        f"{machine['instructions']}), {machine['system']}, Python {machine['python']}. "
        f"Packages: {packages}.{pinned}{missing}"
    )


def _problems(report: BenchmarkReport) -> list[str]:
    found = report.problems()
    return ["Left out of the ratios:\n", "\n".join(f"- {_cell(line)}" for line in found) + "\n"] if found else []


def _markdown(table: Table) -> str:
    header, rows = table
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
