"""The checks, one file for each chapter of requirements.toml.

Lives here: one function for each thing that a server must do, named after its requirement.
Never here: sending or reading bytes.
"""
