"""The requests of the recording, by area. Each successful kind and each kind of refusal occurs."""
