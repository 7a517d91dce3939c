# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Where the results of a batch go: every name is known, and checked, before the first frame is integrated.

An output is one file for all results (``run.h5``), or a name with fields in braces for one file each::

    out/{stem}_{frame:05d}.xye

============  ==============================================================
field         meaning
============  ==============================================================
``stem``      name of the image file without folder and extension
``frame``     number of the frame inside its file, from 0
``number``    number of the frame in the whole batch, from 0
``label``     the stem, and the frame's number when the file holds several
``folder``    name of the folder that the image file is in
``reduction`` name of the result, such as ``-10_to_10``, where a frame has several
============  ==============================================================

Two frames are never written to one name, no file that exists is replaced unless that was asked for, and no
input is ever replaced.
"""

from __future__ import annotations

import contextlib
import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azimuthal._validate import unknown_name
from azimuthal.errors import OutputError, OutputExistsError, ParameterError, UnsupportedOptionError
from azimuthal.io.writers import Format, expanded, field_names, format_of, formats, is_template
from azimuthal.pipelines._compact import KeyTable, PathList
from azimuthal.pipelines.inputs import plain_path

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a batch will write.

    Parameters
    ----------
    name:
        What the user wrote, fields and all.
    paths:
        One path for each frame, in order, or one for each of its results; or the one path for all of them.
    format:
        Of all of them.
    one_each:
        Whether every frame has a file of its own.
    n_each:
        How many files each frame then has.
    """

    name: str
    paths: Sequence[Path]
    format: Format
    one_each: bool
    n_each: int = 1

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of the files, each once."""
        return tuple(dict.fromkeys(path.parent for path in self.paths))

    @property
    def records_failures(self) -> bool:
        """Whether the output itself says which frames it lacks."""
        return not self.one_each and "failures" in self.format.options

    def of_frame(self, index: int) -> tuple[Path, ...]:
        """Return the files of a frame of its own."""
        return tuple(self.paths[index * self.n_each : (index + 1) * self.n_each])


def plan_outputs(
    name: str, fields: Iterable[Mapping[str, Any]], n_frames: int, *, cake: bool, reductions: Sequence[str] = ()
) -> Outputs:
    """Return where every result goes; nothing is created.

    Parameters
    ----------
    name:
        A file name, or one with fields (module docstring).
    fields:
        Metadata of every frame, in order (`azimuthal.pipelines.inputs.frame_fields`).
    n_frames:
        How many frames there are.
    cake:
        Whether results are cakes.
    reductions:
        Names of the results where every frame gives several.

    Raises
    ------
    UnknownNameError
        The extension or a field is not known.
    UnsupportedOptionError
        The format cannot hold a cake, or several results.
    ParameterError
        Two frames would be written to one file.
    """
    format = _format_of(name)
    if cake and not format.holds_cakes:
        raise UnsupportedOptionError(
            f"output: {format.extensions[0]} holds one pattern, and a cake is asked for. Write it to .h5, .npz or .csv."
        )
    if not cake and not format.holds_profiles:
        raise UnsupportedOptionError(
            f"output: {format.extensions[0]} holds a cake, and a pattern is asked for. Write it to .xy, .xye or .h5."
        )
    apart = bool(reductions) and "reduction" in field_names(name)
    if reductions and not apart and not format.holds_sets:
        raise UnsupportedOptionError(
            f"output: {format.extensions[0]} holds one pattern of each frame, and several sectors are asked for. Write "
            "them to .h5, or to a file each with {reduction} in the name, such as "
            f"'{{stem}}_{{frame:05d}}_{{reduction}}{format.extensions[0]}'."
        )
    if is_template(name):
        chosen = [one.replace(" ", "_") for one in reductions] if apart else []
        return Outputs(name, _each(name, fields, chosen), format, True, max(1, len(chosen)))
    if n_frames > 1 and not format.holds_many:
        extension = max((end for end in format.extensions if name.lower().endswith(end)), key=len)
        stem, extension = name[: -len(extension)], name[-len(extension) :]
        raise UnsupportedOptionError(
            f"output: {name} holds one pattern, and there are {n_frames} frames. Write one file each with "
            f"'{stem}_{{stem}}_{{frame:05d}}{extension}', or all of them to {stem}.h5."
        )
    return Outputs(name, (Path(name),), format, False)


def check_outputs(
    outputs: Outputs,
    *,
    force: bool,
    inputs: Iterable[str | Path],
    extra: Iterable[Path] = (),
    known: Callable[[Path], bool] = lambda _path: False,
) -> None:
    """Raise unless all files can be expected to be writable; nothing is created.

    Parameters
    ----------
    outputs:
        What is to be written.
    force:
        Whether files that exist may be replaced.
    inputs:
        Files that are read: they are never replaced, whatever `force` says.
    extra:
        Further files that will be written, such as a picture.
    known:
        Says of a file that exists whether an unfinished run of the same outputs was to write it.

    Raises
    ------
    OutputExistsError
        Files exist and `force` is False.
    OutputError
        A name is that of a folder, or the folder of a folder does not exist.
    ParameterError
        A name is that of an input.
    """
    folders: dict[Path, None] = {}
    sources = {plain_path(str(path)).resolve(): str(path) for path in inputs}
    present: list[Path] = []
    for path in itertools.chain(outputs.paths, extra):
        folders[path.parent] = None
        if path.resolve() in sources:
            raise ParameterError(
                f"output: {path} is an input of this run ({sources[path.resolve()]}). Choose another name."
            )
        if path.is_dir():
            raise OutputError(f"{path}: is a folder, expected the name of a file. Write e.g. {path / 'run.h5'}.")
        if (path.exists() or path.is_symlink()) and not known(path):
            present.append(path)
    for folder in folders:
        _check_folder(folder)
    if present and not force:
        raise OutputExistsError(
            f"{listed(present)} already. Pass --force (force=True) to replace, or choose another name."
        )


@contextlib.contextmanager
def made_folders(folders: Sequence[Path]) -> Iterator[None]:
    """Create the folders that are not there, for the block; those that stay empty are removed again.

    Raises
    ------
    OutputError
        A folder cannot be created.
    """
    created: list[Path] = []
    try:
        for folder in folders:
            if not folder.exists():
                _make(folder)
                created.append(folder)
        yield
    finally:
        for folder in created:
            with contextlib.suppress(OSError):
                folder.rmdir()  # fails, as it should, when there is something in it


def _format_of(name: str) -> Format:
    found = format_of(name)
    if found is not None:
        return found
    suffix = Path(name).suffix.lower()
    known = [extension for format in formats() for extension in format.extensions]
    hint = f"The extension chooses the format: {' '.join(known)}. For a picture use --plot."
    raise unknown_name("output: extension", suffix or name, known, hint=hint)


def _each(name: str, fields: Iterable[Mapping[str, Any]], reductions: Sequence[str]) -> PathList:
    found, known = PathList(), KeyTable()
    files, frames = [], array("q")
    for number, record in enumerate(fields):
        files.append(record["file"])
        frames.append(record["frame"])
        more: list[dict[str, str]] = [{"reduction": one} for one in reductions] or [{}]
        folder = plain_path(record["file"]).resolve().parent.name
        paths = [expanded(name, {**record, "folder": folder, **one}, number) for one in more]
        for path in paths:
            found.append(path)
        for path in dict.fromkeys(paths):
            known.add(str(path), number)
    if (twice := known.repeated()) is not None:
        n_each = len(found) // len(files)
        first, second = ({*found[number * n_each : (number + 1) * n_each]} for number in twice)
        one, other = (f"frame {frames[number]} of {files[number]}" for number in twice)
        raise ParameterError(
            f"output: {name!r} gives {min(first & second)} to two frames: {one} and {other}. One would overwrite the "
            "other; put {stem}, {frame} or {number} into the name."
        )
    return found


def _check_folder(folder: Path) -> None:
    if folder.exists():
        if not folder.is_dir():
            raise OutputError(f"{folder}: is a file, expected a folder to write into.")
        return
    if not folder.parent.is_dir():
        raise OutputError(
            f"{folder}: this folder cannot be created, because {folder.parent} does not exist. Create that first."
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror or error}. Choose another folder.") from error


def listed(paths: Sequence[Path]) -> str:
    """Return names, a few of them, and that they exist."""
    names = ", ".join(str(path) for path in paths[:_SHOWN])
    if len(paths) > _SHOWN:
        names += f" and {len(paths) - _SHOWN} more"
    return f"{names} exist{'s' if len(paths) == 1 else ''}"
