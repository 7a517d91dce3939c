# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The azimuthal developers
"""The door to click: commands that are imported when they are called, suggestions for names that are not known.

The only module that imports click; `azimuthal.cli.main` imports it when it is called.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click  # noqa: TID253  # this module is only imported by a call of main()

from azimuthal._version import __version__

__all__ = ["OptionWithLateHelp", "argument", "command", "group", "number", "option", "run", "subcommands"]

argument, command, option = click.argument, click.command, click.option
subcommands = click.group

#: Command -> one line for ``azimuthal --help``; the module of the same name holds it.
COMMANDS = {
    "integrate": "Integrate images to patterns or cakes.",
    "run": "Integrate what a recipe says.",
    "rerun": "Integrate again what a result was made from, and compare.",
    "peakfinder": "Find Bragg peaks in images.",
    "sparsify": "Keep images as background curves and pixels that stand out.",
    "recalibrate": "Refine a geometry on the rings of a calibrant.",
    "goniometer": "Refine the model of a detector on motors, or ask where it is.",
    "info": "Say what a file is: image, geometry, detector, result, plan.",
    "average": "One image of many: darks, flats, medians, maxima.",
    "mask": "Make, combine and write masks.",
    "convert": "Convert geometries, detectors, masks and recipes.",
    "merge": "Merge results of several runs into one, by their sums.",
    "detectors": "List the detectors that are known, or describe one.",
    "calibrants": "List the calibrants that are known, or the rings of one.",
    "units": "List the units.",
    "benchmark": "Time it on this machine, against other packages and the limits.",
    "demo": "Simulate a powder on an EIGER 4M and integrate it.",
}


class _Commands(click.Group):
    """The commands of `COMMANDS`, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"azimuthal.cli.{cmd_name}"), f"{cmd_name}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            advice = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}."
            ctx.fail(f"command: {args[0]!r} is not known; {advice}")
        return super().resolve_command(ctx, args)


class OptionWithLateHelp(click.Option):
    """An option whose help is made when it is shown: from tables of what the package can do.

    Parameters
    ----------
    late_help:
        Returns the help.
    *arguments, **options:
        Of `click.Option`.
    """

    def __init__(self, *arguments: Any, late_help: Callable[[], str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._late_help = late_help

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and its help."""
        self.help = self._late_help()
        return super().get_help_record(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="azimuthal", message="%(prog)s %(version)s")
def group() -> None:
    """Turn X-ray scattering images into patterns and cakes, with honest uncertainties.

    For example:

      azimuthal integrate image.cbf -p geometry.poni -n 1000 -u q_nm^-1

    'azimuthal COMMAND --help' explains a command.
    """


def number(text: str) -> float | int:
    """Return an integer where the text is one: exact for 64-bit images."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def run(arguments: Sequence[str] | None) -> int:
    """Parse and run; return the exit code of the command."""
    try:
        code = group.main(None if arguments is None else list(arguments), "azimuthal", standalone_mode=False)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.UsageError as error:
        _print_usage(error)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    return code if isinstance(code, int) else 0


def _print_usage(error: click.UsageError) -> None:
    command_line = error.ctx.command_path if error.ctx is not None else "azimuthal"
    print(f"error: {error.format_message()}\nTry '{command_line} --help'.", file=sys.stderr)
