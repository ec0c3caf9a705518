"""A game's options, read off its constructor: the command line, run.json and the help are made from the same signature.

A constructor's positional parameters are facts of the data (`shape`, `classes`); its keyword-only ones are options. Where it
passes `**options` on, its base class's keyword-only parameters are options too, and the subclass's defaults win; those it
`decides` are options no longer.
"""

import inspect
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BadInput, unknown
from .game import Game


@dataclass(frozen=True)
class Option:
    """One keyword of a constructor: its type, default, and the sentence on it in a class's docstring."""

    name: str
    type: Any
    default: Any
    help: str


def options_of(system: type[Game]) -> dict[str, Option]:
    """Every option of a system, its own first.

    >>> from sparring.games import SYSTEMS
    >>> options_of(SYSTEMS["infogan"])["z"]
    Option(name='z', type=<class 'int'>, default=62, help='Dimensions of the incompressible noise.')
    """
    found: dict[str, Option] = {}
    helps: dict[str, str] = {}
    for kind in system.__mro__:
        helps = document(kind) | helps
    for kind in system.__mro__:
        if "__init__" not in vars(kind):
            continue
        constructor = vars(kind)["__init__"]
        hints = typing.get_type_hints(constructor)
        parameters = inspect.signature(constructor).parameters.values()
        for p in parameters:
            if p.kind is p.KEYWORD_ONLY and p.name not in found and p.name not in system.decides:
                found[p.name] = Option(p.name, hints[p.name], p.default, helps.get(p.name, ""))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def facts_of(system: type[Game]) -> list[str]:
    """The facts of the data that a system's constructor wants, by name."""
    parameters = inspect.signature(system).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def complete(system: type[Game], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options with their values, given or default; refuses names that no option has and values of a wrong kind."""
    known = options_of(system)
    for name in given:
        if name not in known:
            raise unknown("option", name, known)
    return {name: convert(option, given[name]) if name in given else option.default for name, option in known.items()}


def construct(system: type[Game], facts: Mapping[str, Any], values: Mapping[str, Any]) -> Game:
    """The game of these options on data of these facts; what torch refuses (no width, a negative rate) is bad input too."""
    options = complete(system, values)
    try:
        return system(*(facts[name] for name in facts_of(system)), **options)
    except BadInput:
        raise
    except (ValueError, RuntimeError, ZeroDivisionError) as error:
        known = options_of(system)
        given = ", ".join(f"{name}={value!r}" for name, value in options.items() if value != known[name].default)
        raise BadInput(
            f"No {system.__name__} can be made with {given or 'these data'}: {' '.join(str(error).split())}."
        ) from error


def convert(option: Option, value: Any) -> Any:
    """A value from Python or JSON as the option's type; JSON knows no tuples, and an int will do for a float."""
    origin, arguments = typing.get_origin(option.type), typing.get_args(option.type)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value of --{option.name.replace('_', '-')}", str(value), [str(a) for a in arguments])
        return value
    if origin is tuple and isinstance(value, list | tuple):
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) == len(value):
            return tuple(convert(Option(option.name, kind, None, ""), v) for kind, v in zip(kinds, value, strict=True))
    elif option.type is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif isinstance(option.type, type) and isinstance(value, option.type) and (option.type is bool) == isinstance(value, bool):
        return value
    name = getattr(option.type, "__name__", str(option.type)) if origin is None else str(option.type)
    raise BadInput(f"Option --{option.name.replace('_', '-')} takes {name}, not {value!r}.")


def document(kind: type) -> dict[str, str]:
    """The sentences of a docstring's Args section, by parameter."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in (inspect.getdoc(kind) or "").splitlines() if vars(kind).get("__doc__") else []:
        if not line.startswith(" "):
            inside = line.strip() == "Args:" or (inside and not line.strip())
        elif inside and line.startswith("    ") and not line.startswith("     "):
            name, _, text = line.strip().partition(": ")
            found[name] = text
        elif inside and name:
            found[name] += " " + line.strip()
    return found
