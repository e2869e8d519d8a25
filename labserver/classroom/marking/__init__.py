"""Marking notebooks: a learner's answers against the solved notebook, judged cell by cell.

The judge is that of `lab.check`, and asks a process that has only the answer in it. Nothing that a
notebook claims about itself counts: its check cells, outputs and metadata are not read.
"""
