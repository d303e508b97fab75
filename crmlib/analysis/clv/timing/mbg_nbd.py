"""MBG/NBD: irregular purchases, with a chance to leave after every purchase, the first one included."""

from typing import ClassVar

from crmlib.analysis.clv.timing.bg_nbd import BGNBD


class MBGNBD(BGNBD):
    """The modified (or central) beta-geometric/NBD model.

    As `BGNBD`, but a customer may also leave right after the first purchase. Customers without a
    repeat purchase have a probability to be active that falls with the time since, as one would expect.

    Attributes
    ----------
    params_ : Series
        ``r``, ``alpha`` (units of time), ``a``, ``b``.

    Notes
    -----
    Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing
    24:201-209; Hoppe & Wagner (2007), Marketing - Journal of Research and Management 3:75-90.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"x": [0, 0], "t_x": [0.0, 0.0], "T": [4.0, 38.0]}, index=["new", "old"])
    >>> MBGNBD().with_params([0.525, 6.183, 0.891, 1.614]).predict_alive(customers).round(2).to_dict()
    {'new': 0.58, 'old': 0.39}
    """

    first: ClassVar[int] = 1
