"""The command line: what commands return is printed, expected errors become one line on stderr."""

import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, get_args

from ..runner.errors import user_message

if TYPE_CHECKING:
    from typer import Typer

NEEDED = {
    "typer": ("the command line", "typer rich"),
    "rich": ("the command line", "typer rich"),
    "av": ("a video", "av opencv-python-headless"),
    "cv2": ("holding a video still", "opencv-python-headless"),
    "ray": ("--ray", "ray"),
}
"""Who needs a module that may be missing, and the packages that bring it and what goes with it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 an error with its line on stderr, 2 wrong usage, 130 an interruption."""
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what is wrong with a file is raised, too
    try:
        application()(args=arguments, prog_name="brushwork", standalone_mode=True)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        needy, packages = NEEDED.get(error.name or "", ("", ""))
        if not packages:
            raise
        line = f"{needy} needs {error.name}: pip install {packages}"
    except Exception as error:
        line = user_message(error)
        if line is None:
            raise
    else:
        return 0
    sys.stderr.write(f"brushwork: {line}\n")
    return 1


def application() -> "Typer":
    """All commands; a command is a function that returns what to print, a line each."""
    from typer import Typer, echo

    from ..training.recipes import RecipeName
    from .demo import demo
    from .order import Stylization
    from .progress import printable
    from .run import run
    from .sheet import sheet
    from .stylize import stylize
    from .train import bundle, pack, train
    from .weights import list_weights, pull, verify

    def show(lines: Iterable[object]) -> None:
        for line in lines:
            echo(printable(str(line)))

    app = Typer(
        help="Neural style transfer: AdaIN, WCT, MSG-Net and StyleBank.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        result_callback=show,
    )
    weights = Typer(help="The networks' weights: list, pull, verify.", no_args_is_help=True)
    training = Typer(help="Train weights from pictures.", no_args_is_help=True)
    app.add_typer(weights, name="weights")
    app.add_typer(training, name="train")
    app.command()(run)
    app.command()(from_dataclass(stylize, Stylization))
    app.command()(sheet)
    app.command()(demo)
    for recipe in get_args(RecipeName):
        help_text = f"Train by the recipe {recipe}, as training/README.md tells; name the files made."
        training.command(recipe, help=help_text)(train)
    training.command()(pack)
    training.command()(bundle)
    weights.command("list")(list_weights)
    weights.command()(pull)
    weights.command()(verify)
    return app


def from_dataclass(function: Callable[[Any], Iterable[object]], kind: type) -> Callable[..., Iterable[object]]:
    """The function of one dataclass as a function of the dataclass's fields, with their annotations and defaults."""

    @wraps(function)
    def command(**options: Any) -> Iterable[object]:  # noqa: ANN401 - the fields' own
        return function(kind(**options))

    shape = signature(kind)
    command.__signature__ = shape  # pyright: ignore[reportAttributeAccessIssue]
    command.__annotations__ = {name: parameter.annotation for name, parameter in shape.parameters.items()}
    return command
