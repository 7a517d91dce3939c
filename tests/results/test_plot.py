# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Pictures: labels, error band, formats, no global state."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from azimuthal.errors import (
    DataTypeError,
    MissingDependencyError,
    OutputError,
    OutputExistsError,
    UnknownNameError,
)
from azimuthal.results import plot_cake, plot_profile, save_picture

pytest.importorskip("matplotlib")
SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def test_plot_profile_labels_axes_and_draws_the_band(make_profile, axes):
    profile = make_profile()
    assert plot_profile(profile, axes, label="run") is axes
    assert axes.get_xlabel() == "q (nm⁻¹)"
    assert axes.get_ylabel() == "mean intensity"
    (line,) = axes.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), profile.radial)
    np.testing.assert_array_equal(line.get_ydata(), profile.intensity)
    assert len(axes.collections) == 1
    assert axes.get_xlim() == (profile.edges[0], profile.edges[-1])


def test_plot_profile_without_sigma_has_no_band(make_profile, axes):
    make_profile(error_model=None).plot(axes)
    assert not axes.collections


def test_plot_cake_puts_azimuth_upwards(make_cake, axes):
    cake = make_cake(n_radial=7, n_azimuthal=5)
    assert cake.plot(axes) is axes
    assert axes.get_xlabel() == "q (nm⁻¹)"
    assert "χ" in axes.get_ylabel()
    mesh = axes.collections[0]
    assert mesh.get_array().shape == (5, 7)
    np.testing.assert_array_equal(mesh.get_coordinates()[0, :, 0], cake.radial_axis.edges)
    np.testing.assert_array_equal(mesh.get_coordinates()[:, 0, 1], cake.azimuthal_axis.edges)
    assert mesh.get_array().mask[0, 1]


def test_plot_cake_respects_given_limits(make_cake, axes):
    plot_cake(make_cake(), axes, vmin=0, vmax=2)
    assert axes.collections[0].get_clim() == (0, 2)


@pytest.mark.parametrize("extension", SIGNATURES)
@pytest.mark.parametrize("kind", ["profile", "cake"])
def test_save_picture_writes_the_format_of_the_extension(make_profile, make_cake, tmp_path, kind, extension):
    metadata = {"label": "100$ run_$x"}
    result = make_profile(metadata=metadata) if kind == "profile" else make_cake(metadata=metadata)
    path = save_picture(result, tmp_path / f"a.{extension}")
    assert path.read_bytes().startswith(SIGNATURES[extension])


def test_save_picture_refuses_existing_file_without_force(make_profile, tmp_path):
    path = tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="force"):
        save_picture(make_profile(), path)
    assert path.read_text() == "mine"
    save_picture(make_profile(), path, force=True)
    assert path.read_bytes().startswith(SIGNATURES["png"])


def test_save_picture_with_unknown_extension_raises(make_profile, tmp_path):
    with pytest.raises(UnknownNameError, match="png"):
        save_picture(make_profile(), tmp_path / "a.pgn")


def test_save_picture_into_a_file_raises(make_profile, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_picture(make_profile(), tmp_path / "file" / "a.png")


def test_save_picture_of_something_else_raises(tmp_path):
    with pytest.raises(DataTypeError, match="result"):
        save_picture([1, 2], tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_missing_matplotlib_names_the_command(make_profile, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(MissingDependencyError, match=r"pip install 'azimuthal\[plot\]'"):
        make_profile().plot()


def test_plotting_does_not_import_pyplot():
    program = """
        import sys
        import azimuthal.results as results
        from azimuthal.units import Axis
        assert "matplotlib" not in sys.modules
        sums = results.Sums([1, 2], None, [1, 1], [1, 1], [1, 1])
        results.Profile(Axis("q_nm^-1", [0, 1, 2]), sums).plot()
        assert "matplotlib.pyplot" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
