"""The store away, the database throttled, the disk full: nothing is dropped in silence."""
