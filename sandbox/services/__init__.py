"""Virtual stations: created and deleted, run by the elected housekeeper, and asked for steps."""
