"""Measurements of the techniques: workloads, and what is measured under them."""
