# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Recipes out of projects of Dioptas (``.dio``).

A project of format 2 (Dioptas 0.8.8 and later) is an HDF5 file with one JSON text, ``/state``, and arrays that it
refers to in ``/payloads`` and ``/cache``.  Read here: the geometry, the mask and the region of interest, image,
background image and factor, bins, azimuthal range, polarisation, solid angle and Poisson errors of the selected
configuration.  Everything else that is in use is named.  Projects of earlier versions hold none of this in the same
places; they are refused, as Dioptas itself does.

Dioptas turns images upside down when it reads them, and then applies the rotations and flips that the user chose; mask
and geometry belong to the image that results.  Here they are turned back to the image as it is stored: a flip of the
rows exchanges the orientations 2 and 3, and 1 and 4, of the detector; one of the columns 1 and 2, and 3 and 4.  A
quarter turn is no orientation, and such projects are refused.

Numbers: Dioptas splits pixels with a bounding box (pyFAI's CSR), so that is what the recipe says; it knows no
absorption in the sensor.  Without a number of bins Dioptas takes twice the distance, in pixels, from the beam to the
farthest corner; the recipe has that number, and the notes say so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from azimuthal.errors import FileFormatError, ParameterError, UnsupportedOptionError
from azimuthal.io.hdf5 import open_hdf5, translated_errors
from azimuthal.io.mask_files import save_mask
from azimuthal.pipelines.pyfai_config import poni_text
from azimuthal.pipelines.recipe import RECIPE_VERSION, VERSION_KEY, settings_of, write_document
from azimuthal.typing import AnyArray, BoolArray, PathLike

FORMAT = 2
_ROWS = {1: 4, 4: 1, 2: 3, 3: 2}
_COLUMNS = {1: 2, 2: 1, 3: 4, 4: 3}
_POSE = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")
_TURNS = {"rotate_matrix_p90": 1, "rotate_matrix_m90": -1}


@dataclass(frozen=True, slots=True, eq=False)
class ImportedProject:
    """What a project of Dioptas means.

    Parameters
    ----------
    document:
        A recipe without output; without mask file.
    mask:
        In the frame of the stored images, True = excluded; None without one.
    lost:
        One sentence for each thing that the recipe has no place for.
    """

    document: dict[str, Any]
    mask: BoolArray | None
    lost: tuple[str, ...]


def is_dioptas_project(path: PathLike) -> bool:
    """Say whether a file is a project of Dioptas, of whatever version."""
    if Path(path).suffix.lower() == ".dio":
        return True
    try:
        with open_hdf5(path) as file:
            return "format_version" in file.attrs and "state" in file
    except (OSError, FileFormatError):
        return False


def read_dioptas(path: PathLike) -> ImportedProject:
    """Return what a project of Dioptas means.

    Raises
    ------
    FileMissingError, FileFormatError
        The file does not exist, or is no project.
    UnsupportedOptionError
        It was written by Dioptas 0.8.7 or earlier, or its images are turned by a quarter.
    ParameterError
        It has no calibration.
    """
    path = Path(path)
    with open_hdf5(path) as file, translated_errors(path, "read the project"):
        version = int(file.attrs.get("format_version", 0))
        if version < FORMAT:
            raise UnsupportedOptionError(
                f"{path}: is a project of Dioptas 0.8.7 or earlier, which had another layout. Open it with the Dioptas "
                "that wrote it, and save calibration (.poni) and mask; or save the project with Dioptas 0.8.8 or later."
            )
        try:
            state = json.loads(file["state"].asstr()[()])
            number = int(state.get("selected_configuration", 0))
            configuration = state["configurations"][number]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(f"{path}: is no project of Dioptas, or a damaged one ({error!r}).") from error
        key = configuration.get("mask_data")
        mask = file["payloads"][key][()] if key else None
        shape = _shape(file, configuration)
    found = _Import(str(path), configuration, mask, shape)
    document = found.document()
    lost = [*found.lost, *_around(state, number, version)]
    return ImportedProject(document, found.mask, tuple(lost))


def convert_dioptas(path: PathLike, target: PathLike, *, force: bool = False) -> list[str]:
    """Write a project as a recipe, and its mask beside it as ``STEM_mask.npy``; return what was left behind."""
    target = Path(target)
    found = read_dioptas(path)
    document = dict(found.document)
    lost = list(found.lost)
    if found.mask is not None:
        mask = target.with_name(f"{target.stem}_mask.npy")
        save_mask(found.mask, mask, force=force)
        document["mask"] = {"files": [mask.name]}
    settings_of(document, source=str(path))  # nothing wrong leaves this room
    write_document(document, target, force=force)
    return lost


class _Import:
    """One configuration on its way."""

    def __init__(self, source: str, configuration: Mapping[str, Any], mask: Any, shape: tuple[int, int] | None) -> None:
        self.lost: list[str] = []
        self._source = source
        self._all = configuration
        self._params = configuration.get("params", {})
        self._img = configuration.get("img", {})
        self._calibration = configuration.get("calibration", {})
        self._shape = shape
        self._flips = self._turned_back()
        self.mask = self._mask(mask)

    def document(self) -> dict[str, Any]:
        """Return the recipe."""
        document: dict[str, Any] = {VERSION_KEY: RECIPE_VERSION}
        if filename := self._img.get("filename"):
            document["input"] = {"images": [str(filename)]}
        document["geometry"] = {"poni": self._poni()}
        document["corrections"] = self._corrections()
        document["bins"] = self._bins()
        if self._params.get("calculate_poisson_errors"):
            document["reduction"] = {"error_model": "poisson"}
        self._name_the_rest()
        return document

    def _turned_back(self) -> tuple[bool, bool]:
        """Return whether rows and columns of the image in the project are those of the stored one, reversed."""
        stored = np.arange(6).reshape(2, 3)
        image = stored[::-1]
        for name in self._img.get("transformations", ()):
            if name in _TURNS:
                image = np.rot90(image, _TURNS[name])
            elif name in ("flipud", "fliplr"):
                image = image[::-1] if name == "flipud" else image[:, ::-1]
            else:
                raise UnsupportedOptionError(f"{self._source}: the transformation {name!r} of its images is not known.")
        for rows in (False, True):
            for columns in (False, True):
                if np.array_equal(_flipped(image, rows, columns), stored):
                    return rows, columns
        raise UnsupportedOptionError(
            f"{self._source}: its images are turned by a quarter, which no orientation of a detector says. Calibrate "
            "the image as it is stored, or turn the images themselves."
        )

    def _mask(self, drawn: Any) -> BoolArray | None:
        """Return what the project excludes, in the frame of the stored image."""
        mask = None
        if self._params.get("use_mask") and drawn is not None:
            mask = np.asarray(drawn) != 0
        roi = (self._all.get("mask") or {}).get("roi")
        if roi is not None:
            shape = self._shape if mask is None else mask.shape
            if shape is None:
                self.lost.append("region of interest: how large the image is, is not in the project")
            else:
                rows, columns = (slice(max(0, int(roi[n])), int(roi[n + 1])) for n in (0, 2))
                outside = np.ones(shape, bool)
                outside[rows, columns] = False
                mask = outside if mask is None else mask | outside
        return None if mask is None or not mask.any() else np.ascontiguousarray(_flipped(mask, *self._flips))

    def _geometry(self) -> dict[str, Any]:
        record = self._calibration.get("geometry")
        if not isinstance(record, Mapping) or not self._calibration.get("is_calibrated"):
            raise ParameterError(f"{self._source}: has no calibration. Calibrate in Dioptas, or with 'azimuthal'.")
        missing = [name for name in _POSE if record.get(name) is None]
        if missing:
            raise FileFormatError(f"{self._source}: its geometry lacks {', '.join(missing)}.")
        return dict(record)

    def _poni(self) -> str:
        record = self._geometry()
        config = dict(record.get("detector_config") or {})
        orientation = int(config.get("orientation") or 3)
        for wanted, exchanged in zip(self._flips, (_ROWS, _COLUMNS), strict=True):
            orientation = exchanged[orientation] if wanted else orientation
        factor = int(self._calibration.get("supersampling_factor") or 1)
        if factor > 1:
            self.lost.append(f"supersampling: {factor} x {factor}; pixels are split exactly enough without")
            for name in ("pixel1", "pixel2"):
                if name in config:
                    config[name] = float(config[name]) * factor
        return poni_text(record | {"detector_config": config | {"orientation": orientation}, "poni_version": 2.1})

    def _corrections(self) -> dict[str, Any]:
        section: dict[str, Any] = {"sensor_absorption": "none"}
        section["solid_angle"] = "relative" if self._calibration.get("correct_solid_angle", True) else "none"
        polarization = self._calibration.get("polarization_factor")
        if polarization is not None:
            section["polarization_factor"] = float(polarization)
        factor = float(self._img.get("factor", 1.0))
        if factor > 0:
            section["normalization_factor"] = 1.0 / factor
            if factor != 1 and self._params.get("calculate_poisson_errors"):
                self.lost.append(f"Poisson errors of the counts times {factor:g}; here they are of the counts")
        else:
            self.lost.append(f"factor: {factor:g}; intensities are divided by numbers greater than 0 only")
        if background := self._img.get("background_filename"):
            scaling = float(self._img.get("background_scaling", 1.0))
            offset = float(self._img.get("background_offset", 0.0))
            if (scaling, offset) == (1.0, 0.0):
                section["dark"] = str(background)
            else:
                self.lost.append(
                    f"background image: {background}, scaled by {scaling:g}, offset {offset:g}; write the image that "
                    "is to be subtracted to a file, and name it as [corrections] dark"
                )
        return section

    def _bins(self) -> dict[str, Any]:
        unit = str(self._params.get("integration_unit", "2th_deg"))
        if unit == "d_A":
            self.lost.append("unit: d_A, into which Dioptas converts; integrated over 2th_deg, convert with .to('d_A')")
            unit = "2th_deg"
        section: dict[str, Any] = {"unit": unit, "npt": self._npt(), "split": "bbox"}
        azimuth = self._params.get("oned_azimuth_range")
        if azimuth:
            section["azimuth_range"] = [float(one) for one in azimuth]
        return section

    def _npt(self) -> int:
        npt = self._params.get("integration_rad_points")
        if npt:
            return int(npt)
        if self._shape is None:
            raise ParameterError(
                f"{self._source}: has no number of bins, and no image to find it from as Dioptas does. Set the number "
                "of bins in Dioptas."
            )
        npt = self._automatic_npt(self._shape)
        self.lost.append(f"number of bins: automatic; {npt}, as Dioptas takes for this image")
        return npt

    def _automatic_npt(self, shape: tuple[int, int]) -> int:
        record = self._geometry()
        config = record.get("detector_config") or {}
        try:
            pixel1, pixel2 = float(config["pixel1"]), float(config["pixel2"])
        except (KeyError, TypeError, ValueError):
            raise ParameterError(
                f"{self._source}: has no number of bins, and the geometry no size of the pixels to find it from. Set "
                "the number of bins in Dioptas."
            ) from None
        pose = {name: float(record[name]) for name in _POSE}
        tilt = math.cos(pose["rot1"])
        x = (pose["poni2"] - pose["dist"] * math.tan(pose["rot1"])) / pixel2
        y = (pose["poni1"] + pose["dist"] * math.tan(pose["rot2"]) / tilt) / pixel1
        factor = int(self._calibration.get("supersampling_factor") or 1)
        sides = []
        for size, center in zip(shape, (x, y), strict=True):  # rows with x: so it does
            length = size * factor
            sides.append(max(length - center, center) if 0 < center < length else length)
        return int(2 * math.hypot(*sides))

    def _name_the_rest(self) -> None:
        for name in self._img.get("corrections") or {}:
            self.lost.append(f"correction {name!r}: has no place in a recipe; a flat field goes to [corrections] flat")
        position = int(self._img.get("series_pos") or 1)
        if int(self._all.get("series_max") or 1) > 1:
            self.lost.append(f"frame {position} of the image file: a recipe integrates all of them")
        for name, plugin in (self._all.get("plugins") or {}).items():
            if plugin.get("enabled"):
                self.lost.append(f"mask plug-in {name!r}: excludes pixels while Dioptas runs; save its mask to a file")
        for key, words in (
            (
                "calculate_azimuthal_std",
                "spread along the azimuth: error_model = 'azimuthal' is another measure of it",
            ),
            ("auto_integrate_cake", "cake: [bins] npt_azim makes one instead of a pattern"),
        ):
            if self._params.get(key):
                self.lost.append(words)
        if (self._all.get("pattern") or {}).get("auto_bkg_enabled"):
            self.lost.append("automatic background of the pattern: patterns are not changed after integration")
        if self._calibration.get("distortion_spline_filename"):
            self.lost.append(
                f"distortion: {self._calibration['distortion_spline_filename']}; make a detector of it with "
                "'azimuthal convert detector' and name it as [geometry] detector"
            )
        if detector := self._calibration.get("detector_filename"):
            self.lost.append(f"detector file: {detector}; name it as [geometry] detector where it is needed")


def _flipped(image: AnyArray, rows: bool, columns: bool) -> AnyArray:
    return image[:: -1 if rows else 1, :: -1 if columns else 1]


def _shape(file: Any, configuration: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the shape of the images of a configuration, as Dioptas shows them; None when the project has none."""
    turns = [name for name in configuration.get("img", {}).get("transformations", ()) if name in _TURNS]
    for group, key in (("payloads", configuration.get("mask_data")), ("cache", configuration.get("image_data"))):
        if key and group in file and key in file[group]:
            rows, columns = file[group][key].shape
            swapped = group == "cache" and len(turns) % 2
            return (columns, rows) if swapped else (rows, columns)
    return None


def _around(state: Mapping[str, Any], number: int, version: int) -> list[str]:
    """Name what a project holds besides the configuration."""
    lost = []
    if version > FORMAT:
        lost.append(f"project format {version}: newer than {FORMAT}; what it has more is not read")
    others = len(state.get("configurations", ())) - 1
    if others:
        lost.append(f"configurations: {others} others; the selected one, number {number + 1}, was read")
    lost += [f"{key}: {len(state[key])}; have no place in a recipe" for key in ("overlays", "phases") if state.get(key)]
    return lost
