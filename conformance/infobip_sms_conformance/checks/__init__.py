"""The checks, one file for each chapter of requirements.toml."""
