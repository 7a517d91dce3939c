"""Temporary: to move to io.frames once it is idle."""
from __future__ import annotations
from collections.abc import Sequence
from pathlib import Path
from azimuthal.io.frames._open import _PATTERN_CHARACTERS, _SEPARATOR, _matches, _refuse_doubles, _split
def frame_paths(sources: Sequence[str]) -> list[str]:
    paths: list[str] = []
    for text in sources:
        path, inner = _split(text)
        if _PATTERN_CHARACTERS.search(path) and not Path(path).exists():
            suffix = "" if inner is None else _SEPARATOR + inner
            paths += [found + suffix for found in _matches(path)]
        else:
            paths.append(text)
    _refuse_doubles(paths)
    return paths
