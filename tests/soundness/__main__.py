"""`python -m tests.soundness --count N --seed S [--jobs 2] [--show N]`."""

from tests.soundness.compare import main

if __name__ == "__main__":
    main()
