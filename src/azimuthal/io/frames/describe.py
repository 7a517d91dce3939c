# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What a file is, in a few facts: for ``azimuthal info`` and for people who wonder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from azimuthal.errors import (
    DataTypeError,
    FileFormatError,
    FileMissingError,
    MissingDependencyError,
    ShapeError,
    UnknownNameError,
)
from azimuthal.io.frames._address import file_of
from azimuthal.io.frames._bytes import ByteFile, plain_suffix
from azimuthal.io.frames._hdf5_choice import AmbiguousImagesError, Contents, Node
from azimuthal.io.frames._open import frame_paths, open_frames
from azimuthal.io.frames._protocol import FrameSource
from azimuthal.io.hdf5 import H5Object, open_hdf5, translated_errors
from azimuthal.typing import PathLike

FileKind: TypeAlias = Literal["image", "image stack", "geometry", "unknown"]

_GEOMETRY_SUFFIXES = (".poni", ".imctrl", ".geom", ".par", ".spline", ".npt", ".spd")
_GEOMETRY_WORDS = re.compile(
    rb"^(poni_version|Distance|Poni1|Rot1)\s*:|SPATIAL DISTORTION SPLINE|^clen\s*=|^wedge\s+[-\d]",
    re.MULTILINE,
)
_NOT_FACTS = ("name", "path", "format", "header", "dataset", "dataset_reason")


@dataclass(frozen=True, slots=True)
class FileDescription:
    """What `describe_file` found.

    Parameters
    ----------
    path:
        The file as given.
    kind:
        ``"image"`` (one frame), ``"image stack"``, ``"geometry"`` (by its extension or first words) or
        ``"unknown"``.
    reason:
        Why: the rule that chose the dataset, or what went wrong.
    format:
        Name of the reader; empty when no reader took it.
    shape:
        ``(n_slow, n_fast)``, None unless the file holds images.
    dtype:
        Type of the frames as text.
    n_frames:
        Number of frames.
    dataset:
        HDF5: path of the images, several for a series.
    filters:
        Compression, in order of writing.
    facts:
        Metadata in SI units (see `azimuthal.io.frames.FrameSource`), without raw headers; for an undecided
        HDF5 file ``{"candidates": [...]}``.
    """

    path: str
    kind: FileKind
    reason: str
    format: str = ""
    shape: tuple[int, int] | None = None
    dtype: str | None = None
    n_frames: int | None = None
    dataset: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def describe_file(path: PathLike) -> FileDescription:
    """Return what a file is, without reading its frames.

    Parameters
    ----------
    path:
        A file, or ``"file.h5::/path"``.

    Returns
    -------
    :
        A description; a file that cannot be opened as images is described as geometry or unknown, with the
        reason.

    Raises
    ------
    FileMissingError
        The file itself does not exist (absent members of a master file are a reason, not an error).
    """
    text = str(path)
    plain = file_of(text)
    if not plain.exists() and frame_paths([text]) == [text]:  # which raises when it is a pattern without a match
        raise FileMissingError(f"{plain}: this file does not exist.")
    if plain.is_file() and _is_geometry(plain):
        return FileDescription(text, "geometry", "its extension or first words are those of a geometry file")
    try:
        with open_frames(text) as source:
            return _of_source(text, source)
    except AmbiguousImagesError as error:
        if not error.candidates and plain.is_file() and _holds_detector(plain):
            return FileDescription(text, "geometry", "an HDF5 file with a detector and no image", "hdf5")
        return FileDescription(text, "unknown", str(error), "hdf5", facts={"candidates": error.candidates})
    except (
        FileFormatError,
        FileMissingError,
        MissingDependencyError,
        ShapeError,
        DataTypeError,
        UnknownNameError,
    ) as error:
        return FileDescription(text, "unknown", str(error))


def _is_geometry(path: Path) -> bool:
    if plain_suffix(path) in _GEOMETRY_SUFFIXES:
        return True
    if path.is_dir():
        return False
    with ByteFile(path) as file:
        head = file.read_up_to(0, 2048)
    return b"\0" not in head and _GEOMETRY_WORDS.search(head) is not None


def _holds_detector(path: Path) -> bool:
    """Say whether an HDF5 file has an NXdetector with a pixel size or pixel corners (a NeXus detector of pyFAI)."""
    with open_hdf5(path) as file, translated_errors(path, "list its groups"):
        for group in Contents(Node("/", file)).groups_of("NXdetector"):
            if any(name in group.item for name in ("pixel_size", "pixel_corners", "x_pixel_size")):
                return True
    return False


def _of_source(text: str, source: FrameSource) -> FileDescription:
    metadata = source.metadata
    datasets = metadata.get("dataset", ())
    compression = getattr(source, "compression", None)
    filters = getattr(source, "filters", (compression,) if compression else ())
    return FileDescription(
        path=text,
        kind="image" if len(source) == 1 else "image stack",
        reason=str(metadata.get("dataset_reason", "recognised by its content")),
        format=str(metadata["format"]),
        shape=source.shape,
        dtype=str(source.dtype),
        n_frames=len(source),
        dataset=(datasets,) if isinstance(datasets, str) else tuple(datasets),
        filters=tuple(filters),
        facts={key: value for key, value in metadata.items() if key not in _NOT_FACTS},
    )


_LONGEST_TREE = 60


def dataset_tree(path: PathLike, chosen: tuple[str, ...] = ()) -> list[str]:
    """Return one line for every dataset and broken link of an HDF5 file, in the order of the file.

    Parameters
    ----------
    path:
        The file.
    chosen:
        Paths of the datasets whose images were picked; they are marked.

    Returns
    -------
    :
        At most 60 lines; a last one says how many are left out.
    """
    with open_hdf5(path) as file, translated_errors(path, "list its datasets"):
        contents = Contents(Node("/", file))
        lines = {node.path: f"{node.path}  {_words(node.item)}" for node in contents.datasets}
        lines |= {member: f"{member}  -> {target.file}, which is missing" for member, target in contents.broken}
        lines |= {sentence: sentence for sentence in contents.damaged}
        for name in chosen:  # under another name, perhaps, than the one that was come across first
            node = contents.root.child(name)
            known = name if node is None else f"{name}  {_words(node.item)}"
            lines[name] = f"{lines.get(name, known)}  <- these images"
    found = [lines[name] for name in sorted(lines)]
    more = len(found) - _LONGEST_TREE
    return found if more <= 0 else [*found[:_LONGEST_TREE], f"... and {more} more"]


def _words(item: H5Object) -> str:
    shape = item.shape
    if shape is None:
        return "empty"
    size = " x ".join(map(str, shape)) if shape else "single"
    return f"{size}, {'text' if item.dtype.kind in 'SO' else item.dtype}{', virtual' if item.is_virtual else ''}"
