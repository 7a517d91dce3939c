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


# One test, because building takes minutes.
@pytest.mark.slow
def test_core_passes_under_sanitizers_and_kernels_share_no_code(tmp_path):
    cmake = shutil.which("cmake", path=BINARIES)
    if cmake is None or shutil.which("c++") is None:
        pytest.skip("needs cmake (dependency group test) and a C++ compiler")
    tests = sorted(path.stem for path in (ROOT / "native" / "tests").glob("*_test.cpp"))
    assert "core_test" in tests
    for command in (
        [cmake, "-S", str(ROOT), "-B", str(tmp_path), "-DAZIMUTHAL_CORE_TESTS=ON"],
        [cmake, "--build", str(tmp_path), "--parallel", str(os.cpu_count() or 1)],
        *([str(tmp_path / test)] for test in tests),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "all checks passed" in done.stdout or command[0] == cmake
    if shutil.which("nm") is not None:
        assert shared_symbols(tmp_path) == []


def shared_symbols(build):
    """Return the symbols of kernels that other objects may define too.

    The linker keeps any one of them: perhaps that of an instruction set that the machine does not have.
    """
    objects = [path for path in build.rglob("*.o") if path.parent.name == "isa"]
    assert len(objects) >= len(list((ROOT / "native" / "isa").glob("*.cpp")))
    done = subprocess.run(["nm", "-C", "--defined-only", *objects], capture_output=True, text=True, check=True)
    symbols = re.findall(r"^[0-9a-f]+ [VWvwui] (.+)$", done.stdout, re.M)
    return [name for name in symbols if not name.startswith("DW.ref.")]  # data that handle exceptions


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
