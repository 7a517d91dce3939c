# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write ``docs/reference/formats.md`` from the tables of the code: ``python tools/make_formats_page.py``.

Run it again when a reader or a writer is added or its rules change; a test says when it was forgotten.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path

from azimuthal.io import geometry_files, image_files
from azimuthal.io.frames import _registry as readers
from azimuthal.io.writers import formats

TARGET = Path(__file__).parents[1] / "docs/reference/formats.md"

HEAD = """\
# File formats

<!-- Written by tools/make_formats_page.py from the tables of the code. Do not edit it by hand. -->

What a format cannot hold is said here, in its header and, where rows are left out, by a `ConversionLossWarning`. What a
format cannot express at all (unequal bins where it wants a constant step, an axis that it does not know) is an error,
never a silent conversion. `.h5` keeps everything: write it first, the others from it (`az.load_result`).
"""

WRITERS = """
## Results

Written by `azimuthal.save()`, `result.save()` and `azimuthal integrate -o`; the end of the name chooses the format, the
longest one counts: `a.cansas.h5` is NXcanSAS, `a.h5` is NXazint. `save(..., format=name)` takes the name of the first
column. Profiles are patterns, cakes are maps, sets are the several results of one frame; "several" means that one file
holds the results of many frames.
"""

READERS = """
## Images, read

The content decides where it can, the extension otherwise. Files compressed with gzip or bzip2 are read as they are.
"""

GEOMETRIES = """
## Geometries

Read by `azimuthal.load()` and `--poni`, written by `azimuthal.save_geometry()`. The content decides where the extension
does not.
"""

IMAGES = """
## Images, written

Single images and averages: `azimuthal.save_image()`, `azimuthal average`: {suffixes}.
"""

RULES = """
## The rules of each writer

The documentation of the modules in `azimuthal.io.writers`.
"""


def page() -> str:
    """Return the text of the page."""
    return "".join(
        [
            HEAD,
            WRITERS,
            _table(("name", "ends with", "what", "for", "holds", "axis", "options"), map(_writer_row, formats())),
            "\nWhat each has no place for:\n",
            _table(("name", "lacks"), ([_code(one.name), one.lacks or "nothing"] for one in formats())),
            READERS,
            _table(("name", "ends with", "what"), map(_reader_row, (*readers.BUILT_IN, readers.FABIO))),
            IMAGES.format(suffixes=_codes(image_files.IMAGE_SUFFIXES)),
            GEOMETRIES,
            _table(("name", "ends with", "read", "written"), _geometry_rows()),
            RULES,
            *map(_rules, dict.fromkeys(one.location.partition(":")[0] for one in formats())),
        ]
    )


def _writer_row(one: object) -> list[str]:
    holds = [
        ("profile", one.holds_profiles),
        ("cake", one.holds_cakes),
        ("set", one.holds_sets),
        ("several", one.holds_many),
    ]
    return [
        _code(one.name),
        _codes(one.extensions),
        one.about,
        one.read_by,
        ", ".join(name for name, held in holds if held),
        one.axis,
        _codes(one.options),
    ]


def _reader_row(one: readers.Reader) -> list[str]:
    about = inspect.getdoc(importlib.import_module(one.location.partition(":")[0])).partition("\n")[0]
    return [_code(one.name), _codes(one.extensions) or "anything else", about.replace("``", "`")]


def _geometry_rows() -> Iterable[list[str]]:
    for name, (endings, is_written) in geometry_files.geometry_formats().items():
        yield [_code(name), _codes(endings), "yes", "yes" if is_written else "no"]


def _rules(module: str) -> str:
    text = inspect.getdoc(importlib.import_module(f"azimuthal.io.writers.{module}"))
    return f"\n### {module}\n\n```text\n{text}\n```\n"


def _table(names: Iterable[str], rows: Iterable[list[str]]) -> str:
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    return "\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _codes(texts: Iterable[str]) -> str:
    return " ".join(map(_code, texts))


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
