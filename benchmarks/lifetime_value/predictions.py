"""What a fitted model says of each customer: alive, orders of 52 weeks, value of 12 months; days, monthly rate 1 %.

All sides take the same parameters, so that the same numbers must come out. The months of the peers have
30 days, and their money falls due at the end of each; ours are told to do the same.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value import data

WEEKS, MONTHS, MONTH, RATE = 52 * 7, 12, 30, 0.01


def _customers(size: int) -> pd.DataFrame:
    return data.with_money(data.histories(size))


def _ours(size: int, folder: Path) -> Callable[[], tuple]:
    from crmlib.analysis.clv.discounting import Schedule
    from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
    from crmlib.analysis.clv.timing.bg_nbd import BGNBD

    frame = _customers(size)
    months = Schedule.until(
        MONTHS * MONTH, (1 + RATE) ** MONTHS - 1, period=MONTH, timing="end", per_year=MONTHS * MONTH
    )

    def run() -> tuple:
        model = BGNBD().with_params(list(data.BG_NBD.values()))
        money = GammaGamma().with_params(list(data.GAMMA_GAMMA.values()))
        value = model.discounted_orders(frame, months) * money.predict_money(frame)
        return model.predict_alive(frame), model.predict_orders(frame, float(WEEKS)), value

    return run


def _lifetimes(size: int, folder: Path) -> Callable[[], tuple]:
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    frame = _customers(size)
    histories = (frame["x"], frame["t_x"], frame["T"])
    money = frame["money"].fillna(0.0)  # the peer counts on a number; with no order it has no weight

    def run() -> tuple:
        model, spend = BetaGeoFitter(), GammaGammaFitter()
        model.params_ = pd.Series(data.BG_NBD)
        model.predict = model.conditional_expected_number_of_purchases_up_to_time
        spend.params_ = pd.Series(dict(zip("pqv", data.GAMMA_GAMMA.values(), strict=True)))
        value = spend.customer_lifetime_value(
            model, *histories, money, time=MONTHS, discount_rate=RATE, freq="D"
        )
        return model.conditional_probability_alive(*histories), model.predict(WEEKS, *histories), value

    return run


def _pymc_marketing(size: int, folder: Path) -> Callable[[], tuple]:
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    frame = _customers(size).rename(columns={"x": "frequency", "t_x": "recency"}).reset_index()
    frame["monetary_value"] = frame.pop("money").fillna(0.0)
    small = frame.head(500)
    model, spend = BetaGeoModel(), GammaGammaModel()
    # Fitted to few customers for the look of the result alone; then all sides take the same numbers.
    model.fit(data=small, method="map", progressbar=False)
    spend.fit(data=small[small["frequency"] > 0], method="map", progressbar=False)
    for name, value in data.BG_NBD.items():
        model.idata.posterior[name][:] = value
    for name, value in zip("pqv", data.GAMMA_GAMMA.values(), strict=True):
        spend.idata.posterior[name][:] = value

    def run() -> tuple:
        alive = model.expected_probability_alive(frame)
        orders = model.expected_purchases(data=frame, future_t=WEEKS)
        value = spend.expected_customer_lifetime_value(
            model, frame, future_t=MONTHS, discount_rate=RATE, time_unit="D"
        )
        return alive, orders, value

    return run


SIDES = {"crmlib": _ours, "lifetimes": _lifetimes, "pymc-marketing": _pymc_marketing}


def tell(found: tuple) -> list[float]:
    """What is kept to compare: the three numbers of a few hundred customers, and their means."""
    kept = []
    for part in found:
        numbers = np.asarray(part, dtype="float64").ravel()
        kept += [*numbers[:: max(len(numbers) // 500, 1)].tolist(), float(numbers.mean())]
    return kept


def same(size: int, ours: list[float], peer: list[float]) -> str:
    """Say how far apart the numbers of the same customers are at most, as a share."""
    own, other = np.array(ours), np.array(peer)
    apart = np.max(np.abs(own - other) / np.maximum(np.abs(own), 1e-12))
    return f"{'yes' if apart < 1e-6 else 'NO'} (customers within {apart:.0e})"
