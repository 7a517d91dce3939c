# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What nobody can pass."""

import pytest

from azimuthal.pipelines.benchmark.cases import Case
from azimuthal.pipelines.benchmark.contenders import limits


def entry_named(label, case, bench):
    found = {entry.label: entry for entry in limits.entries(case, bench)}
    if label not in found:
        pytest.skip(f"{label} is not possible here: no liblz4, or several threads")
    return found[label]


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_lz4_limit_decodes_every_byte(dtype, bench, monkeypatch):
    monkeypatch.setattr(bench, "threads", 1)
    entry = entry_named(limits.LZ4, Case("chunk", "none", False, dtype, 40.0), bench)
    assert entry.deviation(entry.work()) == 0.0
    entry.overhead()


def test_h5py_limit_reads_the_frames(bench):
    entry = entry_named(limits.H5PY, Case("chunk", "none", False, "uint32", 40.0), bench)
    assert entry.deviation(entry.work()) == 0.0
