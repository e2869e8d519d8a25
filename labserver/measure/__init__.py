"""How well it works: workloads, and what is measured under them."""
