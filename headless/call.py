"""Call one V1 node the way ComfyUI does: every value is a list, mapped over unless the node asks for the whole list."""

from collections.abc import Mapping
from typing import Any

from .graph import WorkflowError

Values = list[Any]


def call_node(node_class: Any, inputs: Mapping[str, Values], hidden: Mapping[str, object]) -> list[Values]:  # noqa: ANN401
    """The node's outputs, a list of values each.

    `lazy` inputs are all evaluated: a node that can do without one can also take it.
    """
    node = node_class()
    function = getattr(node, node_class.FUNCTION)
    if getattr(node_class, "INPUT_IS_LIST", False):
        answers = [function(**inputs, **hidden)]
    else:
        # A shorter list repeats its last value.
        rounds = max((len(values) for values in inputs.values()), default=1)
        chosen = [{name: values[min(k, len(values) - 1)] for name, values in inputs.items()} for k in range(rounds)]
        answers = [function(**arguments, **hidden) for arguments in chosen]
    return _by_output(node_class, [_result(answer) for answer in answers])


def _result(answer: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as nodes return it
    if isinstance(answer, dict):
        if "expand" in answer:
            raise WorkflowError("nodes that expand into other nodes run in ComfyUI only")
        answer = answer.get("result", ())
    return tuple(answer or ())


def _by_output(node_class: Any, results: list[tuple[Any, ...]]) -> list[Values]:  # noqa: ANN401
    count = len(node_class.RETURN_TYPES)
    is_list = getattr(node_class, "OUTPUT_IS_LIST", (False,) * count)
    return [
        [value for result in results for value in (result[slot] if is_list[slot] else (result[slot],))]
        for slot in range(count)
    ]
