"""Servers that the judge is tested by; each is a program of its own and imports nothing of the judge.

Lives here: strangers, good and broken.
Never here: anything that the judge uses while it judges.
"""
