"""Tables that notebooks 02 and 04 save, made in a moment for the tests of notebooks that start from them."""

import numpy as np
import pandas as pd

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.intake import open_data


def make_tables(folder, source, as_of="", months=12):
    """Save the profits of a period, and a simple value for everybody who bought, where a run finds them.

    The chance to be a customer falls with silence; the value is that chance times three years of margin. Returns both.
    """
    data = open_data(source, as_of)
    lines = order_lines(data.orders, data.gross_margin)
    period = Period.ending(data.as_of, months, known_since=data.first_day)
    profits = profit_in(data.table, lines, period).reset_index()
    histories = purchase_summary(lines, data.as_of, money_over="all")
    silence = histories["T"] - histories["t_x"]
    alive = np.exp(-silence / 400)
    value = (alive * 3 * histories["n"] * histories["margin"] / histories["T"].clip(lower=90) * 365).round(2)
    values = pd.DataFrame(
        {"customer_id": histories.index, "alive": alive.to_numpy(), "value_36": value.to_numpy(),
         "low_36": 0.5 * value.to_numpy(), "high_36": 2 * value.to_numpy()}
    )  # fmt: skip
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    for name, table in (("profit_per_customer", profits), ("lifetime_value", values)):
        table.round(6).to_parquet(tables / f"{name}.parquet", index=False)
    return profits.set_index("customer_id"), values.set_index("customer_id")
