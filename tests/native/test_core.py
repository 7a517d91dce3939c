# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The C++ tests of the core, built without Python and run under AddressSanitizer and UBSan; and who may import it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINARIES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@pytest.mark.slow
def test_core_passes_under_sanitizers(tmp_path):
    cmake = shutil.which("cmake", path=BINARIES)
    if cmake is None or shutil.which("c++") is None:
        pytest.skip("needs cmake (dependency group test) and a C++ compiler")
    for command in (
        [cmake, "-S", str(ROOT), "-B", str(tmp_path), "-DAZIMUTHAL_CORE_TESTS=ON"],
        [cmake, "--build", str(tmp_path), "--parallel", "2"],
        *([str(tmp_path / f"{test}_test")] for test in ("core", "chunk")),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "all checks passed" in done.stdout or command[0] == cmake


def test_compiled_core_is_imported_by_native_modules_only():
    """Rule D8: import-linter does not see extension modules."""
    importing = re.compile(
        r"^\s*(from azimuthal import .*\b_core\b|import azimuthal\._core|from azimuthal\._core)", re.M
    )
    package = ROOT / "src" / "azimuthal"
    offenders = [
        path.relative_to(package)
        for path in package.rglob("*.py")
        if importing.search(path.read_text()) and path.stem not in ("native", "_native")
    ]
    assert offenders == []
