# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The instrument: which detector, where it stands, which beam; one frozen value.

The pose of a detector says where the *foot of the normal* is; users look for the *beam centre*.  Both
describe the same plane.  With the symbols of :mod:`azimuthal.geometry.frames`, the direct beam (laboratory
axis 3) meets the detector plane at ::

    beam = (poni1 + dist tan(rot2) / cos(rot1),  poni2 - dist tan(rot1))          [m, detector frame]
    length of the beam up to that point = dist / (cos(rot1) cos(rot2))

when ``cos(rot1) cos(rot2) > 0``; otherwise the plane is parallel to the beam or behind the sample and the
direct beam never meets it.  ``rot3`` turns about the beam and changes neither.

Pixel coordinates count from the outer edge of image pixel (0, 0): the centre of that pixel is at (0.5, 0.5),
and the order is (slow, fast) = (row, column).  They refer to the *image*, so that they change with the
orientation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from azimuthal._validate import unknown_name
from azimuthal.detectors import Detector
from azimuthal.errors import DataTypeError, FileFormatError, ParameterError
from azimuthal.geometry import Beam, Pose
from azimuthal.geometry.parallax import ParallaxSettings
from azimuthal.orientation import ORIENTATION_NAMES, orientation_flips
from azimuthal.typing import FloatArray

__all__ = ["BeamCenter", "Instrument"]

_POSE_KEYS = ("dist", "poni1", "poni2", "rot1", "rot2", "rot3")
_KEYS = ("detector", *_POSE_KEYS, "wavelength", "parallax")
_ROWS_PER_BLOCK = 256
_GRAZING = 1e-9  # cosine between beam and normal below which they count as never meeting


class BeamCenter(NamedTuple):
    """Where the direct beam meets the detector: image pixels from the outer edge of pixel (0, 0)."""

    slow: float
    fast: float


@dataclass(frozen=True, slots=True)
class Instrument:
    """A detector at its pose in a beam.

    Parameters
    ----------
    detector:
        What the pixels are and where they sit on the detector.
    pose:
        Where the detector stands.
    beam:
        The incident beam; without a wavelength angles can be computed, q and d cannot.
    parallax:
        How positions are corrected for the depth at which photons are absorbed, or None (also False) for no
        correction.  True asks for it without an attenuation coefficient, as a PONI file does: integrating then
        raises and says what is missing.

    Raises
    ------
    DataTypeError
        A part is of another type.
    ParameterError
        `parallax` is asked of a detector whose sensor is not known, without a thickness.
    """

    detector: Detector
    pose: Pose
    beam: Beam = dataclasses.field(default_factory=Beam)
    parallax: ParallaxSettings | None = None

    def __post_init__(self) -> None:
        given: object = self.parallax
        if isinstance(given, bool):
            object.__setattr__(self, "parallax", ParallaxSettings() if given else None)
        kinds = {"detector": Detector, "pose": Pose, "beam": Beam}
        if self.parallax is not None:
            kinds["parallax"] = ParallaxSettings
        for name, expected in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, expected):
                raise DataTypeError(f"{name}: expected a {expected.__name__}, got {type(value).__name__} {value!r}.")
        if self.parallax is not None and self.parallax.thickness is None and self.detector.sensor is None:
            raise ParameterError(
                "parallax: the correction needs the sensor's material and thickness, and "
                f"{self.detector.name} has none. Use detector.with_sensor(...), or parallax=None."
            )

    def replace(self, **changes: Any) -> Instrument:
        """Return a copy with some parts changed."""
        unknown = set(changes) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            names = [field.name for field in dataclasses.fields(self)]
            raise unknown_name("replace", sorted(unknown)[0], names)
        return dataclasses.replace(self, **changes)

    @property
    def wavelength(self) -> float | None:
        """Wavelength in m, or None."""
        return self.beam.wavelength

    @property
    def direct_distance(self) -> float | None:
        """Distance along the beam from the sample to the detector plane, m; None when they never meet."""
        cosine = self.pose.rotation[2, 2]
        return None if cosine < _GRAZING else float(self.pose.dist / cosine)

    @property
    def beam_center(self) -> BeamCenter | None:
        """Where the direct beam meets the detector, in image pixels (slow, fast).

        Returns
        -------
        :
            Coordinates from the outer edge of image pixel (0, 0), so that the centre of that pixel is (0.5,
            0.5); beyond the edge of a flat detector the pixel grid is continued with the nominal pixel size.
            None when the beam never meets the detector plane, or misses the pixels of a detector that is not
            flat.

        Notes
        -----
        Exact on detectors whose pixel edges factor into rows and columns; otherwise the nearest pixel and its
        neighbours are interpolated linearly (better than 1e-4 pixel), which computes all pixel centres once.
        """
        if self.detector.is_flat and self.direct_distance is None:
            return None
        edges = self.detector.separable_edges() if self.detector.is_flat else None
        if edges is not None:
            position = self._beam_on_plane()
            flips = orientation_flips(self.detector.orientation)
            pitch = (self.detector.pixel1, self.detector.pixel2)
            bounds = ((edges.lower1, edges.upper1), (edges.lower2, edges.upper2))
            return BeamCenter(*(_pixel_coordinate(*args) for args in zip(position, bounds, pitch, flips, strict=True)))
        found = self._beam_on_surface()
        if found is None and self.detector.is_flat:
            return self._nominal_beam_center()
        return found

    @property
    def tilt(self) -> float:
        """Angle between the beam and the detector normal, rad, in [0, pi]."""
        normal = self.pose.rotation[:, 2]
        return math.atan2(math.hypot(normal[0], normal[1]), normal[2])

    @property
    def tilt_direction(self) -> float:
        """Where the foot of the normal lies seen from the beam centre: the angle chi in the laboratory, rad.

        Zero without tilt.  The detector plane is nearest to the sample on that side.
        """
        normal = self.pose.rotation[:, 2]
        return math.atan2(normal[0], normal[1]) if math.hypot(normal[0], normal[1]) > 0 else 0.0

    def describe(self) -> str:
        """Return the instrument in words, one fact per line."""
        return "\n".join(f"{name + ':':<14}{text}" for name, text in self._facts())

    def to_dict(self, *, inline_arrays: bool = True) -> dict[str, Any]:
        """Return a JSON-able dictionary in SI units that :meth:`from_dict` takes back."""
        pose = {key: getattr(self.pose, key) for key in _POSE_KEYS}
        return {
            "detector": self.detector.to_dict(inline_arrays=inline_arrays),
            **pose,
            "wavelength": self.beam.wavelength,
            "parallax": None if self.parallax is None else dataclasses.asdict(self.parallax),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Instrument:
        """Construct from what :meth:`to_dict` returned.

        Raises
        ------
        UnknownNameError
            A key is not known.
        FileFormatError
            ``detector`` or ``dist`` is missing.
        """
        for key in values:
            if key not in _KEYS:
                raise unknown_name("instrument", key, _KEYS)
        for key in ("detector", "dist"):
            if key not in values:
                raise FileFormatError(f"instrument: the key {key!r} is missing; got {sorted(values)}.")
        return cls(
            detector=Detector.from_dict(values["detector"]),
            pose=Pose(**{key: values[key] for key in _POSE_KEYS if key in values}),
            beam=Beam(values.get("wavelength")),
            parallax=parallax_from_dict(values.get("parallax")),
        )

    def _beam_on_plane(self) -> tuple[float, float]:
        """Return where the beam meets the detector plane: detector frame, axes 1 and 2, m."""
        direction = self.pose.rotation[2]
        along = self.pose.dist / direction[2]
        return float(self.pose.poni1 + along * direction[0]), float(self.pose.poni2 + along * direction[1])

    def _nominal_beam_center(self) -> BeamCenter:
        """Return the beam centre on a grid of nominal pixels."""
        slow, fast = self._beam_on_plane()
        slow = slow / self.detector.pixel1 - self.detector.origin[0] / self.detector.binning[0]
        fast = fast / self.detector.pixel2 - self.detector.origin[1] / self.detector.binning[1]
        flip1, flip2 = orientation_flips(self.detector.orientation)
        n_slow, n_fast = self.detector.shape
        return BeamCenter(n_slow - slow if flip1 else slow, n_fast - fast if flip2 else fast)

    def _beam_on_surface(self) -> BeamCenter | None:
        """Return the beam centre from the pixel centres near it; None when the beam misses the pixels."""
        nearest, index = math.inf, (0, 0)
        n_slow, n_fast = self.detector.shape
        for start in range(0, n_slow, _ROWS_PER_BLOCK):
            rows = slice(start, min(start + _ROWS_PER_BLOCK, n_slow))
            offsets = self._slopes(rows)
            distance = np.hypot(offsets[..., 0], offsets[..., 1])
            here = int(np.argmin(distance))
            if distance.flat[here] < nearest:
                nearest, index = float(distance.flat[here]), (start + here // n_fast, here % n_fast)
        if not math.isfinite(nearest):
            return None
        return self._interpolated(index)

    def _interpolated(self, index: tuple[int, int]) -> BeamCenter | None:
        """Return where the slopes vanish near a pixel; None when that is beyond the neighbouring pixels."""
        (i, j), (n_slow, n_fast) = index, self.detector.shape
        low, high = max(i - 1, 0), min(i + 1, n_slow - 1)
        left, right = max(j - 1, 0), min(j + 1, n_fast - 1)
        if low == high or left == right:
            return None
        near = self._slopes(slice(low, high + 1))
        gradient = np.column_stack(
            (
                (near[high - low, j] - near[0, j]) / (high - low),
                (near[i - low, right] - near[i - low, left]) / (right - left),
            )
        )
        if not np.isfinite(gradient).all() or np.linalg.det(gradient) == 0:
            return None
        step = np.linalg.solve(gradient, -near[i - low, j])
        if np.abs(step).max() > 1.0:
            return None
        return BeamCenter(float(i + 0.5 + step[0]), float(j + 0.5 + step[1]))

    def _slopes(self, rows: slice) -> FloatArray:
        """Return (t1, t2) / t3 of pixel centres; infinite upstream of the sample."""
        positions = self.pose.lab_from_detector(self.detector.centers(rows))
        downstream = positions[..., 2:] > 0
        slopes: FloatArray = np.where(
            downstream, positions[..., :2] / np.where(downstream, positions[..., 2:], 1.0), np.inf
        )
        return slopes

    def _facts(self) -> list[tuple[str, str]]:
        """Return the lines of :meth:`describe` as (name, text)."""
        orientation = self.detector.orientation
        native = ", native" if orientation == 3 else ""
        along = self.direct_distance
        lines = [
            ("detector", self._detector_words()),
            ("distance", f"{self.pose.dist * 1e3:.6g} mm along the detector normal" + _along_beam(along)),
            ("PONI", f"{self.pose.poni1 * 1e3:.6g} mm (slow), {self.pose.poni2 * 1e3:.6g} mm (fast)"),
            ("beam centre", self._beam_center_words()),
            ("tilt", self._tilt_words()),
            (
                "rotations",
                ", ".join(f"{key} {math.degrees(getattr(self.pose, key)):.6g}°" for key in _POSE_KEYS[3:]),
            ),
            ("beam", _beam_words(self.beam)),
            ("orientation", f"{orientation} ({ORIENTATION_NAMES[orientation]}){native}"),
        ]
        if self.parallax:
            lines.append(("parallax", "corrected for the depth of absorption in the sensor"))
        return lines

    def _detector_words(self) -> str:
        n_slow, n_fast = self.detector.shape
        pixels = f"{self.detector.pixel1 * 1e6:.6g} x {self.detector.pixel2 * 1e6:.6g} µm"
        return f"{self.detector.name}, {n_slow} x {n_fast} pixels (slow x fast) of {pixels}"

    def _beam_center_words(self) -> str:
        center = self.beam_center
        if center is None:
            return "the direct beam never meets the detector"
        inside = all(0 <= value <= n for value, n in zip(center, self.detector.shape, strict=True))
        where = "" if inside else ", outside the detector"
        return f"row {center.slow:.3f}, column {center.fast:.3f} (the first pixel's centre is 0.5, 0.5){where}"

    def _tilt_words(self) -> str:
        if self.tilt < 1e-12:
            return "0° (the beam is normal to the detector)"
        angle, direction = math.degrees(self.tilt), math.degrees(self.tilt_direction) + 0.0  # no "-0"
        return f"{angle:.6g}°, nearest to the sample at chi = {direction:.6g}°"


def parallax_from_dict(value: object) -> ParallaxSettings | None:
    """Return the settings of a stored value: None, a boolean, or the fields of the settings."""
    if isinstance(value, Mapping):
        return ParallaxSettings(**value)
    return ParallaxSettings() if value else None


def _pixel_coordinate(position: float, bounds: tuple[FloatArray, FloatArray], pitch: float, flipped: bool) -> float:
    """Return the image coordinate of a position on one axis; beyond the edges at the nominal pixel size."""
    lower, upper = (bound[::-1] if flipped else bound for bound in bounds)
    knots = np.column_stack((lower, upper)).ravel()
    count = np.arange(lower.size)
    native = float(np.interp(position, knots, np.column_stack((count, count + 1)).ravel()))
    beyond = min(position - float(knots[0]), 0.0) + max(position - float(knots[-1]), 0.0)
    native += beyond / pitch
    return lower.size - native if flipped else native


def _along_beam(distance: float | None) -> str:
    return "" if distance is None else f", {distance * 1e3:.6g} mm along the beam"


def _beam_words(beam: Beam) -> str:
    if beam.wavelength is None:
        return "wavelength not known (angles and radii only)"
    return f"wavelength {beam.wavelength * 1e10:.6g} Å, energy {beam.energy:.6g} keV"
