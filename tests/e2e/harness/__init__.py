"""Processes and peers for the end-to-end tests. Everything listens on free loopback ports."""
