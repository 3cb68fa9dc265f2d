"""Styles that a bank learnt after it was published, and the bank: which belong together, and how one gets the other."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import nn

from .manifest import WeightsError
from .style_file import LearnedStyle, StyleFile, learned_styles, read_style
from .stylebank import LEVEL, StyleBankNetwork

log = logging.getLogger(__name__)


def fingerprint(bank: StyleBankNetwork) -> str:
    """sha256 over the weights of encoder and decoder, in float32 and as they were before any cast."""
    if bank.fingerprint:
        return bank.fingerprint
    digest = hashlib.sha256()
    for part in (bank.encoder, bank.decoder):
        for name, value in part.state_dict().items():
            digest.update(f"{name} {list(value.shape)}".encode())
            digest.update(value.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def with_style(bank: StyleBankNetwork, style: LearnedStyle) -> StyleBankNetwork:
    """A bank with `style` besides, or in place of its own of that name; `bank` stays, and shares all it has with it."""
    with torch.inference_mode(False):
        grown = sharing(bank)
        _put(grown, style)
        return grown


def sharing(bank: StyleBankNetwork) -> StyleBankNetwork:
    """Another bank on the very numbers of `bank`, frozen. Its parameters are its own: each bank may move by itself.

    What was made or moved in inference mode is copied, since nothing could learn through it.
    """
    with torch.inference_mode(False):
        values = {id(own): own.detach().clone() if own.is_inference() else own.detach() for own in bank.parameters()}
        return deepcopy(bank, {key: nn.Parameter(value, requires_grad=False) for key, value in values.items()})


def find_style(bank: StyleBankNetwork, name: str, folders: Sequence[Path] = ()) -> LearnedStyle | None:
    """The learnt style of that name, if there is one and it fits `bank`."""
    fitting = (file for file in learned_styles(folders) if file.card.style == name and _fits(file, bank))
    return next((_sized(read_style(file), bank) for file in fitting), None)


def add_learned(bank: StyleBankNetwork, folders: Sequence[Path] = (), only: str = "") -> None:
    """Put all learnt styles of `bank` into it, or the one that is named; what does not fit is left out with a warning.

    WeightsError where the named one is not there, or does not fit.
    """
    own = {file.card.style: file for file in learned_styles(folders) if file.card.network == bank.name}
    if only and only not in own:
        raise WeightsError(f"{bank.name} has learnt no style '{only}': choose one of {', '.join(own) or 'its own'}.")
    for file in [own[only]] if only else own.values():
        try:
            _add(bank, file)
        except WeightsError as error:
            if only:
                raise
            log.warning("%s", error)


def _add(bank: StyleBankNetwork, file: StyleFile) -> None:
    if not _fits(file, bank):
        raise WeightsError(f"{file.path} was learnt on other weights of {bank.name}: learn the style anew.")
    if file.card.style in bank.styles:
        raise WeightsError(f"{file.path} has the name of a style that {bank.name} came with: rename the file.")
    _put(bank, read_style(file))


def _put(bank: StyleBankNetwork, style: LearnedStyle) -> None:
    name, style = style.card.style, _sized(style, bank)
    layer = bank.bank[bank.styles.index(name)] if name in bank.styles else bank.add_style(name)
    # Not written into the old ones, which another bank may share.
    layer.weight, layer.bias = (
        nn.Parameter(value.detach().clone().to(next(bank.encoder.parameters())), requires_grad=False)
        for value in (style.weight, style.bias)
    )


def _sized(style: LearnedStyle, bank: StyleBankNetwork) -> LearnedStyle:
    size = bank.spaces[LEVEL].channels
    if style.weight.shape != (size, size, 3, 3) or style.bias.shape != (size,):
        raise WeightsError(f"the style '{style.card.style}' is for a bank of another width: learn it anew.")
    return style


def _fits(file: StyleFile, bank: StyleBankNetwork) -> bool:
    return file.card.fingerprint == fingerprint(bank)
