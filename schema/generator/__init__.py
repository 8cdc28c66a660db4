"""The generator: what datamodel-code-generator makes of the schemas, and the codecs written beside it."""
