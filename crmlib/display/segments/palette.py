"""The colour of each group, by who it is and not by its place in a table: the same in every notebook and month."""

import re

from crmlib.display.house import GREY, GROUPS

#: The groups by value and loyalty in the order they are shown; customers without a purchase in the period come last.
SEGMENTS = ("True friends", "Butterflies", "Barnacles", "Strangers")
INACTIVE = "Inactive"
_PLACES = {"True friends": 0, "Butterflies": 1, "Barnacles": 5, "Strangers": 3}


def segment_name(group: str) -> str:
    """Return the name people read for a group of `crmlib.analysis.segments.value_loyalty.GROUPS`.

    Examples
    --------
    >>> segment_name("true friends")
    'True friends'
    """
    return group[:1].upper() + group[1:]


def segment_colour(name: str) -> str:
    """Return the colour of a group; grey for customers of none.

    Parameters
    ----------
    name : str
        One of `SEGMENTS`, or ``Cluster 1``, ``Cluster 2`` and so on, by the number a cluster keeps.

    Examples
    --------
    >>> segment_colour("Butterflies"), segment_colour("Cluster 1") == segment_colour("Cluster 7")
    ('#e69f00', True)
    """
    if name in _PLACES:
        return GROUPS[_PLACES[name]]
    number = re.fullmatch(r"Cluster (\d+)", name)
    return GROUPS[(int(number[1]) - 1) % len(GROUPS)] if number else GREY
