"""What is written about a run: for people, for programs, for CI.

Lives here: one module for each form; all of them are made of a record, and of nothing else but what the
HAR needs.
Never here: a verdict.
"""
