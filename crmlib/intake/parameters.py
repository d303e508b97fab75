"""The parameters of a notebook, checked before anything runs.

papermill injects whatever it is given: it takes an unknown name with a mere warning and
never looks at a type. So the suite checks first. Two sets of rules meet here:

* what the notebook's own parameters cell says (`crmlib.intake.declared`): which names, of which type;
* what `KNOWN` says about names that mean the same in every notebook: range and format.

An analyst's own notebook may have names that `KNOWN` does not list; they are checked
by the type of their default alone.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from crmlib.errors import ParameterError
from crmlib.intake.declared import TYPE_WORDS, Parameter


class ParameterProblems(ParameterError):
    """Several problems with parameters, told together, one line each.

    Parameters
    ----------
    problems : sequence of ParameterError
    """

    def __init__(self, problems):
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.found, first.expected, first.remedy)
        self.args = ("\n".join(str(problem) for problem in self.problems),)

    def __reduce__(self):
        return type(self), (self.problems,)


@dataclass(frozen=True)
class Rule:
    """What a well-known parameter may be: an annotated type, and the same in words."""

    annotation: Any
    words: str

    def check(self, value: Any) -> Any:
        """Return the value in its proper type; raise pydantic's error if it is not allowed."""
        return TypeAdapter(self.annotation).validate_python(value, strict=True)


def _iso_day_or_empty(text: str) -> str:
    if text:
        if len(text) != 10:
            raise ValueError("not YYYY-MM-DD")
        date.fromisoformat(text)
    return text


def _action_and_share(entries: list[str]) -> list[str]:
    names = [entry.strip().rpartition(" ")[0].strip() for entry in entries]
    shares = [float(entry.strip().rpartition(" ")[2]) for entry in entries]
    if not all(names) or len(set(names)) < len(names) or not all(0 < share <= 1 for share in shares):
        raise ValueError("not an action and a share each, and each action once")
    return entries


def _whole(lowest: int, highest: int | None, words: str) -> Rule:
    return Rule(Annotated[int, Field(ge=lowest, le=highest)], words)


def _real(lowest: float, highest: float | None, words: str) -> Rule:
    return Rule(Annotated[float, Field(ge=lowest, le=highest, allow_inf_nan=False)], words)


_SHARE = _real(0, 1, "a share from 0 to 1")
_PRICE = _real(0, None, "an amount of money, 0 or more")

#: Names that mean the same in every notebook. To add one, add one line.
KNOWN: dict[str, Rule] = {
    "source": Rule(
        Annotated[str, Field(min_length=1)],
        "'bundled', or the path of a run file, folder or file, or a database URL",
    ),
    "as_of": Rule(
        Annotated[str, AfterValidator(_iso_day_or_empty)],
        "a day as YYYY-MM-DD, or nothing for the last day in the data",
    ),
    "period_months": _whole(1, 60, "a whole number of months from 1 to 60"),
    "replications": _whole(50, 5000, "a whole number from 50 to 5000"),
    "seed": _whole(0, None, "a whole number, 0 or more"),
    "contact_shift": _SHARE,
    "discount_cap": _SHARE,
    "walk_away": _SHARE,
    "capacity_realised": _SHARE,
    "cohort_months": _whole(1, 12, "a whole number of months from 1 to 12"),
    "lead_in_months": _whole(0, 24, "a whole number of months from 0 to 24"),
    "smallest_group": _whole(10, 1000, "a whole number from 10 to 1000"),
    "not_goods": Rule(list[str], "a list of product numbers in quotes"),
    "minimum_order": _PRICE,
    "delivery_fee": _PRICE,
    "contact_cost": _PRICE,
    "rehearsed_months": _whole(3, 24, "a whole number of months from 3 to 24"),
    "brought_back": _real(0.001, 1, "a share from 0.001 to 1"),
    "outcome_days": _whole(0, 730, "a whole number of days from 0 (choose from the data) to 730"),
    "offer_cost": _PRICE,
    "save_rate": _real(0.001, 0.999, "a share from 0.001 to 0.999"),
    "margin_kept": _PRICE,
    "budget_share": _real(0.01, 1, "a share from 0.01 to 1"),
    "rfm_groups": Rule(
        Annotated[list[Annotated[int, Field(ge=2, le=10)]], Field(min_length=3, max_length=3)],
        "three whole numbers from 2 to 10: groups by recency, frequency and money",
    ),
    "value_cut": _PRICE,
    "tenure_cut": _real(1, 240, "a number of months from 1 to 240"),
    "relationship_share": _SHARE,
    "level_effect": _real(0.001, 1, "a share from 0.001 to 1"),
    "reward_cost": _PRICE,
    "call_cost": _PRICE,
    "monthly_budget": _PRICE,
    "calls_per_month": _whole(0, None, "a whole number of calls, 0 or more"),
    "rest_days": _whole(0, 365, "a whole number of days from 0 to 365"),
    "assumed_rates": Rule(
        Annotated[list[str], AfterValidator(_action_and_share)],
        "a list of an action and a share above 0 and at most 1 in quotes, such as 'save 0.1', each action once",
    ),
}


def check_parameters(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], where: str = "the notebook"
) -> dict[str, Any]:
    """Check the values given for a notebook against its parameters cell and the rules.

    Parameters
    ----------
    declared : mapping of str to Parameter
        What `read_parameters` found.
    given : mapping of str to object
        Values from a run file or a command line.
    where : str, default "the notebook"
        Name of the notebook, for the message.

    Returns
    -------
    dict
        The given values in the type of the notebook's default: a whole number given for a
        number becomes a float, a day becomes ``YYYY-MM-DD``. Names not given are not in it.

    Raises
    ------
    ParameterError
        All unknown names, wrong types and values out of range, one line each.

    Examples
    --------
    >>> declared = {"delivery_fee": Parameter("delivery_fee", 4.9, "float")}
    >>> check_parameters(declared, {"delivery_fee": 6})
    {'delivery_fee': 6.0}
    >>> check_parameters(declared, {"delivery_fees": 6})
    Traceback (most recent call last):
    crmlib.errors.ParameterError: Found: unknown parameter 'delivery_fees' for the notebook. \
Expected: one of: delivery_fee. What to do: write 'delivery_fee', if that was meant.
    """
    values, problems = {}, []
    for name, value in given.items():
        try:
            if name not in declared:
                raise unknown_name(name, declared, where)
            values[name] = _typed(declared[name], value, where)
        except ParameterError as problem:
            problems.append(problem)
    _raise_all(problems)
    return values


def check_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check a notebook's own values against the rules for well-known names.

    A notebook calls this in its first code cell, so that a value typed by hand in JupyterLab
    is refused as clearly as one in a run file.

    Parameters
    ----------
    values : mapping of str to object
        Names and values. Names `KNOWN` does not list are passed through.

    Returns
    -------
    dict
        The values, in their proper types.

    Raises
    ------
    ParameterError
        All values not allowed, one line each.

    Examples
    --------
    >>> check_values({"period_months": 12, "my_own_limit": 3})
    {'period_months': 12, 'my_own_limit': 3}
    >>> check_values({"period_months": 0})
    Traceback (most recent call last):
    crmlib.errors.ParameterError: Found: period_months = 0. Expected: a whole number of months from 1 to 60. \
What to do: change period_months.
    """
    checked, problems = {}, []
    for name, value in values.items():
        try:
            checked[name] = _by_rule(name, value)
        except ParameterError as problem:
            problems.append(problem)
    _raise_all(problems)
    return checked


def unknown_name(name: str, known: "Mapping[str, Any] | list[str]", where: str) -> ParameterError:
    """Make the error for a parameter nobody knows, with the nearest name that exists."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return ParameterError(
        f"unknown parameter '{name}' for {where}",
        f"one of: {', '.join(known)}" if known else "no parameters, since it has none",
        f"write '{nearest[0]}', if that was meant" if nearest else f"remove or rename '{name}'",
    )


def _raise_all(problems: list[ParameterError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ParameterProblems(problems)


def _by_rule(name: str, value: Any, where: str = "") -> Any:
    """Apply the rule for a well-known name; pass any other value through."""
    if name not in KNOWN:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()  # TOML has dates of its own
    try:
        return KNOWN[name].check(value)
    except ValidationError as problem:
        raise _not_allowed(name, value, KNOWN[name].words, where) from problem


def _typed(parameter: Parameter, value: Any, where: str) -> Any:
    """Check one given value: first by its rule, then by the type of the notebook's default."""
    value = _by_rule(parameter.name, value, where)
    kind = type(value).__name__
    if parameter.type == "float" and kind == "int":
        return float(value)
    if kind != parameter.type:
        raise _not_allowed(parameter.name, value, TYPE_WORDS[parameter.type], where)
    if kind == "list" and parameter.default:
        return _typed_list(parameter, value, where)
    return value


def _typed_list(parameter: Parameter, values: list, where: str) -> list:
    """Check that the members of a list are of the type of the default's members."""
    wanted = {type(member).__name__ for member in parameter.default}
    if "float" in wanted:
        values = [float(v) if type(v).__name__ == "int" else v for v in values]
    if any(type(member).__name__ not in wanted for member in values):
        words = " or ".join(TYPE_WORDS[kind] for kind in sorted(wanted))
        raise _not_allowed(parameter.name, values, f"a list, each member {words}", where)
    return values


def _not_allowed(name: str, value: Any, words: str, where: str) -> ParameterError:
    place = f" for {where}" if where else ""
    return ParameterError(f"{name} = {value!r}{place}", words, f"change {name}")
