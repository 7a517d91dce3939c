# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which format is written by what, and `save`, which chooses by the extension.

A writer is a function ``write(results, path, *, force, **options)`` that is imported when it is first used; it
returns the files that it wrote where there are more than `path`.  `results` is an iterator of checked results; a
writer of one-result formats gets exactly one.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import Any, TypeAlias

from azimuthal._output_formats import FORMATS, Format
from azimuthal._validate import unknown_name
from azimuthal.errors import DataTypeError, ParameterError, UnsupportedOptionError
from azimuthal.io.writers._template import expanded, is_template
from azimuthal.results import Cake, Profile, ResultSet
from azimuthal.typing import PathLike

Result: TypeAlias = Profile | Cake | ResultSet


def formats() -> tuple[Format, ...]:
    """Return all output formats."""
    return FORMATS


def format_of(name: PathLike) -> Format | None:
    """Return the format whose extension ends a file name, None when there is none; the longest extension counts.

    ``a.cansas.h5`` is NXcanSAS, ``a.h5`` is NXazint.
    """
    text = str(name).lower()
    found = [(len(end), one) for one in FORMATS for end in one.extensions if text.endswith(end)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def format_names() -> tuple[str, ...]:
    """Return the names that ``save(..., format=)`` takes."""
    return tuple(one.name for one in FORMATS)


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
        is to hold them).  An iterable is read once and not kept in memory, except for ``.npz``, ``.nc`` and
        ``.zarr.zip``.
    path:
        The file.  Its extension is the format: ``.h5`` keeps everything, the others are for the programs that
        ``docs/reference/formats.md`` names.  A name with fields in braces, ``"out/{stem}_{frame:05d}.xye"``, makes
        one file of each result: ``frame`` is its number, ``label`` its name, ``stem`` the name of its source; other
        entries of the metadata can be used too.
    force:
        Whether existing files may be replaced.  One call never writes the same file twice.
    format:
        Name of the format when the extension does not say it.
    **options:
        What the format takes: ``header`` (False leaves out the comment lines of .xy, .dat, .xye, .fxye),
        ``empty_bins`` (.xy and .dat: ``"omit"`` or ``"nan"``), ``compressed`` (.npz), ``compression`` (HDF5:
        ``"gzip"`` or None), ``n_frames``, ``instrument``, ``source``, ``title`` (HDF5), ``failures`` (.h5
        and .npz: frames without a result, with ``name``, ``reason`` and ``n_frames``); all of them are in
        ``docs/reference/formats.md``.

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
    return _write(chosen, _checked(results, chosen), path, force=force, options=options)


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
        written |= dict.fromkeys(_write(chosen, iter((result,)), path, force=force, options=options))
    return tuple(written)


def _write(
    chosen: Format, results: Iterator[Result], path: PathLike, *, force: bool, options: dict[str, Any]
) -> tuple[Path, ...]:
    """Write to one file and return it, with files beside it if there are any."""
    module, _, function = chosen.location.partition(":")
    writer = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    files: tuple[Path, ...] | None = writer(results, Path(path), force=force, **options)
    return files or (Path(path),)


def _chosen_format(path: PathLike, name: str | None) -> Format:
    if name is not None:
        wanted = str(name).lower().removeprefix(".")
        for one in FORMATS:
            if wanted == one.name or f".{wanted}" in one.extensions:
                return one
        raise unknown_name("format", name, format_names())
    found = format_of(path)
    if found is not None:
        return found
    extension = Path(path).suffix.lower()
    known = [extension for one in FORMATS for extension in one.extensions]
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
        if isinstance(result, Profile) and not chosen.holds_profiles:
            raise UnsupportedOptionError(
                f"format: {chosen.name!r} holds a cake, got a Profile. Save it as .xy, .xye or .h5."
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
