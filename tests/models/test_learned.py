"""Learnt styles and their bank: which belong together, and that a bank that gets one stays as it was."""

import logging
from pathlib import Path

import pytest
import torch

from brushwork.models.networks.stylebank import StyleBankNetwork
from brushwork.models.registry import load_network
from brushwork.models.weights.learnt_styles import (
    LearnedStyle,
    StyleMetadata,
    add_learned,
    find_style,
    fingerprint,
    save_style,
    sharing,
    style_path,
    with_style,
)
from brushwork.models.weights.manifest import WeightsError
from brushwork.tests.models.small import enlivened


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BRUSHWORK_WEIGHTS", raising=False)
    monkeypatch.setenv("BRUSHWORK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def bank() -> StyleBankNetwork:
    return enlivened(StyleBankNetwork(("waves", "leaves"), (4, 6, 8))).requires_grad_(False)


def style_for(bank: StyleBankNetwork, name: str = "rain", mark: str = "") -> LearnedStyle:
    metadata = StyleMetadata(name, bank.name, mark or fingerprint(bank), 9)
    return LearnedStyle(metadata, torch.rand(8, 8, 3, 3).half(), torch.rand(8).half())


def put(folder: Path, *styles: LearnedStyle) -> None:
    for style in styles:
        save_style(style, style_path(style.metadata.style, [folder]))


def test_a_fingerprint_is_of_encoder_and_decoder_alone(bank: StyleBankNetwork) -> None:
    mark = fingerprint(bank)
    assert len(mark) == 64
    bank.add_style("more")
    bank.bank[0].bias.data += 1
    assert fingerprint(bank) == mark
    for part in (bank.encoder, bank.decoder):
        value = next(part.parameters()).data
        value += 1
        assert fingerprint(bank) != mark
        value -= 1


def test_a_loaded_bank_keeps_its_fingerprint_through_a_cast(bank: StyleBankNetwork) -> None:
    bank.fingerprint = fingerprint(bank)
    cast = sharing(bank).half()
    assert fingerprint(cast) == bank.fingerprint
    cast.fingerprint = ""
    assert fingerprint(cast) != bank.fingerprint


def test_the_bank_with_a_style_leaves_the_bank_alone(bank: StyleBankNetwork) -> None:
    before = {name: value.clone() for name, value in bank.state_dict().items()}
    style = style_for(bank)
    grown = with_style(bank, style)
    assert (bank.styles, grown.styles) == (("waves", "leaves"), ("waves", "leaves", "rain"))
    weight, bias = grown.kernel("rain")
    assert torch.equal(weight, style.weight.float()) and torch.equal(bias, style.bias.float())
    assert bank.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in bank.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in grown.state_dict().items() if name in before)
    assert not any(weight.requires_grad for weight in grown.parameters())


def test_they_share_their_numbers_but_move_each_by_itself(bank: StyleBankNetwork) -> None:
    grown = with_style(bank, style_for(bank))
    places = {name: value.data_ptr() for name, value in bank.state_dict().items()}
    assert all(grown.state_dict()[name].data_ptr() == place for name, place in places.items())
    grown.to("meta")
    assert next(bank.parameters()).device == torch.device("cpu")


def test_a_style_learnt_again_takes_the_place_of_the_old(bank: StyleBankNetwork) -> None:
    old, new = style_for(bank), style_for(bank)
    first = with_style(bank, old)
    second = with_style(first, new)
    assert second.styles == first.styles
    assert torch.equal(first.kernel("rain")[0], old.weight.float())
    assert torch.equal(second.kernel("rain")[0], new.weight.float())


def test_what_was_moved_in_inference_mode_can_learn_again(bank: StyleBankNetwork) -> None:
    with torch.inference_mode():
        bank.to(torch.bfloat16)
        grown = with_style(bank, style_for(bank))
    assert next(bank.parameters()).is_inference()
    assert not any(weight.is_inference() for weight in grown.parameters())
    assert grown.dtype == torch.bfloat16


def test_a_style_of_another_width(bank: StyleBankNetwork) -> None:
    with pytest.raises(WeightsError, match="'rain' is for a bank of another width: learn it anew"):
        with_style(enlivened(StyleBankNetwork((), (4, 6, 10))), style_for(bank))


def test_a_bank_gets_all_it_has_learnt(bank: StyleBankNetwork, tmp_path: Path) -> None:
    put(tmp_path, style_for(bank, "sun"), style_for(bank))
    add_learned(bank, [tmp_path])
    assert bank.styles == ("waves", "leaves", "rain", "sun")


def test_or_the_one_that_is_named(bank: StyleBankNetwork, tmp_path: Path) -> None:
    put(tmp_path, style_for(bank, "sun"), style_for(bank))
    add_learned(bank, [tmp_path], "sun")
    assert bank.styles == ("waves", "leaves", "sun")
    with pytest.raises(WeightsError, match="stylebank has learnt no style 'snow': choose one of rain, sun"):
        add_learned(bank, [tmp_path], "snow")


def test_styles_that_do_not_fit_are_left_out(
    bank: StyleBankNetwork, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, style_for(bank), style_for(bank, "foreign", "0" * 64), style_for(bank, "waves"))
    with caplog.at_level(logging.WARNING):
        add_learned(bank, [tmp_path])
    assert bank.styles == ("waves", "leaves", "rain")
    assert len(caplog.records) == 2
    assert "foreign.safetensors was learnt on other weights of stylebank: learn the style anew." in caplog.text
    assert "waves.safetensors has the name of a style that stylebank came with: rename the file." in caplog.text
    with pytest.raises(WeightsError, match="was learnt on other weights"):
        add_learned(bank, [tmp_path], "foreign")


def test_a_style_is_found_only_for_its_bank(bank: StyleBankNetwork, tmp_path: Path) -> None:
    style = style_for(bank)
    put(tmp_path, style, style_for(bank, "foreign", "0" * 64))
    found = find_style(bank, "rain", [tmp_path])
    assert found is not None and torch.equal(found.weight, style.weight)
    assert find_style(bank, "foreign", [tmp_path]) is None
    assert find_style(bank, "snow", [tmp_path]) is None


def test_the_loader_brings_them(tmp_path: Path) -> None:
    """By the network's name all of them, by `network/style` one; the fingerprint is that before the cast."""
    name = "stylebank"
    bank = load_network(name)
    assert isinstance(bank, StyleBankNetwork)
    for style in ("rain", "sun"):
        put(
            tmp_path,
            LearnedStyle(
                StyleMetadata(style, name, fingerprint(bank), 1), *(part.half() for part in bank.kernel(bank.styles[0]))
            ),
        )
    every, one = load_network(name, [tmp_path], dtype=torch.bfloat16), load_network(f"{name}/sun", [tmp_path])
    assert isinstance(every, StyleBankNetwork) and isinstance(one, StyleBankNetwork)
    assert every.styles == (*bank.styles, "rain", "sun") and one.styles == (*bank.styles, "sun")
    assert every.name == one.name == name
    assert every.fingerprint == one.fingerprint == fingerprint(bank)
    assert every.dtype == torch.bfloat16 and not any(weight.requires_grad for weight in every.parameters())


def test_a_style_asked_of_a_network_without_a_bank(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="compact has no bank of styles: choose 'compact' alone, or a StyleBank"):
        load_network("compact/rain", [tmp_path])
