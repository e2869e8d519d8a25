"""The course as files: the lessons, recordings and exercises, and a learner's copy of them.

The repository keeps the notebooks executed, with their outputs; a learner works on a copy without
outputs, so that no result is given away. source.py finds the course's files, notebook.py says what
of a notebook is the course's and what a learner's, unpack.py makes a copy and brings it up to date,
manifest.py remembers what was unpacked, report.py says what was done, and jupyter.py opens
JupyterLab on the copy.
"""
