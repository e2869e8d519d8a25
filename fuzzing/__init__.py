"""Random and mutated bytes for the decoders of labserver.wire."""
