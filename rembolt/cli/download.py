"""`rembolt download`: fetch model weights."""

from __future__ import annotations

import click

from rembolt.cli.options import set_up_messages, verbosity


@click.command("download", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@verbosity
def command(names: tuple[str, ...], quiet: bool, verbose: bool) -> int:
    """Download the weights of the models named, or of all models.

    What is already on this machine, in rembolt's or in rembg's folders, is found and not fetched again. With
    several models, one that fails does not stop the others; the exit code is then 1.
    """
    set_up_messages(quiet=quiet, verbose=verbose)
    from rembolt.errors import RemboltError, UsageError
    from rembolt.models.catalogue import MODELS, find_model
    from rembolt.models.store import weights

    specs = [find_model(name) for name in names] or [
        spec for spec in MODELS.values() if not spec.needs_path and spec.family != "service"
    ]
    failed = 0
    for spec in specs:
        if spec.needs_path or spec.family == "service":
            raise UsageError(f"{spec.name} has no weights to download.")
        try:
            paths = weights(spec)
        except RemboltError as error:
            if len(specs) == 1:
                raise
            failed += 1
            click.echo(f"rembolt: {spec.name}: {error}", err=True)
            continue
        if not quiet:
            click.echo(f"{spec.name}: {', '.join(str(path) for path in paths)}")
    return 1 if failed else 0
