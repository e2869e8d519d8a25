"""The exercises, one folder per exercise, found by their names: e12_frame_decoder/ is E12.

How to add one, say E13, from the case to the notebook. Everything stands in its folder,
labserver/exercises/e13_assembler/, and in the notebook of its lesson:

1. **What it returns.** Bytes, texts, numbers, lists and dicts need nothing. Several values go into
   a NamedTuple in labserver/practice/given/ (answers.py, frames.py, …), which the stub imports by
   its public name, labserver.practice.answers and so on. Anything else that comes back is wrong,
   whatever it claims to be equal to: comparison is by type, with floats equal within 1e-9, and an
   int is accepted for a float.
2. **play.py** defines `play(attempt, *given)`, which feeds the learner's code in the child process
   and returns what is compared (e12: one item per feed), and `TYPES`, the NamedTuples that may be
   in it. Where one call is enough, `play` is `call`. The child imports nothing else of the
   exercise, so play.py must import neither exercise.py nor that of another exercise.
3. **exercise.py**, from top to bottom: one constant per rule (`RFC 6455 §5.4: …`, the sentence
   that decides); STUB, the learner's first sight, ending in `raise NotImplementedError`; the
   reference; `cases`; predicates for the diagnoses; EXERCISE.
4. **cases**, small ones first, because the first that fails is the one that is shown. Vectors from
   a standard carry `expected`; random ones (`random.Random(13)`, the only source of chance) leave
   it to the reference. Exceptions are `Raised("ValueError")`. Parsers are fed whole, byte by byte
   (`octets` in e12) and with random cuts. Time is a `VirtualClock`, or `virtual_time.run` for
   coroutines; because a kernel runs a loop already, cases of coroutines must all carry `expected`.
   A case takes milliseconds; the limits are in sandbox.py and sandbox_child.py. Where a standard
   leaves a choice, do not ask for either, or let `canonical(given, answer)` turn every right answer
   into one: the judge calls it, so it may use the reference (e15, e29).
5. `shown(given)` gives the lines that a learner would type to see the same, `field(failure, i)`
   names what byte i belongs to, and `smaller(given)` offers smaller cases than a random one that
   failed.
6. **diagnoses**: a wrong idea is recognised by what it does, so the predicate looks at `given`,
   `expected` and `actual`. They are tried in order; one that meets a value of another shape does
   not fit. The message says what is wrong and why, starts in lower case (it follows `✗ E13
   Assembler:`), and never says what to write.
7. **answers.py**: each wrong idea as real code, including some that no diagnosis covers, and
   MESSAGES, a part of what each is told. tests/exercises/test_exercises.py demands that every
   diagnosis is reached, and that vectors and reference agree. The wheel leaves this file out.
8. **exercises/solutions/NN_name.ipynb** of its lesson: copy the four cells of another exercise
   (task, answer, panel, points) with their nbgrader metadata and ids; the answer has
   `### BEGIN SOLUTION` and `### END SOLUTION` where the stub raises. Then

       python tests/notebooks/execute.py exercises/solutions/NN_name.ipynb
       python -m labserver.classroom.release exercises
       python -m pytest tests/exercises tests/classroom
"""
