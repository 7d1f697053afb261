"""Schema changes in order, run by `Store.migrate()`; never edit one that has been released."""
