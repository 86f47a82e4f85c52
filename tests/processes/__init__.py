"""Processes for tests: a launcher with the imported project forks them, and none outlives the run."""

from tests.processes.launching import Launched, Running, finished, launch, must, output_of, running

__all__ = ["Launched", "Running", "finished", "launch", "must", "output_of", "running"]
