# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Goniometers on disk: the JSON of pyFAI, versions 1.1 and 2.

====================  =============================================================================
key                   meaning
====================  =============================================================================
content               "Goniometer calibration v2"; v1.1 has the pixel sizes beside the detector
detector              name, as in a PONI file
detector_config       as in a PONI file
wavelength            m
param, param_names    values and names of the parameters
pos_names             names of the motors; absent: one, called pos
trans_function        content (the kind), ``dist_expr`` ... ``rot3_expr``, ``wavelength_expr`` (m), constants,
                      and param_names and pos_names again
azimuthal             ours, and skipped by pyFAI: covariance, what is not told, the positions that it was
                      refined on, parallax, and what the writer wants to keep
====================  =============================================================================

Kinds are ``GeometryTransformation`` (of old ``GeometryTranslation``) and ``ExtendedTransformation``, which has an
expression for the wavelength and may leave others out.  Expressions are those of numexpr; functions that
:mod:`azimuthal.calibration.expressions` does not have are refused by name.  When we write, functions are spelled as
numexpr has them, and an expression of the energy becomes one of the wavelength.

pyFAI takes a name that nothing defines as NaN, and a distance that has no expression as 1 m in one place and 0 in
another: both are errors here.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from azimuthal._pending_file import write_text
from azimuthal._validate import unknown_name
from azimuthal.calibration import Goniometer
from azimuthal.calibration.expressions import CONSTANTS, Expression
from azimuthal.detectors import Detector, detector_from_pyfai
from azimuthal.errors import (
    AzimuthalError,
    DataTypeError,
    FileFormatError,
    FileMissingError,
    GeometryFileWarning,
    UnsupportedOptionError,
)
from azimuthal.geometry import Beam, ParallaxSettings
from azimuthal.io.detector_files import load_detector
from azimuthal.io.pixel_grids import as_detector
from azimuthal.typing import PathLike

__all__ = ["load_goniometer", "read_goniometer_facts", "save_goniometer"]

_VERSIONS = ("Goniometer calibration v1.1", "Goniometer calibration v2")
_KINDS = ("GeometryTransformation", "GeometryTranslation", "ExtendedTransformation")
_POSE = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")
_KEYS = (
    "content", "detector", "detector_config", "wavelength", "param", "param_names", "pos_names", "trans_function",
    "azimuthal",
)  # fmt: skip
_KEYS_OF_V1 = ("pixel1", "pixel2", "orientation", "max_shape", "splineFile", "filename", "radius", "module_size")
_FUNCTION_KEYS = ("content", "param_names", "pos_names", "constants", "wavelength_expr", *(f"{k}_expr" for k in _POSE))
_OWN_KEYS = ("version", "covariance", "unknown", "covered", "parallax", "facts")


def load_goniometer(
    path: PathLike, *, detector: Detector | str | None = None, shape: tuple[int, int] | None = None
) -> Goniometer:
    """Read a goniometer file.

    Parameters
    ----------
    path:
        JSON of pyFAI or of :func:`save_goniometer`.
    detector:
        A detector, or its name, to be used instead of the one in the file.
    shape:
        Number of pixels (slow, fast), for files that give the pixel size only.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, is no goniometer, lacks something, or has an expression that cannot be used; the
        message names it.
    UnsupportedOptionError
        A kind of transformation that is not known.

    Warns
    -----
    GeometryFileWarning
        A key is not used, or the wavelength is given twice and differently.
    """
    path = Path(path)
    record = _record(path)
    version = record.get("content")
    if version not in _VERSIONS:
        raise FileFormatError(f"{path}: content: expected one of {', '.join(_VERSIONS)}, got {version!r}.")
    function = record.get("trans_function")
    if not isinstance(function, Mapping):
        raise FileFormatError(f"{path}: trans_function is missing: pyFAI does not write one for functions in Python.")
    _warn_unused(path, record, (*_KEYS, *(_KEYS_OF_V1 if version == _VERSIONS[0] else ())), "")
    _warn_unused(path, function, _FUNCTION_KEYS, "trans_function, ")
    try:
        found = as_detector(detector) or _detector(path, record, shape)
        return _goniometer(path, record, function, found)
    except FileMissingError:
        raise
    except AzimuthalError as error:
        kind = UnsupportedOptionError if isinstance(error, UnsupportedOptionError) else FileFormatError
        raise kind(f"{path}: {error}") from None


def save_goniometer(
    goniometer: Goniometer, path: PathLike, *, facts: Mapping[str, Any] | None = None, force: bool = False
) -> None:
    """Write a goniometer file that pyFAI reads too; the file appears complete or not at all.

    Parameters
    ----------
    goniometer:
        To be written.
    path:
        The file.
    facts:
        What is to be kept with it, such as a verdict; JSON.
    force:
        Overwrite an existing file.

    Raises
    ------
    OutputExistsError
        The file exists and `force` is False.
    ConversionError
        The format cannot hold this detector.
    """
    if not isinstance(goniometer, Goniometer):
        raise DataTypeError(f"goniometer: expected a Goniometer, got {type(goniometer).__name__}.")
    name, config = goniometer.detector.pyfai_config()
    record: dict[str, Any] = {"content": _VERSIONS[1], "detector": name, "detector_config": config}
    if goniometer.wavelength is not None:
        record["wavelength"] = goniometer.wavelength
    record["param"] = list(goniometer.parameters.values())
    record["param_names"] = list(goniometer.parameters)
    record["pos_names"] = list(goniometer.motors)
    record["trans_function"] = _function(goniometer)
    record["azimuthal"] = {
        "version": 1,
        "covariance": None if goniometer.covariance is None else goniometer.covariance.tolist(),
        "unknown": None if goniometer.unknown is None else goniometer.unknown.tolist(),
        "covered": {motor: list(limits) for motor, limits in goniometer.covered.items()},
        "parallax": None if goniometer.parallax is None else asdict(goniometer.parallax),
        "facts": dict(facts or {}),
    }
    write_text(path, [json.dumps(record, indent=2, allow_nan=False) + "\n"], force=force)


def read_goniometer_facts(path: PathLike) -> dict[str, Any]:
    """Return what :func:`save_goniometer` was given as `facts`; empty for files of pyFAI."""
    own = _record(Path(path)).get("azimuthal")
    return dict(own.get("facts") or {}) if isinstance(own, Mapping) else {}


# ---- reading -----------------------------------------------------------------------------------------------


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: expected the JSON of a goniometer: {error}.") from None
    if not isinstance(record, dict):
        raise FileFormatError(f"{path}: expected the JSON of a goniometer, got a {type(record).__name__}.")
    return record


def _detector(path: Path, record: Mapping[str, Any], shape: tuple[int, int] | None) -> Detector:
    config = dict(record.get("detector_config") or {})
    if record["content"] == _VERSIONS[0]:
        config |= {key: record[key] for key in _KEYS_OF_V1 if key in record}
    for key in ("filename", "splineFile"):
        if config.get(key) and (path.parent / str(config[key])).exists():
            config[key] = str(path.parent / str(config[key]))
    return detector_from_pyfai(record.get("detector"), config, shape=shape, load_file=load_detector)


def _goniometer(path: Path, record: Mapping[str, Any], function: Mapping[str, Any], detector: Detector) -> Goniometer:
    kind = function.get("content", _KINDS[0])
    if kind not in _KINDS:
        raise UnsupportedOptionError(f"trans_function, content: {kind!r} is not known; there are {', '.join(_KINDS)}.")
    names = _names(record, function, "param_names", ())
    values = record.get("param", [])
    if not isinstance(values, Sequence) or len(values) != len(names):
        raise FileFormatError(
            f"param: expected {len(names)} numbers for {', '.join(names) or 'no names'}, got {values!r}."
        )
    expressions = {
        key[: -len("_expr")]: _expression(key, text)
        for key, text in function.items()
        if key.endswith("_expr") and key in _FUNCTION_KEYS and text is not None
    }
    wanted = ("dist",) if kind == _KINDS[2] else _POSE
    for name in wanted:
        if name not in expressions:
            raise FileFormatError(f"trans_function: {name}_expr is missing; a number is an expression too.")
    own = record.get("azimuthal") or {}
    for key in own:
        if key not in _OWN_KEYS:
            raise unknown_name("azimuthal", key, _OWN_KEYS)
    found = Goniometer(
        detector=detector,
        motors=_names(record, function, "pos_names", ("pos",)),
        parameters=dict(zip(names, values, strict=True)),
        expressions=expressions,
        wavelength=None if "wavelength" in expressions else record.get("wavelength"),
        constants=_constants(function.get("constants") or {}),
        parallax=None if own.get("parallax") is None else ParallaxSettings(**own["parallax"]),
        covariance=own.get("covariance"),
        unknown=own.get("unknown") or None,
        covered=own.get("covered") or {},
    )
    _warn_two_wavelengths(path, record.get("wavelength"), found)
    return found


def _names(
    record: Mapping[str, Any], function: Mapping[str, Any], key: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    """Return names that stand in the file twice, and must agree."""
    given = [tuple(one[key]) for one in (function, record) if one.get(key) is not None]
    if len(given) == 2 and given[0] != given[1]:
        raise FileFormatError(f"{key}: {given[1]} contradicts {given[0]} of trans_function.")
    return given[0] if given else default


def _expression(key: str, text: Any) -> Expression:
    try:
        return Expression(text if isinstance(text, str) else repr(text))
    except AzimuthalError as error:
        raise FileFormatError(f"trans_function, {key}: {error}") from None


def _constants(given: Mapping[str, Any]) -> dict[str, float]:
    for name, value in CONSTANTS.items():
        if name in given and not math.isclose(given[name], value, rel_tol=1e-15):
            raise FileFormatError(f"constants: {name} is {value!r}, the file says {given[name]!r}. Rename it.")
    return {name: value for name, value in given.items() if name not in CONSTANTS}


def _warn_unused(path: Path, record: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in record:
        if key not in known:
            warnings.warn(f"{path}: {where}{key} is not used.", GeometryFileWarning, stacklevel=3)


def _warn_two_wavelengths(path: Path, told: Any, goniometer: Goniometer) -> None:
    """Warn when the number beside an expression says something else; where motors move it, it has no meaning."""
    expression = goniometer.expressions.get("wavelength")
    if expression is None or told is None or set(expression.names) & set(goniometer.motors):
        return
    value = float(expression({**goniometer.constants, **goniometer.parameters}))
    if not math.isclose(value, float(told), rel_tol=1e-6):
        warnings.warn(
            f"{path}: the wavelength {told} m is not that of its expression, {value} m, which is used.",
            GeometryFileWarning,
            stacklevel=4,
        )


# ---- writing -----------------------------------------------------------------------------------------------


def _function(goniometer: Goniometer) -> dict[str, Any]:
    texts = {name: one.for_numexpr() for name, one in goniometer.expressions.items()}
    energy = texts.pop("energy", None)
    if energy is not None:
        texts["wavelength"] = f"{Beam.from_energy(1.0).wavelength!r} / ({energy})"
    extended = "wavelength" in texts
    names = (*_POSE, "wavelength") if extended else _POSE
    return {
        "content": _KINDS[2] if extended else _KINDS[0],
        "param_names": list(goniometer.parameters),
        "pos_names": list(goniometer.motors),
        **{f"{name}_expr": texts.get(name, "0.0") for name in names},
        "constants": {**CONSTANTS, **goniometer.constants},
    }
