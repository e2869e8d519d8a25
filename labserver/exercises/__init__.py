"""The exercises, one module each, found by their names: e12_frame_decoder.py is E12.

How to add one, say E13, from the case to the notebook:

1. **What it returns.** Bytes, texts, numbers, lists and dicts need nothing. Several values go
   into a NamedTuple in labserver/practice/given/ (answers.py, frames.py, …), which the stub
   imports and `Exercise.types` names. Whatever else comes back is wrong, whatever it says it is
   equal to: comparison is by type, floats within 1e-9, and an int will do for a float.
2. **labserver/exercises/e13_assembler/exercise.py** with, from top to bottom: one constant a rule
   (`RFC 6455 §5.4: …`, the sentence that decides); STUB, the learner's first sight, ending in
   `raise NotImplementedError`; the reference; `cases`; predicates for the diagnoses; EXERCISE.
3. **cases**, small ones first, for the first that fails is the one that is shown. Vectors from a
   standard carry `expected`; random ones (`random.Random(13)`, no other source of chance) leave it
   to the reference. Exceptions are `Raised("ValueError")`. Parsers are fed whole, byte by byte
   (`octets` in e12) and with random cuts. Time is a `VirtualClock`, or `virtual_time.run` for
   coroutines; a kernel has a loop running already, so that their cases must all carry `expected`.
   A case takes milliseconds; the limits are in attempt.py and child.py. Where a standard leaves a
   choice, do not ask, or let `play` make both answers one (e15).
4. **play(attempt, *given)** if the answer is more than the value of one call: it runs in the child
   and returns what is compared (e12: one answer a feed). `shown(given)` are then the lines that a
   learner would type to see the same. `field(failure, i)` names what byte i belongs to, and
   `smaller(given)` offers smaller cases than a random one that failed.
5. **diagnoses**: a wrong idea is known by what it does, so that the predicate looks at `given`,
   `expected` and `came`. They are tried in order; one that stumbles over an unexpected shape does
   not fit. The message says what is wrong and why, begins in lower case (it follows `✗ E13
   Assembler:`), and never says what to write.
6. **labserver/exercises/e13_assembler/answers.py**: each wrong idea as real code, among them
   those of no diagnosis;
   and in tests/exercises/told.py a part of what each is told. tests/practice/test_exercises.py
   holds that every diagnosis is reached and that vectors and reference agree.
7. **exercises/solutions/NN_name.ipynb** of its lesson: copy the five cells of another exercise
   (task, answer, check, points, what an interviewer asks next) with their nbgrader metadata and
   ids; the answer has `### BEGIN SOLUTION` and `### END SOLUTION` where the stub raises. Then

       python tests/notebooks/execute.py exercises/solutions/NN_name.ipynb
       python -m labserver.classroom.release exercises
       python -m pytest tests/practice
"""
