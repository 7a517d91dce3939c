# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Files in and out: frame sources, geometry files, writers of results.

Names are imported from their modules when they are first used: ``import azimuthal.io`` loads no file format.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azimuthal.io.calibration_files import (
        load_calibration_report,
        load_covariance,
        save_calibration,
        save_calibration_report,
    )
    from azimuthal.io.control_point_files import load_control_points, save_control_points
    from azimuthal.io.frames import FrameSource, describe_file, open_frames
    from azimuthal.io.geometry_files import load_instrument, save_instrument
    from azimuthal.io.goniometer_files import load_goniometer, save_goniometer
    from azimuthal.io.image_files import save_average, save_image
    from azimuthal.io.integrators import load, save_geometry
    from azimuthal.io.mask_files import load_mask, load_mask_description, save_mask, save_mask_description
    from azimuthal.io.peak_files import load_peaks, save_peaks
    from azimuthal.io.plan_files import load_plan, save_plan
    from azimuthal.io.sparse_files import SparseWriter, load_sparse, save_sparse
    from azimuthal.io.writers import NxazintWriter, ResultFile, append_results, load_result, save

#: Public name -> module that holds it.
_LOCATIONS = {
    "FrameSource": "azimuthal.io.frames",
    "append_results": "azimuthal.io.writers",
    "describe_file": "azimuthal.io.frames",
    "load": "azimuthal.io.integrators",
    "load_calibration_report": "azimuthal.io.calibration_files",
    "load_covariance": "azimuthal.io.calibration_files",
    "load_control_points": "azimuthal.io.control_point_files",
    "load_goniometer": "azimuthal.io.goniometer_files",
    "load_instrument": "azimuthal.io.geometry_files",
    "load_mask": "azimuthal.io.mask_files",
    "load_mask_description": "azimuthal.io.mask_files",
    "load_peaks": "azimuthal.io.peak_files",
    "load_plan": "azimuthal.io.plan_files",
    "load_sparse": "azimuthal.io.sparse_files",
    "open_frames": "azimuthal.io.frames",
    "save_average": "azimuthal.io.image_files",
    "save_calibration": "azimuthal.io.calibration_files",
    "save_calibration_report": "azimuthal.io.calibration_files",
    "save_control_points": "azimuthal.io.control_point_files",
    "save_geometry": "azimuthal.io.integrators",
    "save_goniometer": "azimuthal.io.goniometer_files",
    "save_image": "azimuthal.io.image_files",
    "save_instrument": "azimuthal.io.geometry_files",
    "save_mask": "azimuthal.io.mask_files",
    "save_mask_description": "azimuthal.io.mask_files",
    "save_peaks": "azimuthal.io.peak_files",
    "save_plan": "azimuthal.io.plan_files",
    "save_sparse": "azimuthal.io.sparse_files",
    "SparseWriter": "azimuthal.io.sparse_files",
    "NxazintWriter": "azimuthal.io.writers",
    "ResultFile": "azimuthal.io.writers",
    "load_result": "azimuthal.io.writers",
    "save": "azimuthal.io.writers",
}

__all__ = [
    "FrameSource",
    "NxazintWriter",
    "ResultFile",
    "SparseWriter",
    "append_results",
    "describe_file",
    "load",
    "load_calibration_report",
    "load_control_points",
    "load_covariance",
    "load_goniometer",
    "load_instrument",
    "load_mask",
    "load_mask_description",
    "load_peaks",
    "load_plan",
    "load_result",
    "load_sparse",
    "open_frames",
    "save",
    "save_average",
    "save_calibration",
    "save_calibration_report",
    "save_control_points",
    "save_geometry",
    "save_goniometer",
    "save_image",
    "save_instrument",
    "save_mask",
    "save_mask_description",
    "save_peaks",
    "save_plan",
    "save_sparse",
]


def __getattr__(name: str) -> Any:
    if name not in _LOCATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_LOCATIONS[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
