"""``make bench``: the rows of the design's table of figures, measured.

A ratio first, an absolute second. The arms of a row alternate in one run, on servers with their
data on disk and every commit synced, fresh for each arm; each arm checks its invariants, or its
figure does not count. What is said of the figures stands in ``docs/performance.md``.

To add a row, add a file to ``rows/`` with ``ROWS: tuple[Row, ...]`` (and ``CURVES``, a figure
against a size, drawn in the picture). It is found by itself. A row names its figures (mostly one)
and has two arms, functions of ``(stage, size)`` that return ``{figure: Sample}``:

- ``ours`` does the work, ``theirs`` the least work that gives the same promise on the same server
  (``against`` says it in a line); a row without a denominator has no ``theirs``;
- ``stage`` has what is fresh for this arm: ``stage.mongo()``, ``stage.kafka()``,
  ``stage.settings(kind, slot)``, ``stage.system()``, and closes what ``stage.enter`` and
  ``stage.callback`` were given; ``size.of(full, small=…)`` chooses how much;
- only the work is timed (``stopwatch.timed``), and the sample says how many things were found
  sound afterwards (``checked``); what is not, raises ``NotSound``;
- ``shares`` says where the time went, by ``stopwatch.Shares``: the report's ``limited_by``.

``tests/performance/test_rows_stay_runnable.py`` runs every row at its small size.
"""
