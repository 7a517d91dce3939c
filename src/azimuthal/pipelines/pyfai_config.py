# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes out of the JSON configuration of pyFAI's integrate application and worker, versions 0 to 5.

Versions 0 to 3 have the geometry flat, switches ``do_...`` and pairs ``..._min``, ``..._max``; version 4 nests the
geometry under ``poni``; version 5 has ``polarization_description`` and ``extra_options``.  All of them are read by
one function, because no key means two things.

What a recipe has no place for is named, not dropped.  Numbers of pyFAI and of this package differ where
docs/reference/differences-from-pyfai.md says so.  Algorithm, implementation and OpenCL device of ``method`` do
not change a number's definition and are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azimuthal.errors import (
    AzimuthalError,
    FileFormatError,
    FileMissingError,
    ParameterError,
    UnsupportedOptionError,
)
from azimuthal.pipelines.recipe import RECIPE_VERSION, VERSION_KEY, settings_of, write_document
from azimuthal.typing import PathLike

NEWEST_VERSION = 5

_POSE = {"dist": "Distance", "poni1": "Poni1", "poni2": "Poni2", "rot1": "Rot1", "rot2": "Rot2", "rot3": "Rot3"}
#: Keys that say nothing about a number.
_WITHOUT_MEANING = ("application", "version", "opencl_device", "do_OpenCL", "shape")
_SPLITS = {"no": "none", "none": "none", "bbox": "bbox", "pseudo": "pseudo", "full": "full"}
#: Methods of versions 0 to 2.
_OLD_METHODS = {
    "numpy": "none", "cython": "none", "nosplit_csr": "none", "histogram": "none", "bbox": "bbox", "splitbbox": "bbox",
    "lut": "bbox", "lut_ocl": "bbox", "csr": "bbox", "csr_ocl": "bbox", "splitpixel": "full", "splitpixelfull": "full",
    "full": "full", "full_csr": "full", "full_lut": "full", "full_ocl_csr": "full", "full_csr_ocl": "full",
}  # fmt: skip


def recipe_from_pyfai(
    config: Mapping[str, Any], *, source: str = "pyFAI configuration"
) -> tuple[dict[str, Any], list[str]]:
    """Return the recipe that a configuration of pyFAI means, and what of it has no place there.

    Parameters
    ----------
    config:
        The JSON document.
    source:
        What messages call it.

    Returns
    -------
    :
        The document of a recipe (without images and outputs), and one sentence for each thing that was left behind.

    Raises
    ------
    ParameterError
        The version is not known; the geometry, the unit or the number of bins is missing.
    UnsupportedOptionError
        It is a configuration of grazing incidence.
    """
    try:
        return _Import(config, source).document()
    except AzimuthalError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        raise ParameterError(f"{source}: a value is not of the kind that pyFAI writes there: {error}.") from error


def convert_pyfai(path: PathLike, target: PathLike, *, force: bool = False) -> list[str]:
    """Write a configuration file of pyFAI as a recipe, and return what was left behind; see `recipe_from_pyfai`.

    Paths in the configuration are taken as relative to the folder of the new recipe, unless they are absolute.
    """
    path = Path(path)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileMissingError(f"{path}: this file does not exist.") from None
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path}: is no JSON: {error}.") from error
    if not isinstance(config, dict):
        raise FileFormatError(f"{path}: expected a configuration of pyFAI, got {type(config).__name__}.")
    document, lost = recipe_from_pyfai(config, source=str(path))
    write_document(document, target, force=force)
    return list(lost)


class _Import:
    """One configuration on its way: what was used, what was not."""

    def __init__(self, config: Mapping[str, Any], source: str) -> None:
        self._config = dict(config)
        self._source = source
        self._lost: list[str] = []
        version = self._take("version", 0)
        if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= NEWEST_VERSION:
            raise ParameterError(
                f"{source}: expected version 0 to {NEWEST_VERSION} of the configuration, got {version!r}."
            )

    def document(self) -> tuple[dict[str, Any], list[str]]:
        """Return the recipe and what was left behind."""
        kind = self._take("integrator_class", "AzimuthalIntegrator")
        if kind != "AzimuthalIntegrator" or "unit_ip" in self._config:
            raise UnsupportedOptionError(
                f"{self._source}: is of {kind}, and only configurations of AzimuthalIntegrator are read. Make the "
                "recipe with 'azimuthal integrate --unit-oop ... --write-recipe FILE'."
            )
        document: dict[str, Any] = {VERSION_KEY: RECIPE_VERSION}
        document["geometry"] = self._geometry()
        document["mask"] = self._mask()
        document["corrections"] = self._corrections()
        document["bins"] = self._bins()
        document["reduction"] = self._reduction()
        self._rest()
        settings_of(document, source=self._source)  # nothing wrong leaves this room
        return document, self._lost

    def _take(self, name: str, default: Any = None) -> Any:
        value = self._config.pop(name, None)
        return default if value is None else value

    def _wanted(self, switch: str, *names: str) -> list[Any]:
        """Return values, None each when their switch is off."""
        values = [self._take(name) for name in names]
        return values if self._take(switch, True) else [None] * len(names)

    def _lose(self, name: str, why: str) -> None:
        self._lost.append(f"{name}: {why}")

    def _geometry(self) -> dict[str, Any]:
        nested = self._take("poni")
        record = dict(nested) if isinstance(nested, Mapping) else {}
        flat = (*_POSE, "wavelength", "detector", "detector_config", "pixel1", "pixel2", "splineFile", "splinefile",
                "poni_version", "parallax")  # fmt: skip
        for name in flat:
            if (value := self._take(name)) is not None:
                record.setdefault(name, value)
        if "distance" in record:
            record.setdefault("dist", record.pop("distance"))
        if isinstance(nested, str) and "dist" not in record:
            return {"file": nested}
        missing = [name for name in _POSE if name not in record]
        if missing:
            raise ParameterError(f"{self._source}: the geometry lacks {', '.join(missing)}.")
        return {"poni": poni_text(record)}

    def _mask(self) -> dict[str, Any]:
        (file, image) = self._wanted("do_mask", "mask_file", "mask_image")
        dummy, other, width = self._wanted("do_dummy", "val_dummy", "dummy", "delta_dummy")
        dummy = other if dummy is None else dummy
        section: dict[str, Any] = {}
        if file or image:
            section["files"] = [file or image]
        if dummy is not None:
            section["dummy"] = dummy
            section |= {} if width is None else {"delta_dummy": width}
        return section

    def _corrections(self) -> dict[str, Any]:
        section: dict[str, Any] = {"sensor_absorption": "none"}
        for name, role in (("dark_current", "dark"), ("flat_field", "flat")):
            one, other = self._wanted(f"do_{role}", name, f"{name}_image")
            files = _listed(one or other)
            if len(files) == 1:
                section[role] = files[0]
            elif files:
                self._lose(name, f"{len(files)} files; average them with 'azimuthal average' and name the result")
        angle = self._take("correct_solid_angle", self._take("do_solid_angle", True))
        if not isinstance(angle, bool) and angle not in (0, 1):
            self._lose("correct_solid_angle", f"exponent {angle!r}; corrected once, as with true")
        section["solid_angle"] = "relative" if angle else "none"
        section["normalization_factor"] = float(self._take("normalization_factor", 1.0))
        described, plain, offset = self._wanted(
            "do_polarization", "polarization_description", "polarization_factor", "polarization_offset"
        )
        described = plain if described is None else described
        if isinstance(described, Mapping):
            described = [described.get("polarization_factor"), described.get("axis_offset", 0.0)]
        pair = described if isinstance(described, list | tuple) else [described, offset or 0.0]
        if pair[0] is not None:
            section["polarization_factor"] = float(pair[0])
            section["polarization_offset"] = float(pair[1])
        return section

    def _bins(self) -> dict[str, Any]:
        npt, npt_azim, unit = self._take("nbpt_rad"), self._take("nbpt_azim", 1), self._take("unit")
        if npt is None or unit is None:
            raise ParameterError(f"{self._source}: expected nbpt_rad and unit, got nbpt_rad={npt!r}, unit={unit!r}.")
        if isinstance(unit, list | tuple):
            if len(unit) > 1 and unit[1] != "chi_deg":
                self._lose("unit", f"the azimuthal unit {unit[1]!r}; cakes have chi_deg")
            unit = unit[0]
        section: dict[str, Any] = {"unit": unit, "npt": npt}
        is_cake = npt_azim > 1 and bool(self._take("do_2D", True))
        if is_cake:
            section["npt_azim"] = npt_azim
        section |= self._ranges()
        if self._take("chi_discontinuity_at_0", False) and is_cake:
            section.setdefault("azimuth_range", [0.0, 360.0])
        split = self._split()
        return section | ({} if split is None else {"split": split})

    def _ranges(self) -> dict[str, Any]:
        section: dict[str, Any] = {}
        for name, switch in (("radial", "do_radial_range"), ("azimuth", "do_azimuth_range")):
            if "do_azimuthal_range" in self._config and name == "azimuth":
                switch = "do_azimuthal_range"
            both, low, high = self._wanted(switch, f"{name}_range", f"{name}_range_min", f"{name}_range_max")
            both = both if both is not None else [low, high]
            if None not in both:
                section[f"{name}_range"] = [float(one) for one in both]
            elif any(one is not None for one in both):
                self._lose(f"{name}_range", f"only one limit is given, {both!r}; a range needs both")
        return section

    def _split(self) -> str | None:
        method = self._take("method")
        if method is None:
            return None
        name = method if isinstance(method, str) else method[0]
        known = _OLD_METHODS | _SPLITS if isinstance(method, str) else _SPLITS
        split = known.get(str(name).lower())
        if split is None:
            self._lose("method", f"{method!r}; the split is 'full', as by default")
        return split

    def _reduction(self) -> dict[str, Any]:
        more = dict(self._take("extra_options", {}))
        model = more.pop("error_model", None) or self._take("error_model")
        self._config.pop("error_model", None)
        if self._take("do_poisson", False):
            model = model or "poisson"
        section: dict[str, Any] = {"error_model": model} if model not in (None, "no", "None", "") else {}
        reject = self._reject(str(self._take("integrator_method", self._take("integrator_name", "integrate1d"))), more)
        for name, value in more.items():
            self._lose(f"extra_options.{name}", f"{value!r}")
        return section | ({} if reject is None else {"reject": reject})

    def _reject(self, method: str, more: dict[str, Any]) -> dict[str, Any] | None:
        name = method.removesuffix("_ng").removesuffix("_legacy")
        if name in ("integrate1d", "integrate2d"):
            return None
        if name == "sigma_clip":
            threshold, rounds = more.pop("thres", 0), more.pop("max_iter", 5)
            if threshold:
                return {"method": "sigma", "threshold": float(threshold), "max_iter": int(rounds)}
            self._lose("extra_options.thres", "0, a limit by the number of pixels; clipped at 5 standard deviations")
            return {"method": "sigma", "max_iter": int(rounds)}
        if name == "medfilt1d":
            percent = more.pop("percentile", more.pop("quantile", 50))
            pair = [float(one) / 100 for one in percent] if isinstance(percent, list | tuple) else [percent / 100] * 2
            return {"method": "median"} if pair == [0.5, 0.5] else {"method": "quantile", "quantiles": pair}
        self._lose("integrator_method", f"{method!r}; the average is that of integrate1d")
        return None

    def _rest(self) -> None:
        monitor = self._take("monitor_name")
        if monitor is not None:
            self._lose(
                "monitor_name",
                f"{monitor!r}; headers are not read; --monitor names a dataset or a file with one value for each frame",
            )
        for name, value in self._config.items():
            if name not in _WITHOUT_MEANING and not name.startswith("do_") and value not in (None, "", []):
                self._lose(name, f"{value!r}; not known")


def poni_text(record: Mapping[str, Any]) -> str:
    """Return the geometry as the text of a PONI file."""
    config = dict(record.get("detector_config") or {})
    name = record.get("detector") or "Detector"
    for key, old in (
        ("pixel1", "pixel1"),
        ("pixel2", "pixel2"),
        ("splineFile", "splineFile"),
        ("splineFile", "splinefile"),
    ):
        if record.get(old) is not None and not record.get("detector_config"):
            config.setdefault(key, record[old])
    version = record.get("poni_version", 2.1 if "orientation" in config else 2)
    lines = [f"poni_version: {version}", f"Detector: {name}", f"Detector_config: {json.dumps(config)}"]
    lines += [f"{label}: {float(record[key])!r}" for key, label in _POSE.items()]
    if record.get("wavelength"):
        lines.append(f"Wavelength: {float(record['wavelength'])!r}")
    if record.get("parallax"):
        lines.append("Parallax: True")
    return "\n".join(lines) + "\n"


def _listed(value: Any) -> list[str]:
    if isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return [str(one) for one in value or [] if one]
