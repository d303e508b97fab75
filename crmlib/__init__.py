"""Customer relationship analytics: from an order log to decisions in money.

The package is a flow of four rooms, each knowing only the rooms before it::

    intake  ->  analysis  ->  display  ->  (notebooks)  ->  publish

``intake`` turns files and databases into checked tables, ``analysis`` turns tables
into frames of numbers, ``display`` turns frames into figures, tables and sentences,
and ``publish`` runs the notebooks and builds the report.
"""

__version__ = "0.1.0"
