# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Every notebook of the documentation runs from top to bottom, and is stored without outputs.

A notebook runs in an empty folder, in a kernel that sees the package under test and no settings of the user.
"""

import importlib.util
import json
import os
from pathlib import Path

import pytest

import azimuthal

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.ipynb"))
LARGEST_NOTEBOOK = 60_000  # bytes
SECONDS_PER_CELL = 120  # a stop for what hangs, not a goal: a notebook takes less than 20 s on a quiet machine

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


def test_documentation_has_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_notebook_is_stored_plainly_and_without_outputs(path):
    assert path.stat().st_size < LARGEST_NOTEBOOK
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert notebook["cells"][0]["cell_type"] == "markdown"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@each_notebook
# Closing sockets and event loops of a kernel is not our code: their warnings are no faults of a notebook.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_notebook_runs(path, tmp_path, monkeypatch):
    for package in ("nbclient", "ipykernel"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{path.name} was NOT run: {package} is not installed. Run: pip install nbclient ipykernel")
    import nbclient
    import nbformat

    sources = str(Path(azimuthal.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (sources, os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    folder = tmp_path / "work"
    folder.mkdir()
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    complaints = [
        output.text
        for cell in code
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    assert complaints == []
