# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Files that are either complete or absent.

Everything is written under a temporary name in the folder of the target, flushed to the disk, and given its
name at the very end.  Whoever looks at the target's name sees a complete file or none; when writing fails or
is interrupted, the temporary file is removed.  An existing file is replaced only when that was asked for,
also when it appears meanwhile.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from azimuthal.errors import AzimuthalError, OutputError, OutputExistsError
from azimuthal.typing import PathLike


class PendingFile:
    """A file on its way: write to `temporary`, then `publish` or `abandon`.

    Parameters
    ----------
    path:
        Where the file will be.
    force:
        Whether an existing file may be replaced.

    Raises
    ------
    OutputExistsError
        The file exists and `force` is False.
    OutputError
        The path is a folder, or its folder does not exist.
    """

    def __init__(self, path: PathLike, *, force: bool) -> None:
        self.target = Path(path)
        self.force = force
        check_target(self.target, force=force)
        self.temporary = self.target.with_name(f".{self.target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")

    def create(self) -> io.FileIO:
        """Create the temporary file and return it, open for writing without a buffer.

        Raises
        ------
        OutputError
            The folder may not be written.
        """
        try:
            return self.temporary.open("xb", buffering=0)
        except OSError as error:
            raise translated(self.target, error) from error

    def publish(self) -> Path:
        """Flush the temporary file to the disk, give it its name, and return that."""
        try:
            _flush(self.temporary)
            if self.force:
                self.temporary.replace(self.target)
            else:
                _name_if_free(self.temporary, self.target)
            flush_folder(self.target.parent)
        except OSError as error:
            self.abandon()
            raise translated(self.target, error) from error
        return self.target

    def abandon(self) -> None:
        """Remove the temporary file; doing it twice, or before there is one, is no error."""
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def pending(path: PathLike, *, force: bool) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` at the end of the block, and vanishes when the block raises.

    Errors of the operating system inside the block become `OutputError`: do nothing but writing in it.
    """
    file = PendingFile(path, force=force)
    try:
        yield file.temporary
    except OSError as error:
        file.abandon()
        if isinstance(error, AzimuthalError):
            raise
        raise translated(file.target, error) from error
    except BaseException:
        file.abandon()
        raise
    file.publish()


def write_text(path: PathLike, pieces: Iterable[str], *, force: bool) -> Path:
    """Write pieces of text as UTF-8 with line feeds; errors that `pieces` itself raises pass unchanged."""
    file = PendingFile(path, force=force)
    try:
        with file.create() as stream:
            for piece in pieces:
                _write(stream, piece.encode(), file.target)
    except BaseException:
        file.abandon()
        raise
    return file.publish()


def check_target(target: Path, *, force: bool) -> None:
    """Raise unless a file can be expected to be writable at `target`; nothing is created."""
    try:
        if target.is_dir():
            raise OutputError(f"{target}: is a folder, expected the name of a file.")
        if not force and (target.exists() or target.is_symlink()):
            raise _exists(target)
        if not target.parent.exists():
            raise OutputError(
                f"{target}: cannot be written: the folder {target.parent} does not exist. Create it first."
            )
        if not target.parent.is_dir():
            raise OutputError(f"{target}: cannot be written: {target.parent} is a file, expected a folder.")
    except OSError as error:
        raise translated(target, error) from error


def translated(target: Path, error: OSError) -> OSError:
    """Return the error of this package for an error of the operating system."""
    if isinstance(error, AzimuthalError):
        return error
    reason = error.strerror or str(error)
    return OutputError(f"{target}: cannot be written: {reason}. Check the folder, its permissions and free space.")


def _write(stream: io.FileIO, content: bytes, target: Path) -> None:
    try:
        left = memoryview(content)
        while left:
            left = left[stream.write(left) :]
    except OSError as error:
        raise translated(target, error) from error


def _name_if_free(temporary: Path, target: Path) -> None:
    """Rename without replacing: a hard link fails when the name is taken, whoever took it."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(target) from None
    except OSError:  # a file system without hard links
        if target.exists():
            raise _exists(target) from None
        temporary.replace(target)
        return
    temporary.unlink()


def _exists(target: Path) -> OutputExistsError:
    return OutputExistsError(
        f"{target}: exists already. Pass force=True (--force) to replace it, or choose another name."
    )


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Make the new name durable; a folder cannot be opened on every system, and then nothing is lost."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
