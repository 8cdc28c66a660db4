"""What all commands share: options, input, output and error messages.

May import the binding.
"""
