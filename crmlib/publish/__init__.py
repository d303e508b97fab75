"""Publish: run the notebooks, build the report's pages, and keep what still holds.

``plan`` finds the notebooks and puts them in order, ``fingerprint`` tells what is unchanged, ``execute``
runs the rest in worker processes, ``pages`` and ``index`` turn them into HTML, ``stage`` builds
the folder aside and moves it into place. ``run`` is the whole of it, in order.
"""
