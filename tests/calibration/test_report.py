# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The report: one file, nothing from elsewhere, whatever the verdict and whatever the names say."""

import base64
import json
import re
import struct
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import azimuthal as az
from azimuthal.calibration import RingPoints
from azimuthal.calibration.report import DATA_ID
from azimuthal.calibration.report_data import array_digest
from azimuthal.calibration.report_pictures import Picture
from azimuthal.errors import FileFormatError, FileMissingError, OutputExistsError, ParameterError
from azimuthal.io import load_calibration_report

pytest.importorskip("matplotlib")


NEWER = f'<script type="application/json" id="{DATA_ID}">{{"format": "azimuthal calibration report", "version": 99}}</script>'


class Page(HTMLParser):
    """Collects what a browser would load, the text, and whether elements are nested rightly."""

    VOID = ("meta", "img", "br", "link", "input")

    def __init__(self, html):
        super().__init__()
        self.open, self.sources, self.words, self.tags = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def found(scene, rough):
    return az.recalibrate(scene.frame(), rough, scene.calibrant).with_image("CeO2.tif")


@pytest.fixture(scope="module")
def report(found):
    return found.report()


@pytest.fixture
def undrawn(monkeypatch):
    """Drawing takes most of the time."""
    picture = Picture("image", "Image", "Rings.", b"\x89PNG")
    monkeypatch.setattr("azimuthal.calibration.report.report_pictures", lambda *_: (picture,) * 2)


def test_report_is_one_page_that_loads_nothing(report):
    page = Page(report.html)
    assert len(page.sources) == len(report.pictures) == 9
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not re.search(r"https?:|@import|url\(", report.html)
    assert "default-src 'none'" in report.html
    assert 'name="viewport"' in report.html
    assert page.tags.count("script") == 1  # the data


def test_report_begins_with_the_verdict(report):
    page = Page(report.html)
    assert page.text.index("Calibration with CeO2: good") < page.text.index("In short")
    for word in ("dist", "mm", "fixed", "Rings", "passes", "CeO2.tif", "made by"):
        assert word in page.text


def test_report_pictures_are_png_of_five_inches(report):
    for picture in report.pictures:
        assert picture.png.startswith(b"\x89PNG")
        assert struct.unpack(">I", picture.png[16:20])[0] == 750
        assert len(picture.png) < 600_000
        assert picture.caption.endswith(".")


def test_report_data_are_the_numbers_of_the_calibration(found, tmp_path, undrawn):
    found.save_report(tmp_path / "a.html")
    data = load_calibration_report(tmp_path / "a.html")
    assert data["verdict"] == "good"
    assert {one["name"]: one["value"] for one in data["parameters"]} == found.refinement.values
    np.testing.assert_array_equal(data["covariance"], found.covariance)  # exact: repr of float64
    errors = {one["name"]: one["error"] for one in data["parameters"]}
    assert errors == found.standard_errors
    assert [one["name"] for one in data["parameters"] if one["fixed"]] == ["rot3", "wavelength"]
    points = data["control_points"]
    np.testing.assert_allclose(points["residual"], found.residuals, atol=1e-4)
    assert sum(points["used"]) == found.refinement.used.sum() == data["numbers"]["points_used"]
    means = {one["ring"]: one["deviation"] for one in data["rings"] if one["points"]}
    assert means == {one.ring: one.mean for one in found.ring_deviations}
    assert data["digests"]["image"] == array_digest(found.observed.image)
    assert data["rings"][0]["label"] == found.observed.calibrant.labels[0]
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_infinite_and_unknown_numbers_are_null(scene, rough, undrawn):
    found = az.recalibrate(scene.frame(), rough, scene.calibrant, fix=("wavelength",))  # rot3 is free
    report = found.report()
    rot3 = next(one for one in report.data["parameters"] if one["name"] == "rot3")
    assert rot3["error"] is None
    assert "not told by the rings" in Page(report.html).text


def test_doubtful_report_says_why(scene, rough, undrawn):
    found = az.recalibrate(scene.frame(), rough, scene.calibrant, max_rings=2)
    assert found.verdict == "doubtful"
    text = Page(found.report().html).text
    assert all(reason in text for reason in found.reasons)


def test_failed_calibration_is_reported_with_what_was_seen(scene, rough, tmp_path):
    failed = az.recalibrate(np.zeros(scene.expected.shape), rough, scene.calibrant)
    failed.save_report(tmp_path / "failed.html")
    html = (tmp_path / "failed.html").read_text(encoding="utf-8")
    text = Page(html).text
    assert "Calibration with CeO2: failed" in text
    assert failed.reasons[0] in text
    assert "Nothing could be refined" in text
    data = load_calibration_report(tmp_path / "failed.html")
    assert data["parameters"] == []
    assert data["covariance"] is None
    assert {one["state"] for one in data["rings"]} == {"not seen", "crowded"}
    assert html.count("data:image/png") >= 3


def test_calibration_without_points_is_reported(scene, rough, found):
    """As one that never found a ring: nothing predicted, nothing left out."""
    from azimuthal.calibration import ControlPoints, Judgement

    nothing = RingPoints(ControlPoints.empty(), np.empty(0), (), ())
    bare = replace(found, refinement=None, ring_points=nothing, judgement=Judgement("failed", ("no rings",)))
    report = bare.report()
    text = Page(report.html).text
    assert "no rings" in text
    assert "No geometry was found" in text
    assert "beam centre" not in text
    assert [picture.name for picture in report.pictures] == ["image"]
    assert not bare.validation().is_placed


def test_all_text_is_escaped(scene, rough, tmp_path, undrawn):
    evil = '</script><script>alert("1")</script><img src=x onerror=alert(2)>&amp;\'$x$'
    calibrant = az.Calibrant.from_d_spacings(scene.calibrant.d_spacings(), name="CeO2")
    found = az.recalibrate(scene.frame(), rough, calibrant).with_image(evil)
    found = replace(found, calibrant=evil, inputs=({"role": evil, "path": evil},), settings={evil: evil})
    found.save_report(tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 1
    assert page.tags.count("img") == 2
    data = load_calibration_report(tmp_path / "a.html")
    assert data["image"] == data["calibrant"] == evil
    assert data["settings"] == {evil: evil}


def test_report_does_not_replace_a_file_without_force(found, tmp_path, undrawn):
    path = tmp_path / "a.html"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        found.save_report(path)
    assert path.read_text() == "mine"
    found.save_report(path, force=True)
    assert DATA_ID in path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.html"]


def test_report_needs_an_image(found):
    with pytest.raises(ParameterError, match="image"):
        replace(found, observed=None).report()


def test_notebook_shows_the_page_in_a_frame(report):
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert repr(report) == "Report(CeO2: good, 9 pictures)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html></html>", "no calibration report"),
        (f'<script type="application/json" id="{DATA_ID}">{{"a"</script>', "cannot be read"),
        (f'<script type="application/json" id="{DATA_ID}">[1]</script>', "no calibration report"),
        (NEWER, "version 99"),
    ],
)
def test_other_files_are_not_read_as_reports(tmp_path, text, message):
    (tmp_path / "a.html").write_text(text)
    with pytest.raises(FileFormatError, match=message):
        load_calibration_report(tmp_path / "a.html")
    with pytest.raises(FileMissingError):
        load_calibration_report(tmp_path / "b.html")


def test_missing_matplotlib_is_said(found, monkeypatch):
    import sys

    from azimuthal.errors import MissingDependencyError

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        found.report()


def test_digest_of_an_array_is_that_of_its_values():
    array = np.arange(600, dtype=np.int32).reshape(300, 2)
    assert array_digest(array) == array_digest(np.asfortranarray(array))
    assert array_digest(array) != array_digest(array.astype(np.int64))
    assert array_digest(array) != array_digest(array.reshape(2, 300))
    assert len(base64.b16decode(array_digest(array).upper())) == 16
