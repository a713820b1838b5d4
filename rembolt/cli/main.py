"""The `rembolt` command: finds the sub-command, runs it, turns errors into exit codes."""

from __future__ import annotations

import contextlib
import importlib
from typing import NamedTuple

import click

from rembolt import __version__
from rembolt.errors import INTERRUPTED, RemboltError


class Entry(NamedTuple):
    """A sub-command: where it lives, imported only when it is called, and its line in the help."""

    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "remove": Entry("rembolt.cli.remove", "Cut out one photo (alias: i)."),
    "batch": Entry("rembolt.cli.batch", "Cut out the photos of a folder, pattern or list (alias: p)."),
    "stream": Entry("rembolt.cli.stream", "Cut out raw RGB24 frames from a pipe (alias: b)."),
    "video": Entry("rembolt.cli.video", "Cut out every frame of a video."),
    "serve": Entry("rembolt.cli.serve", "Serve cut-outs over HTTP (alias: s)."),
    "download": Entry("rembolt.cli.download", "Download model weights (alias: d)."),
    "models": Entry("rembolt.cli.models", "List the models with size, licence and where they are."),
    "doctor": Entry("rembolt.cli.doctor", "Say what is installed, which devices really run, what clashes."),
    "tune": Entry("rembolt.cli.tune", "Measure what runs best on this machine and keep it as a profile."),
    "quantise": Entry("rembolt.cli.quantise", "Make a model's weights in int8 or fp16 (alias: quantize)."),
    "bench": Entry("rembolt.cli.bench", "Measure speed and memory on this machine, also beside rembg."),
}

ALIASES = {"i": "remove", "p": "batch", "s": "serve", "d": "download", "b": "stream", "quantize": "quantise"}
"""rembg's one-letter commands, and the other spelling."""


class LazyGroup(click.Group):
    """A group whose sub-commands are imported when they are called, so that `--help` is instant."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names of the sub-commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name].module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command, keeping the name that was typed, and suggest the nearest for a typo."""
        if args and not args[0].startswith("-") and args[0] not in {*COMMANDS, *ALIASES}:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command {args[0]!r}; {hint}", ctx)
        _, command, rest = super().resolve_command(ctx, args)
        return args[0] if command else None, command, rest

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["--help", "-h"]}
)
@click.version_option(__version__, "--version", "-V", prog_name="rembolt")
@click.pass_context
def group(ctx: click.Context) -> int:
    """Remove the background of photos.

    `rembolt remove photo.jpg` writes photo.out.png.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return 2
    return 0


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 done; 1 some inputs failed or a result could not be written; 2 wrong usage; 3 input unreadable or over a
    limit; 4 model or weights not available; 5 device or precision not available; 130 interrupted.
    """
    try:
        result = group.main(arguments, prog_name="rembolt", standalone_mode=False)
    except click.UsageError as error:
        where = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
        return _fail(f"{error.format_message()}{where}", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted, nothing half-written.", INTERRUPTED)
    except RemboltError as error:
        return _fail(str(error), error.exit_code)
    except MemoryError:
        return _fail("there is not enough memory for this photo; make it smaller or free some memory.", 3)
    except OSError as error:
        from rembolt.cli.pipes import drop_unwritten

        drop_unwritten()
        return _fail(f"the output could not be written ({error.strerror or error}).", 1)
    except SystemExit:  # click's way to end when whoever read our text is gone
        return 1
    return result if isinstance(result, int) else 0


def _fail(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):  # stderr may be closed too: then the exit code has to do
        click.echo(f"rembolt: {sentence}", err=True)
    return code
