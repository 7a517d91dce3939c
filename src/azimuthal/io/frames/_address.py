# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""How frames are named in one line of text: file, dataset inside it, which frames, and how raw bytes are laid out.

==========================================  =========================================================
text                                        meaning
==========================================  =========================================================
``run_0001.cbf``                            a file, a folder or a pattern
``scan.h5::/entry/data``                    a dataset or group in an HDF5 file
``scan.h5::/entry/data[10:20]``             some of its frames; ``[:, 0]`` for a grid or for channels
``run.edf::[3]``                            some frames of a file that has no datasets
``silx:///a/scan.h5?path=/x&slice=3``       the urls that silx and pyFAI write
``fabio:///a/image.img?slice=2``            read by fabio, whatever azimuthal would do
``raw:a.bin?shape=10,512,512&dtype=<u2``    headerless; also ``offset=`` (bytes before the first frame)
==========================================  =========================================================

A text that is the name of an existing file is that file, whatever its characters.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from azimuthal._validate import one_of
from azimuthal.errors import ParameterError

_SEPARATOR = "::"
_SCHEME = re.compile(r"(silx|fabio|raw):(?://(?!/))?(.*)", re.DOTALL)
_INSIDE = re.compile(r"(?P<file>.*)::(?P<inner>[^\[\]]*(?:\[[^\[\]]*\])?)$", re.DOTALL)
_SELECTION = re.compile(r"(?P<path>[^\[\]]*)\[(?P<selection>[^\[\]]*)\]$")
_KEYS = {"silx": ("path", "slice"), "fabio": ("slice",), "raw": ("shape", "dtype", "offset", "slice")}


class Address(NamedTuple):
    """The parts of a text that names frames.

    Attributes
    ----------
    file:
        Path or pattern.
    dataset:
        Path inside the file; None without one.
    selection:
        What stands between the brackets; None without them.
    scheme:
        ``""``, ``"fabio"`` or ``"raw"``.
    layout:
        Of raw files: ``shape``, ``dtype`` and ``offset`` as text.
    """

    file: str
    dataset: str | None = None
    selection: str | None = None
    scheme: str = ""
    layout: tuple[tuple[str, str], ...] = ()

    def text(self, file: str) -> str:
        """Return the text for another file with everything else the same."""
        selected = "" if self.selection is None else f"[{self.selection}]"
        if self.scheme:
            pairs = [f"{key}={value}" for key, value in self.layout]
            pairs += [] if self.selection is None else [f"slice={self.selection}"]
            return f"{self.scheme}:{_slashed(file)}" + ("?" + "&".join(pairs) if pairs else "")
        if self.dataset is None and not selected:
            return file
        return f"{file}{_SEPARATOR}{self.dataset or ''}{selected}"


def parse_address(text: str) -> Address:
    """Return the parts of a text; see the module docstring.

    Raises
    ------
    ParameterError
        A url has a key that is not known, or lacks one.
    """
    if _exists(text):
        return Address(text)
    match = _SCHEME.fullmatch(text)
    if match is not None:
        return _url(text, match[1], match[2])
    match = _INSIDE.fullmatch(text)
    return Address(text) if match is None else Address(match["file"], *_inner(match["inner"]))


def file_of(text: str) -> Path:
    """Return the file, folder or pattern that a text names, without dataset and selection."""
    return Path(parse_address(text).file)


def _inner(inner: str) -> tuple[str | None, str | None]:
    match = _SELECTION.fullmatch(inner)
    if match is None:
        return inner, None
    return match["path"] or None, match["selection"]


def _url(text: str, scheme: str, rest: str) -> Address:
    file, _, query = rest.partition("?")
    dataset = selection = None
    if scheme == "silx" and _SEPARATOR in file:
        file, _, inner = file.partition(_SEPARATOR)
        dataset, selection = _inner(inner)
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        key, equals, value = part.partition("=")
        if scheme == "silx" and not equals and part.startswith("/"):  # the short form file.h5?/path
            key, value = "path", part
        found[one_of(f"{text}: key", key, _KEYS[scheme])] = unquote(value)
    dataset = found.get("path", dataset)
    selection = found.get("slice", selection)
    layout = tuple((key, found[key]) for key in ("shape", "dtype", "offset") if key in found)
    if scheme == "raw" and not {"shape", "dtype"} <= found.keys():
        raise ParameterError(
            f"{text}: raw bytes need shape and dtype, e.g. raw:{file}?shape=100,512,512&dtype=uint16&offset=0."
        )
    return Address(_plain(file), dataset, selection, "" if scheme == "silx" else scheme, layout)


def _plain(file: str) -> str:
    """Return the file of a url: ``///a/b`` is ``/a/b``, and ``%20`` a blank unless a file is called so."""
    file = re.sub(r"^/+", "/", file)
    return file if _exists(file) else unquote(file)


def _slashed(file: str) -> str:
    return f"//{file}" if file.startswith("/") else file


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False
