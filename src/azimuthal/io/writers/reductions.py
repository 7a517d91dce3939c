# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Several reductions of the same frames in one NeXus file: a pattern and a cake, say, or four sectors.

::

    /entry                NXentry, the default plot is the first reduction
        title
        <name>            NXsubentry, one per reduction, each with all that an NXazint entry has:
                          definition, instrument, reduction, data ... (azimuthal.io.writers.nxazint)

``load_result(path, reduction=name)`` reads one of them, ``reduction_names(path)`` lists them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from azimuthal._pending_file import PendingFile
from azimuthal._validate import one_of, positive_integer, unknown_name
from azimuthal.errors import OutputError, ParameterError
from azimuthal.io.hdf5 import open_hdf5
from azimuthal.io.writers._facts import PROGRAM
from azimuthal.io.writers._layout import Result
from azimuthal.io.writers.nxazint import Reduction
from azimuthal.typing import PathLike


class ReductionsWriter:
    """Write the results of several reductions to one file, as they come; use it in a ``with`` block.

    The file appears under its name when the block ends, complete; when the block raises, nothing is left.

    Parameters
    ----------
    path:
        The file.
    templates:
        Name of each reduction -> a result like those that will be appended to it (the first one, for instance).  A
        name is letters, digits and underscores.
    n_frames:
        How many results each will get, if that is known: it only sets the size of the chunks.
    force:
        Whether an existing file may be replaced.
    compression, instrument, source, title:
        As for `NxazintWriter`.

    Raises
    ------
    ParameterError
        There is no reduction, or a name cannot be that of a group, or of one nothing was appended.
    OutputExistsError, OutputError
        The file exists and `force` is False, or it cannot be written.

    Examples
    --------
    >>> with ReductionsWriter("run.h5", {"pattern": profile, "cake": cake}) as writer:  # doctest: +SKIP
    ...     for frame in frames:
    ...         writer.append("pattern", pattern_of(frame))
    ...         writer.append("cake", cake_of(frame))
    """

    def __init__(
        self,
        path: PathLike,
        templates: Mapping[str, Result],
        n_frames: int | None = None,
        *,
        force: bool = False,
        compression: str | None = "gzip",
        instrument: str | None = None,
        source: str | None = None,
        title: str | None = None,
    ) -> None:
        if compression is not None:
            one_of("compression", compression, ("gzip",))
        expected = None if n_frames is None else positive_integer("n_frames", n_frames)
        _check_names(templates)
        self._pending = PendingFile(path, force=force)
        self._resources = contextlib.ExitStack()
        self._closed = False
        with self._abandoned_on_error():
            self._pending.create().close()
            file = self._resources.enter_context(open_hdf5(self._pending.temporary, "w"))
            file.attrs.update({"NX_class": "NXroot", "default": "entry", "creator": PROGRAM})
            entry = _entry(file, "entry", "NXentry", next(iter(templates)))
            entry["title"] = title or "azimuthal integration"
            facts = {"instrument": instrument, "source": source, "title": title}
            self._reductions = {
                name: Reduction(_entry(entry, name, "NXsubentry", "data"), template, expected, compression, **facts)
                for name, template in templates.items()
            }

    def append(self, name: str, result: Result) -> None:
        """Add one result to a reduction.

        Raises
        ------
        UnknownNameError
            There is no reduction of that name.
        ParameterError
            The result does not fit to its template, or the writer is closed.
        OutputError
            The disk is full, or failed.  Nothing is left of the file.
        """
        if self._closed:
            raise ParameterError(f"{self._pending.target}: this writer is closed. Open another one for another file.")
        if name not in self._reductions:
            raise unknown_name("reduction", name, self._reductions)
        reduction = self._reductions[name]
        reduction.check(result, f"{self._pending.target}, {name}")
        with self._abandoned_on_error():
            reduction.append(result, dict(result.metadata))

    def close(self) -> None:
        """Write what is left, finish the file and give it its name; doing it twice is no error."""
        if self._closed:
            return
        with self._abandoned_on_error():
            for name, reduction in self._reductions.items():
                if not len(reduction):
                    raise ParameterError(
                        f"{self._pending.target}: no result was appended to {name!r}, so nothing is written."
                    )
                reduction.finish()
            self._resources.close()
        self._closed = True
        self._pending.publish()

    def abandon(self) -> None:
        """Close without leaving a file."""
        self._closed = True
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self._resources.close()
        self._pending.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    @contextlib.contextmanager
    def _abandoned_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.abandon()
            if isinstance(error, OSError | RuntimeError) and type(error).__module__ == "builtins":
                reason = " ".join(str(error).split())
                raise OutputError(
                    f"{self._pending.target}: cannot be written: {reason}. Check the free space."
                ) from error
            raise


def _check_names(templates: Mapping[str, Result]) -> None:
    if not templates:
        raise ParameterError("templates: expected at least one reduction, got none.")
    for name in templates:
        if not (name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()) or name == "title":
            raise ParameterError(
                f"templates: {name!r} cannot be the name of a reduction. Use letters, digits and underscores, a "
                "letter first, and not 'title'."
            )


def _entry(parent: Any, name: str, nexus_class: str, default: str) -> Any:
    group = parent.create_group(name, track_order=True)
    group.attrs.update({"NX_class": nexus_class, "default": default})
    return group
