"""Customers drawn anew, all their rows with them."""

from collections.abc import Iterator

import numpy as np

from crmlib.analysis.targeting.trial import Trial

_BLOCK = 4_000_000


def customer_weights(trial: Trial, draws: int, seed: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Draw customers with replacement and say how often each row counts.

    Parameters
    ----------
    trial : Trial
    draws, seed : int

    Yields
    ------
    rows : slice
        Numbers of the draws.
    weights : ndarray of shape (len(rows), n_rows)
        Times that each row counts in each draw; all rows of a customer alike.

    Notes
    -----
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 8: units that belong together are drawn
    together.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"customer_id": ["A", "A", "B"], "campaign_id": ["1", "2", "1"], "treated": True})
    >>> trial = Trial.of(frame.assign(action="mail"), outcomes=[])
    >>> for rows, weights in customer_weights(trial, 100, seed=1):
    ...     print(weights.shape, bool((weights[:, 0] == weights[:, 1]).all()), float(weights[:, 1:].sum(axis=1).max()))
    (100, 3) True 2.0
    """
    clusters = trial.clusters()
    size = int(clusters.max()) + 1
    rng = np.random.default_rng([seed, size])
    step = max(1, min(draws, _BLOCK // max(len(clusters), 1)))
    for start in range(0, draws, step):
        rows = slice(start, min(start + step, draws))
        times = np.stack(
            [
                np.bincount(rng.integers(0, size, size, dtype=np.int32), minlength=size)
                for _ in range(rows.stop - rows.start)
            ]
        )
        yield rows, times[:, clusters].astype("float64")
