"""Options are read off constructors, and what the command line or run.json says is turned into them or refused."""

import json
from typing import Any, Literal

import pytest

from sparring import Game
from sparring.errors import BadInput
from sparring.games import SYSTEMS
from sparring.options import complete, construct, facts_of, options_of

KINDS = {int, float, bool}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_systems_options_survive_json(name):
    system = SYSTEMS[name]
    options = complete(system, {})
    again = complete(system, json.loads(json.dumps(options)))
    assert again == options
    assert [type(v) for v in again.values()] == [type(v) for v in options.values()]


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_option_has_a_default_of_its_type_and_a_sentence(name):
    known = options_of(SYSTEMS[name])
    for option in known.values():
        assert option.help.endswith("."), option.name
        assert not isinstance(option.default, list | dict)
    assert not set(facts_of(SYSTEMS[name])) - {"shape", "classes"}
    assert complete(SYSTEMS[name], {n: o.default for n, o in known.items()}) == complete(SYSTEMS[name], {})


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_options_after_json_make_the_same_game(name):
    system, facts = SYSTEMS[name], {"shape": (1, 8, 8), "classes": 3}
    given = {"width": 4}
    once = construct(system, facts, given)
    again = construct(system, facts, json.loads(json.dumps(complete(system, given))))
    assert {k: v.shape for k, v in once.state_dict().items()} == {k: v.shape for k, v in again.state_dict().items()}
    assert list(once.players) == list(again.players)


class Base(Game):
    """
    Args:
        shape: Of a row.
        size: How large,
            in pixels.
        kind: Which.
        settled: What a subclass decides.
    """

    def __init__(self, shape: tuple[int, ...], *, size: int = 3, kind: Literal["a", "b"] = "a", settled: bool = False) -> None:
        super().__init__()


class Derived(Base):
    """
    Args:
        pair: Two numbers.
        many: Any number of whole numbers.
    """

    decides = ("settled",)

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        size: int = 5,
        pair: tuple[float, float] = (0.0, 1.0),
        many: tuple[int, ...] = (),
        **o: Any,
    ) -> None:
        super().__init__(shape, size=size, settled=True, **o)


def test_a_subclass_inherits_options_and_its_defaults_win():
    known = options_of(Derived)
    assert list(known) == ["size", "pair", "many", "kind"]
    assert known["size"].default == 5
    assert known["size"].help == "How large, in pixels."
    assert known["kind"].help == "Which."
    assert "settled" in options_of(Base)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"pair": [1, 2]}, (1.0, 2.0)),
        ({"pair": (0.5, 2)}, (0.5, 2.0)),
        ({"many": []}, ()),
        ({"many": [1, 2, 3]}, (1, 2, 3)),
        ({"kind": "b"}, "b"),
    ],
)
def test_values_from_json_become_the_options_type(given, value):
    (name,) = given
    assert complete(Derived, given)[name] == value


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"szie": 4}, "There is no option 'szie'; did you mean 'size'?"),
        ({"settled": True}, "There is no option 'settled'"),
        ({"size": "4"}, "Option --size takes int, not '4'"),
        ({"size": 4.5}, "Option --size takes int, not 4.5"),
        ({"size": True}, "Option --size takes int, not True"),
        ({"size": None}, "Option --size takes int, not None"),
        ({"kind": "c"}, "There is no value of --kind 'c'"),
        ({"kind": ["a"]}, "There is no value of --kind"),
        ({"pair": [1.0]}, "Option --pair takes tuple"),
        ({"pair": 1.0}, "Option --pair takes tuple"),
        ({"pair": ["x", 1]}, "Option --pair takes float, not 'x'"),
        ({"pair": [True, 1]}, "Option --pair takes float, not True"),
        ({"pair": [float("nan"), 1]}, "Option --pair takes float, not nan"),
        ({"many": [1.5]}, "Option --many takes int, not 1.5"),
        ({"many": "12"}, "Option --many takes tuple"),
    ],
    ids=str,
)
def test_names_and_values_that_no_option_has_are_refused(given, sentence):
    with pytest.raises(BadInput) as found:
        complete(Derived, given)
    assert sentence in str(found.value)


@pytest.mark.parametrize("given", [{"width": -1}, {"lr": -1.0}, {"z": -4}, {"betas": (0.5, 2.0)}], ids=str)
def test_values_that_no_network_can_have_are_bad_input(given):
    with pytest.raises(BadInput, match=r"No GAN can be made with .*="):
        construct(SYSTEMS["gan"], {"shape": (1, 8, 8)}, given)
