"""Marking notebooks: a learner's answers on the solved notebook, judged cell by cell.

The marks come from `checks.judge`, which asks a process that has only the answer in it. Nothing
that a notebook says of itself counts: its check cells, its outputs and its metadata are not read.
"""
