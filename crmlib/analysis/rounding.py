"""Round fitted numbers to significant digits, so that two processors print and save the same."""

import numpy as np

#: Digits of fitted numbers that are shown or saved; the ones after them change with the processor.
DIGITS = 6
_NOTHING = 1e-12
# Powers as they are written: computed ones may miss the last bit, and not on every processor alike.
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(309)])


def rounded(values: np.ndarray | float, digits: int = DIGITS) -> np.ndarray:
    """Round to significant digits.

    Parameters
    ----------
    values : ndarray or float
        Missing and infinite values stay as they are; sizes below 1e-12 become 0.
    digits : int
        Digits to keep, 1 or more.

    Returns
    -------
    ndarray of float
        Of the shape of `values`.

    Examples
    --------
    >>> rounded(np.array([0.123456789, -1234567.8, 0.0])).tolist()
    [0.123457, -1234570.0, 0.0]
    """
    values = np.asarray(values, dtype="float64")
    size = np.abs(values)
    real = np.isfinite(values) & (size >= _NOTHING)
    lead = np.floor(np.log10(size, out=np.zeros_like(values), where=real)).astype(int)
    places = digits - 1 - lead
    up, down = _POWERS[np.maximum(places, 0)], _POWERS[np.maximum(-places, 0)]
    found = np.where(places >= 0, np.round(values * up) / up, np.round(values / down) * down)
    return np.where(real | ~np.isfinite(values), np.where(real, found, values), 0.0)
