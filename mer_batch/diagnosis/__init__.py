"""What `mer doctor` finds: the state of an installation, and what a recording is like before it is read."""
