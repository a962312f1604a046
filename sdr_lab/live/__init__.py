"""Calls that are going on: the desk, its switchboard, what is told about calls and to whom."""
