"""Who is let in, what the others are told, and what the gateway learns of it."""
