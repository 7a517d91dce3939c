# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The PONI file: ``key: value`` lines, four versions, and a history of orientation.

Keys are case-insensitive, ``#`` begins a comment, lengths are in m and angles in rad; the six parameters are
those of :class:`azimuthal.geometry.Pose` (the format's definition is ours: :mod:`azimuthal.geometry.frames`).

=======  ==================================================================================================
version  keys
=======  ==================================================================================================
1        ``PixelSize1``, ``PixelSize2``, ``SplineFile``, optional ``Detector``; ``Distance`` (or ``dist``),
         ``Poni1``, ``Poni2``, ``Rot1``, ``Rot2``, ``Rot3``, ``Wavelength``; no version key
2        ``poni_version``, ``Detector``, ``Detector_config`` (a JSON object on one line) and the seven numbers
2.1      as 2; ``orientation`` inside ``Detector_config``
3        as 2.1 with ``Parallax: True|False``, and the sensor inside ``Detector_config``
=======  ==================================================================================================

The version is raised when the content shows it.  Programs *append* to an existing file, so that a file may
hold several geometries: of every key the last occurrence counts.  When the last block is complete enough to
have a distance and still leaves a value to an earlier block, that is reported by name.  ``# Calibrant:`` and
``# Image:`` comments say what the geometry was refined with; they are kept, as are other comments.

We write version 2.1, or 3 when the parallax correction is on, never append, and print numbers so that they
are read back to the same float64.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azimuthal._validate import positive_number
from azimuthal.errors import ConversionError, FileFormatError, GeometryFileWarning, ParameterError
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable, required, warn_unknown_keys
from azimuthal.geometry.pose import Pose
from azimuthal.orientation import ORIENTATION_NAMES, checked_orientation

__all__ = ["PoniRecord", "describe_history", "format_poni", "parse_poni"]

VERSIONS = (1.0, 2.0, 2.1, 3.0)
_WHAT = "a PONI geometry"
_POSE_KEYS = {
    "distance": "dist",
    "poni1": "poni1",
    "poni2": "poni2",
    "rot1": "rot1",
    "rot2": "rot2",
    "rot3": "rot3",
}
_KNOWN = (
    *("poni_version", "detector", "detector_config", "pixelsize1", "pixelsize2", "splinefile"),
    *(*_POSE_KEYS, "wavelength", "parallax"),
)
_HEADER = "# PONI file of azimuthal; m and rad; 1 is the slow axis (rows), 2 the fast axis (columns)"


@dataclass(frozen=True, slots=True)
class PoniRecord:
    """What a PONI file holds, in m and rad.

    Parameters
    ----------
    pose:
        The six parameters.
    version:
        1, 2, 2.1 or 3: of the file that was read.  What is written follows from the content.
    wavelength:
        m, or None.
    detector_name:
        Name in the file: a detector of the catalogue, ``"Detector"`` for a generic one, ``"NexusDetector"``,
        or the path of a NeXus detector file; None when version 1 gives pixel sizes only.
    detector_config:
        The JSON object of version 2 and later.
    pixel1, pixel2:
        Pixel size along the slow and the fast axis of version 1, m.
    spline:
        Path of the distortion file of version 1, as written.
    parallax:
        Whether the parallax correction is on.
    comments:
        Comment lines without the leading ``#``.
    calibrant, image:
        What the geometry was refined with.
    """

    pose: Pose
    version: float = 2.1
    wavelength: float | None = None
    detector_name: str | None = None
    detector_config: Mapping[str, Any] | None = None
    pixel1: float | None = None
    pixel2: float | None = None
    spline: str | None = None
    parallax: bool = False
    comments: tuple[str, ...] = field(default=())
    calibrant: str | None = None
    image: str | None = None

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise ParameterError(f"version: expected one of {VERSIONS}, got {self.version}.")
        for name in ("wavelength", "pixel1", "pixel2"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, positive_number(name, getattr(self, name), unit="m"))
        if self.detector_config is not None:
            checked_orientation(self.detector_config.get("orientation", 3))

    @property
    def orientation(self) -> int | None:
        """Orientation 1-4 that the file records (0, "unspecified", is 3), or None when it records none."""
        if self.detector_config is None or "orientation" not in self.detector_config:
            return None
        return checked_orientation(self.detector_config["orientation"])


def parse_poni(text: str, *, source: str = "PONI text") -> PoniRecord:
    """Read the last geometry of a PONI file.

    Parameters
    ----------
    text:
        The whole file.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        Empty or binary text, a missing key, a value that cannot be read, or a version newer than 3; the
        message has the line and the key.

    Warns
    -----
    GeometryFileWarning
        Unknown keys and lines without a key, by name and line; values left to an earlier block of the file;
        an orientation other than 3 (:func:`describe_history` says why).
    """
    refuse_unreadable(text, source, _WHAT)
    entries, comments = _scan(text, source)
    pose = _pose(entries, source)
    version = _version(entries, source)
    record = PoniRecord(
        pose=pose,
        version=version,
        wavelength=_optional_length(entries.get("wavelength")),
        detector_name=_optional_text(entries.get("detector")),
        detector_config=_config(entries.get("detector_config"), version),
        pixel1=_optional_length(entries.get("pixelsize1")),
        pixel2=_optional_length(entries.get("pixelsize2")),
        spline=_optional_text(entries.get("splinefile")),
        parallax=_boolean(entries.get("parallax")),
        comments=tuple(line for line in comments if _extra(line)[0] is None and f"# {line}" != _HEADER),
        calibrant=_last_extra(comments, "calibrant"),
        image=_last_extra(comments, "image"),
    )
    _refuse_contradiction(record, source)
    _warn_incomplete(record, entries, source)
    if record.orientation not in (None, 3):
        for line in describe_history(record):
            warnings.warn(f"{source}: {line}", GeometryFileWarning, stacklevel=2)
    return record


def format_poni(record: PoniRecord) -> str:
    """Return the text of a PONI file, version 2.1, or 3 when the parallax correction is on.

    Raises
    ------
    ConversionError
        Neither a detector nor pixel sizes are known.
    """
    name, config = _written_detector(record)
    lines = [_HEADER, *(f"# {comment}" for comment in record.comments)]
    lines.append(f"poni_version: {3 if record.parallax else 2.1}")
    lines.append(f"Detector: {name}")
    lines.append(f"Detector_config: {json.dumps(config)}")
    lines.extend(f"{key.capitalize()}: {getattr(record.pose, name)!r}" for key, name in _POSE_KEYS.items())
    if record.wavelength is not None:
        lines.append(f"Wavelength: {record.wavelength!r}")
    if record.parallax:
        lines.append("Parallax: True")
    extras = (("Calibrant", record.calibrant), ("Image", record.image))
    lines.extend(f"# {key}: {value}" for key, value in extras if value is not None)
    return "\n".join(lines) + "\n"


def describe_history(record: PoniRecord) -> tuple[str, ...]:
    """Say in words what the orientation of this file can mean; empty when there is nothing to say.

    An orientation is an index mirror here (:mod:`azimuthal.geometry.frames`); other programs, and earlier
    releases of the same program, meant something else by the same file.
    """
    orientation = record.orientation
    if orientation is None:
        text = (
            f"no orientation recorded (PONI version {record.version:g}): taken as 3, native, for images as "
            "stored in the file. Dioptas flips images when it loads them, so a geometry that was "
            "calibrated in Dioptas needs the image flipped (data[::-1]) or orientation=2."
        )
        return (text,)
    if orientation == 3:
        return ()
    text = (
        f"orientation {orientation} ({ORIENTATION_NAMES[orientation]}): read as a mirror of the pixel "
        "indices and nothing else, as pyFAI does since 2026. pyFAI before 2026 also flipped signs after "
        "the rotation for orientations other than 3, so a file refined with it can describe another "
        "geometry when the detector is tilted. Check it against the image of a known ring."
    )
    return (text,)


def _scan(text: str, source: str) -> tuple[dict[str, Entry], list[str]]:
    """Return the last occurrence of every known key, and all comments."""
    blocks: list[dict[str, Entry]] = [{}]
    comments: list[str] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if line.startswith("#"):
            comments.append(line[1:].strip())
        elif ":" in line:
            key, _, value = line.partition(":")
            name = key.strip().lower()
            name = "distance" if name == "dist" else name
            if name in blocks[-1]:
                blocks.append({})
            blocks[-1][name] = Entry(name, value.strip(), number, source)
        elif line:
            message = f"{source}, line {number}: expected 'key: value', got {line[:60]!r}, which is not used."
            warnings.warn(message, GeometryFileWarning, stacklevel=3)
    merged = {key: entry for block in blocks for key, entry in block.items()}
    warn_unknown_keys(merged.values(), _KNOWN, stacklevel=4)
    if "distance" in blocks[-1]:
        _warn_earlier(merged, blocks[-1])
    return {key: entry for key, entry in merged.items() if key in _KNOWN}, comments


def _warn_earlier(merged: Mapping[str, Entry], last: Mapping[str, Entry]) -> None:
    """Warn of values that the last block leaves to an earlier one."""
    for key, entry in merged.items():
        if key in _KNOWN and key not in last:
            warnings.warn(
                f"{entry.place}: taken from an earlier block ({entry.text!r}); the last block of this file, "
                f"at line {last['distance'].line}, does not give it. Remove the blocks that no longer apply.",
                GeometryFileWarning,
                stacklevel=4,
            )


def _pose(entries: dict[str, Entry], source: str) -> Pose:
    """Return the six parameters; all of them must be there."""
    values = {}
    for key, name in _POSE_KEYS.items():
        entry = _uncommented(required(entries, key, source, _WHAT))
        unit = "rad" if key.startswith("rot") else "m"
        values[name] = entry.positive(unit) if key == "distance" else entry.number(unit)
    return Pose(**values)


def _version(entries: Mapping[str, Entry], source: str) -> float:
    """Return the version that is written or that the content shows, whichever is newer."""
    version = 1.0
    if "poni_version" in entries:
        entry = _uncommented(entries["poni_version"])
        version = entry.number()
        if version > VERSIONS[-1]:
            raise FileFormatError(
                f"{entry.place}: version {entry.text} is newer than {VERSIONS[-1]:g}, the newest that is "
                "understood. Update azimuthal, or save the geometry in an older version."
            )
        if version not in VERSIONS:
            raise entry.malformed("1, 2, 2.1 or 3")
    if "detector_config" in entries:
        shown = 2.1 if '"orientation"' in entries["detector_config"].text else 2.0
        version = max(version, shown)
        if "detector" not in entries:
            raise FileFormatError(f"{source}: 'Detector_config' is given and the key 'Detector' is missing.")
    return max(version, 3.0) if "parallax" in entries else version


def _config(entry: Entry | None, version: float) -> dict[str, Any] | None:
    """Return the JSON object of a detector configuration, its orientation checked."""
    if entry is None:
        return {} if version >= 2 else None
    try:
        config = json.loads(entry.text)
    except json.JSONDecodeError as error:
        raise entry.malformed(f"a JSON object (column {error.colno}: {error.msg})") from None
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise entry.malformed('a JSON object such as {"orientation": 3}')
    try:
        checked_orientation(config.get("orientation", 3))
    except ParameterError as error:
        raise FileFormatError(f"{entry.place}: {error}") from None
    return config


def _optional_length(entry: Entry | None) -> float | None:
    """Return a length in m; None when the key is absent or says None."""
    if entry is None or entry.text.lower() == "none":
        return None
    return _uncommented(entry).positive("m")


def _optional_text(entry: Entry | None) -> str | None:
    """Return text; None when the key is absent, empty or says None."""
    return None if entry is None or entry.text.lower() in ("", "none") else entry.text


def _boolean(entry: Entry | None) -> bool:
    """Return True or False; False when the key is absent or says None."""
    if entry is None:
        return False
    word = _uncommented(entry).text.lower()
    if word not in ("true", "false", "none"):
        raise entry.malformed("True or False")
    return word == "true"


def _uncommented(entry: Entry) -> Entry:
    """Return the entry without a trailing comment; numbers only, as a path may hold a ``#``."""
    return entry._replace(text=entry.text.partition("#")[0].strip())


def _extra(comment: str) -> tuple[str | None, str]:
    """Return (key, value) of a comment that is information, (None, "") of any other."""
    key, colon, value = comment.partition(":")
    name = key.strip().lower()
    return (name, value.strip()) if colon and name in ("calibrant", "image") else (None, "")


def _last_extra(comments: list[str], key: str) -> str | None:
    """Return the value of the last ``# Calibrant:`` or ``# Image:`` comment."""
    found = [value for name, value in map(_extra, comments) if name == key]
    return found[-1] if found else None


def _refuse_contradiction(record: PoniRecord, source: str) -> None:
    """Refuse pixel sizes that the detector configuration of the same file contradicts."""
    config = record.detector_config or {}
    for name, value in (("pixel1", record.pixel1), ("pixel2", record.pixel2)):
        other = config.get(name)
        if value is not None and isinstance(other, (int, float)) and abs(other - value) > 1e-9 * value:
            raise FileFormatError(
                f"{source}: PixelSize{name[-1]} is {value} m and Detector_config says {name} = {other} m. "
                "Remove the one that no longer applies."
            )


def _warn_incomplete(record: PoniRecord, entries: Mapping[str, Entry], source: str) -> None:
    """Warn of a file that claims a version and lacks what that version requires."""
    missing = []
    if record.version >= 2 and "detector_config" not in entries:
        missing.append("Detector_config (the detector's own values are taken)")
    elif record.version >= 2.1 and record.orientation is None:
        missing.append("the orientation inside Detector_config (taken as 3, native)")
    if record.version >= 3 and "parallax" not in entries:
        missing.append("Parallax (taken as False)")
    for what in missing:
        message = f"{source}: PONI version {record.version:g} requires {what}, which is missing."
        warnings.warn(message, GeometryFileWarning, stacklevel=3)


def _written_detector(record: PoniRecord) -> tuple[str, dict[str, Any]]:
    """Return the detector name and configuration to write; version 1 records become version 2.1."""
    config = dict(record.detector_config or {})
    if record.detector_name is None and (record.pixel1 is None or record.pixel2 is None):
        raise ConversionError("PONI: a file needs a detector name, or both pixel sizes; the record has neither.")
    if record.detector_config is None:
        config.update({"pixel1": record.pixel1, "pixel2": record.pixel2})
        config = {key: value for key, value in config.items() if value is not None}
        if record.spline is not None:
            config["splineFile"] = record.spline
    config.setdefault("orientation", 3)
    return record.detector_name or "Detector", config
