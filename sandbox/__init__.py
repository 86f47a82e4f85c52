"""Virtual stations for the tests of integrators: plugged, tapped and unplugged over REST."""
