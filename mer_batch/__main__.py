"""`python -m mer_batch` is `mer`."""

from mer_batch.cli import main

if __name__ == "__main__":
    main()
