"""The posterior of BG/NBD for as many customers as CDNOW has, with the same priors on both sides; weeks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value import data

ENOUGH = 3_000  # effective draws, for each parameter
APART = 0.1  # means may differ by this share of a posterior standard deviation
# Means and standard deviation of the logarithms: wide around what retail data show.
PRIOR = {"r": 0.5, "alpha": 5.0, "a": 1.0, "b": 2.0}
PRIOR_SD = 1.5


def _customers(size: int) -> pd.DataFrame:
    """Draw a quarter's cohort, seen for 27 to 39 weeks."""
    frame = data.histories(size, ages=(27 * 7, 39 * 7)).astype("float64")
    return frame.assign(t_x=frame["t_x"] / 7, T=frame["T"] / 7)


def _ours(size: int, folder: Path) -> Callable[[], tuple[pd.DataFrame, float]]:
    import arviz_stats.base  # noqa: F401 - imports are not timed, on neither side

    from crmlib.analysis.clv.fitting.estimator import Prior
    from crmlib.analysis.clv.fitting.posterior import draw_posterior
    from crmlib.analysis.clv.timing.bg_nbd import BGNBD
    from crmlib.analysis.clv.timing.histories import Histories

    frame = _customers(size)
    prior = Prior(np.log(list(PRIOR.values())), np.eye(len(PRIOR)) / PRIOR_SD**2)

    def run() -> dict:
        histories = Histories.of(frame)
        model = BGNBD().fit_histories(histories, prior)
        found = draw_posterior(
            model, model.curved(histories), prior, np.random.default_rng(1), n_draws=4_000, n_tried=8_000,
            values=model.values(histories),
        )  # fmt: skip
        return found.draws[list(PRIOR)], found.effective

    return run


def _pymc_marketing(size: int, folder: Path) -> Callable[[], tuple[pd.DataFrame, float]]:
    import arviz
    from pymc_extras.prior import Prior
    from pymc_marketing.clv import BetaGeoModel

    frame = _customers(size).rename(columns={"x": "frequency", "t_x": "recency"}).reset_index()
    priors = {
        name: Prior("LogNormal", mu=float(np.log(middle)), sigma=PRIOR_SD) for name, middle in PRIOR.items()
    }

    def run() -> dict:
        model = BetaGeoModel(model_config=priors)
        model.fit(
            data=frame, method="mcmc", draws=2_500, tune=1_000, chains=4, cores=1, random_seed=1, progressbar=False
        )  # fmt: skip
        posterior = model.idata.posterior
        effective = float(arviz.ess(posterior, var_names=list(PRIOR)).to_array().min())
        return pd.DataFrame({name: posterior[name].to_numpy().ravel() for name in PRIOR}), effective

    return run


SIDES = {"crmlib": _ours, "pymc-marketing": _pymc_marketing}


def tell(found: tuple[pd.DataFrame, float]) -> dict:
    """What is kept to compare."""
    draws, effective = found
    return {"mean": draws.mean().to_dict(), "sd": draws.std().to_dict(), "effective": float(effective)}


def same(size: int, ours: dict, peer: dict) -> str:
    """Say how far apart the means are, in posterior standard deviations, and what the draws are worth."""
    apart = max(abs(ours["mean"][name] - peer["mean"][name]) / peer["sd"][name] for name in PRIOR)
    worth = [found["effective"] for found in (ours, peer)]
    verdict = "yes" if apart < APART and min(worth) >= ENOUGH else "NO"
    return f"{verdict} (means within {apart:.3f} sd; effective draws {worth[0]:,.0f} and {worth[1]:,.0f})"
