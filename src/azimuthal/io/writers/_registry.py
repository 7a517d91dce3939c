# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which format is written by what, and `save`, which chooses by the extension.

A writer is a function ``write(results, path, *, force, **options)`` that is imported when it is first used.
`results` is an iterator of checked results; a writer of one-result formats gets exactly one.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from azimuthal._validate import unknown_name
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError
from azimuthal.io.writers._template import expanded, is_template
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.typing import PathLike

Result: TypeAlias = Profile | Cake | ResultSet


@dataclass(frozen=True, slots=True)
class Format:
    """One output format.

    Parameters
    ----------
    name:
        What ``save(..., format=)`` takes.
    extensions:
        File name extensions, lower case.
    location:
        Where the writer is, ``"module:function"``.
    about:
        One line for help texts.
    options:
        Names of the options that the writer takes.
    holds_cakes:
        Whether it can hold a cake.
    holds_many:
        Whether one file can hold several results.
    holds_sets:
        Whether it can hold the several results of one frame (a ResultSet).
    """

    name: str
    extensions: tuple[str, ...]
    location: str
    about: str
    options: tuple[str, ...] = ()
    holds_cakes: bool = False
    holds_many: bool = False
    holds_sets: bool = False


_FORMATS = (
    Format("xy", (".xy",), "text:write_xy", "two columns: x, intensity", ("header", "empty_bins")),
    Format("dat", (".dat",), "text:write_dat", "three columns: x, intensity, sigma", ("header", "empty_bins")),
    Format("xye", (".xye",), "text:write_xye", "powder pattern: 2theta in degrees, intensity, esd", ("header",)),
    Format("chi", (".chi",), "text:write_chi", "Fit2D: four header lines, two columns"),
    Format(
        "csv",
        (".csv",),
        "text:write_csv",
        "table with one header row and all columns",
        (),
        holds_cakes=True,
        holds_many=True,
    ),
    Format(
        "npz",
        (".npz",),
        "archive:write_npz",
        "NumPy archive with everything",
        ("compressed",),
        holds_cakes=True,
        holds_many=True,
    ),
    Format(
        "nxazint",
        (".h5", ".hdf5", ".nxs"),
        "nxazint:write_nxazint",
        "NeXus HDF5 (NXazint1d, NXazint2d) with everything",
        ("compression", "n_frames", "instrument", "source", "title"),
        holds_cakes=True,
        holds_many=True,
        holds_sets=True,
    ),
)


def formats() -> tuple[Format, ...]:
    """Return all output formats."""
    return _FORMATS


def format_names() -> tuple[str, ...]:
    """Return the names that ``save(..., format=)`` takes."""
    return tuple(one.name for one in _FORMATS)


def save(
    results: Result | Iterable[Result],
    path: PathLike,
    *,
    force: bool = False,
    format: str | None = None,
    **options: Any,
) -> tuple[Path, ...]:
    """Write one result, or several, to a file or to one file each.

    Parameters
    ----------
    results:
        A profile, a cake, a ResultSet (``.h5``), or an iterable of them (of one kind, on the same bins where one file
        is to hold them).  An iterable is read once and not kept in memory, except for ``.npz``.
    path:
        The file.  Its extension is the format: ``.xy .dat .xye .chi .csv .npz .h5 .hdf5 .nxs``.  A name with
        fields in braces, ``"out/{stem}_{frame:05d}.xye"``, makes one file of each result: ``frame`` is its
        number, ``label`` its name, ``stem`` the name of its source; other entries of the metadata can be used
        too.
    force:
        Whether existing files may be replaced.  One call never writes the same file twice.
    format:
        Name of the format when the extension does not say it.
    **options:
        What the format takes: ``header`` (False leaves out the comment lines of .xy, .dat, .xye),
        ``empty_bins`` (.xy and .dat: ``"omit"`` or ``"nan"``), ``compressed`` (.npz), ``compression`` (HDF5:
        ``"gzip"`` or None), ``n_frames``, ``instrument``, ``source``, ``title`` (HDF5).

    Returns
    -------
    :
        The files that were written.

    Raises
    ------
    UnknownNameError
        The extension, the format, an option or a field of the template is not known.
    UnsupportedOptionError
        The format cannot hold this: a cake, several results, a unit that is not an angle, no sigma.
    OutputExistsError, OutputError
        A file exists and `force` is False, or it cannot be written.  Nothing half-written is left behind.

    Warns
    -----
    ConversionLossWarning
        Bins are left out because the format has no place for them.
    """
    chosen = _chosen_format(path, format)
    for name in options:
        if name not in chosen.options:
            raise unknown_name(f"option of {chosen.name}", name, chosen.options)
    if "n_frames" in chosen.options:
        options.setdefault("n_frames", _number(results, template=is_template(path)))
    if is_template(path):
        return _save_each(results, str(path), chosen, force=force, options=options)
    if not _is_result(results):
        _check_holds_many(chosen)
    _write(chosen, _checked(results, chosen), path, force=force, options=options)
    return (Path(path),)


def _save_each(
    results: Result | Iterable[Result], template: str, chosen: Format, *, force: bool, options: dict[str, Any]
) -> tuple[Path, ...]:
    written: dict[Path, None] = {}
    for index, result in enumerate(_checked(results, chosen)):
        path = expanded(template, result.metadata, index)
        if path in written:
            raise ParameterError(
                f"path: {template!r} gives {path} a second time, for result {index}; it would overwrite the "
                "first. Put {frame} or {number} into the name."
            )
        _write(chosen, iter((result,)), path, force=force, options=options)
        written[path] = None
    return tuple(written)


def _write(chosen: Format, results: Iterator[Result], path: PathLike, *, force: bool, options: dict[str, Any]) -> None:
    module, _, function = chosen.location.partition(":")
    writer = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    writer(results, Path(path), force=force, **options)


def _chosen_format(path: PathLike, name: str | None) -> Format:
    if name is not None:
        wanted = str(name).lower().removeprefix(".")
        for one in _FORMATS:
            if wanted == one.name or f".{wanted}" in one.extensions:
                return one
        raise unknown_name("format", name, format_names())
    extension = Path(path).suffix.lower()
    for one in _FORMATS:
        if extension in one.extensions:
            return one
    known = [extension for one in _FORMATS for extension in one.extensions]
    hint = f"Formats: {' '.join(known)}. For a picture use azimuthal.results.save_picture()."
    raise unknown_name("path: extension", extension, known, hint=hint)


def _checked(results: Result | Iterable[Result], chosen: Format) -> Iterator[Result]:
    """Iterate over results, checking the type of each and whether the format can hold it."""
    if _is_result(results):
        results = (results,)  # type: ignore[assignment]
    elif not isinstance(results, Iterable):
        raise DataTypeError(f"results: expected a Profile, a Cake, or several, got {type(results).__name__}.")
    return _checked_each(results, chosen)  # type: ignore[arg-type]


def _checked_each(results: Iterable[Result], chosen: Format) -> Iterator[Result]:
    index = -1
    for index, result in enumerate(results):
        if not _is_result(result):
            raise DataTypeError(f"results[{index}]: expected a Profile or a Cake, got {type(result).__name__}.")
        if isinstance(result, ResultSet) and not chosen.holds_sets:
            raise UnsupportedOptionError(
                f"format: {chosen.name!r} holds one result for each frame, got a set of {len(result)}. Save it as .h5, "
                f"or save them one by one: result[{result.names[0]!r}]."
            )
        if isinstance(result, Cake) and not chosen.holds_cakes:
            raise UnsupportedOptionError(
                f"format: {chosen.name!r} holds one profile, got a Cake. Save it as .h5, .npz or .csv."
            )
        yield result
    if index < 0:
        raise ParameterError("results: expected at least one result to save, got none.")


def _check_holds_many(chosen: Format) -> None:
    if not chosen.holds_many:
        raise UnsupportedOptionError(
            f"format: {chosen.name!r} holds one pattern, got several results. Use a template to write one "
            f"file of each, e.g. 'pattern_{{frame:05d}}{chosen.extensions[0]}', or save them together as "
            ".h5, .npz or .csv."
        )


def _number(results: object, *, template: bool) -> int | None:
    """Return how many results one file gets, None when that is not known or none."""
    if template or _is_result(results):
        return 1
    return len(results) or None if isinstance(results, Sized) else None


def _is_result(value: object) -> bool:
    return isinstance(value, Profile | Cake | ResultSet)
