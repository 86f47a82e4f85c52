"""The operator's pages: what they show, who may press what, and that hostile words stay words."""
