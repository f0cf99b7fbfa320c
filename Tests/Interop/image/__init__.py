"""What deploy/Dockerfile would make, without a container engine."""
