"""What can go wrong around a proxy, as a table: what its client sees, within what time, what the log says."""
