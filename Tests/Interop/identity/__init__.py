"""Who calls, and for how long: sessions, devices, what is kept of them, and the commands that end them."""
