# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which files a batch reads besides its images, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azimuthal.pipelines.file_facts import file_facts
from azimuthal.pipelines.frame_inputs import POISSON, is_inside_images
from azimuthal.pipelines.inputs import Survey, plain_path
from azimuthal.pipelines.settings import BatchSettings

#: Settings that are images, and such that hold one value for each frame.
IMAGES = ("dark", "flat", "dark_variance", "flat_variance")
_PER_FRAME = ("monitor", "monitor_variance")


def identified(facts: Mapping[str, Any]) -> Any:
    """Return what a file is known by: its digest, or size and time where it is too large for that."""
    return facts.get("blake2b") or [facts.get("size"), facts.get("mtime_ns")]


def input_facts(settings: BatchSettings, survey: Survey, darks: str | None) -> list[dict[str, Any]]:
    """Return facts of all files but the images; what may be as large as these has no digest."""
    images = {file.file.resolve() for file in survey.files}
    large = {*monitor_files(settings), darks}
    return [
        file_facts(path, digest=path not in large and plain_path(path).resolve() not in images)
        for path in other_inputs(settings)
    ]


def all_inputs(settings: BatchSettings, survey: Survey) -> list[str]:
    """Return every file that is read."""
    images = [file.path for file in survey.files] + [failure.name for failure in survey.failures]
    return images + other_inputs(settings)


def other_inputs(settings: BatchSettings) -> list[str]:
    """Return every file that is read besides the images."""
    given = {name: getattr(settings, name) for name in IMAGES}
    images = [path for name, path in given.items() if path is not None and not is_word(name, path)]
    geometry = [settings.geometry] if settings.poni is None else []
    return [*geometry, *settings.masks, *images, *monitor_files(settings)]


def monitor_files(settings: BatchSettings) -> list[str]:
    """Return the files with one value for each frame."""
    given = [path for name in _PER_FRAME if (path := getattr(settings, name)) is not None]
    return [path for path in given if path != POISSON and not is_inside_images(path)]


def is_word(name: str, path: str) -> bool:
    """Return whether what is given for an image is not a file: the dark is a counted image."""
    return name == "dark_variance" and path == "poisson"


def recorded_inputs(settings: BatchSettings) -> dict[str, Any]:
    """Return what the results say about the files that they were made from, besides their own images."""
    record: dict[str, Any] = {"geometry": str(plain_path(settings.geometry).resolve())}
    if settings.masks:
        record["masks"] = list(settings.masks)
    for name in (*IMAGES, *_PER_FRAME):
        if getattr(settings, name) is not None:
            record[name] = getattr(settings, name)
    return record
