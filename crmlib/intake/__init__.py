"""Intake: tables and columns accepted, opened, checked and stored."""

from crmlib.intake.check import check_source, render_report
from crmlib.intake.data import Data, open_data
from crmlib.intake.report import CheckReport, Ledger, Problem, TableFound
from crmlib.intake.runfile import RunFile, load_run_file

__all__ = [
    "CheckReport",
    "Data",
    "Ledger",
    "Problem",
    "RunFile",
    "TableFound",
    "check_source",
    "load_run_file",
    "open_data",
    "render_report",
]
