import pytest

from brushwork.runner.graph import Graph, Link, Node, WorkflowError


def chain(**sources: str) -> Graph:
    """Nodes that read others: `chain(a="", b="a", c="ab")`."""
    return Graph({name: Node("Kind", {s: Link(s, 0) for s in reads}) for name, reads in sources.items()})


def test_sources_come_first_each_once_and_branch_by_branch() -> None:
    graph = chain(out="cd", d="b", c="ab", b="a", a="", unused="a")
    assert graph.order(["out"]) == ["a", "b", "c", "d", "out"]


def test_a_long_chain_needs_no_recursion() -> None:
    length = 5000
    graph = Graph({str(k): Node("Kind", {"x": Link(str(k - 1), 0)} if k else {}) for k in range(length)})
    assert graph.order([str(length - 1)])[-1] == str(length - 1)


@pytest.mark.parametrize("graph", [chain(a="a"), chain(a="b", b="a"), chain(out="ba", b="", a="bc", c="d", d="a")])
def test_circles_are_refused(graph: Graph) -> None:
    with pytest.raises(WorkflowError, match="form a circle"):
        graph.order(graph.nodes)


def test_the_message_names_the_circle_and_nothing_else() -> None:
    with pytest.raises(WorkflowError) as caught:
        chain(out="a", a="b", b="c", c="a").order(["out"])
    assert str(caught.value) == (
        "these nodes form a circle: Kind (node a) -> Kind (node c) -> Kind (node b) -> Kind (node a); "
        "remove one of the links"
    )


def test_a_link_to_nowhere() -> None:
    with pytest.raises(WorkflowError, match=r"^Kind \(node a\): 'z' is linked to node z, which does not exist$"):
        chain(a="z").order("a")


def test_descendants() -> None:
    assert chain(a="", b="a", c="b", d="").descendants("a") == {"a", "b", "c"}


def test_find_by_id_title_and_kind() -> None:
    graph = Graph({"1": Node("Paint", {}, "my content"), "2": Node("Blend", {}, "1"), "3": Node("Blend", {}, "Blend")})
    found = [graph.find(name) for name in ("1", "my content", "My Content", "Paint", "Blend")]
    assert found == ["1", "1", "1", "1", "3"]


def test_find_nothing_or_too_much() -> None:
    graph = Graph({"1": Node("Paint", {}, "x"), "2": Node("Paint", {}, "x")})
    with pytest.raises(WorkflowError, match="^2 nodes are called 'x': use one of their ids, 1, 2$"):
        graph.find("x")
    with pytest.raises(WorkflowError, match=r"^no node is called 'y'; this workflow has x \(node 1\), x \(node 2\)$"):
        graph.find("y")
