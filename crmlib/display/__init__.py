"""Display: frames of numbers in, figures, tables and sentences out."""

from crmlib.display.workbook import Workbook

__all__ = ["Workbook"]
