"""What ours is compared with: what most Python users run, and the least that a socket costs."""
