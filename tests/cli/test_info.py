# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""``azimuthal info``; what it knows of each kind of file is tested in tests/pipelines/test_description.py."""


def test_info_describes_every_file(run, poni, stack):
    outcome = run("info", poni, stack)
    assert outcome.code == 0
    assert "geometry.poni: geometry (PONI version 2.1)" in outcome.out
    assert "beam centre: row " in outcome.out
    assert "stack.h5: image stack (hdf5)" in outcome.out
    assert "40 of 48 x 60 pixels" in outcome.out


def test_info_goes_on_after_a_file_that_is_not_understood(run, poni):
    outcome = run("info", "nothing.tif", poni)
    assert outcome.code == 2
    assert "error: nothing.tif: this file does not exist" in outcome.err
    assert "beam centre" in outcome.out


def test_info_takes_the_detector_that_a_geometry_lacks(run, folder):
    text = "PixelSize1: 0.000172\nPixelSize2: 0.000172\nDistance: 0.1\nPoni1: 0.01\nPoni2: 0.02\n"
    (folder / "old.poni").write_text(text + "Rot1: 0\nRot2: 0\nRot3: 0\nWavelength: 1e-10\n")
    assert "'azimuthal integrate' takes it from the images" in run("info", "old.poni").out
    assert "1043 x 981 pixels" in run("info", "--detector", "pilatus 1m", "old.poni").out
