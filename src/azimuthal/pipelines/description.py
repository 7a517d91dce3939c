# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a file is, in words: an image, a stack, a geometry, a detector, results, a compiled plan, a recipe, ...

``azimuthal info`` prints what `describe` returns.  The content decides, not the name; frames are not read.
"""

from __future__ import annotations

import json
import math
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from azimuthal.detectors import Detector, load_spline
from azimuthal.errors import (
    AzimuthalError,
    AzimuthalWarning,
    FileFormatError,
    FileMissingError,
    ParameterError,
    UnknownNameError,
)
from azimuthal.geometry.conventions.poni import PoniRecord, describe_history
from azimuthal.instrument import Instrument
from azimuthal.io import describe_file, load_instrument, load_peaks, load_result, load_sparse
from azimuthal.io.detector_files import load_detector
from azimuthal.io.frames import FileDescription, frame_paths, open_frames
from azimuthal.io.frames.describe import dataset_tree
from azimuthal.io.geometry_files import read_poni
from azimuthal.io.hdf5 import HDF5_SIGNATURE, attributes_of, check_texts, open_hdf5, translated_errors
from azimuthal.io.writers import entries_of
from azimuthal.orientation import ORIENTATION_NAMES
from azimuthal.pipelines.document_description import described_document
from azimuthal.pipelines.inputs import plain_path, reason_of
from azimuthal.pipelines.run_folder import is_run_folder, recorded_failures
from azimuthal.results import Cake, Profile
from azimuthal.typing import PathLike

_TEXT_SIGNATURE = b"# program: azimuthal"
_FAILURES_SHOWN = 5
_INVALID_WORDS = {0: "none", 1: "the highest", 2: "the two highest"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a file is.

    Parameters
    ----------
    path:
        As given.
    title:
        What it is, e.g. ``"image stack (hdf5)"``.
    facts:
        Pairs of name and text, in order of interest.
    notes:
        Sentences that somebody should read: the history of an orientation, things that are not understood.
    tree:
        The datasets of an HDF5 file, one per line.
    """

    path: str
    title: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    tree: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it, one fact per line."""
        width = max((len(name) for name, _ in self.facts), default=0) + 2
        lines = [f"{self.path}: {self.title}"]
        lines += [f"  {name + ':':<{width}}{text}" for name, text in self.facts]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines + (["  datasets:"] if self.tree else []) + [f"    {line}" for line in self.tree])


def describe(path: PathLike, *, detector: str | None = None) -> Description:
    """Return what a file is.

    Parameters
    ----------
    path:
        A file, or ``file.h5::/dataset``.
    detector:
        Name of the detector, for geometry files that do not say which one they are for.

    Raises
    ------
    FileMissingError
        The file does not exist.
    FileFormatError
        It is a folder, or nothing that is understood; the message says what was tried.
    """
    text = str(path)
    file = plain_path(text)
    if not file.exists() and frame_paths([text]) == [text]:
        raise FileMissingError(f"{text}: this file does not exist (working folder: {Path.cwd()}).")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AzimuthalWarning)
        described = _described(text, file, detector)
    notes = list(described.notes)
    for warning in caught:
        words = str(warning.message).removeprefix(f"{text}: ")
        if issubclass(warning.category, AzimuthalWarning) and words not in notes:
            notes.append(words)
    return Description(text, described.title, described.facts, tuple(notes), described.tree)


def _described(text: str, file: Path, detector: str | None) -> Description:
    if is_run_folder(file):
        return _unfinished(text, file)
    if not file.is_file():  # a folder or a pattern
        with open_frames(text) as source:
            first = source.metadata
        found = describe_file(text)
        return _images(found, (("files", f"{first.get('n_files', 1)}, from {first.get('path', file)} on"),))
    if _starts_with(file, HDF5_SIGNATURE):
        kind = _own_kind(file) if text == str(file) else None
        if kind is not None:
            return kind(text)
    elif zipfile.is_zipfile(file):
        return _results(text)
    elif _starts_with(file, _TEXT_SIGNATURE):
        return _text_result(text, file)
    document = described_document(text) if text == str(file) else None
    if document is not None:
        return Description(text, *document)
    found = describe_file(text)
    if found.kind == "geometry" and not _starts_with(file, HDF5_SIGNATURE):
        return _geometry(text, detector)
    if found.kind in ("image", "image stack"):
        return _images(found)
    return _last_tries(text, found, detector)


def _starts_with(file: Path, signature: bytes) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(signature)) == signature
    except OSError as error:
        raise FileFormatError(f"{file}: cannot be read: {error.strerror or error}.") from error


def _own_kind(file: Path) -> Callable[[str], Description] | None:
    """Return what describes an HDF5 file of our own; None for other people's."""
    with open_hdf5(file) as content, translated_errors(file, "find out what it holds"):
        if "azimuthal_plan" in content.attrs:
            return _plan
        if entries_of(content):
            return _results
        if "entry/sparse_frames/radius_edges" in content:
            return _sparse
        tables = [content[name] for name in ("entry_1/result_1", "entry/peaks") if name in content]
        if any("frame_shape" in table.attrs for table in tables):
            return _peaks
    return None


def _last_tries(text: str, found: FileDescription, detector: str | None) -> Description:
    """Describe a file that holds no images: a geometry or a detector of another program, if it is one."""
    attempts: tuple[Callable[[], Description], ...]
    attempts = partial(_instrument, text, detector), partial(_detector_file, text)
    for attempt in attempts:
        try:
            return attempt()
        except AzimuthalError:
            continue
    reason = found.reason.removeprefix(f"{text}: ")
    if found.format == "hdf5" or _starts_with(plain_path(text), HDF5_SIGNATURE):
        tree = dataset_tree(plain_path(text))
        return Description(text, "HDF5 file; no images were picked", (("because", reason),), tree=tuple(tree))
    raise FileFormatError(
        f"{text}: not understood as image, geometry, detector, result, plan, goniometer or recipe: {reason}"
    )


# ---- peaks and sparse frames -------------------------------------------------------------------------------


def _peaks(path: str) -> Description:
    found = load_peaks(path)
    n_slow, n_fast = found.shape
    facts = [("peaks", f"{len(found)} in {found.n_frames} frames of {n_slow} x {n_fast} pixels (slow x fast)")]
    if found.n_incomplete:
        facts.append(("left out", f"{found.n_incomplete} next to gaps, masked pixels and edges"))
    return Description(path, "peaks of azimuthal", tuple(facts))


def _sparse(path: str) -> Description:
    found = load_sparse(path)
    n_slow, n_fast = found[0].layout.shape
    n_kept = sum(one.index.size for one in found)
    axis = found[0].layout.axis
    rings = f"{axis.n_bins} of {axis.unit.name} from {axis.edges[0]:.6g} to {axis.edges[-1]:.6g}"
    facts = (
        ("frames", f"{len(found)} of {n_slow} x {n_fast} pixels (slow x fast)"),
        ("pixels kept", str(n_kept)),
        ("rings", rings),
    )
    return Description(path, "sparse frames of azimuthal", facts)


# ---- images ------------------------------------------------------------------------------------------------


def _images(found: FileDescription, before: tuple[tuple[str, str], ...] = ()) -> Description:
    n_slow, n_fast = found.shape or (0, 0)
    facts = [*before, ("frames", f"{found.n_frames} of {n_slow} x {n_fast} pixels (slow x fast), {found.dtype}")]
    if found.dataset:
        more = f" and {len(found.dataset) - 1} more" if len(found.dataset) > 1 else ""
        facts.append(("dataset", f"{found.dataset[0]}{more} ({found.reason})"))
    if found.filters:
        facts.append(("compression", ", ".join(found.filters)))
    facts += [(name.replace("_", " "), words) for name, words in _header_facts(found.facts)]
    file = plain_path(found.path)
    tree = dataset_tree(file, found.dataset) if found.format == "hdf5" and file.is_file() else ()
    return Description(found.path, f"{found.kind} ({found.format})", tuple(facts), tree=tuple(tree))


#: Header fact -> (factor to the unit shown, unit shown)
_SHOWN_UNITS = {
    "wavelength": (1e10, "Å"),
    "distance": (1e3, "mm"),
    "sensor_thickness": (1e6, "µm"),
    "exposure_time": (1.0, "s"),
    "frame_time": (1.0, "s"),
    "threshold_energy": (1e-3, "keV"),
    "photon_energy": (1e-3, "keV"),
}


def _header_facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the header says, in words."""
    for name, value in facts.items():
        if name in _SHOWN_UNITS:
            factor, unit = _SHOWN_UNITS[name]
            yield name, f"{value * factor:.6g} {unit}"
        elif name == "pixel_size":
            yield name, f"{value[0] * 1e6:.6g} x {value[1] * 1e6:.6g} µm (slow x fast)"
        elif name == "beam_center":
            yield "beam centre", f"row {value[0]:.3f}, column {value[1]:.3f}, as the header states it"
        elif name == "unconverted":
            listed = ", ".join(f"{key} = {number:g}" for key, number in value.items())
            yield "without unit", f"{listed} (the file does not say in which unit)"
        elif name == "grid_shape":
            yield "grid", " x ".join(map(str, value))
        elif name == "corrections_applied":
            words = (f"{key.replace('_', ' ')} {'yes' if on else 'no'}" for key, on in value.items())
            yield "by detector", ", ".join(words)
        elif name in ("monitors", "motors", "counters"):
            paths = [f"{key} ({path})" for key, path in list(value.items())[:8]]
            yield name, ", ".join(paths) + (f" and {len(value) - 8} more" if len(value) > 8 else "")
        elif name == "channels":
            yield name, ", ".join(value)
        elif isinstance(value, str | int | float):
            yield name, str(value)


# ---- geometries and detectors ------------------------------------------------------------------------------


def _geometry(text: str, detector: str | None) -> Description:
    suffix = Path(text).suffix.lower()
    if suffix == ".spline":
        return _spline(text)
    if suffix == ".poni":
        return _poni(text, detector)
    try:
        return _instrument(text, detector)
    except ParameterError as error:  # something is not in the file
        note = f"{_without(text, error)} Here and in 'azimuthal integrate': --detector NAME."
        return Description(text, "geometry, not complete", (), (note,))


def _instrument(text: str, detector: str | None) -> Description:
    return Description(text, "geometry", tuple(_instrument_facts(load_instrument(text, detector=detector))))


def _poni(text: str, detector: str | None) -> Description:
    record = read_poni(text)
    notes = describe_history(record)
    try:
        facts = list(_instrument_facts(load_instrument(text, detector=detector)))
    except (ParameterError, UnknownNameError) as error:
        facts = list(_bare_poni_facts(record))
        remedy = " 'azimuthal integrate' takes it from the images." if isinstance(error, ParameterError) else ""
        notes = (_without(text, error) + remedy, *notes)
    facts += [("calibrant", record.calibrant)] if record.calibrant else []
    facts += [("image", record.image)] if record.image else []
    return Description(text, f"geometry (PONI version {record.version:g})", tuple(facts), notes)


def _without(text: str, error: AzimuthalError) -> str:
    """Return the message of an error without the name of the file."""
    return reason_of(error).replace(f"{text}: ", "", 1)


def _bare_poni_facts(record: PoniRecord) -> Iterator[tuple[str, str]]:
    """Yield what a PONI file says that does not say how many pixels there are."""
    pose = record.pose
    yield "detector", record.detector_name or "not named"
    yield "distance", f"{pose.dist * 1e3:.6g} mm along the detector normal"
    yield "PONI", f"{pose.poni1 * 1e3:.6g} mm (slow), {pose.poni2 * 1e3:.6g} mm (fast)"
    yield "rotations", ", ".join(f"rot{k} {math.degrees(getattr(pose, f'rot{k}')):.6g}°" for k in (1, 2, 3))
    config = record.detector_config or {}
    written = (record.pixel1 or config.get("pixel1"), record.pixel2 or config.get("pixel2"))
    pixels = [float(size) for size in written if isinstance(size, int | float) and size > 0]
    if len(pixels) == 2 and math.cos(pose.rot1) * math.cos(pose.rot2) > 0:
        slow = (pose.poni1 + pose.dist * math.tan(pose.rot2) / math.cos(pose.rot1)) / pixels[0]
        fast = (pose.poni2 - pose.dist * math.tan(pose.rot1)) / pixels[1]
        yield "beam centre", f"row {slow:.3f}, column {fast:.3f} of the native pixel grid"
    if record.wavelength is not None:
        yield "beam", f"wavelength {record.wavelength * 1e10:.6g} Å"


def _instrument_facts(instrument: Instrument) -> Iterator[tuple[str, str]]:
    """Yield the lines of ``Instrument.describe``."""
    for line in instrument.describe().splitlines():
        name, _, words = line.partition(":")
        yield name, words.strip()


def _spline(text: str) -> Description:
    spline = load_spline(text)
    n_slow, n_fast = spline.shape
    pixels = f"{spline.pixel1 * 1e6:.6g} x {spline.pixel2 * 1e6:.6g} µm"
    return Description(
        text, "distortion of a detector (Fit2D spline)", (("pixels", f"{n_slow} x {n_fast} of {pixels}"),)
    )


def _detector_file(text: str) -> Description:
    return Description(text, "detector (NeXus)", tuple(detector_facts(load_detector(text))))


def detector_facts(detector: Detector) -> Iterator[tuple[str, str]]:
    """Yield what is known about a detector, as pairs of name and text."""
    n_slow, n_fast = detector.shape
    yield "name", ", ".join((detector.name, *(f"also {alias}" for alias in detector.aliases)))
    if detector.maker:
        yield "maker", detector.maker
    yield "shape", f"{n_slow} x {n_fast} pixels (slow x fast), {n_slow * n_fast / 1e6:.3g} million"
    yield "pixel size", f"{detector.pixel1 * 1e6:.6g} x {detector.pixel2 * 1e6:.6g} µm (slow x fast)"
    yield "area", f"{n_slow * detector.pixel1 * 1e3:.5g} x {n_fast * detector.pixel2 * 1e3:.5g} mm"
    yield "pixels", _layout_words(detector)
    masked = float(detector.gap_mask().mean())
    yield "gaps", f"{100 * masked:.3g} % of the image" if masked else "none"
    yield "sensor", "; ".join(str(sensor) for sensor in detector.sensors) or str(detector.sensor or "not recorded")
    yield "invalid", _invalid_words(detector)
    yield "orientation", f"{detector.orientation} ({ORIENTATION_NAMES[detector.orientation]})"
    if detector.source:
        yield "source", detector.source


def _layout_words(detector: Detector) -> str:
    shape = {4: "four corners", 6: "hexagons"}[detector.n_corners]
    flat = "flat" if detector.is_flat else "not flat"
    grid = "rows and columns" if detector.is_separable else f"placed one by one ({type(detector.layout).__name__})"
    return f"{shape}, {flat}, {grid}"


def _invalid_words(detector: Detector) -> str:
    top = detector.invalid.top_of_unsigned
    words = f"{_INVALID_WORDS.get(top, f'the {top} highest')} of an integer type"
    return words + (", and negative counts" if detector.invalid.negative else "")


# ---- our own files -----------------------------------------------------------------------------------------


_KINDS = {"profile": "patterns", "cake": "cakes", "set": "sets of results"}


def _results(text: str) -> Description:
    results = load_result(text)
    first: Any = results[0]
    last: Any = results[-1]
    facts = [("results", f"{len(results)}")]
    facts += [("failed", f"{one.name}: {one.reason}") for one in results.failures[:_FAILURES_SHOWN]]
    if len(results.failures) > _FAILURES_SHOWN:
        facts.append(("failed", f"and {len(results.failures) - _FAILURES_SHOWN} more"))
    if results.kind == "set":
        facts.append(("set of", ", ".join(first.names)))
        first, last = first[0], last[0]
    facts += _axis_facts(first)
    facts.append(("average", first.average))
    facts.append(("uncertainties", first.error_model or "none"))
    if first.wavelength is not None:
        facts.append(("wavelength", f"{first.wavelength * 1e10:.6g} Å"))
    facts += _provenance_facts(first.provenance)
    names = [str(result.metadata.get("label", "")) for result in (first, last)]
    if any(names):
        facts.insert(1, ("frames", names[0] if len(results) == 1 else f"{names[0]} to {names[1]}"))
    return Description(text, f"{_KINDS[results.kind]} of azimuthal", tuple(facts))


def _unfinished(text: str, folder: Path) -> Description:
    """Describe the folder of a run in which frames are missing."""
    parts = sorted(folder.glob("[0-9]*.h5"))
    facts = (
        [("results", f"{sum(len(load_result(path)) for path in parts)} kept in {len(parts)} files")] if parts else []
    )
    failures = recorded_failures(folder)
    facts += [("failed", f"{one['name']}: {one['reason']}") for one in failures[:_FAILURES_SHOWN]]
    if len(failures) > _FAILURES_SHOWN:
        facts.append(("failed", f"and {len(failures) - _FAILURES_SHOWN} more"))
    notes = ("the command that began this run integrates what is missing, and removes this folder",)
    return Description(text, "run of azimuthal that is not complete", tuple(facts), notes)


def _text_result(text: str, file: Path) -> Description:
    """Describe a pattern in a text file by the lines of its header."""
    facts, n_rows = [], 0
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, separator, words = line.removeprefix("#").partition(":")
            if line.startswith("#") and separator:
                facts.append((name.strip(), words.strip()))
            n_rows += not line.startswith("#")
    return Description(text, "pattern of azimuthal (text)", (("rows", str(n_rows)), *facts))


def _axis_facts(result: Profile | Cake) -> list[tuple[str, str]]:
    axes = [result.axis] if isinstance(result, Profile) else [result.radial_axis, result.azimuthal_axis]
    return [
        ("axis", f"{axis.unit.name}: {axis.n_bins} bins from {axis.edges[0]:.6g} to {axis.edges[-1]:.6g}")
        for axis in axes
    ]


def _provenance_facts(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipe = provenance.get("recipe", {})
    facts = [("made by", f"azimuthal {provenance.get('version', '?')}, engine {provenance.get('engine', '?')}")]
    if isinstance(recipe, Mapping) and "instrument" in recipe:
        facts.append(("split", str(recipe.get("split"))))
        facts += [
            (name, words)
            for name, words in _instrument_facts(Instrument.from_dict(recipe["instrument"]))
            if name in ("detector", "distance", "beam centre", "orientation")
        ]
    return facts


def _plan(text: str) -> Description:
    with open_hdf5(text) as file, translated_errors(text, "read the plan"):
        check_texts(file["spec"])
        spec = json.loads(file["spec"][()])
        report = json.loads(attributes_of(file)["report"])
        version = str(file.attrs.get("program_version", "?"))
        return _plan_in_words(text, spec, report, version)


def _plan_in_words(text: str, spec: Mapping[str, Any], report: Mapping[str, Any], version: str) -> Description:
    kind = {"radial": "patterns", "cake": "cakes", "azimuthal": "azimuthal profiles"}.get(spec["kind"], spec["kind"])
    facts = [
        ("bins", f"{_bins(spec['npt_rad'])} radial x {_bins(spec['npt_azim'])} azimuthal"),
        ("unit", str(spec["unit"]["name"])),
        ("split", str(spec["split"])),
        ("uncertainties", str(spec["error_model"] or "none")),
        ("pixels", f"{report.get('used', '?')} of {report.get('total', '?')} feed a bin"),
        *_instrument_facts(Instrument.from_dict(spec["instrument"])),
        ("made by", f"azimuthal {version}"),
    ]
    return Description(text, f"compiled plan for {kind}", tuple(facts))


def _bins(value: Any) -> str:
    return f"{len(value) - 1} (given edges)" if isinstance(value, list) else str(value)
