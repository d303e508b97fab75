"""What the page says where earlier lists tell nothing."""

from crmlib.analysis.closed_loop.stored_lists import StoredLists
from crmlib.display.earlier import read_earlier_tables
from crmlib.display.shown import Shown
from crmlib.display.workbook import Workbook


def nothing_earned(wb: Workbook, lists: StoredLists) -> Shown:
    """Say why nothing is known of what earlier lists earned: it is too early, none can be used, or there is none."""
    if lists.lists:
        reason = "No earlier list can be compared yet."
    elif lists.notes or read_earlier_tables("actions").left_out:
        reason = "No earlier list can be used."
    else:
        reason = "There is no earlier list yet; the next run finds this one."
    return wb.left_out("what earlier lists earned", reason)
