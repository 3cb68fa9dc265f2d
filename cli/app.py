"""The command line: plain functions become commands; expected errors become one line on stderr."""

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, get_args

from ..runner.errors import user_message

if TYPE_CHECKING:
    from typer import Typer

    from ..training.recipes import RecipeName


EXTRAS = {
    "typer": ("the command line", "cli"),
    "rich": ("the command line", "cli"),
    "av": ("a video", "video"),
}
"""Who needs a package that may be missing, and the extra that brings it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 an error with its line on stderr, 2 wrong usage, 130 an interruption."""
    try:
        application()(args=arguments, prog_name="brushwork", standalone_mode=True)
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        needy, extra = EXTRAS.get(error.name or "", ("", ""))
        if not extra:
            raise
        return _fail(f"{needy} needs {error.name}: pip install 'brushwork[{extra}]'")
    except Exception as error:
        line = user_message(error)
        if line is None:
            raise
        return _fail(line)
    return 0


def application() -> "Typer":
    """All commands."""
    from typer import Typer

    from ..training.recipes import RecipeName
    from .demo import demo
    from .run import run
    from .stylize import Stylization, stylize
    from .train import bundle, pack
    from .weights import list_weights, pull, verify

    text = "Neural style transfer: AdaIN, WCT, MSG-Net and StyleBank."
    app = Typer(help=text, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    weights = Typer(help="The networks' weights: list, pull, verify.", no_args_is_help=True)
    training = Typer(help="Train weights from pictures.", no_args_is_help=True)
    app.add_typer(weights, name="weights")
    app.add_typer(training, name="train")
    for group, name, function in (
        (app, "run", run),
        (app, "stylize", packed(stylize, Stylization)),
        (app, "demo", demo),
        *((training, recipe, _of_recipe(recipe)) for recipe in get_args(RecipeName)),
        (training, "pack", pack),
        (training, "bundle", bundle),
        (weights, "list", list_weights),
        (weights, "pull", pull),
        (weights, "verify", verify),
    ):
        group.command(name, help=function.__doc__)(as_command(function))
    return app


def _of_recipe(name: "RecipeName") -> Callable[..., Iterable[object]]:
    """`train` of one recipe."""
    from .train import train

    command = partial(train, name)
    command.__doc__ = f"Train by the recipe {name}, as training/{name.replace('-', '_')}.py tells; name the files made."
    return command


def as_command(function: Callable[..., Iterable[object]]) -> Callable[..., None]:
    """A command with the function's own arguments and defaults, that prints what it returns, a line each.

    An argument is annotated `Annotated[type, *flags, help]`: an option if it has flags or a default, else positional.
    """

    @wraps(function)
    def command(**arguments: Any) -> None:  # noqa: ANN401 - the function's own
        from typer import echo

        for line in function(**arguments):
            echo(line)

    shape = signature(function)
    parameters = [_with_help(parameter) for parameter in shape.parameters.values()]
    command.__signature__ = shape.replace(parameters=parameters, return_annotation=None)  # pyright: ignore[reportAttributeAccessIssue]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def packed(function: Callable[[Any], Iterable[object]], kind: type) -> Callable[..., Iterable[object]]:
    """The function of one dataclass as a function of the dataclass's fields."""

    @wraps(function)
    def unpacked(**arguments: Any) -> Iterable[object]:  # noqa: ANN401 - the fields' own
        return function(kind(**arguments))

    unpacked.__signature__ = signature(kind)  # pyright: ignore[reportAttributeAccessIssue]
    return unpacked


def _with_help(parameter: Parameter) -> Parameter:
    from typer import Argument, Option

    kind, *flags, text = get_args(parameter.annotation)
    positional = not flags and parameter.default is Parameter.empty
    how = Argument(help=text) if positional else Option(*flags, help=text)
    return parameter.replace(annotation=Annotated[kind, how], kind=Parameter.KEYWORD_ONLY)


def _fail(line: str) -> int:
    sys.stderr.write(f"brushwork: {line}\n")
    return 1
