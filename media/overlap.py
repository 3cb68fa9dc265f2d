"""Reading, painting and writing at the same time: a step ahead of the work, and a step behind it."""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The items, each made in another thread while the one before it is at work; errors come where the item would."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Any] = pool.submit(next, iterator, pool)
        while (item := coming.result()) is not pool:
            coming = pool.submit(next, iterator, pool)
            yield item


@contextmanager
def behind() -> Iterator[Callable[..., None]]:
    """Inside the block, what is called does not wait for its function, only for the one before it; the block ends when
    all have been through. Errors come at the next call, or at the end."""
    with ThreadPoolExecutor(1) as pool:
        last: Future[Any] | None = None

        def call(function: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401 - the function's own
            nonlocal last
            if last is not None:
                last.result()
            last = pool.submit(function, *arguments)

        yield call
        if last is not None:
            last.result()
