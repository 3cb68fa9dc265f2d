"""Powers of symmetric matrices, also where the solver gives up at first."""

import pytest
import torch
from hypothesis import given
from torch import Tensor

from brushwork.tests.laws import channels, law, noise, seeds
from brushwork.tests.tolerances import assert_close
from brushwork.transfer.decompose import eigen, power


def positive(width: int, seed: int = 0, batch: int = 2) -> Tensor:
    factor = noise((batch, width, width), seed)
    return factor @ factor.mT + 0.1 * torch.eye(width, dtype=torch.float64)


class Solver:
    """torch's own, which fails `failures` times first."""

    def __init__(self, failures: int, answer_nan: bool = False) -> None:
        self.failures, self.answer_nan, self.calls, self.real = failures, answer_nan, 0, torch.linalg.eigh

    def __call__(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        self.calls += 1
        if self.calls > self.failures:
            return self.real(matrix)
        if self.answer_nan:
            return matrix[..., 0] * torch.nan, matrix
        raise torch.linalg.LinAlgError("did not converge")


def test_closed_form() -> None:
    matrix = torch.tensor([[[2.0, 1.0], [1.0, 2.0]]])
    values, _ = eigen(matrix)
    assert_close(values, torch.tensor([[1.0, 3.0]]))
    assert_close(
        power(torch.diag_embed(torch.tensor([[4.0, 9.0]])), 0.5, 0), torch.diag_embed(torch.tensor([[2.0, 3.0]]))
    )


@law
@given(channels, seeds)
def test_eigenvalues_and_vectors_rebuild_the_matrix(width: int, seed: int) -> None:
    matrix = positive(width, seed)
    values, vectors = eigen(matrix)
    assert_close(vectors * values[:, None, :] @ vectors.mT, matrix)
    assert (values.diff(dim=1) >= 0).all()


@law
@given(channels, seeds)
def test_powers_multiply(width: int, seed: int) -> None:
    matrix = positive(width, seed)
    root, inverse = power(matrix, 0.5, 1e-9), power(matrix, -0.5, 1e-9)
    assert_close(root @ root, matrix)
    assert_close(inverse @ root, torch.eye(width, dtype=torch.float64).expand(2, -1, -1), torch.float32)


@pytest.mark.parametrize("exponent", [0.5, -0.5, 1.0])
def test_eigenvalues_under_the_floor_are_dropped(exponent: float) -> None:
    matrix = torch.diag_embed(torch.tensor([[4.0, 1e-6, -1e-15, 0.0]]))
    expected = torch.diag_embed(torch.tensor([[4.0**exponent, 0, 0, 0]]))
    assert_close(power(matrix, exponent, 1e-5), expected)


def test_what_rounding_leaves_beside_a_large_eigenvalue_is_dropped() -> None:
    """0.5 beside a million is within the error of a sum in float32, and far above it in float64."""
    matrix = torch.diag_embed(torch.tensor([[1e6, 0.5]]))
    assert_close(power(matrix, 1, 1e-5), torch.diag_embed(torch.tensor([[1e6, 0.0]])))
    assert_close(power(matrix.double(), 1, 1e-5), matrix.double())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_always_in_float64(dtype: torch.dtype) -> None:
    matrix = positive(3).to(dtype)
    assert {part.dtype for part in eigen(matrix)} == {torch.float64}
    assert power(matrix, 0.5, 0).dtype == torch.float64


def test_only_the_symmetric_part_counts() -> None:
    matrix, skew = positive(4), noise((2, 4, 4), seed=3)
    assert_close(eigen(matrix + skew - skew.mT)[0], eigen(matrix)[0])


@pytest.mark.parametrize("answer_nan", [False, True])
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_jitter_helps_a_solver_that_fails(failures: int, answer_nan: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, solver = eigen(positive(4))[0], Solver(failures, answer_nan)
    monkeypatch.setattr(torch.linalg, "eigh", solver)
    values, _ = eigen(positive(4))
    assert solver.calls == failures + 1
    assert_close(values, expected, torch.float32)


@pytest.mark.parametrize("answer_nan", [False, True])
def test_a_solver_that_never_succeeds(answer_nan: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.linalg, "eigh", Solver(99, answer_nan))
    with pytest.raises(ValueError, match="cannot be decomposed: use another level, or AdaIN"):
        eigen(positive(4))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_bad_entries_are_refused(bad: float) -> None:
    matrix = positive(3)
    matrix[1, 0, 2] = bad
    with pytest.raises(ValueError, match="NaN or infinite values"):
        power(matrix, 0.5, 0)


def test_a_zero_matrix_has_zero_powers() -> None:
    assert torch.equal(power(torch.zeros(1, 3, 3), -0.5, 1e-5), torch.zeros(1, 3, 3, dtype=torch.float64))
