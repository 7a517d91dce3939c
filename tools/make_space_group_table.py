# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""Write ``src/azimuthal/crystallography/data/space_groups.txt``: the Hall symbol of every setting that is in use.

    python tools/make_space_group_table.py [--output FILE]

Needs gemmi (https://gemmi.readthedocs.io), whose table follows International Tables A and the Hall symbols of
S. R. Hall, Acta Cryst. A37, 517 (1981). The package itself reads the table alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gemmi  # noqa: TID253  # a tool, not the package

TABLE = Path(__file__).parents[1] / "src/azimuthal/crystallography/data/space_groups.txt"
HEADER = """\
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
#
# Written by tools/make_space_group_table.py from gemmi {version}; do not edit.
# number | symbol with its setting | short symbol | Hall symbol | * where it is the reference setting
"""


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=TABLE)
    lines = [
        "|".join((str(one.number), one.xhm(), one.short_name(), one.hall, "*" if one.is_reference_setting() else ""))
        for one in gemmi.spacegroup_table()
    ]
    text = HEADER.format(version=gemmi.__version__) + "\n".join(lines) + "\n"
    parser.parse_args().output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
