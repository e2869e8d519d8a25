"""E29: a technique for an application, and why."""
