"""E28: latency under an open loop, without coordinated omission."""
