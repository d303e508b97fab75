"""Key figures: one number with its unit, its interval and its definition, for machines and for people."""

import math
from typing import Any

from crmlib.display import formats


def key_figure(
    name: str,
    label: str,
    value: float | None,
    unit: str,
    definition: str,
    interval: tuple[float, float] | None,
    interval_label: str,
    period: str,
    currency: str,
) -> dict[str, Any]:
    """Put a key figure into the form the report reads; see `crmlib.display.Workbook.metric`."""
    low, high = interval or (None, None)
    return {
        "name": name,
        "label": label,
        "value": _rounded(value, unit),
        "unit": unit,
        "low": _rounded(low, unit),
        "high": _rounded(high, unit),
        "text": formats.written(value, unit, currency),
        "interval": f"{formats.written(low, unit, currency)} to {formats.written(high, unit, currency)}"
        if interval
        else "",
        "interval_label": interval_label,
        "definition": definition,
        "period": period,
    }


def _rounded(value: float | None, unit: str) -> float | None:
    """Money to the cent, so that figures add up; else six digits, the same on every machine."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), 2) if unit == "money" else float(f"{float(value):.6g}")
