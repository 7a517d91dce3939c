# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The simulated powder: rings where the lattice has them, counts that follow Poisson's law."""

import math
import sys

import numpy as np
import pytest

import azimuthal as az
from azimuthal.errors import OutputExistsError, ParameterError, WavelengthMissingError
from azimuthal.pipelines.simulate import (
    CEO2_CELL_EDGE,
    PowderSettings,
    ceo2_rings,
    expected_image,
    poisson_frames,
    powder_pattern,
    write_powder_stack,
)

WAVELENGTH = 0.6e-10


@pytest.fixture
def instrument():
    camera = az.Detector(pixel1=5e-4, pixel2=5e-4, shape=(120, 140))
    return az.Integrator(camera, dist=0.1, poni1=0.03, poni2=0.034, rot1=0.1, wavelength=WAVELENGTH).instrument


def test_ceo2_rings_are_the_allowed_reflections_of_a_face_centred_cube():
    rings = ceo2_rings(WAVELENGTH)
    assert [ring.name for ring in rings] == ["111", "200", "220", "311", "222", "400", "331", "420", "422", "511"]
    for ring in rings:
        indices = [int(digit) for digit in ring.name]
        assert len({index % 2 for index in indices}) == 1
        assert ring.d_spacing == pytest.approx(CEO2_CELL_EDGE / math.hypot(*indices), rel=1e-14)
        assert math.sin(ring.two_theta(WAVELENGTH) / 2) * 2 * ring.d_spacing == pytest.approx(WAVELENGTH, rel=1e-12)


def test_ceo2_rings_agree_with_the_published_d_spacings():
    """Powder diffraction file 34-394 (a = 5.41134 angstrom), scaled to our cell edge."""
    published = {"111": 3.1234, "200": 2.7056, "220": 1.9134, "311": 1.6318, "331": 1.24147, "422": 1.10466}
    for ring in ceo2_rings(WAVELENGTH):
        if ring.name in published:
            assert ring.d_spacing * 1e10 == pytest.approx(published[ring.name] * 5.41153 / 5.41134, abs=1.5e-3)


def test_ceo2_rings_stop_where_the_wavelength_or_the_angle_does():
    assert len(ceo2_rings(WAVELENGTH, math.radians(20))) == 3
    assert [ring.name for ring in ceo2_rings(3e-10)] == ["111", "200", "220", "311", "222"]
    assert math.isnan(ceo2_rings(WAVELENGTH)[0].two_theta(7e-10))


def test_powder_pattern_has_its_heights_and_widths():
    look = PowderSettings(peak_counts=100, width=math.radians(0.1), background=1e-9)
    rings = ceo2_rings(WAVELENGTH)
    top = rings[0].two_theta(WAVELENGTH)
    angles = np.array([top, top - look.width / 2, top + look.width / 2, rings[1].two_theta(WAVELENGTH)])
    np.testing.assert_allclose(powder_pattern(angles, rings, WAVELENGTH, look), [100, 50, 50, 28], rtol=1e-6)


def test_expected_image_integrates_back_to_the_pattern(instrument):
    """Solid angle and polarisation in the image are those that the integration takes out."""
    look = PowderSettings(width=math.radians(1.5))
    image = expected_image(instrument, look)
    ai = az.Integrator.from_instrument(instrument)
    profile = ai.integrate1d(image, 300, unit="2th_rad", split="none", polarization_factor=0.99)
    full = profile.count > 0
    expected = powder_pattern(profile.radial[full], ceo2_rings(WAVELENGTH), WAVELENGTH, look)
    np.testing.assert_allclose(profile.intensity[full], expected, rtol=0.02, atol=1.0)


def test_expected_image_without_wavelength_raises(instrument):
    with pytest.raises(WavelengthMissingError):
        expected_image(instrument.replace(beam=az.Beam()))


def test_poisson_frames_follow_poissons_law():
    expected = np.full((40, 50), 7.0)
    excluded = np.zeros((40, 50), bool)
    excluded[:, 3] = True
    frames = np.array(list(poisson_frames(expected, excluded, 200)))
    assert frames.dtype == np.uint32
    assert (frames[:, excluded] == 2**32 - 1).all()
    counts = frames[:, ~excluded].astype(float)
    assert counts.mean() == pytest.approx(7, abs=5 * math.sqrt(7 / counts.size))
    assert counts.var() == pytest.approx(7, rel=0.02)
    correlation = np.corrcoef(counts[:100].ravel(), counts[100:].ravel())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(counts.size / 2)


def test_poisson_frames_depend_on_the_seed_alone():
    expected, excluded = np.full((33, 20), 3.0), np.zeros((33, 20), bool)
    one, two, other = (list(poisson_frames(expected, excluded, 2, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one[0] != one[1]).any()
    assert (one[0] != other[0]).any()


def test_write_powder_stack_is_read_back_with_its_facts(tmp_path, instrument):
    path = write_powder_stack(tmp_path / "s.h5", instrument, 3)
    expected = list(poisson_frames(expected_image(instrument), instrument.detector.gap_mask(), 3))
    with az.open_frames(path) as frames:
        assert (len(frames), frames.shape, frames.dtype) == (3, (120, 140), np.uint32)
        np.testing.assert_array_equal(list(frames), expected)
        facts = frames.metadata
        assert facts["wavelength"] == pytest.approx(WAVELENGTH)
        assert facts["distance"] == pytest.approx(0.1)
        assert facts["pixel_size"] == pytest.approx([5e-4, 5e-4])
        assert facts["beam_center"] == pytest.approx(list(instrument.beam_center))
        assert not frames.read_mask().any()
    with pytest.raises(OutputExistsError):
        write_powder_stack(path, instrument, 3)


def test_write_powder_stack_without_hdf5plugin_is_compressed_with_gzip(tmp_path, instrument, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    path = write_powder_stack(tmp_path / "s.h5", instrument, 1)
    with az.open_frames(path) as frames:
        assert frames.filters == ("shuffle", "gzip")


def test_write_powder_stack_needs_an_hdf5_name(tmp_path, instrument):
    with pytest.raises(ParameterError, match=r"s\.tif"):
        write_powder_stack(tmp_path / "s.tif", instrument, 1)


@pytest.mark.parametrize("name", ["peak_counts", "width", "background", "decay"])
def test_powder_settings_must_be_positive(name):
    with pytest.raises(ParameterError, match=name):
        PowderSettings(**{name: 0.0})
