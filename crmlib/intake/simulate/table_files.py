"""Tables of a simulated company, read from its folder and written again as they were: CSV as text, Parquet typed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmlib.errors import DataError
from crmlib.intake.simulate.write import FORMATS


def read_list(path: Path) -> pd.DataFrame:
    """Read a saved list of actions, Parquet or CSV.

    Raises
    ------
    DataError
        If there is no such file, or it is no table.
    """
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise DataError(
            f"no list of actions in {path}",
            "the table 'actions' that a report saved, as Parquet or CSV",
            "name a file such as reports/NAME/DATE/tables/actions.parquet",
        ) from problem


class Tables:
    """The folder of a simulated company.

    Parameters
    ----------
    folder : Path
        Of a company with its truth.

    Raises
    ------
    DataError
        If it is not the folder of a simulated company.
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        found = [form for form in FORMATS if (self.folder / "truth" / f"customers.{form}").is_file()]
        if not found or not (self.folder / f"orders.{found[0]}").is_file():
            raise DataError(
                f"no simulated company in {folder}",
                "its tables, and truth/customers beside them",
                "draw one with: crmlib simulate DIR",
            )
        self.format = found[0]
        self._read: dict[str, pd.DataFrame] = {}

    def path(self, name: str) -> Path:
        """Where a table lies; ``truth/profit`` in the folder ``truth``."""
        return self.folder / f"{name}.{self.format}"

    def read(self, name: str) -> pd.DataFrame:
        """Return a table as it is: text from CSV, with an empty cell as "", else the types of Parquet.

        The frame is read once and must not be changed.
        """
        if name not in self._read:
            if self.format == "csv":
                self._read[name] = pd.read_csv(self.path(name), dtype="str", keep_default_na=False)
            else:
                self._read[name] = pd.read_parquet(self.path(name), dtype_backend="pyarrow")
        return self._read[name]

    def days(self, name: str, column: str) -> pd.Series:
        """Return a column of dates or times as timestamps."""
        return pd.to_datetime(self.read(name)[column])

    def as_days(self, name: str, column: str, values: pd.Series) -> pd.Series:
        """Return timestamps as a column of this table writes them."""
        if self.format == "csv":
            timed = self.read(name)[column].str.len().max() > len("2026-06-30")
            return values.dt.strftime("%Y-%m-%d %H:%M" if timed else "%Y-%m-%d").astype("object")
        kept = self.read(name)[column].dtype
        return values.astype("datetime64[s]").astype(pd.ArrowDtype(pa.timestamp("s"))).astype(kept)

    def as_money(self, name: str, column: str, values: np.ndarray) -> pd.Series:
        """Return amounts with two places as a column of this table writes them."""
        text = pd.Series([f"{value:.2f}" for value in values], dtype="object")
        return text.to_numpy("object") if self.format == "csv" else text.astype(self.read(name)[column].dtype)

    def in_order(self, name: str, table: pd.DataFrame, column: str) -> pd.DataFrame:
        """Return rows in order of a column of dates; rows of one moment stay in the order they are in."""
        place = np.argsort(pd.to_datetime(table[column]).to_numpy(), kind="stable")
        return table.iloc[place].reset_index(drop=True)

    def stacked(self, name: str, added: pd.DataFrame) -> pd.DataFrame:
        """Return a table of text with rows added below, if it is there; else the rows."""
        if not self.path(name).is_file():
            return added
        return pd.concat([self.read(name), added], ignore_index=True)

    def write(self, folder: Path, name: str, table: pd.DataFrame) -> None:
        """Write a table into the folder of another company, in the format of this one."""
        path = folder / self.path(name).relative_to(self.folder)
        if self.format == "csv":
            table.to_csv(path, index=False, lineterminator="\n")
            return
        schema = pq.read_schema(self.path(name)) if self.path(name).is_file() else None
        found = pa.Table.from_pandas(table, schema, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(found, path, compression="zstd")
