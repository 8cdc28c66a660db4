"""The sandbox: a server that behaves as the documentation says, and sends no message anywhere.

Lives here: nothing; app.py decides, serve.py listens, faults.py breaks one rule on purpose.
"""
