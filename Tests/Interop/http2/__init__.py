"""HTTP/2 with clients that keep to its rules, with clients that break them, and with clients that flood."""
