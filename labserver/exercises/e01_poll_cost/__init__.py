"""E01: what short polling costs, in requests, bytes and delay."""
