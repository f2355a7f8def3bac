"""Policies that wrap other policies, one a file."""
