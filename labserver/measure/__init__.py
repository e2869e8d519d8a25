"""How well: workloads, and what is measured under them."""
