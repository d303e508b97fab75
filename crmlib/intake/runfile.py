"""The run file: where the data are, what their columns are called, and how to run.

A run file is TOML. Everything in it is optional; a name it does not know is an error, so that a typing
mistake can never be ignored in silence.
"""

import datetime as dt
import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from crmlib.errors import ParameterError
from crmlib.intake.contract import TABLES


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextFormat(_Strict):
    """How the cells of a text file are to be read, where they do not say so themselves.

    Attributes
    ----------
    delimiter : str or None
        One character, or ``"whitespace"``.
    encoding : str or None
        Name of the text encoding, for example ``"latin-1"``; UTF-8 if left out.
    decimal : {".", ","} or None
        Decimal mark of the numbers.
    date_format : str or None
        ``"day first"``, ``"month first"``, or a pattern such as ``"%d/%m/%Y %H:%M"``.
    """

    delimiter: str | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    date_format: str | None = None

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is not None and value != "whitespace" and len(value.encode()) != 1:
            raise ValueError('must be one character, or "whitespace"')
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                "".encode(value)
            except LookupError:
                raise ValueError(f"{value!r} is no text encoding Python knows") from None
        return value

    @field_validator("date_format")
    @classmethod
    def _date_words_or_pattern(cls, value: str | None) -> str | None:
        if value is not None and "%" not in value and value not in ("day first", "month first"):
            raise ValueError('must be "day first", "month first" or a pattern like "%d/%m/%Y"')
        return value


class Stated(_Strict):
    """A column the source does not have: the same day or number in every row, or a day worked out from another column.

    Attributes
    ----------
    day : datetime.date or None
        The day, for example the one on which the file was made.
    months_before : str or None
        Column of the source with whole months: the day is so many months earlier.
    where, equals : str or None
        Column of the source and what it must say (case and surrounding blanks aside); blank in all other rows.
    value : int, float or None
        A number, instead of a day.
    """

    day: dt.date | None = None
    months_before: str | None = None
    where: str | None = None
    equals: str | None = None
    value: int | float | None = None

    @field_validator("day", mode="before")
    @classmethod
    def _day_in_quotes_or_not(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return dt.date.fromisoformat(value)
            except ValueError:
                raise ValueError("must be a day such as 2026-10-31") from None
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.day is None) == (self.value is None):
            raise ValueError("must state a day or a value, and not both")
        if self.months_before is not None and self.day is None:
            raise ValueError("months_before counts back from a day: state the day")
        if (self.where is None) != (self.equals is None):
            raise ValueError("where names a column and equals what it must say: state both")
        return self


def _shape(value: Any) -> str:
    """Name what stands behind a column of the contract: one column, several, or a statement."""
    if isinstance(value, dict | Stated):
        return "stated"
    return "product" if isinstance(value, list) else "column"


_Origin = Annotated[
    Annotated[str, Tag("column")] | Annotated[list[str], Tag("product")] | Annotated[Stated, Tag("stated")],
    Discriminator(_shape),
]


class TableMap(TextFormat):
    """Where one table is and what its columns are called.

    Attributes
    ----------
    file, sheet, table : str or None
        File beside or below the source, sheet of a workbook, table of a database (``schema.table``).
    header : list of str or None
        Column names of a file that has no header line.
    skip_rows : int
        Lines above the header to skip.
    columns : dict
        Contract column to column of the source; a list of columns stands for their product, a section for a
        value the source does not have (`Stated`).
    same_file : bool
        Whether the rows of this table stand in the file of the orders, each row saying something about both.
    """

    file: str | None = None
    sheet: str | None = None
    table: str | None = None
    header: list[str] | None = None
    skip_rows: int = Field(0, ge=0)
    columns: dict[str, _Origin] = Field(default_factory=dict)
    same_file: bool = False

    def text_format(self, default: TextFormat) -> TextFormat:
        """Return how to read this table: its own settings, else those of the whole run."""
        fields = TextFormat.model_fields
        return TextFormat(**{key: getattr(self, key) or getattr(default, key) for key in fields})


class RunFile(TextFormat):
    """A validated run file.

    Attributes
    ----------
    name : str
        Name of the company, as reports show it.
    source : str
        Folder, file or database URL; relative paths start at the run file.
    currency : str
        ISO 4217 code.
    gross_margin : float or None
        Share of net sales that remains after the cost of goods, where costs are not in the data.
    horizon_months : int
        Months ahead that values look.
    annual_discount_rate : float
    tables : dict of TableMap
    parameters : dict
        Values for every notebook that has a parameter of that name.
    notebooks : dict of dict
        Values for one notebook only.
    """

    name: str = ""
    source: str = ""
    currency: str = "EUR"
    gross_margin: float | None = Field(None, gt=0, le=1)
    horizon_months: int = Field(36, ge=1, le=240)
    annual_discount_rate: float = Field(0.10, ge=0, le=1)
    tables: dict[str, TableMap] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    notebooks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    _path: Path | None = PrivateAttr(None)

    @field_validator("currency")
    @classmethod
    def _three_letters(cls, value: str) -> str:
        if not re.fullmatch("[A-Z]{3}", value):
            raise ValueError("must be the three capital letters of a currency, such as EUR")
        return value

    @property
    def path(self) -> Path | None:
        """Where the run file is; None if the run has no file."""
        return self._path

    def notebook_parameters(self, notebook: str) -> dict[str, Any]:
        """Return the values for the notebook called `notebook`: its own before those for all."""
        return {**self.parameters, **self.notebooks.get(notebook, {})}


def load_run_file(path: str | Path) -> RunFile:
    """Read and check a run file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    RunFile

    Raises
    ------
    ParameterError
        If the file is missing, is no TOML, has an unknown key or a value out of range.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes a mark before
    except FileNotFoundError:
        raise ParameterError(f"no run file {path}", "a TOML file", "check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path}: {error}", "a TOML file in UTF-8", "check the file") from None
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(
            f"{path} is not valid TOML: {error}", 'lines such as name = "Casa Verbena"', "correct that line"
        ) from None
    try:
        run = RunFile.model_validate(content)
    except ValidationError as error:
        raise _explain(path, error) from None
    run._path = path
    _check_names(path, run)
    return run


def _check_names(path: Path, run: RunFile) -> None:
    for name, table in run.tables.items():
        if name not in TABLES:
            raise _unknown(path, f"tables.{name}", list(TABLES))
        for column in table.columns:
            allowed = [known.name for known in TABLES[name].columns]
            if column not in allowed:
                raise _unknown(path, f"tables.{name}.columns.{column}", allowed)


def _unknown(path: Path, key: str, allowed: list[str]) -> ParameterError:
    near = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
    return ParameterError(
        f"{path}: unknown key {key}",
        "one of " + ", ".join(allowed),
        f"did you mean {near[0]}?" if near else "remove the key or correct its name",
    )


def _explain(path: Path, error: ValidationError) -> ParameterError:
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    stated = place[-1:] == ["stated"] or "stated" in place[4:5]
    if "columns" in place[2:3]:
        del place[4:5]  # which of its shapes pydantic took the value for
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        model = Stated if stated else TableMap if place[0] == "tables" else RunFile
        return _unknown(path, key, list(model.model_fields))
    expected = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("model_type", "dict_type"):
        expected = f"a section: a line [{key}], and its settings below"
    return ParameterError(f"{path}: {key} = {first['input']!r}", expected, f"correct {key}")
