"""The measurements, runnable by anyone: ``make bench``. See docs/benchmarks.md for what is counted and how."""
