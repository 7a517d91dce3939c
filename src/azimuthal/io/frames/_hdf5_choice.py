# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Which dataset of an HDF5 file holds the images.

The first rule that finds something decides:

1. the path that the user gives: a dataset, or a group, inside which the rules for groups and rules 4, 5, 7 apply;
2. the chain of ``default`` attributes from the root;
3. ``/entry/data``, by the rules for groups;
4. all ``NXdata`` groups of the file, by the rules for groups, when exactly one stack results;
5. the dataset ``data`` of an ``NXdetector``, when there is exactly one;
6. ``/exchange/data``;
7. the largest numeric dataset whose last two dimensions are both at least 16.  Another one with the same
   image shape or the same number of elements makes the choice ambiguous.  Masks, flats and the like count only
   when there is nothing else, and never inside an instrument or a detector.

Rules for a group: its ``signal``; the series ``data_000001``, ``data_000002`` ... (EIGER); a member with
``signal = 1``; a member called ``data``.  A ``signal`` whose ``interpretation`` is ``spectrum`` or ``scalar``
is no image.

Nothing is guessed beyond that: an ambiguous file is refused with the list of candidates.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from azimuthal.errors import FileFormatError, FileMissingError, UnknownNameError
from azimuthal.io.hdf5 import (
    ExternalTarget,
    H5File,
    H5Object,
    attributes_of,
    external_target,
    is_dataset,
    is_group,
    is_soft_link,
    member_of,
)

_SERIES = re.compile(r"data_(\d+)")
_SMALLEST_IMAGE = 16
_MOST_OBJECTS = 20_000
#: Names of 2-D arrays that accompany images.
_COMPANIONS = re.compile(
    r"mask|flat|dark|background|correction|error|sigma|variance|weight|lookup|lut|gain", re.IGNORECASE
)
#: Groups in which such an array belongs to images that are elsewhere, or lost.
_INSTRUMENTS = re.compile(r"instrument|detector", re.IGNORECASE)


class Node(NamedTuple):
    """An object, and its path as seen from the opened file (behind an external link h5py has another)."""

    path: str
    item: H5Object

    def child(self, name: str) -> Node | None:
        """Return a member; None when it is absent.  A link to an absent file and a damaged object are errors."""
        if not name or not is_group(self.item):
            return None
        path = f"{self.path.rstrip('/')}/{name.strip('/')}"
        target = external_target(self.item, name)
        if target is not None and not target.exists:
            raise missing_member(self.item.file.filename, path, target)
        item = member_of(self.item, name)
        return None if item is None else Node(path, item)


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen images.

    Parameters
    ----------
    datasets:
        Paths, in the order of the frames; several for a series of external links.
    reason:
        The rule that chose them, in words.
    missing:
        Members of the series whose file is absent, as ``(member, file)``.
    only_last_missing:
        Whether all missing members come after all present ones.
    """

    datasets: tuple[str, ...]
    reason: str
    missing: tuple[tuple[str, str], ...] = ()
    only_last_missing: bool = True


class AmbiguousImagesError(FileFormatError):
    """Several datasets could be the images, or none; `candidates` lists what there is."""

    def __init__(self, message: str, candidates: list[str]) -> None:
        super().__init__(message)
        self.candidates = candidates


def choose_images(file: H5File, dataset: str | None) -> Choice:
    """Return the images of an open file by the rules of the module docstring.

    Raises
    ------
    UnknownNameError
        `dataset` is not in the file.
    FileMissingError
        The images are behind a link to an absent file.
    FileFormatError
        `dataset` is no image; or no rule decides, then with the list of candidates.
    """
    root = Node("/", file)
    if dataset is not None:
        return _explicit(root, dataset)
    choice = _by_default(root) or _by_entry_data(root)
    if choice is not None:
        return choice
    contents = Contents(root)
    choice = _by_contents(contents, root)
    if choice is None:
        raise _undecided(contents, "no dataset looks like a stack of images")
    return choice


def _by_contents(contents: Contents, root: Node | None = None) -> Choice | None:
    """Apply the rules that look at everything below a group; all of it must be readable."""
    if contents.damaged:
        raise FileFormatError(
            f"{contents.damaged[0]} The images may be there. Name the dataset to read others, e.g. "
            f"open_frames('{Path(contents.root.item.file.filename).name}::/entry/data')."
        )
    exchange = None if root is None else _by_exchange(root)
    return _by_nxdata(contents) or _by_nxdetector(contents) or exchange or _by_size(contents)


def is_image_stack(item: H5Object) -> bool:
    """Say whether an object is a numeric dataset of two or more dimensions with at least one element."""
    return (
        is_dataset(item)
        and item.dtype.kind in "uifb"
        and item.shape is not None
        and len(item.shape) >= 2
        and 0 not in item.shape
    )


def text_attribute(item: H5Object, name: str) -> str | None:
    """Return an attribute as text; None when it is absent or of another type."""
    value: Any = attributes_of(item).get(name)
    if getattr(value, "shape", None) == (1,):
        value = value[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def text_list_attribute(item: H5Object, name: str) -> list[str]:
    """Return an attribute that holds several texts; empty when it is absent or of another type."""
    value: Any = attributes_of(item).get(name)
    values = value.tolist() if hasattr(value, "tolist") else value
    parts = values if isinstance(values, list) else [values]
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else part for part in parts]
    return [text for text in texts if isinstance(text, str)]


def missing_member(filename: str, member: str, target: ExternalTarget) -> FileMissingError:
    """Return the error for a link whose file is absent."""
    return FileMissingError(
        f"{filename}: {member} links to {target.file}, which does not exist. Put the file back, or open the "
        "files that are there by a pattern."
    )


def _explicit(root: Node, dataset: str) -> Choice:
    node = _resolve(root, dataset)
    if is_group(node.item):
        choice = _in_group(node, f"inside the group {node.path}, as asked")
        if choice is None and "signal" not in node.item.attrs:
            choice = _by_contents(Contents(node))
        if choice is None:
            raise _undecided(Contents(node), f"the group {node.path} has no signal, no series and no 'data'")
        return choice
    if not is_image_stack(node.item):
        raise FileFormatError(
            f"{root.item.filename}::{node.path}: expected a numeric dataset of two or more dimensions, got "
            f"shape {getattr(node.item, 'shape', None)} and dtype "
            f"{getattr(node.item, 'dtype', type(node.item).__name__)}."
        )
    return Choice((node.path,), "as asked")


def _resolve(root: Node, dataset: str) -> Node:
    """Return the object at a path, saying which step of the path fails."""
    node = root
    for step in filter(None, dataset.split("/")):
        following = node.child(step)
        if following is None:
            known = list(node.item)[:20] if is_group(node.item) else []
            raise UnknownNameError(
                f"{root.item.filename}: {dataset!r} is not in the file: {node.path} has no member {step!r}"
                f"{'; it has ' + ', '.join(map(repr, known)) if known else ''}."
            )
        node = following
    return node


def _by_default(root: Node) -> Choice | None:
    node = root
    for _ in range(8):
        name = text_attribute(node.item, "default")
        start = root if name is not None and name.startswith("/") else node  # LImA writes the whole path
        following = None if name is None else start.child(name)
        if following is None:
            break
        node = following
        if is_image_stack(node.item):
            return Choice((node.path,), "default of the file")
    if node is root or not is_group(node.item):
        return None
    return _in_group(node, f"of the default group {node.path}")


def _by_entry_data(root: Node) -> Choice | None:
    entry = root.child("entry")
    data = None if entry is None else entry.child("data")
    if data is None:
        return None
    if is_image_stack(data.item):
        return Choice((data.path,), "/entry/data")
    return _in_group(data, "in /entry/data") if is_group(data.item) else None


def _by_nxdata(contents: Contents) -> Choice | None:
    return _only_one(contents, (_in_group(group, f"in {group.path}") for group in contents.groups_of("NXdata")))


def _by_nxdetector(contents: Contents) -> Choice | None:
    return _only_one(
        contents, (_member(group, "data", "of the only NXdetector") for group in contents.groups_of("NXdetector"))
    )


def _by_exchange(root: Node) -> Choice | None:
    exchange = root.child("exchange")
    return None if exchange is None else _member(exchange, "data", "of /exchange")


def _only_one(contents: Contents, choices: Iterator[Choice | None]) -> Choice | None:
    """Return the single choice among `choices`; several different ones are ambiguous."""
    file = contents.root.item.file
    found: list[Choice] = []
    for choice in choices:
        if choice is None or any(_same(file, choice, other) for other in found):
            continue
        found.append(choice)
    if len(found) > 1:
        raise _undecided(contents, f"{len(found)} groups hold images")
    return found[0] if found else None


def _same(file: H5File, one: Choice, other: Choice) -> bool:
    """Say whether two choices are the same object under two paths."""
    if not one.datasets or not other.datasets:
        return False
    return len(one.datasets) == len(other.datasets) and bool(file[one.datasets[0]] == file[other.datasets[0]])


def _by_size(contents: Contents) -> Choice | None:
    if contents.broken:
        member, target = contents.broken[0]
        raise missing_member(contents.root.item.file.filename, member, target)
    images = [node for node in contents.stacks() if min(node.item.shape[-2:]) >= _SMALLEST_IMAGE]
    companions = [node for node in images if _COMPANIONS.search(node.path.rpartition("/")[2])]
    images = [node for node in images if node not in companions] or [
        node for node in companions if not _INSTRUMENTS.search(node.path.rpartition("/")[0])
    ]
    if not images:
        return None
    first = images[0]
    if any(_alike(first.item, node.item) for node in images[1:]):
        raise _undecided(contents, "several datasets are equally plausible")
    return Choice((first.path,), "the largest dataset that looks like images")


def _alike(one: H5Object, other: H5Object) -> bool:
    return bool(one.size == other.size or one.shape[-2:] == other.shape[-2:])


def _in_group(group: Node, reason: str) -> Choice | None:
    """Apply the rules for groups."""
    name = text_attribute(group.item, "signal")
    signal = None if name is None or _SERIES.fullmatch(name) else group.child(name)
    if signal is not None:
        return _if_images(group, signal, f"signal {reason}")
    series = _series(group, reason)
    if series is not None:
        return series
    for name in group.item:
        if external_target(group.item, name) is None:
            member = group.child(name)
            if member is not None and _is_legacy_signal(member.item):
                return _if_images(group, member, f"signal {reason}")
    return _member(group, "data", reason)


def _is_legacy_signal(item: H5Object) -> bool:
    return is_dataset(item) and str(attributes_of(item).get("signal", "")).strip("[]b'\"") == "1"


def _if_images(group: Node, signal: Node, reason: str) -> Choice | None:
    kinds = {text_attribute(signal.item, "interpretation"), text_attribute(group.item, "interpretation")}
    if not is_image_stack(signal.item) or kinds & {"spectrum", "scalar"}:
        return None
    return Choice((signal.path,), reason)


def _member(group: Node, name: str, reason: str) -> Choice | None:
    node = group.child(name)
    if node is None or not is_image_stack(node.item):
        return None
    return Choice((node.path,), f"'{name}' {reason}")


def _series(group: Node, reason: str) -> Choice | None:
    """Return the members data_000001, data_000002 ... in the order of their numbers."""
    numbered = sorted((int(match[1]), name) for name in group.item if (match := _SERIES.fullmatch(name)))
    if not numbered:
        return None
    for (number, name), (following, _) in itertools.pairwise(numbered):
        if following != number + 1:
            raise FileMissingError(
                f"{group.item.file.filename}: the series in {group.path} runs from {numbered[0][1]} to "
                f"{numbered[-1][1]}, but after {name} comes number {following}. Name one member to read it "
                "alone."
            )
    present: list[str] = []
    missing: list[tuple[str, str]] = []
    only_last = True
    for _, name in numbered:
        path = f"{group.path.rstrip('/')}/{name}"
        target = external_target(group.item, name)
        if target is not None and not target.exists:
            missing.append((path, str(target.file)))
        else:
            present.append(path)
            only_last = not missing
    return Choice(tuple(present), f"series {numbered[0][1]} ... {reason}", tuple(missing), only_last)


class Contents:
    """All groups and datasets that can be reached from a group, each once.

    Broken links are remembered, and sentences about objects that cannot be opened.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self.groups: list[Node] = [root]
        self.datasets: list[Node] = []
        self.broken: list[tuple[str, ExternalTarget]] = []
        self.damaged: list[str] = []
        self._seen = {root.item}
        for group in self.groups:  # grows while it is walked
            self._walk(group)
            if len(self._seen) > _MOST_OBJECTS:
                raise FileFormatError(
                    f"{root.item.file.filename}: holds more than {_MOST_OBJECTS} objects; name the dataset, "
                    f"e.g. open_frames('{Path(root.item.file.filename).name}::/entry/data')."
                )

    def _walk(self, group: Node) -> None:
        for name in group.item:
            target = external_target(group.item, name)
            if target is not None and not target.exists:
                self.broken.append((f"{group.path.rstrip('/')}/{name}", target))
                continue
            try:
                node = group.child(name)
            except FileFormatError as error:
                self.damaged.append(str(error))
                continue
            if node is None and target is None and not is_soft_link(group.item, name):
                self.damaged.append(f"{group.item.file.filename}::{group.path}: its member {name!r} cannot be found.")
            if node is None or node.item in self._seen:
                continue
            self._seen.add(node.item)
            if is_group(node.item):
                self.groups.append(node)
            elif is_dataset(node.item):
                self.datasets.append(node)

    def groups_of(self, nexus_class: str) -> Iterator[Node]:
        return (group for group in self.groups if text_attribute(group.item, "NX_class") == nexus_class)

    def stacks(self) -> list[Node]:
        """Return the datasets that could be images, largest first."""
        stacks = [node for node in self.datasets if is_image_stack(node.item)]
        return sorted(stacks, key=lambda node: -int(node.item.size))


def _undecided(contents: Contents, trouble: str) -> FileFormatError | FileMissingError:
    """Return the error that lists what the file has."""
    filename = contents.root.item.file.filename
    stacks = contents.stacks()
    if not stacks and contents.broken:
        return missing_member(filename, *contents.broken[0])
    candidates = [f"{node.path} {node.item.shape} {node.item.dtype}" for node in stacks]
    listing = "; ".join(candidates[:12]) + (f"; and {len(candidates) - 12} more" if len(candidates) > 12 else "")
    example = f" Name one, e.g. open_frames('{Path(filename).name}::{stacks[0].path}')." if stacks else ""
    return AmbiguousImagesError(
        f"{filename}: {trouble}. Datasets of two or more dimensions: {listing or 'none'}.{example}",
        candidates,
    )
