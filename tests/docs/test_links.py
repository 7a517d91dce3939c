# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Links between pages resolve, and the Python of README and how-to pages runs."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import azimuthal as az

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *REPOSITORY.glob("docs/**/*.md"),
    ]
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page_id(page):
    return str(page.relative_to(REPOSITORY))


def prose(page):
    """Return a page without its code."""
    return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))


def blocks(page, language):
    return [code for name, code in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


def is_alone(page):
    """Say whether the Python of a page needs nothing that its commands make (test_workflows.py runs those)."""
    return "is tested as it stands here" not in page.read_text(encoding="utf-8")


def anchors(page):
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_page_links_to_files_and_headings_that_exist(page):
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page_id(page)}: {link} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{page_id(page)}: {link} has no such heading"


def test_every_page_is_reached_from_the_start_pages():
    linked = {page for page in PAGES if page.parent == REPOSITORY} | {REPOSITORY / "docs/index.md"}
    for page in list(linked):
        linked |= {(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(page))}
    assert [page_id(page) for page in PAGES if page not in linked] == []


def test_every_figure_is_shown_on_some_page():
    shown = {
        (page.parent / link).resolve() for page in PAGES for link in LINK.findall(prose(page)) if link.endswith("png")
    }
    drawn_by_the_benchmark = REPOSITORY / "docs/reference/benchmarks.png"
    assert shown == {*REPOSITORY.glob("docs/figures/*.png"), drawn_by_the_benchmark}


@pytest.fixture
def sample_data(tmp_path, monkeypatch):
    """The files that the pages speak of, small."""
    h5py = pytest.importorskip("h5py")
    tifffile = pytest.importorskip("tifffile")
    ai = az.Integrator("Pilatus100k", dist=0.1, poni1=0.0168, poni2=0.0419, rot1=0.02, wavelength=1e-10)
    az.save_geometry(ai, tmp_path / "geometry.poni")
    numbers = "Distance: 0.1\nPoni1: 0.0168\nPoni2: 0.0419\nRot1: 0.02\nRot2: 0.01\nRot3: 0\nWavelength: 1e-10\n"
    for name in ("old.poni", "dioptas.poni"):
        (tmp_path / name).write_text(f"PixelSize1: 0.000172\nPixelSize2: 0.000172\n{numbers}", encoding="utf-8")
    frames = np.random.default_rng(0).poisson(100, (3, *ai.detector.shape)).astype(np.uint32)
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        file["entry/data/data"] = frames
    tifffile.imwrite(tmp_path / "image.tif", frames[0])
    np.save(tmp_path / "mask.npy", frames[0] > 140)
    np.save(tmp_path / "dark.npy", np.ones(ai.detector.shape))
    calibration_image(tifffile, tmp_path)
    monkeypatch.chdir(tmp_path)


def calibration_image(tifffile, folder):
    """Write CeO2.tif, and start.poni a few pixels beside its geometry."""
    from azimuthal.pipelines.simulate import PowderSettings, expected_image

    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(256, 240))
    instrument = az.Instrument(detector, az.Pose(0.25, 0.052, 0.047, 0.03, -0.05), az.Beam(3e-11))
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    image = np.random.default_rng(0).poisson(expected_image(instrument, look)).astype(np.uint32)
    tifffile.imwrite(folder / "CeO2.tif", image)
    pose = instrument.pose
    rough = pose.replace(dist=1.003 * pose.dist, poni1=pose.poni1 + 8e-4, poni2=pose.poni2 - 8e-4)
    az.save_geometry(instrument.replace(pose=rough), folder / "start.poni")


def ceria_image(tifffile, folder):
    """Write ceria.tif, of which nothing is known but the detector and the energy."""
    from azimuthal.testing.calibrant_images import CalibrantLook, calibrant_image

    instrument = az.Instrument(az.detector("Pilatus300k"), az.Pose(0.18, 0.06, 0.045, 0.03, -0.05), az.Beam(3e-11))
    look = CalibrantLook(fwhm=np.radians(0.12), counts=300.0)
    image = calibrant_image(instrument, az.calibrant("CeO2"), look, seed=1).image
    tifffile.imwrite(folder / "ceria.tif", image.astype(np.int32))


def goniometer_images(tifffile, folder):
    """Write four images of CeO2 on an arm, their positions, and a rough goniometer."""
    from azimuthal.pipelines.simulate import PowderSettings, expected_image

    detector = az.Detector(pixel1=4e-4, pixel2=4e-4, shape=(160, 150))
    at_zero = az.Instrument(detector, az.Pose(0.25, 0.032, 0.03, 0.03, -0.02, 0.01), az.Beam(3e-11))
    arm = az.Goniometer.arm(at_zero, "tth", direction=-1)
    look = PowderSettings(peak_counts=300.0, background=7.0, width=np.radians(0.18))
    lines = ["image, tth"]
    for number, tth in enumerate((4.0, 8.0, 12.0, 16.0)):
        image = np.random.default_rng(number).poisson(expected_image(arm.instrument(tth), look)).astype(np.uint32)
        tifffile.imwrite(folder / f"scan_{number}.tif", image)
        lines.append(f"scan_{number}.tif, {tth}")
    (folder / "positions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    az.save_geometry(at_zero, folder / "at_zero.poni")
    arm.with_parameters(dist=0.2505, rot1=0.0315, scale=-1.004).save(folder / "start.json")


@pytest.fixture
def own_units(monkeypatch):
    """Forget the units that a page registers."""
    from azimuthal.units import _registry

    monkeypatch.setattr(_registry, "_registered", dict(_registry._registered))


@pytest.mark.white_box
@pytest.mark.usefixtures("sample_data", "own_units")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python") and is_alone(page)], ids=page_id)
def test_python_of_page_runs(page, tmp_path):
    if page.stem == "calibrate-a-goniometer":
        goniometer_images(pytest.importorskip("tifffile"), tmp_path)
    codes = blocks(page, "python")
    if "ceria.tif" in "".join(codes):
        ceria_image(pytest.importorskip("tifffile"), tmp_path)
    namespace = {}
    for code in codes:
        exec(compile(code, page_id(page), "exec"), namespace)


def test_toml_of_detector_page_conforms_to_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    import json

    page = REPOSITORY / "docs/how-to/add-a-detector.md"
    schema = REPOSITORY / "src/azimuthal/detectors/data/schema.json"
    tables = [table for code in blocks(page, "toml") if "detector" in (table := tomllib.loads(code))]
    assert tables
    for table in tables:
        jsonschema.validate(table, json.loads(schema.read_text(encoding="utf-8")))
