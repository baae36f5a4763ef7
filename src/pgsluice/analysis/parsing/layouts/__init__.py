"""How migration tools keep SQL on disk: one file a layout, each found by `recognition`."""
