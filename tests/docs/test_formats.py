# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The page of formats says what the code does."""

import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

from azimuthal.io.writers import formats

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs/reference/formats.md").read_text(encoding="utf-8")


def test_formats_page_is_current():
    where = REPOSITORY / "tools/make_formats_page.py"
    spec = importlib.util.spec_from_file_location("make_formats_page", where)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.page() == TEXT, "run: python tools/make_formats_page.py"


@pytest.mark.parametrize("one", formats(), ids=lambda one: one.name)
def test_every_writer_is_described(one):
    assert one.read_by
    assert one.lacks
    assert all(f"`{extension}`" in TEXT for extension in one.extensions)


def test_names_of_the_table_of_documents_exist():
    names = set(re.findall(r"`((?:az|azimuthal)\.[\w.]+)`", TEXT.split("## Calibrations")[1].split("## The rules")[0]))
    assert len(names) > 15
    for name in names:
        assert pkgutil.resolve_name(name.replace("az.", "azimuthal.", 1) if name.startswith("az.") else name)
