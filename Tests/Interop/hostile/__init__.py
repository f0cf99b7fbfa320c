"""What a client may try, as tables: smuggling, going around the door, browsers that act for a stranger's page."""
