# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Reading and writing ``.geom`` files; syntax in :mod:`azimuthal.geometry.conventions.crystfel`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from azimuthal._validate import positive_number
from azimuthal.errors import ConversionError, FileFormatError, ParameterError
from azimuthal.geometry.beam import Beam
from azimuthal.geometry.conventions._crystfel_record import (
    DEFAULT_DATA,
    DEFAULT_DIMS,
    CrystfelBadRegion,
    CrystfelGeometry,
    CrystfelPanel,
    Range,
    Triple,
)
from azimuthal.geometry.conventions._reading import Entry, refuse_unreadable, warn_unknown_keys

RANGES = ("min_fs", "max_fs", "min_ss", "max_ss")
IGNORED = ("adu_per_eV", "adu_per_photon", "badrow_direction")
_REQUIRED = (*RANGES, "corner_x", "corner_y", "fs", "ss", "res", "clen")
_VALUE_KEYS = (
    "flag_lessthan",
    "flag_morethan",
    "flag_equal",
    "max_adu",
    "saturation_map",
    "saturation_map_file",
)
_PANEL_KEYS = (*_REQUIRED, "coffset", "data", "no_index", "mask_edge_pixels", *_VALUE_KEYS, *IGNORED)
_PASSIVE = ("bandwidth", "peak_list", "peak_list_type", "peak_info_location")
_TOP_KEYS = (
    *("photon_energy", "wavelength", "electron_voltage"),
    *("detector_shift_x", "detector_shift_y"),
    *_PASSIVE,
)
_BAD_KEYS = (*RANGES, "min_x", "max_x", "min_y", "max_y", "panel")
_MASK_KEY = re.compile(r"mask(\d_(data|file|goodbits|badbits)|_file|_good|_bad)?")
_DIM_KEY = re.compile(r"dim\d")
_TERM = re.compile(r"\s*([+-]?)\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?\s*([xyz])\s*")
_GROUPS = ("group_", "rigid_group")
_WAVELENGTH: Mapping[str, tuple[str, Mapping[str, Callable[[float], Beam]]]] = {
    "wavelength": ("", {"m": Beam, "A": lambda value: Beam(value * 1e-10)}),
    "photon_energy": ("eV", {"eV": lambda value: Beam.from_energy(value * 1e-3), "keV": Beam.from_energy}),
}


class _Sections(NamedTuple):
    """The lines of a file: top level, panels with the defaults they inherited, bad regions."""

    top: dict[str, Entry]
    panels: dict[str, dict[str, Entry]]
    regions: dict[str, dict[str, Entry]]


def parse_crystfel(
    text: str,
    *,
    clen: float | None = None,
    wavelength: float | None = None,
    source: str = "CrystFEL geometry",
) -> CrystfelGeometry:
    """Read a ``.geom`` file.

    Parameters
    ----------
    text:
        The whole file.
    clen:
        Camera length in m, for a file that names a place in the data file instead of a number.
    wavelength:
        In m, likewise, or for a file without any.
    source:
        Name of the file, for messages.

    Raises
    ------
    FileFormatError
        A line without ``=``, a missing key of a panel, a value that cannot be read, a bad region that is not
        inside the panel that it names.
    ConversionError
        The camera length, the wavelength or a shift is in the data file and was not passed; an electron beam.
    ParameterError
        `clen` or `wavelength` was passed and the file holds a number.

    Warns
    -----
    GeometryFileWarning
        Keys that are not known, by name and line.
    """
    refuse_unreadable(text, source, "a CrystFEL geometry")
    sections = _sections(text, source)
    lengths = _camera_lengths(sections.panels, clen)
    shifts = tuple(
        _length(sections.top[key]) if key in sections.top else 0.0 for key in ("detector_shift_x", "detector_shift_y")
    )
    found_wavelength = _wavelength(sections.top, wavelength, source)
    try:
        return CrystfelGeometry(
            panels=tuple(_panel(name, keys, lengths[name], shifts) for name, keys in sections.panels.items()),
            wavelength=found_wavelength,
            bad_regions=tuple(_region(name, keys, sections.panels) for name, keys in sections.regions.items()),
            other=tuple((key, sections.top[key].text) for key in _PASSIVE if key in sections.top),
        )
    except ParameterError as error:
        raise FileFormatError(f"{source}: {error}") from None


def format_crystfel(record: CrystfelGeometry) -> str:
    """Return the text of a ``.geom`` file.

    ``clen`` is the z of the first panel and ``coffset`` the difference of the others.  Vectors are written
    with 15 decimals (CrystFEL reads no exponents there), other numbers so that they are read back to the same
    float64.

    Raises
    ------
    ConversionError
        The wavelength is not known: CrystFEL does not accept a file without it.
    """
    energy = Beam(record.wavelength).energy
    if energy is None:
        raise ConversionError("CrystFEL: a geometry file must hold the wavelength. Add it to the record.")
    clen = record.panels[0].z
    lines = [
        "; CrystFEL geometry written by azimuthal",
        f"photon_energy = {energy * 1e3!r} eV",
        f"clen = {clen!r} m",
        *(f"{key} = {value}" for key, value in record.other),
    ]
    if not any(key in IGNORED for panel in record.panels for key, _ in panel.other):
        lines.append("adu_per_photon = 1")
    for panel in record.panels:
        lines += ["", *_panel_lines(panel, clen)]
    for region in record.bad_regions:
        lines += ["", *_region_lines(region)]
    return "\n".join(lines) + "\n"


def _sections(text: str, source: str) -> _Sections:
    """Sort the lines of a file into its sections; ``clen`` holds for all panels, wherever it is written."""
    sections = _Sections({}, {}, {})
    defaults: dict[str, Entry] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.partition(";")[0].strip()
        if not line:
            continue
        left, separator, value = (part.strip() for part in line.partition("="))
        if not separator:
            raise FileFormatError(f"{source}, line {number}: expected 'key = value', got {line[:60]!r}.")
        name, slash, key = left.partition("/")
        known: tuple[str, ...]
        if slash and name.startswith("bad"):
            store, known = sections.regions.setdefault(name, {}), _BAD_KEYS
        elif slash:
            store, known = sections.panels.setdefault(name, dict(defaults)), _PANEL_KEYS
        elif left in _TOP_KEYS:
            store, known, key = sections.top, _TOP_KEYS, left
        else:
            store, known, key = defaults, (*_PANEL_KEYS, *_TOP_KEYS), left
        if known is not _BAD_KEYS and (_MASK_KEY.fullmatch(key) or _DIM_KEY.fullmatch(key)):
            known = (*known, key)
        if not left.startswith(_GROUPS):
            store[key] = Entry(key, value, number, source)
            warn_unknown_keys([store[key]], known, stacklevel=4)
    for keys in sections.panels.values():
        keys.update({key: entry for key, entry in defaults.items() if key == "clen" and key not in keys})
    _refuse_incomplete(sections.panels, source)
    return sections


def _refuse_incomplete(panels: Mapping[str, Mapping[str, Entry]], source: str) -> None:
    """Refuse a file without panels, and panels without one of the keys that place them."""
    if not panels:
        raise FileFormatError(f"{source}: no panel is described; expected lines such as 'p0/corner_x = 10'.")
    for name, keys in panels.items():
        missing = [key for key in _REQUIRED if key not in keys]
        if missing:
            raise FileFormatError(f"{source}: panel {name!r}: missing {', '.join(missing)}.")


def _camera_lengths(panels: Mapping[str, Mapping[str, Entry]], given: float | None) -> dict[str, float]:
    """Return ``clen + coffset`` of every panel, m."""
    entries = {name: keys["clen"] for name, keys in panels.items()}
    located = [entry for entry in entries.values() if not _is_number(entry.text.partition(" ")[0])]
    if located and given is None:
        raise ConversionError(
            f"{located[0].place}: the camera length is in the data file, at {located[0].text!r}. Read it "
            "there and pass clen=... in m."
        )
    if given is not None and not located:
        raise ParameterError(
            "clen: the geometry file holds the camera length as a number, "
            f"{next(iter(entries.values())).text!r}. Leave clen out, or change the file."
        )
    passed = 0.0 if given is None else positive_number("clen", given, unit="m")
    return {
        name: (passed if entry in located else _length(entry)) + _optional_number(panels[name].get("coffset"), "m")
        for name, entry in entries.items()
    }


def _panel(name: str, keys: Mapping[str, Entry], depth: float, shifts: tuple[float, ...]) -> CrystfelPanel:
    """Return one panel from its own keys and the defaults that were in force when it was first mentioned."""
    pixel = 1.0 / keys["res"].positive("pixels per m")
    dims = sorted((key, entry.text) for key, entry in keys.items() if _DIM_KEY.fullmatch(key))
    kept = (*_VALUE_KEYS, *IGNORED)
    return CrystfelPanel(
        name=name,
        **{key: _index(keys[key]) for key in RANGES},
        corner_x=keys["corner_x"].number("pixels") + shifts[0] / pixel,
        corner_y=keys["corner_y"].number("pixels") + shifts[1] / pixel,
        fs=_direction(keys["fs"]),
        ss=_direction(keys["ss"]),
        pixel_size=pixel,
        z=depth,
        data=keys["data"].text if "data" in keys else DEFAULT_DATA,
        dims=tuple(text for _, text in dims) if dims else DEFAULT_DIMS,
        no_index=_truth(keys.get("no_index")),
        mask_edge_pixels=_index(keys["mask_edge_pixels"]) if "mask_edge_pixels" in keys else 0,
        other=tuple((key, entry.text) for key, entry in keys.items() if key in kept or _MASK_KEY.fullmatch(key)),
    )


def _region(name: str, keys: Mapping[str, Entry], panels: Mapping[str, Mapping[str, Entry]]) -> CrystfelBadRegion:
    """Return one bad region; a panel that it names must contain it."""
    ranges: dict[str, Range] = {}
    for axis in ("fs", "ss", "x", "y"):
        ends = [keys[key] for key in (f"min_{axis}", f"max_{axis}") if key in keys]
        if len(ends) == 1:
            raise FileFormatError(f"{ends[0].source}: {name}: min_{axis} and max_{axis} must both be given.")
        if ends:
            ranges[axis] = ends[0].number(), ends[1].number()
    panel = keys.get("panel")
    if panel is not None and panel.text not in panels:
        raise FileFormatError(f"{panel.source}, line {panel.line}: {name}: there is no panel {panel.text!r}.")
    for axis in ("fs", "ss"):
        if panel is not None and axis in ranges:
            _check_inside(name, axis, ranges[axis], panels[panel.text])
    return CrystfelBadRegion(
        name,
        fs=ranges.get("fs"),
        ss=ranges.get("ss"),
        x=ranges.get("x"),
        y=ranges.get("y"),
        panel=None if panel is None else panel.text,
    )


def _check_inside(name: str, axis: str, wanted: Range, panel: Mapping[str, Entry]) -> None:
    """Refuse a range that is not inside the panel."""
    low, high = panel[f"min_{axis}"], panel[f"max_{axis}"]
    if not (low.number() <= wanted[0] and wanted[1] <= high.number()):
        raise FileFormatError(
            f"{low.source}: {name}: {axis} {wanted[0]:g} to {wanted[1]:g} is not inside the panel that it "
            f"names, which covers {low.text} to {high.text}."
        )


def _wavelength(top: Mapping[str, Entry], given: float | None, source: str) -> float | None:
    """Return the wavelength in m from whichever key the file has."""
    if "electron_voltage" in top:
        raise ConversionError(f"{top['electron_voltage'].place}: an electron beam; this package is for X-rays.")
    present = [key for key in _WAVELENGTH if key in top]
    if len(present) > 1:
        raise FileFormatError(f"{source}: {' and '.join(present)} are both given. Remove one.")
    if not present:
        return Beam(given).wavelength
    entry = top[present[0]]
    default, units = _WAVELENGTH[present[0]]
    number, _, suffix = entry.text.partition(" ")
    if _is_number(number):
        if given is not None:
            raise ParameterError(f"wavelength: {entry.place} holds it as a number. Leave wavelength out.")
        unit = suffix.strip() or default
        if unit not in units:
            raise entry.malformed(f"a number followed by {' or '.join(units)}")
        return units[unit](entry._replace(text=number).positive(unit)).wavelength
    if given is None:
        raise ConversionError(
            f"{entry.place}: the value is in the data file, at {entry.text!r}. Read it there and pass "
            "wavelength=... in m."
        )
    return Beam(given).wavelength


def _direction(entry: Entry) -> Triple:
    """Return a vector such as ``0.5x -0.2y``; repeated axes add up, as in CrystFEL."""
    components = {"x": 0.0, "y": 0.0, "z": 0.0}
    position = 0
    while position < len(entry.text) or not entry.text:
        match = _TERM.match(entry.text, position)
        if match is None or (position and not match.group(1)):
            raise entry.malformed("a direction such as '+0.5x -0.2y +0.01z'")
        size = 1.0 if match.group(2) is None else float(match.group(2))
        components[match.group(3)] += -size if match.group(1) == "-" else size
        position = match.end()
    return components["x"], components["y"], components["z"]


def _length(entry: Entry) -> float:
    """Return a length that may carry its unit, m or mm; m without one."""
    number, _, suffix = entry.text.partition(" ")
    unit = suffix.strip()
    if not _is_number(number):
        raise ConversionError(f"{entry.place}: the value is in the data file, at {entry.text!r}; write a number.")
    if unit not in ("", "m", "mm"):
        raise entry.malformed("a length in m or mm")
    return entry._replace(text=number).number("m") * (1e-3 if unit == "mm" else 1.0)


def _optional_number(entry: Entry | None, unit: str) -> float:
    return 0.0 if entry is None else entry.number(unit)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _index(entry: Entry) -> int:
    """Return a number without fraction; CrystFEL files write indices as ``127`` or ``127.0``."""
    number = entry.number()
    if number != int(number) or number < 0:
        raise entry.malformed("an index, an integer of at least 0")
    return int(number)


def _truth(entry: Entry | None) -> bool:
    if entry is None:
        return False
    word = entry.text.casefold()
    if word not in ("true", "false", "0", "1"):
        raise entry.malformed("true, false, 1 or 0")
    return word in ("true", "1")


def _panel_lines(panel: CrystfelPanel, clen: float) -> list[str]:
    """Return the lines of one panel."""
    values: dict[str, Any] = {key: getattr(panel, key) for key in RANGES}
    values |= {"corner_x": repr(panel.corner_x), "corner_y": repr(panel.corner_y)}
    values |= {"fs": _direction_text(panel.fs), "ss": _direction_text(panel.ss)}
    values["res"] = repr(1.0 / panel.pixel_size)
    if panel.z != clen:
        values["coffset"] = repr(panel.z - clen)
    if panel.data != DEFAULT_DATA:
        values["data"] = panel.data
    if panel.dims != DEFAULT_DIMS:
        values |= {f"dim{index}": text for index, text in enumerate(panel.dims)}
    if panel.no_index:
        values["no_index"] = 1
    if panel.mask_edge_pixels:
        values["mask_edge_pixels"] = panel.mask_edge_pixels
    values |= dict(panel.other)
    return [f"{panel.name}/{key} = {value}" for key, value in values.items()]


def _region_lines(region: CrystfelBadRegion) -> list[str]:
    """Return the lines of one bad region."""
    lines = []
    for axis in ("fs", "ss", "x", "y"):
        ends = getattr(region, axis)
        if ends is not None:
            lines.append(f"{region.name}/min_{axis} = {ends[0]:.17g}")
            lines.append(f"{region.name}/max_{axis} = {ends[1]:.17g}")
    if region.panel is not None:
        lines.append(f"{region.name}/panel = {region.panel}")
    return lines


def _direction_text(vector: Triple) -> str:
    return " ".join(f"{value:+.15f}{axis}" for value, axis in zip(vector, "xyz", strict=True))
