"""Processes of tests: started by a launcher that has imported the project, and never left behind."""

from tests.processes.launching import Launched, Running, finished, launch, must, output_of, running

__all__ = ["Launched", "Running", "finished", "launch", "must", "output_of", "running"]
