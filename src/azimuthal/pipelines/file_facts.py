# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""What is recorded of the files that a result was made from, and whether they are still the same.

Geometry, masks, darks and flats are small, and are known by a digest of their bytes (BLAKE2b, 128 bit).  Images are
known by size and time of the last change: reading terabytes a second time only to name them would cost more than
integrating them.  Of an HDF5 master file that is the master; the files that it links to are not looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azimuthal.pipelines.inputs import plain_path

_BLOCK = 1 << 20


def file_facts(path: str, *, digest: bool) -> dict[str, Any]:
    """Return what identifies a file.

    Parameters
    ----------
    path:
        Path, with ``::/dataset`` where there is one.
    digest:
        Whether the bytes are read for a digest.

    Returns
    -------
    :
        ``path`` (absolute), ``size`` in bytes and ``mtime_ns``; with `digest` also ``blake2b``.  Size and time are
        absent when the file is.
    """
    absolute = str(Path.cwd() / path)
    facts: dict[str, Any] = {"path": absolute}
    try:
        status = plain_path(absolute).stat()
        facts |= {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        if digest:
            facts["blake2b"] = _digest(plain_path(absolute))
    except OSError:
        return {"path": absolute}
    return facts


def change_of(facts: Mapping[str, Any]) -> str | None:
    """Return what has happened to a file since its facts were recorded; None: nothing."""
    path = str(facts["path"])
    now = file_facts(path, digest="blake2b" in facts)
    if "size" not in now:
        return f"{path} is not there any more"
    if "blake2b" in facts:
        return None if now["blake2b"] == facts["blake2b"] else f"{path} has other contents"
    if now["size"] != facts.get("size"):
        return f"{path} had {facts.get('size')} bytes and has {now['size']}"
    if now["mtime_ns"] != facts.get("mtime_ns"):
        return f"{path} was written again since"
    return None


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
