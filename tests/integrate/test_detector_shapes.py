# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Signal is conserved on every kind of detector: gaps, wide pixels, hexagons, cylinders, facets, distortion."""

import numpy as np
import pytest

import azimuthal as az
from azimuthal.testing.shared_data import shared_path

ROUNDING = 1e-12
#: Native and NumPy coordinates differ in the last digit, and with them the weights of thin slivers.
COORDINATES = 1e-9


def spline_detector():
    return az.detector("FReLoN", spline=shared_path("data/formats/f4mnew.spline")).with_region(
        slice(900, 960), slice(1000, 1060)
    )


DETECTORS = {
    "modules with gaps": lambda: az.detector("Pilatus300k").with_region(slice(150, 250), slice(100, 200)),
    "wide pixels and gaps between modules": lambda: az.detector("Xpad_flat").with_region(
        slice(80, 160), slice(40, 120)
    ),
    "wide pixels at chip borders": lambda: az.detector("Jungfrau").with_region(slice(220, 290), slice(220, 290)),
    "hexagons": lambda: az.detector("Pixirad1").with_region(slice(100, 180), slice(100, 180)),
    "cylinder": lambda: az.detector("Rapid").with_region(slice(1250, 1320), slice(2300, 2380)),
    "facets": lambda: az.detector("Cirpad").with_region(slice(540, 620), slice(20, 100)),
    "spline": spline_detector,
    "binned": lambda: az.detector("Eiger2_500k").with_binning(4, 4),
    "mirrored": lambda: az.detector("ImXPadS10", orientation=2),
}


@pytest.mark.parametrize("split", ["none", "bbox", "pseudo", "full"])
@pytest.mark.parametrize("kind", list(DETECTORS))
def test_signal_is_conserved_and_engines_agree(kind, split):
    detector = DETECTORS[kind]()
    n_slow, n_fast = detector.shape
    beam = detector.centers(slice(n_slow // 2, n_slow // 2 + 1))[0, n_fast // 2]
    ai = az.Integrator(
        detector, dist=0.08, poni1=beam[0] + 2.3e-4, poni2=beam[1] - 1.7e-4, rot1=0.02, rot2=-0.03, wavelength=1e-10
    )
    frame = np.random.default_rng(3).poisson(30, detector.shape).astype(np.uint16)
    valid = ~detector.gap_mask()
    expected = frame[valid].sum()
    profile = ai.integrate1d(frame, 37, split=split)
    cake = ai.integrate2d(frame, 23, 31, split=split, unit="2th_deg")
    for result in (profile, cake):
        assert result.sum_signal.sum() == pytest.approx(expected, rel=ROUNDING)
        assert result.count.sum() == pytest.approx(np.count_nonzero(valid), rel=ROUNDING)
    reference = ai.integrate1d(frame, profile.edges, split=split, engine="reference")
    if split != "none":  # a centre on an edge may fall on either side
        difference = np.abs(reference.sum_signal - ai.integrate1d(frame, profile.edges, split=split).sum_signal)
        assert difference.max() <= COORDINATES * profile.sum_signal.max()
