"""Nginx and Postern side by side, on the same files and the same requests. See the README."""
