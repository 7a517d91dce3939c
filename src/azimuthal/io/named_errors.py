# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Errors that name the file they are about, also where the trouble was noticed by what knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from azimuthal.errors import AzimuthalError
from azimuthal.typing import PathLike

__all__ = ["errors_naming"]


@contextmanager
def errors_naming(path: PathLike) -> Iterator[None]:
    """Put the path in front of errors of this package that do not have its name in their message."""
    try:
        yield
    except AzimuthalError as error:
        if Path(path).name in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error
