# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""A measured stack over several files: no frame lost, every count in one bin."""

import numpy as np

import azimuthal as az
from azimuthal.testing.shared_data import shared_path

SHAPE = (516, 1554)


def test_lambda_module_over_five_files_keeps_order_and_counts():
    """One module of a Lambda 2M: five files of ten int16 frames, summed per pixel by NumPy for comparison."""
    folder = shared_path("data/lambda_modules")
    paths = sorted(folder.glob("*_m1_part*.nxs"))
    assert len(paths) == 5
    ai = az.load(folder / "L2.poni", shape=SHAPE)
    plan = ai.plan1d(300, unit="2th_deg", split="full", solid_angle=False)
    dataset = "/entry/instrument/detector/data"
    results = list(plan.map([f"{path}::{dataset}" for path in paths]))
    assert [result.metadata["index"] for result in results] == list(range(50))
    n = 0
    for path in paths:
        with az.open_frames(path, dataset=dataset) as frames:
            assert frames.shape == SHAPE
            for k in range(len(frames)):
                frame = frames.read(k)
                valid = frame != np.iinfo(frame.dtype).max
                assert np.isclose(results[n].sum_signal.sum(), frame[valid].sum(dtype=np.int64), rtol=1e-11)
                assert np.isclose(results[n].count.sum(), np.count_nonzero(valid), rtol=1e-11)
                n += 1
    assert n == 50
