"""Programs that were damaged at random, through the whole of lockcheck: `python -m tests.fuzz --count N --seed S`."""
