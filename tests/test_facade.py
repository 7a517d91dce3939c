# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The public face: its names, what importing costs, and that optional packages stay optional."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import azimuthal as az

PUBLIC = {
    "Axis", "Beam", "Cake", "Detector", "Inpainting", "Instrument", "Integrator", "MovingGeometry",
    "MultiGeometry", "ParallaxSettings", "PeakFinder", "Peaks", "Plan", "PlanSet", "Pose", "Profile", "Rejection",
    "ResultSet", "Sensor",
    "Separation", "SparseFrame", "Spottiness", "Unit", "__version__", "detector", "detector_names",
    "find_peaks", "image_from_cake", "image_from_profile", "inpaint", "load", "load_peaks", "load_plan",
    "load_result", "load_sparse", "log_bins", "merge", "open_frames", "peak_finder", "register_unit", "save",
    "save_geometry", "save_peaks", "save_sparse", "separate", "sparsify", "spottiness", "unit", "unit_names",
    "average", "save_image", "Calibrant", "Cell", "calibrant", "calibrant_names", "calibrate", "Calibration",
    "ControlPoints", "load_control_points", "recalibrate", "recalibrate_modules", "save_control_points",
    "Goniometer", "calibrate_goniometer", "load_goniometer", "save_goniometer",
}  # fmt: skip


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_public_names_are_these_and_resolve():
    assert set(az.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(az, name) is not None
    with pytest.raises(AttributeError, match="integrate1d"):
        az.integrate1d  # noqa: B018


def test_import_loads_nothing_heavy():
    """Importing the package and everything that integrates an array loads NumPy and no optional package."""
    loaded = run(
        "import sys, azimuthal as az; az.Integrator; az.Profile; az.unit('q_nm^-1'); az.detector('Eiger2_4M');"
        "print(sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    for package in (
        "h5py",
        "fabio",
        "tifffile",
        "hdf5plugin",
        "matplotlib",
        "xarray",
        "pandas",
        "scipy",
        "click",
        "rich",
    ):
        assert repr(package) not in loaded


def test_import_takes_little_more_than_numpy():
    code = (
        "import time; import numpy; t = time.process_time(); import azimuthal as az; az.Integrator;"
        "print(time.process_time() - t)"
    )
    # Budget 0.2 s with NumPy; ours alone is about 0.1 s. Five times that would be a mistake, not a slow machine: time
    # of this process, which others that are busy do not lengthen.
    assert min(float(run(code)) for _ in range(3)) < 0.5


def test_nothing_runs_at_import():
    """Rule D7: no threads, no warnings, no output."""
    out = run("import threading, azimuthal as az; az.Integrator; print(threading.active_count())")
    assert out.strip() == "1"


def test_names_that_are_looked_up_when_used_are_not_those_of_modules():
    """Importing a module of a package puts it under its name there, instead of a function not yet looked up."""
    clashes = []
    for found in pkgutil.walk_packages(az.__path__, "azimuthal."):
        if not found.ispkg:
            continue
        package = importlib.import_module(found.name)
        if hasattr(package, "__getattr__"):
            modules = {one.name for one in pkgutil.iter_modules(package.__path__)}
            clashes += [f"{found.name}.{name}" for name in modules & set(package.__all__)]
    assert clashes == []
    assert callable(az.images.spottiness)
