"""`rembolt download`: fetch model weights."""

from __future__ import annotations

import click

from rembolt.cli.options import set_up_messages, verbosity


@click.command("download", context_settings={"help_option_names": ["--help", "-h"]})
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@verbosity
def command(names: tuple[str, ...], quiet: bool, verbose: bool) -> None:
    """Download the weights of the models named, or of all models.

    What is already on this machine, in rembolt's or in rembg's folders, is found and not fetched again.
    """
    set_up_messages(quiet=quiet, verbose=verbose)
    from rembolt.errors import UsageError
    from rembolt.models.catalogue import find_model, model_names
    from rembolt.models.store import weights

    specs = [find_model(name) for name in names or model_names()]
    for spec in specs:
        if spec.needs_path or spec.family == "service":
            if names:
                raise UsageError(f"{spec.name} has no weights to download.")
            continue
        paths = weights(spec)
        if not quiet:
            click.echo(f"{spec.name}: {', '.join(str(path) for path in paths)}")
